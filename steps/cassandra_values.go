package steps

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	gocql "github.com/apache/cassandra-gocql-driver/v2"
	"gopkg.in/inf.v0"

	"github.com/parley-run/parley/steps/sqlconn"
)

// cqlValues are the values for n columns: those of a stored list, or of a text with commas between them. A single column
// takes the whole text.
func cqlValues(v any, n int) ([]any, error) {
	if list, isList := v.([]any); isList && len(list) == n {
		return list, nil
	}
	if n == 1 {
		return []any{v}, nil
	}
	text := textOf(v)
	if parts := partsOf(text); len(parts) == n {
		return texts(parts), nil
	}
	if parts := strings.Split(text, ", "); len(parts) == n {
		return texts(parts), nil
	}
	return nil, fmt.Errorf("%d values for %d columns; a comma stands between values: %s", len(partsOf(text)), n, text)
}

// partsOf are the parts of a text with commas; commas in brackets and quotes are not between them.
func partsOf(text string) []string {
	var parts []string
	began, depth := 0, 0
	var quote rune
	for i, r := range text {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case (r == '\'' || r == '"') && strings.TrimSpace(text[began:i]) == "" || depth > 0 && (r == '\'' || r == '"'):
			quote = r
		case strings.ContainsRune("[{(", r):
			depth++
		case strings.ContainsRune("]})", r):
			depth--
		case r == ',' && depth <= 0:
			parts = append(parts, strings.TrimSpace(text[began:i]))
			began = i + 1
		}
	}
	return append(parts, strings.TrimSpace(text[began:]))
}

// toCQL is a value as the driver takes it for a column of a type. Texts may be written as Python writes values.
// The driver has no way to bind a whole tuple.
func toCQL(of gocql.TypeInfo, v any) (any, error) {
	text, isText := v.(string)
	if v == nil || isText && text == "None" {
		return nil, nil
	}
	if !isText {
		text = textOf(v)
	}
	kind := of.Type()
	switch kind {
	case gocql.TypeVarchar, gocql.TypeText, gocql.TypeAscii:
		if isText && pythonQuote.MatchString(text) {
			if plain, err := pythonLiteral(text); err == nil {
				return plain, nil
			}
		}
		return text, nil
	}
	if text = strings.TrimSpace(text); text == "" {
		return nil, nil
	}
	switch kind {
	case gocql.TypeTuple:
		return nil, errors.New("it is a tuple, which these steps cannot write")
	case gocql.TypeList, gocql.TypeSet, gocql.TypeMap, gocql.TypeUDT, gocql.TypeCustom:
		if isText {
			var err error
			if v, err = pythonLiteral(text); err != nil {
				return nil, err
			}
		}
		return manyToCQL(of, v)
	}
	bound, ok := scalarToCQL(kind, text)
	if !ok {
		return nil, fmt.Errorf("%q is no %s", text, cqlTypeName(kind))
	}
	return bound, nil
}

// cqlTypeName is what CQL calls a type.
func cqlTypeName(t gocql.Type) string {
	return map[gocql.Type]string{
		gocql.TypeBigInt: "bigint", gocql.TypeBlob: "blob", gocql.TypeBoolean: "boolean", gocql.TypeCounter: "counter", gocql.TypeCustom: "vector",
		gocql.TypeDate: "date", gocql.TypeDecimal: "decimal", gocql.TypeDouble: "double", gocql.TypeFloat: "float", gocql.TypeInt: "int",
		gocql.TypeList: "list", gocql.TypeMap: "map", gocql.TypeSet: "set", gocql.TypeSmallInt: "smallint", gocql.TypeTime: "time",
		gocql.TypeTimeUUID: "timeuuid", gocql.TypeTimestamp: "timestamp", gocql.TypeTinyInt: "tinyint",
		gocql.TypeUDT: "user-defined type", gocql.TypeUUID: "uuid", gocql.TypeVarint: "varint",
	}[t]
}

func scalarToCQL(of gocql.Type, text string) (any, bool) {
	bits := map[gocql.Type]int{gocql.TypeTinyInt: 8, gocql.TypeSmallInt: 16, gocql.TypeInt: 32, gocql.TypeBigInt: 64, gocql.TypeCounter: 64}
	switch of {
	case gocql.TypeTinyInt, gocql.TypeSmallInt, gocql.TypeInt, gocql.TypeBigInt, gocql.TypeCounter:
		n, err := strconv.ParseInt(text, 10, bits[of])
		return n, err == nil
	case gocql.TypeVarint:
		return new(big.Int).SetString(text, 10)
	case gocql.TypeDecimal:
		return new(inf.Dec).SetString(text)
	case gocql.TypeFloat:
		f, err := strconv.ParseFloat(text, 32)
		return float32(f), err == nil
	case gocql.TypeDouble:
		f, err := strconv.ParseFloat(text, 64)
		return f, err == nil
	case gocql.TypeBoolean:
		b, err := strconv.ParseBool(strings.ToLower(text))
		return b, err == nil
	case gocql.TypeTimestamp:
		if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
			return time.UnixMilli(ms), true
		}
		return sqlconn.ParseTime(text)
	case gocql.TypeDate:
		return sqlconn.ParseTime(text)
	case gocql.TypeTime:
		t, err := time.Parse("15:04:05.999999999", text)
		return t.Sub(t.Truncate(24 * time.Hour)), err == nil
	case gocql.TypeUUID, gocql.TypeTimeUUID:
		u, err := gocql.ParseUUID(text)
		return u, err == nil
	case gocql.TypeBlob:
		digits, isHex := strings.CutPrefix(text, "0x")
		if !isHex {
			return []byte(text), true
		}
		raw, err := hex.DecodeString(digits)
		return raw, err == nil
	}
	return text, true // what else there is, the driver reads from texts
}

// manyToCQL is a value that holds others.
func manyToCQL(of gocql.TypeInfo, v any) (any, error) {
	list, isList := v.([]any)
	dict, isDict := v.(*object)
	switch t := of.(type) {
	case gocql.CollectionType:
		if of.Type() == gocql.TypeMap && isDict {
			out := map[any]any{}
			for key, value := range dict.values {
				k, err := toCQL(t.Key, key)
				if err != nil {
					return nil, err
				}
				if out[k], err = toCQL(t.Elem, value); err != nil {
					return nil, err
				}
			}
			return out, nil
		}
		if of.Type() != gocql.TypeMap && isList {
			return eachToCQL(list, t.Elem)
		}
	case gocql.VectorType:
		if isList {
			return eachToCQL(list, t.SubType)
		}
	case gocql.UDTTypeInfo:
		if isDict {
			out := map[string]any{}
			for _, field := range t.Elements {
				var err error
				if out[field.Name], err = toCQL(field.Type, dict.values[field.Name]); err != nil {
					return nil, fmt.Errorf("%s: %w", field.Name, err)
				}
			}
			return out, nil
		}
	}
	return nil, fmt.Errorf("%s is no %s", inPython(v), cqlTypeName(of.Type()))
}

func eachToCQL(list []any, of gocql.TypeInfo) (any, error) {
	out := make([]any, len(list))
	for i, e := range list {
		var err error
		if out[i], err = toCQL(of, e); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// cqlRaw is a value as it came, before it is known what it is to become.
type cqlRaw struct {
	of   gocql.TypeInfo
	data []byte // nil: there is no value
}

// UnmarshalCQL is what the driver calls.
func (r *cqlRaw) UnmarshalCQL(of gocql.TypeInfo, data []byte) error {
	r.of, r.data = of, slices.Clone(data)
	return nil
}

// cqlCell is a column of a row. The driver gives a tuple's values one by one.
type cqlCell struct {
	isTuple bool
	parts   []cqlRaw
}

func newCQLCell(of gocql.TypeInfo) *cqlCell {
	if t, isTuple := of.(gocql.TupleTypeInfo); isTuple {
		return &cqlCell{isTuple: true, parts: make([]cqlRaw, len(t.Elems))}
	}
	return &cqlCell{parts: make([]cqlRaw, 1)}
}

func (c *cqlCell) value() (any, error) {
	var list []any
	there := false
	for _, r := range c.parts {
		v, err := r.value()
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		there = there || v != nil
	}
	switch {
	case !c.isTuple:
		return list[0], nil
	case !there:
		return nil, nil
	}
	return list, nil
}

func (r cqlRaw) value() (any, error) {
	if r.data == nil {
		return nil, nil
	}
	into := reflect.New(reflect.TypeOf(r.of.Zero()))
	if err := gocql.Unmarshal(r.of, r.data, into.Interface()); err != nil {
		return nil, err
	}
	return fromCQL(r.of, into.Elem()), nil
}

// fromCQL is what the driver gave as a JSON tree. Times are texts in ISO 8601's form, and what is binary a text, or \x
// and hexadecimal digits.
func fromCQL(of gocql.TypeInfo, v reflect.Value) any {
	switch t := of.(type) {
	case gocql.CollectionType:
		if of.Type() == gocql.TypeMap {
			return objectFromCQL(v, func(string) gocql.TypeInfo { return t.Elem }, t.Key)
		}
		return listFromCQL(v, func(int) gocql.TypeInfo { return t.Elem })
	case gocql.VectorType:
		return listFromCQL(v, func(int) gocql.TypeInfo { return t.SubType })
	case gocql.TupleTypeInfo:
		return listFromCQL(v, func(i int) gocql.TypeInfo { return t.Elems[i] })
	case gocql.UDTTypeInfo:
		return objectFromCQL(v, func(name string) gocql.TypeInfo {
			at := slices.IndexFunc(t.Elements, func(f gocql.UDTField) bool { return f.Name == name })
			return t.Elements[at].Type
		}, nil)
	}
	for v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	if !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		return nil
	}
	return scalarFromCQL(of.Type(), v.Interface())
}

func scalarFromCQL(of gocql.Type, v any) any {
	switch v := v.(type) {
	case string, bool:
		return v
	case float32:
		return json.Number(pythonFloat32(v))
	case float64:
		return json.Number(pythonFloat(v))
	case []byte:
		if utf8.Valid(v) {
			return string(v)
		}
		return `\x` + hex.EncodeToString(v)
	case time.Time:
		if of == gocql.TypeDate {
			return v.UTC().Format(time.DateOnly)
		}
		return v.UTC().Format("2006-01-02T15:04:05.999999999") + "+00:00"
	case time.Duration:
		return time.Time{}.Add(v).Format("15:04:05.999999999")
	case *big.Int, *inf.Dec, int, int8, int16, int32, int64:
		return json.Number(fmt.Sprint(v))
	}
	return fmt.Sprint(v) // a UUID, an address, a duration
}

func listFromCQL(v reflect.Value, of func(int) gocql.TypeInfo) any {
	list := []any{}
	for i := range v.Len() {
		list = append(list, fromCQL(of(i), v.Index(i)))
	}
	return list
}

// objectFromCQL gives a dict; where keys are of a type, they are written as its values are.
func objectFromCQL(v reflect.Value, of func(string) gocql.TypeInfo, keys gocql.TypeInfo) any {
	o := newObject()
	for _, key := range v.MapKeys() {
		name := key.String()
		if keys != nil {
			name = textOf(fromCQL(keys, key))
		}
		o.set(name, fromCQL(of(name), v.MapIndex(key)))
	}
	slices.Sort(o.keys)
	return o
}

// pythonFloat32 is pythonFloat for a number of half the size, whose digits are fewer.
func pythonFloat32(f float32) string {
	short, err := strconv.ParseFloat(strconv.FormatFloat(float64(f), 'g', -1, 32), 64)
	if err != nil {
		return pythonFloat(float64(f))
	}
	return pythonFloat(short)
}
