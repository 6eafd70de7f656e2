package sio_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
)

func TestInputConversions(t *testing.T) {
	object := service.ObjectOf("k", "v")
	for _, row := range []struct {
		field, typ string
		in, want   any
	}{
		{"id", "", "123", int64(123)},
		{"cust_id", "", int64(7), int64(7)},
		{"page_size", "", " 10 ", int64(10)},
		{"read_timeout", "", "-5", int64(-5)},
		{"row_count", "", 12.0, int64(12)},
		{"cust_id", "", "", nil},
		{"cust_id", "", "123456789012345678901", service.Number("123456789012345678901")},
		{"cust_id", "", "-00123456789012345678901", service.Number("-123456789012345678901")},
		{"cust_id", "", service.Number("123456789012345678901"), service.Number("123456789012345678901")},
		{"is_active", "", "yes", true},
		{"needs_x", "", "OFF", false},
		{"should_x", "", int64(1), true},
		{"by_x", "", "t", true},
		{"has_x", "", false, false},
		{"may_x", "", "n", false},
		{"name", "", "Sean", "Sean"},
		{"name", "", "", ""},
		{"name", "", int64(7), "7"},
		{"name", "", true, "true"},
		{"name", "", 12.5, "12.5"},
		{"name", "", service.Number("0.1000000000000000055"), "0.1000000000000000055"},
		{"identity", "", "not an integer", "not an integer"},
		{"cust_id", "text", "abc", "abc"},
		{"cust_id", "any", object, object},
		{"x", "AsIs", []any{int64(1)}, []any{int64(1)}},
		{"x", "any", nil, ""},
		{"x", "int", "5", int64(5)},
		{"x", "Boolean", "on", true},
		{"x", "float", "1.5e3", 1500.0},
		{"x", "float", int64(2), 2.0},
		{"x", "list", "one", []any{"one"}},
		{"x", "list", []any{"one"}, []any{"one"}},
		{"x", "list", "", []any{}},
		{"x", "dict", object, object},
		{"x", "dictlist", object, []any{object}},
		{"x", "date", "2013-05-14", "2013-05-14"},
		{"x", "datetime", "2013-05-14T10:42:14.401555", "2013-05-14T10:42:14.401555"},
		{"x", "datetime", "2013-05-14 10:42:14+02:00", "2013-05-14 10:42:14+02:00"},
		{"x", "decimal", "12.50", "12.50"},
		{"x", "decimal", 12.5, "12.5"},
		{"x", "decimal", service.Number("0.1000000000000000055"), "0.1000000000000000055"},
		{"x", "uuid", "6BA7B810-9DAD-11D1-80B4-00C04FD430C8", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"},
		{"x", "int", 5, int64(5)}, // from a Go service
		{"x", "list", []string{"a"}, []any{"a"}},
	} {
		required := row.in != nil
		t.Run(row.field+" "+row.typ+" "+text(t, row.in), func(t *testing.T) {
			checker := sio.NewChecker("s", &service.Shape{Input: []service.Field{{Name: row.field, Type: row.typ, Required: required}}})
			got, err := checker.Input(service.ObjectOf(row.field, row.in), nil)
			require.NoError(t, err)
			assert.Equal(t, row.want, got.(*service.Object).Value(row.field))
		})
	}
}

func TestInputFaults(t *testing.T) {
	for _, row := range []struct {
		field, typ string
		in         any
		want       string
	}{
		{"cust_id", "", "abc", `cust_id: expected an integer, not "abc"`},
		{"cust_id", "", 12.5, "cust_id: expected an integer, not 12.5"},
		{"cust_id", "", true, "cust_id: expected an integer, not true"},
		{"cust_id", "", nil, "cust_id: expected an integer, not null"},
		{"cust_id", "", "+-5", `cust_id: expected an integer, not "+-5"`},
		{"cust_id", "", []any{}, "cust_id: expected an integer, not a list"},
		{"is_x", "", "maybe", `is_x: expected true or false, not "maybe"`},
		{"is_x", "", int64(2), "is_x: expected true or false, not 2"},
		{"is_x", "", "", `is_x: expected true or false, not ""`},
		{"name", "", service.NewObject(0), "name: expected text, not an object"},
		{"name", "", []any{}, "name: expected text, not a list"},
		{"name", "", nil, "name: expected text, not null"},
		{"x", "float", "NaN", `x: expected a number, not "NaN"`},
		{"x", "float", "0x1p-2", "x: expected a number"},
		{"x", "dict", "text", `x: expected an object, not "text"`},
		{"x", "dictlist", []any{"text"}, "x: expected a list of objects, not a list"},
		{"x", "date", "14.05.2013", "x: expected a date such as 2026-11-21, not \"14.05.2013\""},
		{"x", "date", "2013-02-30", "x: expected a date"},
		{"x", "datetime", "yesterday", "x: expected a date and time"},
		{"x", "decimal", "12,50", `x: expected a decimal number such as 12.50, not "12,50"`},
		{"x", "decimal", "1e", "x: expected a decimal number"},
		{"x", "uuid", "6ba7b8109dad11d180b400c04fd430c8", "x: expected a UUID"},
		{"x", "money", "1", `x: its declared type "money" does not exist`},
	} {
		t.Run(row.want, func(t *testing.T) {
			checker := sio.NewChecker("s", &service.Shape{Input: []service.Field{{Name: row.field, Type: row.typ, Required: true}}})
			_, err := checker.Input(service.ObjectOf(row.field, row.in), nil)
			var e *service.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, service.Invalid, e.Code)
			assert.Contains(t, e.Message, "input is not valid: "+row.want)
		})
	}
}

func TestInputOfOptionalFields(t *testing.T) {
	shape := &service.Shape{Input: []service.Field{
		{Name: "name"},
		{Name: "cust_id"},
		{Name: "is_x"},
		{Name: "tags", Type: "list"},
		{Name: "extra", Type: "dict"},
		{Name: "day", Type: "date"},
		{Name: "lang", Default: "en"},
		{Name: "opts", Type: "dict", Default: map[string]any{"a": 1}},
	}}
	const want = `{"name":"","cust_id":null,"is_x":null,"tags":[],"extra":{},"day":"","lang":"en","opts":{"a":1}}`
	checker := sio.NewChecker("s", shape)
	for name, payload := range map[string]any{
		"missing": service.NewObject(0), "no payload": nil, "null": service.ObjectOf("name", nil, "cust_id", nil, "is_x", nil, "tags", nil, "lang", nil, "opts", nil),
		"empty": service.ObjectOf("is_x", "", "cust_id", "", "day", "", "extra", "", "tags", "", "opts", ""),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := checker.Input(payload, nil)
			require.NoError(t, err)
			assert.Equal(t, want, text(t, got))
			got.(*service.Object).Value("extra").(*service.Object).Set("spoilt", true) // belongs to this request alone
			got.(*service.Object).Value("opts").(*service.Object).Set("spoilt", true)
		})
	}
}

func TestInputReportsEveryFault(t *testing.T) {
	_, err := tutorialChecker().Input(service.ObjectOf("cust_id", "abc"), nil)
	assert.EqualError(t, err, `input is not valid: cust_id: expected an integer, not "abc"; cust_type: missing`)
	_, err = tutorialChecker().Input([]any{}, nil)
	assert.EqualError(t, err, "input is not valid: expected an object with cust_id, cust_type, not a list")
}

func TestInputOrderAndParameters(t *testing.T) {
	payload := service.ObjectOf("other", 1, "cust_type", "B", "cust_id", int64(1))
	got, err := tutorialChecker().Input(payload, map[string][]string{"cust_id": {"7"}, "unknown": {"x"}})
	require.NoError(t, err)
	assert.Equal(t, `{"cust_id":7,"cust_type":"B"}`, text(t, got))
	_, err = tutorialChecker().Input(payload, map[string][]string{"cust_type": {"A", "B"}})
	assert.EqualError(t, err, "input is not valid: cust_type: expected text, not a list")
}

func TestOutput(t *testing.T) {
	day := time.Date(2013, 5, 14, 10, 42, 14, 0, time.UTC)
	for _, row := range []struct {
		name   string
		fields []service.Field
		many   bool
		in     any
		want   string
	}{
		{"order, and nothing undeclared", []service.Field{{Name: "a", Required: true}, {Name: "b", Required: true}}, false, service.ObjectOf("x", 1, "b", "2", "a", "1"), `{"a":"1","b":"2"}`},
		{"conventions", []service.Field{{Name: "x_id"}, {Name: "is_x"}, {Name: "amount"}}, false, service.ObjectOf("x_id", "357", "is_x", "yes", "amount", int64(357)), `{"x_id":357,"is_x":true,"amount":"357"}`},
		{"optional and missing", []service.Field{{Name: "name"}, {Name: "x_id"}, {Name: "l", Type: "list"}, {Name: "lang", Default: "en"}}, false, nil, `{"name":"","x_id":null,"l":[],"lang":"en"}`},
		{"null that was set", []service.Field{{Name: "name", Required: true}}, false, service.ObjectOf("name", nil), `{"name":null}`},
		{"lists and objects where the name alone says text", []service.Field{{Name: "rows"}, {Name: "row"}}, false, service.ObjectOf("rows", []any{int64(1)}, "row", service.ObjectOf("a", 1)), `{"rows":[1],"row":{"a":1}}`},
		{"Go values", []service.Field{{Name: "x_id"}, {Name: "at"}, {Name: "tags"}}, false, map[string]any{"x_id": 3, "at": day, "tags": []string{"a"}}, `{"x_id":3,"at":"2013-05-14T10:42:14Z","tags":["a"]}`},
		{"struct", []service.Field{{Name: "x_id"}}, false, struct {
			ID int `json:"x_id"`
		}{3}, `{"x_id":3}`},
		{"repeated", []service.Field{{Name: "a"}}, true, []any{service.ObjectOf("a", "1"), map[string]any{"a": 2}}, `[{"a":"1"},{"a":"2"}]`},
		{"repeated of one", []service.Field{{Name: "a"}}, true, service.ObjectOf("a", "1"), `[{"a":"1"}]`},
		{"repeated of none", []service.Field{{Name: "a"}}, true, nil, `[]`},
		{"nothing declared", nil, false, map[string]any{"b": []any{1}, "a": int32(2)}, `{"a":2,"b":[1]}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := sio.NewChecker("s", &service.Shape{Output: row.fields, Repeated: row.many}).Output(row.in)
			require.NoError(t, err)
			assert.Equal(t, row.want, text(t, got))
		})
	}
}

func TestOutputFaults(t *testing.T) {
	required := func(names ...string) (fields []service.Field) {
		for _, n := range names {
			fields = append(fields, service.Field{Name: n, Required: true})
		}
		return fields
	}
	for _, row := range []struct {
		name string
		many bool
		out  []service.Field
		in   any
		want string
	}{
		{"missing", false, required("first_name", "last_name"), service.ObjectOf("first_name", "x"), `service "crm.get": output is not valid: last_name: missing`},
		{"wrong", false, required("x_id", "is_x"), service.ObjectOf("x_id", "abc", "is_x", "maybe"), `x_id: expected an integer, not "abc"; is_x: expected true or false, not "maybe"`},
		{"declared text", false, []service.Field{{Name: "a", Type: "text"}}, service.ObjectOf("a", []any{}), "a: expected text, not a list"},
		{"no object", false, required("a"), "hello", `output is not valid: expected an object with a, not "hello"`},
		{"element", true, required("a"), []any{service.ObjectOf("a", "x"), service.NewObject(0)}, "[1].a: missing"},
		{"no JSON", false, required("a"), func() {}, "output: "},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := sio.NewChecker("crm.get", &service.Shape{Output: row.out, Repeated: row.many}).Output(row.in)
			var e *service.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, service.Internal, e.Code)
			assert.Contains(t, e.Message, `service "crm.get": `)
			assert.Contains(t, e.Message, row.want)
		})
	}
}

func TestValidate(t *testing.T) {
	assert.NoError(t, sio.Validate(nil))
	assert.NoError(t, sio.Validate(&service.Shape{Input: []service.Field{{Name: "a", Type: "Integer"}}, Output: []service.Field{{Name: "a"}}}))
	err := sio.Validate(&service.Shape{Input: []service.Field{{Name: "a"}, {Name: "a"}, {}}, Output: []service.Field{{Name: "b", Type: "money"}}})
	for _, want := range []string{`input field "a" is declared twice`, "input field 3 has no name", `output field "b": its declared type "money" does not exist; types are any, bool`} {
		assert.ErrorContains(t, err, want)
	}
}

func tutorialShape() *service.Shape {
	return &service.Shape{
		Input: []service.Field{{Name: "cust_id", Required: true}, {Name: "cust_type", Required: true}},
		Output: []service.Field{
			{Name: "first_name", Required: true},
			{Name: "last_name", Required: true},
			{Name: "last_payment_date", Required: true},
			{Name: "last_payment_amount", Required: true},
		},
	}
}

func tutorialChecker() *sio.Checker {
	return sio.NewChecker("tutorial.get-client-details", tutorialShape())
}
