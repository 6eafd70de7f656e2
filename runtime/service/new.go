package service

import (
	"context"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// New makes a service of a Go function. Its Shape comes from the structs: a field's name is its snake case
// form or what its tag says, and it is required unless it is a pointer or its tag says optional:
//
//	type In struct {
//		CustID   int64                                        // "cust_id", an integer, required
//		Channel  string    `sio:"channel_name"`               // another name
//		Language string    `sio:",optional" default:"en"`     // may be missing
//		Note     *string                                      // may be missing
//		Amount   string    `sio:",decimal" doc:"in euros"`    // a type that Go does not have
//		Born     time.Time `sio:",date" format:"%d.%m.%Y"`    // written so outside
//		Age      int       `min:"0" max:"150"`
//		PIN      string    `sio:",secret" example:"1234"`     // in no log and no error
//		Address  struct{ Street, City string }                // an object of such fields
//		Lines    []Line                                       // a list of such objects
//		Internal string    `sio:"-"`                          // not part of it
//	}
//
// Field types are bool, integers, floats, string, time.Time, slices, maps with text keys, structs of these,
// and any. An In or Out that is a slice of structs is a list of such objects. In or Out may also be any: no declared
// shape on that side. New panics on other types and on tags that say nothing known: a program's own mistake, seen when it
// starts.
func New[In, Out any](name string, fn func(ctx context.Context, rt Runtime, in In) (Out, error)) Service {
	var shape Shape
	shape.Input, shape.InputRepeated = sideOf(reflect.TypeFor[In]())
	shape.Output, shape.Repeated = sideOf(reflect.TypeFor[Out]())
	declared := &shape
	if len(shape.Input) == 0 && len(shape.Output) == 0 {
		declared = nil
	}
	known := codec{}
	known.learn(reflect.TypeFor[In]())
	known.learn(reflect.TypeFor[Out]())
	handle := func(ctx context.Context, req *Request) (*Response, error) {
		var in In
		if err := known.toGo(req.Input, reflect.ValueOf(&in).Elem()); err != nil {
			return nil, &Error{Code: Invalid, Message: "input is not valid: " + err.Error(), Err: err}
		}
		out, err := fn(ctx, CallFrom(ctx).Runtime, in)
		if err != nil {
			return nil, err
		}
		payload, err := known.fromGo(reflect.ValueOf(&out).Elem())
		if err != nil {
			return nil, err
		}
		return &Response{Payload: payload}, nil
	}
	return Service{Name: name, Shape: declared, Handler: HandlerFunc(handle)}
}

// sideOf is the declared fields of an input or output, and whether it is a list of such.
func sideOf(t reflect.Type) ([]Field, bool) {
	if t.Kind() == reflect.Slice {
		return fieldsOf(t.Elem(), nil), true
	}
	return fieldsOf(t, nil), false
}

// WithDoc is s with a line of documentation.
func (s Service) WithDoc(doc string) Service {
	s.Doc = doc
	return s
}

// fieldsOf are the declared fields of a struct. within are the structs around it: one that holds itself is any there.
func fieldsOf(t reflect.Type, within []reflect.Type) []Field {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == timeType || slices.Contains(within, t) {
		return nil
	}
	var out []Field
	for _, m := range membersOf(t) {
		out = append(out, fieldOf(t.Field(m.index), m, append(slices.Clone(within), t)))
	}
	return out
}

func fieldOf(f reflect.StructField, m member, within []reflect.Type) Field {
	bare := f.Type
	for bare.Kind() == reflect.Pointer {
		bare = bare.Elem()
	}
	d := Field{
		Name: m.name, Type: shapeType(f.Type), Required: !m.optional, Secret: m.secret, Nullable: f.Type.Kind() == reflect.Pointer,
		Doc: f.Tag.Get("doc"), Format: f.Tag.Get("format"), Min: bound(f, "min"), Max: bound(f, "max"),
	}
	if text, ok := f.Tag.Lookup("default"); ok {
		d.Default, d.Required = text, false
	}
	if text, ok := f.Tag.Lookup("example"); ok {
		d.Example = text
	}
	switch d.Type {
	case "dict":
		d.Fields = fieldsOf(bare, within)
	case "list":
		elem := bare.Elem()
		for elem.Kind() == reflect.Pointer {
			elem = elem.Elem()
		}
		if d.Fields = fieldsOf(elem, within); len(d.Fields) > 0 {
			d.Type = "dictlist"
		} else if of := shapeType(elem); of != "any" && of != "list" && of != "dict" {
			d.Of = of
		}
		bare = elem
	case "int":
		d.addRange(bare)
	}
	if d.Of == "int" {
		d.addRange(bare)
	}
	if m.kind != "" {
		if d.Of != "" && m.kind != "csv" {
			d.Of = m.kind
		} else {
			d.Type, d.Of = m.kind, ""
		}
	}
	return d
}

func bound(f reflect.StructField, tag string) any {
	text, ok := f.Tag.Lookup(tag)
	if !ok {
		return nil
	}
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return i
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		panic("service.New: the " + tag + " of field " + f.Name + " is " + strconv.Quote(text) + "; it is a number")
	}
	return n
}

// addRange adds the bounds of a Go integer, where it has closer ones than the neutral form and the tags said none.
func (d *Field) addRange(t reflect.Type) {
	var low, high any
	switch t.Kind() {
	case reflect.Int8:
		low, high = int64(math.MinInt8), int64(math.MaxInt8)
	case reflect.Int16:
		low, high = int64(math.MinInt16), int64(math.MaxInt16)
	case reflect.Int32:
		low, high = int64(math.MinInt32), int64(math.MaxInt32)
	case reflect.Int, reflect.Int64:
		low, high = int64(math.MinInt64), int64(math.MaxInt64)
	case reflect.Uint8:
		low, high = int64(0), int64(math.MaxUint8)
	case reflect.Uint16:
		low, high = int64(0), int64(math.MaxUint16)
	case reflect.Uint32:
		low, high = int64(0), int64(math.MaxUint32)
	default:
		low, high = int64(0), Number("18446744073709551615")
	}
	if d.Min == nil {
		d.Min = low
	}
	if d.Max == nil {
		d.Max = high
	}
}

// shapeType is a Go type's name among Field.Type's.
func shapeType(t reflect.Type) string {
	if t == timeType {
		return "datetime"
	}
	switch t.Kind() {
	case reflect.Pointer:
		return shapeType(t.Elem())
	case reflect.Bool:
		return "bool"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "int"
	case reflect.Float32, reflect.Float64:
		return "float"
	case reflect.String:
		return "text"
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return "text"
		}
		return "list"
	case reflect.Struct, reflect.Map:
		return "dict"
	case reflect.Interface:
		return "any"
	default:
		panic("service.New: a field of type " + t.String() + " has no form in SimpleIO")
	}
}

// snakeCase turns CustID into cust_id and FirstName into first_name.
func snakeCase(name string) string {
	runes := []rune(name)
	var b strings.Builder
	for i, r := range runes {
		if unicode.IsUpper(r) && i > 0 {
			afterLower := !unicode.IsUpper(runes[i-1])
			beforeLower := i+1 < len(runes) && unicode.IsLower(runes[i+1])
			if afterLower || beforeLower {
				b.WriteByte('_')
			}
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
