package sio_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
)

// message is a SOAP 1.1 message around what stands in its Body.
func message(body string) []byte {
	return []byte(`<?xml version="1.0"?><s:Envelope xmlns:s="` + sio.SOAP11 + `"><s:Header><x/></s:Header><s:Body>` + body + `</s:Body></s:Envelope>`)
}

func TestSOAPInput(t *testing.T) {
	shape := customer()
	for _, row := range []struct{ name, body, want string }{
		{
			"all", `<c:Get xmlns:c="urn:c"><c:cust_id>1</c:cust_id><name>a</name><is_vip>1</is_vip><address><street>b</street><zip>2</zip></address>` +
				`<rows><row_id>1</row_id></rows><rows><row_id>2</row_id><note>n</note></rows><sizes>1</sizes><sizes>2</sizes><tags>x</tags></c:Get>`,
			`{"cust_id":1,"name":"a","is_vip":true,"address":{"street":"b","zip":2,"geo":{}},"rows":[{"row_id":1,"note":"none"},{"row_id":2,"note":"n"}],` +
				`"sizes":[1,2],"tags":["x"],"labels":{},"more":"","lang":"en"}`,
		},
		{
			"lists as items", `<Get><cust_id>1</cust_id><name>a</name><address><street>b</street><zip>2</zip></address><rows><item><row_id>1</row_id></item></rows>` +
				`<sizes><item>1</item><item>2</item></sizes><labels><item><key>a b</key><value>c</value></item></labels></Get>`,
			`{"cust_id":1,"name":"a","is_vip":null,"address":{"street":"b","zip":2,"geo":{}},"rows":[{"row_id":1,"note":"none"}],"sizes":[1,2],"tags":[],"labels":{"a b":"c"},"more":"","lang":"en"}`,
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			var held *service.Request
			_, err := sio.Wrap(keep(&held), shape, options(sio.SOAP)).Handle(t.Context(), &service.Request{Raw: message(row.body)})
			require.NoError(t, err)
			assert.JSONEq(t, row.want, text(t, held.Input))
			payload, err := held.Decoded()
			require.NoError(t, err)
			assert.NotEmpty(t, payload.(*service.Object).Text("name"))
		})
	}
	for _, row := range []struct{ name, body, want string }{
		{"fields that are wrong", `<Get><cust_id>x</cust_id><address><zip/></address></Get>`, `input is not valid: cust_id: expected an integer, not "x"; address.street: missing`},
		{"no element", ``, "input is not valid: cust_id: missing; name: missing; address: missing"},
		{"two", `<Get/><Get/>`, "<Get> beside another element in <Body>, which holds one"},
		{"text", `x`, "text in <Body>, where elements should be"},
		{"text beside elements", `<Get>x<cust_id/></Get>`, "<Get> holds both text and elements"},
		{"not closed", `<Get>`, "element <Get> closed by </s:Body>"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var held *service.Request
			_, err := sio.Wrap(keep(&held), shape, options(sio.SOAP)).Handle(t.Context(), &service.Request{Raw: message(row.body)})
			require.Error(t, err)
			assert.Equal(t, service.Invalid, service.AsError(err).Code)
			assert.Contains(t, err.Error(), row.want)
		})
	}
}

func TestSOAPListsAreElementsOfOneName(t *testing.T) {
	shape := &service.Shape{Input: []service.Field{
		{Name: "names", Type: "list", Of: "text", Required: true}, {Name: "sizes", Type: "list", Of: "int"}, {Name: "day", Type: "date"},
	}}
	for _, row := range []struct{ body, want string }{
		{"<r><names>a</names><names/><names>b</names></r>", `{"names":["a","","b"],"sizes":[],"day":""}`},
		{"<r/>", `{"names":[],"sizes":[],"day":""}`},
		{"<r><sizes/><day>2026-11-21+01:00</day></r>", `{"names":[],"sizes":[],"day":"2026-11-21"}`},
	} {
		var held *service.Request
		_, err := sio.Wrap(keep(&held), shape, options(sio.SOAP)).Handle(t.Context(), &service.Request{Raw: message(row.body)})
		require.NoError(t, err, row.body)
		assert.JSONEq(t, row.want, text(t, held.Input), row.body)
	}
}

func TestDecodeSOAP(t *testing.T) {
	for _, row := range []struct{ name, body, want string }{
		{"fields", "<r><a>1</a><b><c/></b><a>2</a></r>", `{"a":["1","2"],"b":{"c":""}}`},
		{"text", "<r>1</r>", `"1"`},
		{"an empty element", "<r/>", `{}`},
		{"items stay, as below a root", "<r><item>1</item></r>", `{"item":"1"}`},
		{"nothing", "", `null`},
	} {
		got, err := sio.DecodeSOAP(message(row.body))
		require.NoError(t, err, row.name)
		assert.Equal(t, row.want, text(t, got), row.name)
	}
	for _, row := range []struct{ name, raw, want string }{
		{"no Body", "<Envelope/>", "malformed XML at line 1, column 1: <Envelope> has no Body"},
		{"two bodies", "<Envelope><Body/><Body/></Envelope>", "<Body> beside another element in <Envelope>"},
		{"nothing", "", "there is no element"},
	} {
		_, err := sio.DecodeSOAP([]byte(row.raw))
		assert.ErrorContains(t, err, row.want, row.name)
	}
}

func TestSOAPOutput(t *testing.T) {
	say := func(payload any) service.Handler {
		return service.HandlerFunc(func(context.Context, *service.Request) (*service.Response, error) {
			return &service.Response{Payload: payload, ContentType: "text/plain"}, nil
		})
	}
	shape := func(fields ...service.Field) *service.Shape { return &service.Shape{Output: fields} }
	typed := func(name, kind string) service.Field { return service.Field{Name: name, Type: kind, Required: true} }
	repeated := shape(typed("a", "int"))
	repeated.Repeated = true
	for _, row := range []struct {
		name    string
		shape   *service.Shape
		payload any
		want    string
	}{
		{"text that XML must escape", shape(typed("a", "text")), service.ObjectOf("a", "<&\r", "b", 1), "<a>&lt;&amp;&#xD;</a>"},
		{"a list", shape(service.Field{Name: "a", Type: "list", Of: "int", Required: true}), service.ObjectOf("a", []any{int64(1), int64(2)}), "<a>1</a><a>2</a>"},
		{"a list without a type", shape(typed("a", "list")), service.ObjectOf("a", []any{"x", []any{"y"}}), "<a>x</a><a><item>y</item></a>"},
		{"an empty list", shape(typed("a", "list")), service.ObjectOf("a", []any{}), ""},
		{
			"objects", shape(service.Field{Name: "a", Type: "dictlist", Required: true, Fields: []service.Field{typed("b", "bool"), typed("c", "list")}}),
			service.ObjectOf("a", []any{service.ObjectOf("b", true, "c", []any{"x", "y"}), service.ObjectOf("b", false, "c", []any{})}),
			"<a><b>true</b><c>x</c><c>y</c></a><a><b>false</b></a>",
		},
		{"keys of its own", shape(typed("a", "dict")), service.ObjectOf("a", service.ObjectOf("k k", "v")), "<a><item><key>k k</key><value>v</value></item></a>"},
		{"null where there must be something", shape(typed("a", "int"), typed("b", "text")), service.ObjectOf("a", nil, "b", nil), `<a xsi:nil="true"/><b xsi:nil="true"/>`},
		{
			"optional and missing", shape(service.Field{Name: "a", Type: "int"}, service.Field{Name: "b", Type: "date"}, service.Field{Name: "c"}, service.Field{Name: "d", Type: "dict"}),
			service.ObjectOf(), "<c/>",
		},
		{
			"times", shape(typed("a", "datetime"), typed("b", "utc"), typed("c", "date")),
			service.ObjectOf("a", "2026-11-21 09:30:00", "b", "2026-11-21T09:30:00", "c", "2026-11-21T00:00:00"),
			"<a>2026-11-21T09:30:00</a><b>2026-11-21T09:30:00Z</b><c>2026-11-21</c>",
		},
		{
			"decimals", shape(service.Field{Name: "a", Type: "list", Of: "decimal", Required: true}),
			service.ObjectOf("a", []any{"1.50", "1.5e3", "-12e-3", "+5E2", "1e-2", "0.00e1"}),
			"<a>1.50</a><a>1500</a><a>-0.012</a><a>500</a><a>0.01</a><a>0.0</a>",
		},
		{"a list of objects", repeated, []any{service.ObjectOf("a", 1), service.ObjectOf("a", 2)}, "<item><a>1</a></item><item><a>2</a></item>"},
		{"undeclared", nil, service.ObjectOf("a", []any{1, 2}, "b", nil), "<a><item>1</item><item>2</item></a><b/>"},
		{"undeclared text", nil, "a < b", "a &lt; b"},
		{"nothing", nil, nil, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			resp, err := sio.Wrap(say(row.payload), row.shape, options(sio.SOAP)).Handle(t.Context(), &service.Request{Raw: message("<r/>")})
			require.NoError(t, err)
			assert.Equal(t, row.want, string(resp.Raw))
			assert.Equal(t, sio.SOAPFields, resp.ContentType)
		})
	}
	resp, err := sio.Wrap(say(" <x><y/></x>"), nil, options(sio.SOAP)).Handle(t.Context(), &service.Request{Raw: message("<r/>")})
	require.NoError(t, err)
	assert.Equal(t, sio.SOAPBody, resp.ContentType)
	assert.Equal(t, " <x><y/></x>", string(resp.Raw))
	for _, row := range []struct {
		name    string
		shape   *service.Shape
		payload any
		want    string
	}{
		{"an element that is none", nil, "<x><y></x>", "element <y> closed by </x>"},
		{"a name that is none", shape(typed("a b", "text")), service.ObjectOf("a b", "c"), `"a b" is not a name that an XML element can have`},
		{"a field that is missing", shape(typed("a", "text")), service.ObjectOf(), "output is not valid: a: missing"},
	} {
		_, err := sio.Wrap(say(row.payload), row.shape, options(sio.SOAP)).Handle(t.Context(), &service.Request{Raw: message("<r/>")})
		assert.ErrorContains(t, err, row.want, row.name)
		assert.Equal(t, service.Internal, service.AsError(err).Code, row.name)
	}
}

func TestReadEnvelope(t *testing.T) {
	e, err := sio.ReadEnvelope([]byte("\ufeff" + `<!-- c --><Envelope xmlns="` + sio.SOAP12 + `" xmlns:a='urn:a'><Header><a:One a:x="&lt;1" y="2">t<a:Two xmlns:a="urn:b">u</a:Two></a:One><Three xmlns=""/></Header>` +
		`<Body><a:Get><anything at all`))
	require.NoError(t, err)
	assert.Equal(t, sio.SOAP12, e.Namespace)
	assert.Equal(t, "Get", e.Operation)
	assert.Equal(t, []sio.Element{
		{
			Namespace: "urn:a", Name: "One", Text: "t",
			Attributes: []sio.Attribute{{"urn:a", "x", "<1"}, {"", "y", "2"}},
			Children:   []sio.Element{{Namespace: "urn:b", Name: "Two", Text: "u"}},
		},
		{Name: "Three"},
	}, e.Headers)
	assert.Equal(t, "<1", e.Headers[0].Attribute("urn:a", "x"))

	e, err = sio.ReadEnvelope([]byte(`<x:Envelope xmlns:x="urn:other"><nothing else`))
	require.NoError(t, err)
	assert.Equal(t, "urn:other", e.Namespace, "nothing else is read")

	in := `<s:Envelope xmlns:s="` + sio.SOAP11 + `">`
	for _, row := range []struct{ name, raw, want string }{
		{"another root", "<a/>", "this is no SOAP message: its root is no Envelope"},
		{"nothing", " ", "this is no SOAP message"},
		{"a prefix of nothing", "<s:Envelope/>", "the prefix s stands for no namespace"},
		{"a prefix of another element", in + `<s:Header><a xmlns:b="urn:b"/><b:c/></s:Header>`, "the prefix b stands for no namespace"},
		{"no Body", in + "</s:Envelope>", "the Envelope has no Body"},
		{"a Body of another namespace", in + `<Body/>`, "<Body> in the Envelope, which holds one Header and then one Body"},
		{"two headers", in + `<s:Header/><s:Header/>`, "<Header> in the Envelope"},
		{"text", in + `x`, "text in <Envelope>"},
		{"a DOCTYPE", `<!DOCTYPE a>` + in, "a DOCTYPE or other declaration is not accepted"},
		{"a long header", in + "<s:Header><a>" + strings.Repeat("é", 40_000) + "</a></s:Header><s:Body><a/></s:Body></s:Envelope>", "does not begin within its first 64 KiB"},
		{"malformed beyond", in + "<s:Header>", "line 1, column"},
	} {
		_, err := sio.ReadEnvelope([]byte(row.raw))
		assert.ErrorContains(t, err, row.want, row.name)
		assert.Equal(t, service.Invalid, service.AsError(err).Code, row.name)
	}
	for _, mark := range []string{"", "x", "xx"} {
		_, err = sio.ReadEnvelope([]byte(in + "<s:Body><a>" + mark + strings.Repeat("€", 1<<20)))
		assert.NoError(t, err, "a long body is not looked at")
	}
}

func TestEnvelopeWithHeader(t *testing.T) {
	in := `<s:Envelope xmlns:s="` + sio.SOAP11 + `">`
	for _, row := range []struct{ name, raw, want string }{
		{"none", in + "<s:Body><a/></s:Body></s:Envelope>", in + "<s:Header><b/></s:Header><s:Body><a/></s:Body></s:Envelope>"},
		{"empty", "\ufeff" + in + "<s:Header /><s:Body/></s:Envelope>", "\ufeff" + in + "<s:Header ><b/></s:Header><s:Body/></s:Envelope>"},
		{"one", in + "<s:Header x='/'><c/></s:Header><s:Body/></s:Envelope>", in + "<s:Header x='/'><b/><c/></s:Header><s:Body/></s:Envelope>"},
		{"without a prefix", `<Envelope xmlns="` + sio.SOAP12 + `"><Body/></Envelope>`, `<Envelope xmlns="` + sio.SOAP12 + `"><Header><b/></Header><Body/></Envelope>`},
	} {
		e, err := sio.ReadEnvelope([]byte(row.raw))
		require.NoError(t, err, row.name)
		assert.Equal(t, row.want, string(e.WithHeader([]byte(row.raw), []byte("<b/>"))), row.name)
	}
}
