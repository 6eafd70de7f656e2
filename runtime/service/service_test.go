package service_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/service"
)

type customer struct {
	CustID    int64 `sio:"cust_id"`
	CustType  string
	Limit     *float64
	Since     time.Time `sio:",optional"`
	Tags      []string  `sio:",optional"`
	Address   address   `sio:",optional"`
	Extra     any       `sio:",optional"`
	HTTPCode  uint16    `sio:",optional"`
	Forgotten string    `sio:"-"`
}

type address struct{ City string }

func TestNewDeclaresItsShape(t *testing.T) {
	s := service.New("a", func(context.Context, service.Runtime, customer) ([]address, error) { return nil, nil })
	assert.Equal(t, []service.Field{
		{Name: "cust_id", Type: "int", Required: true, Min: int64(math.MinInt64), Max: int64(math.MaxInt64)},
		{Name: "cust_type", Type: "text", Required: true},
		{Name: "limit", Type: "float", Nullable: true},
		{Name: "since", Type: "datetime"},
		{Name: "tags", Type: "list", Of: "text"},
		{Name: "address", Type: "dict", Fields: []service.Field{{Name: "city", Type: "text", Required: true}}},
		{Name: "extra", Type: "any"},
		{Name: "http_code", Type: "int", Min: int64(0), Max: int64(65535)},
	}, s.Shape.Input)
	assert.Equal(t, []service.Field{{Name: "city", Type: "text", Required: true}}, s.Shape.Output)
	assert.True(t, s.Shape.Repeated)
	assert.Panics(t, func() {
		service.New("a", func(context.Context, service.Runtime, struct{ C chan int }) (any, error) { return nil, nil })
	})
}

type node struct {
	Name     string         `sio:"title,secret" doc:"what it is called" example:"a"`
	Amount   string         `sio:",decimal"`
	Day      time.Time      `sio:",date" format:"%d.%m.%Y"`
	Age      int8           `max:"100" default:"5"`
	Days     []time.Time    `sio:",date,optional"`
	Codes    []uint8        `sio:",optional"`
	Sizes    []int16        `sio:",optional"`
	Children []*node        `sio:",optional"`
	Parent   *node          `sio:",required"`
	Labels   map[string]int `sio:",optional"`
}

func TestNewReadsTagsAndNestedStructs(t *testing.T) {
	s := service.New("a", func(context.Context, service.Runtime, []node) (any, error) { return nil, nil })
	assert.True(t, s.Shape.InputRepeated)
	assert.Equal(t, []service.Field{
		{Name: "title", Type: "text", Required: true, Secret: true, Doc: "what it is called", Example: "a"},
		{Name: "amount", Type: "decimal", Required: true},
		{Name: "day", Type: "date", Required: true, Format: "%d.%m.%Y"},
		{Name: "age", Type: "int", Default: "5", Min: int64(-128), Max: int64(100)},
		{Name: "days", Type: "list", Of: "date"},
		{Name: "codes", Type: "text"},
		{Name: "sizes", Type: "list", Of: "int", Min: int64(-32768), Max: int64(32767)},
		{Name: "children", Type: "list"}, // of what holds itself: any
		{Name: "parent", Type: "dict", Required: true, Nullable: true},
		{Name: "labels", Type: "dict"},
	}, s.Shape.Input)
	assert.PanicsWithValue(t, "service.New: the tag of field A says money; it may say optional, required, secret, any, csv, date, datetime, decimal, text, utc, uuid", func() {
		service.New("a", func(context.Context, service.Runtime, struct {
			A int `sio:",money"`
		},
		) (any, error) {
			return nil, nil
		})
	})
	assert.Panics(t, func() {
		service.New("a", func(context.Context, service.Runtime, struct {
			A int `min:"none"`
		},
		) (any, error) {
			return nil, nil
		})
	})
}

func TestLayout(t *testing.T) {
	layout := service.NewLayout([]string{"a", "b"})
	first, second := layout.Object([]any{1, 2}), layout.Object([]any{3, 4})
	first.Set("a", 10)
	first.Set("c", 5)
	assert.True(t, second.Delete("a"))
	third := layout.Object([]any{5, 6})
	for want, o := range map[string]*service.Object{`{"a":10,"b":2,"c":5}`: first, `{"b":4}`: second, `{"a":5,"b":6}`: third} {
		text, err := service.AppendJSON(nil, o)
		require.NoError(t, err)
		assert.Equal(t, want, string(text))
	}
	assert.Equal(t, 1, layout.Find("b"))
	assert.Equal(t, -1, layout.Find("c"))
	keys := make([]string, 30)
	for i := range keys {
		keys[i] = fmt.Sprint("k", i)
	}
	wide := service.NewLayout(keys)
	o := wide.Object(make([]any, 30))
	o.Set("k7", "seven")
	o.Set("new", 1)
	assert.True(t, o.Delete("k0"))
	assert.Equal(t, "seven", o.Value("k7"))
	assert.Equal(t, 0, wide.Find("k0"))
	assert.Equal(t, -1, wide.Find("new"))
}

func TestNewConverts(t *testing.T) {
	var got customer
	s := service.New("a", func(_ context.Context, _ service.Runtime, in customer) (any, error) {
		got = in
		return in, nil
	})
	in := service.ObjectOf("cust_id", int64(7), "cust_type", "A", "limit", int64(2), "since", "2013-05-14T10:42:14.401555", "tags", []any{"x"},
		"address", service.ObjectOf("city", "Ulm", "more", true), "extra", []any{nil}, "http_code", 404.0, "unknown", "passed over")
	res, err := s.Handler.Handle(t.Context(), &service.Request{Input: in})
	require.NoError(t, err)
	limit := 2.0
	assert.Equal(t, customer{
		CustID: 7, CustType: "A", Limit: &limit, Since: time.Date(2013, 5, 14, 10, 42, 14, 401555000, time.UTC), Tags: []string{"x"},
		Address: address{"Ulm"}, Extra: []any{nil}, HTTPCode: 404,
	}, got)
	text, err := service.AppendJSON(nil, res.Payload)
	require.NoError(t, err)
	assert.Equal(t, `{"cust_id":7,"cust_type":"A","limit":2.0,"since":"2013-05-14T10:42:14.401555Z","tags":["x"],"address":{"city":"Ulm"},"extra":[null],"http_code":404}`, string(text))
}

func TestNewRefusesWhatDoesNotFit(t *testing.T) {
	s := service.New("a", func(context.Context, service.Runtime, customer) (any, error) { return nil, nil })
	for _, tt := range []struct {
		name, want string
		value      any
	}{
		{"cust_id", `cust_id: expected int, not text`, "x"},
		{"cust_type", `cust_type: expected text, not a number`, int64(1)},
		{"http_code", `http_code: expected int, not a number of another size or sort`, int64(70000)},
		{"http_code", `http_code: expected int, not a number of another size or sort`, int64(-1)},
		{"since", `since: expected datetime, not text`, "yesterday"},
		{"tags", `tags[1]: expected text, not true or false`, []any{"a", true}},
		{"address", `address.city: expected text, not an object`, service.ObjectOf("city", service.NewObject(0))},
	} {
		_, err := s.Handler.Handle(t.Context(), &service.Request{Input: service.ObjectOf(tt.name, tt.value)})
		e := service.AsError(err)
		assert.Equal(t, service.Invalid, e.Code)
		assert.Equal(t, "input is not valid: "+tt.want, e.Message)
	}
}

func TestObjectKeepsItsOrder(t *testing.T) {
	o := &service.Object{}
	for i := range 40 {
		o.Set(fmt.Sprint("k", i), int64(i))
	}
	o.Set("k3", "three")
	assert.True(t, o.Delete("k20"))
	assert.False(t, o.Delete("k20"))
	assert.Equal(t, 39, o.Len())
	assert.Equal(t, "three", o.Text("k3"))
	key, value := o.At(20)
	assert.Equal(t, "k21", key)
	assert.Equal(t, int64(21), value)
	for i := range 40 {
		_, ok := o.Get(fmt.Sprint("k", i))
		assert.Equal(t, i != 20, ok, i)
	}
	c := o.Clone()
	c.Set("new", true)
	_, ok := o.Get("new")
	assert.False(t, ok)
	var none *service.Object
	assert.Zero(t, none.Len())
	assert.Nil(t, none.Value("x"))
}

func TestAppendJSON(t *testing.T) {
	for _, tt := range []struct {
		value any
		want  string
	}{
		{nil, `null`},
		{1.0, `1.0`},
		{1e300, `1e+300`},
		{0.1, `0.1`},
		{int64(math.MinInt64), `-9223372036854775808`},
		{service.Number("0.1000000000000000055"), `0.1000000000000000055`},
		{"O'Brien <&> \"q\" \\ \n\t\x01 żółć \u2028", `"O'Brien <&> \"q\" \\ \n\t\u0001 żółć ` + "\u2028\""},
		{"bad \xff byte", "\"bad \ufffd byte\""},
		{[]any{int64(1), []any{}, service.NewObject(0)}, `[1,[],{}]`},
		{service.ObjectOf("z", 1, "a", nil), `{"z":1,"a":null}`},
		{map[string]string{"a": "<"}, `{"a":"<"}`},
		{(*service.Object)(nil), `null`},
	} {
		got, err := service.AppendJSON([]byte("x"), tt.value)
		require.NoError(t, err)
		assert.Equal(t, "x"+tt.want, string(got))
		assert.True(t, json.Valid(got[1:]), string(got))
	}
	_, err := service.AppendJSON(nil, service.ObjectOf("a", []any{math.Inf(1)}))
	assert.EqualError(t, err, "a: +Inf is not a JSON number")
}

func TestErrors(t *testing.T) {
	cause := errors.New("dial: refused")
	err := fmt.Errorf("handle: %w", service.Errorf(service.Upstream, "outconn %q: %w", "CRM", cause))
	e := service.AsError(err)
	assert.Equal(t, 502, e.HTTPStatus())
	assert.Equal(t, `outconn "CRM": dial: refused`, e.Error())
	assert.ErrorIs(t, err, cause)

	e = service.AsError(cause)
	assert.Equal(t, "internal error", e.Error(), "what is no *Error says nothing to a caller")
	assert.ErrorIs(t, e, cause)
	assert.Equal(t, "a; b", (&service.Error{Message: "a", Fix: "b"}).Error())
	for c := service.Internal; c <= service.Timeout; c++ {
		assert.Equal(t, c, service.CodeOfHTTPStatus(c.HTTPStatus()))
	}
	assert.Equal(t, service.Invalid, service.CodeOfHTTPStatus(418))
	assert.Equal(t, service.Internal, service.CodeOfHTTPStatus(599))
}

func ExampleNew() {
	type in struct{ Name string }
	type out struct{ Greeting string }
	hello := service.New("demo.hello", func(_ context.Context, _ service.Runtime, in in) (out, error) {
		return out{Greeting: "Hello, " + in.Name}, nil
	})
	res, err := hello.Handler.Handle(context.Background(), &service.Request{Input: service.ObjectOf("name", "Sean")})
	if err != nil {
		panic(err)
	}
	text, _ := service.AppendJSON(nil, res.Payload)
	fmt.Println(string(text))
	// Output: {"greeting":"Hello, Sean"}
}
