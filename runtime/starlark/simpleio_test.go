package starlark_test

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/service"
)

func TestSimpleIODeclaresEverything(t *testing.T) {
	s := one(t, `
def handle(self):
    pass

service("s", handle, simple_io = SimpleIO(
    input = ["cust_id", "-lang", Int("-age", min = 0, max = 150, default = 18), Text("name", doc = "who", example = "Sean"), Text("pin", secret = True)],
    input_optional = [CSV("words"), Date("born", format = "%d.%m.%Y"), DateTime("at"), UTC("seen"), List("sizes", of = Int), Opaque("raw"), Nested("any")],
    output_required = [Dict("address", "street", Int("zip"), DateTime("-moved")), DictList("rows", Decimal("amount"), Nested("owner", "name"))],
    output_optional = "note",
    output_repeated = True, input_repeated = True, default_value = "none", request_elem = "order", response_elem = None, namespace = "urn:x",
    skip_empty_keys = ["note"], force_empty_keys = "rows", allow_empty_required = True, use_channel_params_only = True, use_text = False,
    date_time_format = "%d.%m.%Y %H:%M",
))
`)
	assert.Equal(t, &service.Shape{
		Input: []service.Field{
			{Name: "cust_id", Required: true},
			{Name: "lang", Default: "none"},
			{Name: "age", Type: "int", Min: int64(0), Max: int64(150), Default: int64(18)},
			{Name: "name", Type: "text", Required: true, Doc: "who", Example: "Sean"},
			{Name: "pin", Type: "text", Required: true, Secret: true},
			{Name: "words", Type: "csv", Default: "none"},
			{Name: "born", Type: "date", Format: "%d.%m.%Y", Default: "none"},
			{Name: "at", Type: "datetime", Format: "%d.%m.%Y %H:%M", Default: "none"},
			{Name: "seen", Type: "utc", Format: "%d.%m.%Y %H:%M", Default: "none"},
			{Name: "sizes", Type: "list", Of: "int", Default: "none"},
			{Name: "raw", Type: "any", Default: "none"},
			{Name: "any", Type: "any", Default: "none"},
		},
		Output: []service.Field{
			{Name: "address", Type: "dict", Required: true, Fields: []service.Field{
				{Name: "street", Required: true},
				{Name: "zip", Type: "int", Required: true},
				{Name: "moved", Type: "datetime", Format: "%d.%m.%Y %H:%M"},
			}},
			{Name: "rows", Type: "dictlist", Required: true, Fields: []service.Field{
				{Name: "amount", Type: "decimal", Required: true},
				{Name: "owner", Type: "dict", Required: true, Fields: []service.Field{{Name: "name", Required: true}}},
			}},
			{Name: "note", Default: "none"},
		},
		Repeated: true, InputRepeated: true, RequestElem: "order", ResponseElem: "-", Namespace: "urn:x", SkipEmpty: []string{"note"}, ForceEmpty: []string{"rows"},
		AllowEmptyRequired: true, ParamsOnly: true, AsGiven: true,
	}, s.Shape)
	assert.Equal(t, []string{"*"}, one(t, "def handle(self):\n    pass\nservice('s', handle, simple_io = SimpleIO(output = 'a', skip_empty_keys = True))\n").Shape.SkipEmpty)
}

func TestSimpleIORefuses(t *testing.T) {
	for declaration, want := range map[string]string{
		`SimpleIO(input = 5)`:                              "SimpleIO: input: expected names, not int",
		`SimpleIO(input = [5])`:                            `expected a name or a type such as Int("amount"), not 5`,
		`SimpleIO(input = ["a", "-a"])`:                    `"a" is declared twice`,
		`SimpleIO(input = ["-"])`:                          "a field needs a name",
		`SimpleIO(response_elem = 5)`:                      "response_elem must be text or None, not int",
		`SimpleIO(skip_empty_keys = 5)`:                    "skip_empty_keys: expected True or names, not int",
		`SimpleIO(force_empty_keys = [5])`:                 "force_empty_keys: expected names, not 5",
		`SimpleIO(encrypt_secrets = True)`:                 `unexpected keyword argument "encrypt_secrets"`,
		`Int("a", "b")`:                                    "Int: takes one name; Dict, DictList and Nested take the fields of their objects after it",
		`Int("a", of = Int)`:                               "Int: of= says what a List holds",
		`List("a", of = "int")`:                            "List: of= must be a type such as Int, without a name; lists of objects are DictList",
		`List("a", of = Dict)`:                             "List: of= must be a type such as Int",
		`Int("a", min = "0")`:                              "Int: min must be a number",
		`Text("a", max = 5)`:                               "Text: max is for numbers",
		`Dict("a", "b", "b")`:                              `Dict: "b" is declared twice`,
		`Int("a", default = lambda: 1)`:                    "Int: default: a value of type function has no form in a payload",
		`SimpleIO(input = "a", default_value = print)`:     "SimpleIO: default_value: ",
		`SimpleIO(input = [Dict("a", Dict("b", Int(5)))])`: "Int: for parameter name: got int, want string",
	} {
		_, faults := load(t, nil, file("s.star", "x = "+declaration+"\n"))
		assert.ErrorContains(t, faults["s.star"], want, declaration)
	}
}

func TestInputHidesItsSecrets(t *testing.T) {
	var log bytes.Buffer
	s := one(t, `
def handle(self):
    i = self.request.input
    self.logger.info("all: {}".format(i))
    self.logger.info(i)
    print(i, i.user, i.users)
    self.log_input()
    self.response.payload = [i.password, i.user.pin, i.user["pin"], i.users[0].token, json.decode(json.encode(i))["password"], i.user.get("name"), len(i.users)]
`)
	in := service.ObjectOf(
		"password", "canary", "name", "Sean", "user", service.ObjectOf("pin", "canary", "name", "S"), "users", []any{service.ObjectOf("token", "canary"), "odd"},
	)
	ctx := service.WithCall(t.Context(), &service.Call{Log: slog.New(slog.NewTextHandler(&log, nil)), Runtime: &runtime{}})
	res, err := s.Handler.Handle(ctx, &service.Request{Input: in, Secrets: []string{"password", "user.pin", "users.token"}})
	require.NoError(t, err)
	assert.Equal(t, []any{"canary", "canary", "canary", "canary", "canary", "S", int64(2)}, res.Payload)
	assert.NotContains(t, log.String(), "canary")
	assert.Contains(t, log.String(), `\"name\": \"Sean\"`)
	assert.Contains(t, log.String(), `\"pin\": \"***\"`)
	rows := one(t, "def handle(self):\n    for row in self.request.input:\n        print(row)\n        self.response.payload.append(row.password)\n")
	res, err = rows.Handler.Handle(ctx, &service.Request{Input: []any{service.ObjectOf("password", "canary")}, Secrets: []string{"password"}})
	require.NoError(t, err)
	assert.Equal(t, []any{"canary"}, res.Payload)
	assert.NotContains(t, log.String(), "canary")
}

func TestPayloadByAttributeAndByAppending(t *testing.T) {
	run := func(body string) (any, error) {
		s := one(t, "def handle(self):\n    p = self.response.payload\n"+body)
		res, err := handle(t.Context(), s, &runtime{}, &service.Request{})
		if err != nil {
			return nil, err
		}
		return res.Payload, nil
	}
	for body, want := range map[string]any{
		"    p.a = 1\n    p['b'] = p.a + 1\n    p.update({'c': len(p)})\n": service.ObjectOf("a", int64(1), "b", int64(2), "c", int64(2)),
		"    p.append({'a': 1})\n    p.extend([2])\n":                      []any{service.ObjectOf("a", int64(1)), int64(2)},
		"    p.items = 5\n": service.ObjectOf("items", int64(5)),
		"    p.a = [k for k in p]\n    p.b = [1 for _ in p.items()]\n": service.ObjectOf("a", []any{}, "b", []any{int64(1)}),
		"    pass\n": &service.Object{},
	} {
		got, err := run(body)
		require.NoError(t, err, body)
		gotText, _ := service.AppendJSON(nil, got)
		wantText, _ := service.AppendJSON(nil, want)
		assert.Equal(t, string(wantText), string(gotText), body)
	}
	_, err := run("    p.append(1)\n    p.a = 1\n")
	assert.ErrorContains(t, err, "self.response.payload is a list already: something was appended to it")
	_, err = run("    p.a = 1\n    p.append(1)\n")
	assert.ErrorContains(t, err, "self.response.payload is an object already: keys of it were set")
}

func TestRequestOfHTTP(t *testing.T) {
	s := one(t, `
def handle(self):
    r = self.request
    self.response.payload = [r.http.GET, r.http.POST, r.channel_params, r.payload]
    r.input.require_any("a", "b")
`)
	decoded := 0
	req := &service.Request{
		Input: service.ObjectOf("a", "", "b", int64(1)), Query: map[string][]string{"q": {"1"}}, Params: map[string][]string{"q": {"1"}, "id": {"7"}},
		Form:   func() (*service.Object, error) { return service.ObjectOf("f", "2"), nil },
		Decode: func() (any, error) { decoded++; return []any{"p"}, nil },
	}
	res, err := handle(t.Context(), s, &runtime{}, req)
	require.NoError(t, err)
	text, err := service.AppendJSON(nil, res.Payload)
	require.NoError(t, err)
	assert.Equal(t, `[{"q":"1"},{"f":"2"},{"id":"7","q":"1"},["p"]]`, string(text))
	assert.Equal(t, 1, decoded)
	req.Input, req.Form = service.ObjectOf("a", "", "c", "x"), nil
	_, err = handle(t.Context(), s, &runtime{}, req)
	assert.Equal(t, service.Invalid, service.AsError(err).Code)
	assert.ErrorContains(t, err, "input is not valid: one of a, b must be given")
	req.Decode, req.Payload = func() (any, error) { return nil, service.Errorf(service.Invalid, "malformed JSON") }, nil
	_, err = handle(t.Context(), s, &runtime{}, req)
	assert.ErrorContains(t, err, "malformed JSON")
}
