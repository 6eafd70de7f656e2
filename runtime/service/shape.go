package service

// Shape is a declared input and output (SimpleIO). Fields stand in declared order, which is the order they
// are written in.
type Shape struct {
	Input, Output []Field
	InputRepeated bool // the input is a list of such objects
	Repeated      bool // the output is a list of such objects

	RequestElem  string // the key or element that the input stands under; "" is none: it is the whole payload
	ResponseElem string // the JSON key around the output; "" is "response", "-" is none
	Namespace    string // of XML replies; "" is none

	SkipEmpty  []string // optional output left out where it is empty: null, "", [] or {}; "*" is all of it
	ForceEmpty []string // optional output that is there in spite of SkipEmpty

	AllowEmptyRequired bool // required output that is missing is empty, and no error
	ParamsOnly         bool // input comes from parameters of the channel alone, never from the payload
	AsGiven            bool // what declares no type and fits no convention stays what it is, and does not become text
}

// Field is one element of a Shape.
type Field struct {
	Name     string
	Type     string // "any", "bool", "int", "float", "text", "list", "dict", "date", ...; "" goes by the name's convention
	Required bool
	Default  any     // for an optional one that is missing; nil: the type's empty value
	Fields   []Field // of an object, or of each object in a list; none: any keys
	Of       string  // type of a list's elements; "": any
	Min, Max any     // bounds of a number, both inclusive; nil: none
	Format   string  // how a date or time is written outside, in the directives of strftime such as "%d.%m.%Y"; "" is ISO 8601
	Nullable bool    // an optional one that is missing, with no default, is null and not the type's empty value
	Secret   bool    // no error, log or sample shows its value; names that the conventions call secret need not say so
	Doc      string  // for people
	Example  any     // for people
}
