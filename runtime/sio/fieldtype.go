package sio

import (
	"sort"
	"strings"

	"github.com/parley-run/parley/runtime/service"
)

// fieldType is what a field's values are converted to.
type fieldType int

const (
	typeAny fieldType = iota
	typeBool
	typeCSV
	typeDate
	typeDateTime
	typeDecimal
	typeDict
	typeDictList
	typeFloat
	typeInt
	typeList
	typeText
	typeUTC
	typeUUID
)

// typeOf is the type of that name in a Shape, in any case. Many have a second name, known from Zato.
func typeOf(name string) (fieldType, bool) {
	switch strings.ToLower(name) {
	case "any", "asis", "opaque", "nested":
		return typeAny, true
	case "bool", "boolean":
		return typeBool, true
	case "csv":
		return typeCSV, true
	case "date":
		return typeDate, true
	case "datetime":
		return typeDateTime, true
	case "decimal":
		return typeDecimal, true
	case "dict":
		return typeDict, true
	case "dictlist", "listofdicts":
		return typeDictList, true
	case "float":
		return typeFloat, true
	case "int", "integer":
		return typeInt, true
	case "list":
		return typeList, true
	case "text", "unicode", "string":
		return typeText, true
	case "utc":
		return typeUTC, true
	case "uuid":
		return typeUUID, true
	}
	return typeAny, false
}

// TypeNames are the types that a field may declare, without their second names.
func TypeNames() []string {
	names := []string{"any", "bool", "int", "float", "text", "list", "dict", "dictlist", "date", "datetime", "utc", "decimal", "uuid", "csv"}
	sort.Strings(names)
	return names
}

// empty is what an optional field holds when it was not given and has no default: "" for whatever is text,
// nil for numbers and bool, and an empty list or object.
func (t fieldType) empty() any {
	switch t {
	case typeBool, typeInt, typeFloat:
		return nil
	case typeList, typeDictList, typeCSV:
		return []any{}
	case typeDict:
		return service.NewObject(0)
	default:
		return ""
	}
}

// holdsMany says whether values of the type hold other values.
func (t fieldType) holdsMany() bool { return t == typeList || t == typeDict || t == typeDictList }

// expected says what the type accepts, for messages.
func (t fieldType) expected() string {
	switch t {
	case typeBool:
		return "true or false"
	case typeInt:
		return "an integer"
	case typeFloat:
		return "a number"
	case typeText:
		return "text"
	case typeCSV:
		return "text with commas between the values, such as a,b,c"
	case typeDict:
		return "an object"
	case typeList:
		return "a list"
	case typeDictList:
		return "a list of objects"
	case typeDate:
		return "a date such as 2026-11-21"
	case typeDateTime:
		return "a date and time such as 2026-11-21T09:30:00"
	case typeUTC:
		return "a date and time in UTC such as 2026-11-21T09:30:00"
	case typeDecimal:
		return "a decimal number such as 12.50"
	case typeUUID:
		return "a UUID such as 6ba7b810-9dad-11d1-80b4-00c04fd430c8"
	default:
		return "a value"
	}
}
