package sio_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
)

// TestTypesInAndOut sends a value through input and output of one field.
func TestTypesInAndOut(t *testing.T) {
	for _, row := range []struct {
		name     string
		field    service.Field
		given    any
		in, out  string // as JSON: what the service sees of given, and what leaves when the service says given
		inFault  string
		outFault string
	}{
		{name: "csv", field: service.Field{Type: "CSV"}, given: `a, "b,c",,d`, in: `["a","b,c","","d"]`, out: `"a, \"b,c\",,d"`},
		{name: "csv of a list", field: service.Field{Type: "csv"}, given: []any{"a", "b,c", int64(1), nil, `"`}, in: `["a","b,c",1,null,"\""]`, out: `"a,\"b,c\",1,,\"\"\"\""`},
		{name: "empty csv", field: service.Field{Type: "csv"}, given: "", in: `[]`, out: `""`},
		{name: "csv of an empty list", field: service.Field{Type: "csv"}, given: []any{}, in: `[]`, out: `""`},
		{name: "csv of two lines", field: service.Field{Type: "csv"}, given: "a\nb", inFault: "expected text with commas between the values", out: `"a\nb"`},
		{name: "csv of an object", field: service.Field{Type: "csv"}, given: service.ObjectOf("a", 1), inFault: "expected text with commas", outFault: "expected text with commas"},
		{name: "utc", field: service.Field{Type: "UTC"}, given: "2026-11-21T09:30:00+00:00", in: `"2026-11-21T09:30:00"`, out: `"2026-11-21T09:30:00"`},
		{name: "utc of another zone", field: service.Field{Type: "utc"}, given: "2026-11-21T09:30:00.25+02:00", in: `"2026-11-21T07:30:00.25"`, out: `"2026-11-21T07:30:00.25"`},
		{name: "utc with Z", field: service.Field{Type: "utc"}, given: "2026-11-21T09:30:00Z", in: `"2026-11-21T09:30:00"`, out: `"2026-11-21T09:30:00"`},
		{name: "no utc", field: service.Field{Type: "utc"}, given: "noon", inFault: "expected a date and time in UTC", outFault: "expected a date and time in UTC"},
		{name: "date of a format", field: service.Field{Type: "date", Format: "%d.%m.%Y"}, given: "21.11.2026", in: `"2026-11-21"`, out: `"21.11.2026"`},
		{name: "date of a format, from ISO", field: service.Field{Type: "date", Format: "%d.%m.%Y"}, given: "2026-11-21", inFault: "expected a date or time such as 21.11.2026, not \"2026-11-21\"", out: `"21.11.2026"`},
		{name: "date of a time", field: service.Field{Type: "date"}, given: "2026-11-21T09:30:00", inFault: "expected a date such as", out: `"2026-11-21"`},
		{name: "datetime of a format", field: service.Field{Type: "datetime", Format: "%Y/%m/%d %H:%M:%S.%f"}, given: "2026/11/21 09:30:00.250000", in: `"2026-11-21T09:30:00.25"`, out: `"2026/11/21 09:30:00.250000"`},
		{name: "datetime with a zone", field: service.Field{Type: "datetime", Format: "%d %b %Y %H:%M %z"}, given: "21 Nov 2026 09:30 +0200", in: `"2026-11-21T09:30:00+02:00"`, out: `"21 Nov 2026 09:30 +0200"`},
		{name: "a day that is none", field: service.Field{Type: "date", Format: "%d.%m.%Y"}, given: "30.02.2026", inFault: "expected a date", outFault: "expected a date"},
		{name: "bounds", field: service.Field{Type: "int", Min: int64(0), Max: int64(150)}, given: "151", inFault: "expected an integer from 0 to 150, not \"151\"", outFault: "expected an integer from 0 to 150"},
		{name: "at least", field: service.Field{Type: "float", Min: 0.5}, given: 0.25, inFault: "expected a number of at least 0.5, not 0.25", outFault: "at least 0.5"},
		{name: "at most, beyond every integer", field: service.Field{Type: "int", Max: service.Number("18446744073709551615")}, given: service.Number("18446744073709551616"), inFault: "of at most 18446744073709551615", outFault: "of at most"},
		{name: "within, beyond int64", field: service.Field{Type: "int", Max: service.Number("18446744073709551615")}, given: service.Number("18446744073709551615"), in: `18446744073709551615`, out: `18446744073709551615`},
		{name: "decimal within", field: service.Field{Type: "decimal", Min: int64(0), Max: "x"}, given: "-0.01", inFault: "expected a decimal number such as 12.50", outFault: "expected a decimal"},
		{name: "decimal", field: service.Field{Type: "decimal"}, given: " 12.50 ", in: `"12.50"`, out: `"12.50"`},
		{name: "decimal of too many digits", field: service.Field{Type: "decimal"}, given: "1e99999", inFault: "expected a decimal", outFault: "expected a decimal"},
		{name: "list of dates", field: service.Field{Type: "list", Of: "date"}, given: []any{"2026-11-21", "x"}, inFault: "x[1]: expected a date such as", outFault: "x[1]: expected a date such as"},
		{name: "opaque", field: service.Field{Type: "Opaque"}, given: []any{service.ObjectOf("a", nil)}, in: `[{"a":null}]`, out: `[{"a":null}]`},
		{name: "nested is opaque", field: service.Field{Type: "Nested"}, given: "x", in: `"x"`, out: `"x"`},
		{name: "float beyond float", field: service.Field{Type: "float"}, given: service.Number("1e999"), inFault: "expected a number, not 1e999", outFault: "expected a number"},
		{name: "infinity", field: service.Field{Type: "float"}, given: "inf", inFault: "expected a number, not \"inf\"", outFault: "expected a number"},
	} {
		t.Run(row.name, func(t *testing.T) {
			row.field.Name = "x"
			c := sio.NewChecker("s", &service.Shape{Input: []service.Field{row.field}, Output: []service.Field{row.field}})
			in, err := c.Input(service.ObjectOf("x", row.given), nil)
			if row.inFault != "" {
				assert.ErrorContains(t, err, row.inFault)
			} else if assert.NoError(t, err) {
				assert.Equal(t, row.in, text(t, in.(*service.Object).Value("x")))
			}
			out, err := c.Output(service.ObjectOf("x", row.given))
			if row.outFault != "" {
				assert.ErrorContains(t, err, row.outFault)
			} else if assert.NoError(t, err) {
				assert.Equal(t, row.out, text(t, out.(*service.Object).Value("x")))
			}
		})
	}
}

func TestEveryTypeHasAName(t *testing.T) {
	for _, name := range append(sio.TypeNames(), "AsIs", "Boolean", "Opaque", "Nested", "ListOfDicts", "Integer", "Unicode", "String") {
		assert.NoError(t, sio.Validate(&service.Shape{Input: []service.Field{{Name: "x", Type: name}}}), name)
	}
}

func TestUseTextOff(t *testing.T) {
	shape := &service.Shape{AsGiven: true, Input: []service.Field{{Name: "a"}, {Name: "cust_id"}, {Name: "t", Type: "text"}}}
	assert.Equal(t, `{"a":{"b":7},"cust_id":7,"t":"7"}`, read(t, shape, sio.JSON, `{"a":{"b":7},"cust_id":"7","t":7}`))
	assert.Equal(t, `{"a":[7],"cust_id":null,"t":""}`, read(t, shape, sio.JSON, `{"a":[7]}`))
	assert.Equal(t, `{"a":{"b":"7"},"cust_id":7,"t":""}`, read(t, shape, sio.XML, `<r><a><b>7</b></a><cust_id>7</cust_id></r>`))
}

func TestNullableIsNull(t *testing.T) {
	shape := &service.Shape{Input: []service.Field{{Name: "a", Nullable: true}, {Name: "o", Type: "dict", Nullable: true, Fields: []service.Field{{Name: "b", Required: true}}}}}
	for _, body := range []string{`{}`, `{"a":null,"o":null}`} {
		assert.Equal(t, `{"a":null,"o":null}`, read(t, shape, sio.JSON, body))
	}
	assert.Equal(t, `{"a":"","o":null}`, read(t, shape, sio.XML, `<r><a/><o/></r>`))
}

func TestValidateFindsMore(t *testing.T) {
	err := sio.Validate(&service.Shape{
		Input: []service.Field{
			{Name: "a", Type: "int", Fields: []service.Field{{Name: "b"}}},
			{Name: "c", Type: "dict", Fields: []service.Field{{Name: "d", Type: "money"}, {Name: ""}}},
			{Name: "e", Type: "list", Of: "money"},
			{Name: "f", Type: "int", Format: "%Y"},
			{Name: "g", Type: "date", Format: "%Y-%"},
			{Name: "h", Type: "date", Format: "%Y of %m"},
			{Name: "i", Type: "datetime", Format: "%S%f"},
		},
	})
	require.Error(t, err)
	for _, want := range []string{
		`input field "a": it has fields of its own, and is no dict or dictlist`,
		`input field "c": field "d": its declared type "money" does not exist`,
		`input field "c": field 2 has no name`,
		`input field "e": its declared type "money" does not exist`,
		`input field "f": it has the format of a date, and is none`,
		`input field "g": the format "%Y-%" ends in %`,
		`input field "h": the format "%Y of %m" has 'o' between its directives`,
		`input field "i": the format "%S%f" has %f, which is not served`,
	} {
		assert.ErrorContains(t, err, want)
	}
}
