package messages_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/service"
	parley "github.com/parley-run/parley/runtime/starlark"
	"github.com/parley-run/parley/runtime/starlark/messages"
)

// handle runs a service of that source, and gives its payload as JSON.
func handle(t *testing.T, source string, input any) (string, error) {
	t.Helper()
	files := []parley.File{{Name: "x.star", Source: []byte(source)}}
	set, faults := parley.Load(t.Context(), files, nil, parley.DefaultLimits(), slog.New(slog.DiscardHandler), messages.Modules()...)
	require.Empty(t, faults)
	res, err := set.Services()[0].Handler.Handle(context.Background(), &service.Request{Input: input, Payload: input})
	if err != nil {
		return "", err
	}
	raw, err := service.AppendJSON(nil, res.Payload)
	require.NoError(t, err)
	return string(raw), nil
}

const given = `
ORDERS = """<o:orders xmlns:o="urn:orders" xmlns="urn:lines"><o:order id="1"><line sku="A">2</line><line sku="B">3</line></o:order><o:order id="2"/></o:orders>"""
ns = {"o": "urn:orders", "l": "urn:lines"}
ENVELOPE = """<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>%s</s:Body></s:Envelope>"""
FAULT = ENVELOPE % "<s:Fault><faultcode>s:Client</faultcode><faultstring>no such id</faultstring></s:Fault>"

def orders():
    return {"orders": [{"id": 1, "total": 5}, {"id": 2, "total": 50, "a/b": "slash"}], "name": None}
`

func TestModules(t *testing.T) {
	for _, tt := range []struct{ expr, want string }{
		{`jsonpointer.get(orders(), "/orders/1/total")`, `50`},
		{`jsonpointer.get(orders(), "/orders/1/a~1b")`, `"slash"`},
		{`jsonpointer.get(orders(), "/orders/7/total")`, `null`},
		{`jsonpointer.get(orders(), "/orders/7/total", 0)`, `0`},
		{`jsonpointer.get(orders(), "/name", "nobody")`, `null`},
		{`jsonpointer.get(orders(), "/orders/1/a~1b/x", default = "no")`, `"no"`},
		{`jsonpointer.get(self.request.input, "/cust/id")`, `7`},
		{`jsonpointer.set({}, "/a/b", [1])`, `{"a":{"b":[1]}}`},
		{`jsonpointer.set({"l": [1]}, "/l/-", 2)`, `{"l":[1,2]}`},
		{`jsonpointer.set({}, "/l/-", 2)`, `{"l":[2]}`},
		{`jsonpointer.set({"l": [1]}, "/l/0", 2)`, `{"l":[2]}`},
		{`jsonpointer.set({"a": None}, "/a/b", 2)`, `{"a":{"b":2}}`},
		{`jsonpointer.set({}, "", "all")`, `"all"`},
		{`[jsonpointer.delete({"a": 1}, "/a"), jsonpointer.delete({"a": 1}, "/b"), jsonpointer.delete({}, "/b/c")]`, `[true,false,false]`},
		{`deleted()`, `{"l":[1,3],"d":{}}`},
		{`jsonpath.find(orders(), "$.orders[?@.total > 10].id")`, `[2]`},
		{`jsonpath.find(orders(), "$..id")`, `[1,2]`},
		{`jsonpath.get(orders(), "$..id")`, `1`},
		{`jsonpath.get(orders(), "$..no", "none")`, `"none"`},
		{`xpath.get(ORDERS, "o:order/l:line[@sku='B']", namespaces = ns)`, `"3"`},
		{`xpath.get(ORDERS, "count(//l:line)", namespaces = ns)`, `2`},
		{`xpath.get(ORDERS, "sum(//l:line) div 2", namespaces = ns)`, `2.5`},
		{`xpath.get(ORDERS, "boolean(//l:line)", namespaces = ns)`, `true`},
		{`xpath.get(ORDERS, "o:no", namespaces = ns)`, `null`},
		{`xpath.get(ORDERS, "o:no", "none", ns)`, `"none"`},
		{`xpath.find(ORDERS, "o:order/@id", ns)`, `["1","2"]`},
		{`[xpath.get(order, "@id") for order in xpath.find(xml.parse(ORDERS), "o:order", ns)]`, `["1","2"]`},
		{`xml.parse(ORDERS).data`, `{"order":[{"@id":"1","line":[{"@sku":"A","#text":"2"},{"@sku":"B","#text":"3"}]},{"@id":"2"}]}`},
		{`[xml.parse(ORDERS).name, xml.parse(ORDERS).namespace, xml.parse(ORDERS).attributes, xml.parse(ORDERS).children[1].attributes, xml.parse("<a>x</a>").text]`, `["orders","urn:orders",{},{"id":"2"},"x"]`},
		{`xml.parse("<a><b/></a>").children[0].xml`, `"<b/>"`},
		{`xml.build("o:order", {"@id": 7, "line": ["A", "B"]}, namespaces = {"o": "urn:orders"})`, `"<o:order xmlns:o=\"urn:orders\" id=\"7\"><line>A</line><line>B</line></o:order>"`},
		{`xml.build("a", declaration = True)`, `"<?xml version=\"1.0\" encoding=\"UTF-8\"?><a/>"`},
		{`soap.build({"c:Get": {"id": 7}}, namespaces = {"c": "urn:c"})`, `"<soap:Envelope xmlns:c=\"urn:c\" xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Body><c:Get><id>7</id></c:Get></soap:Body></soap:Envelope>"`},
		{`soap.parse(soap.build(xml.parse("<a>x</a>"), header = {"h": 1}, version = "1.2")).header.data`, `{"h":"1"}`},
		{`soap.parse(ENVELOPE % "<a/>").fault`, `null`},
		{`soap.parse(FAULT).fault`, `{"actor":"","code":"Client","detail":null,"reason":"no such id","subcode":""}`},
		{`soap.body(ENVELOPE % "<GetResponse><name>Sean</name></GetResponse>")`, `{"GetResponse":{"name":"Sean"}}`},
		{`soap.body(ENVELOPE % "")`, `{}`},
		{`attempt(soap.body, FAULT)[2].message`, `"SOAP fault Client: no such id"`},
		{`attempt(xml.parse, "<a>")[2].message`, `"xml.parse: malformed XML at line 1, column 4: the text ends inside <a>"`},
		{`attempt(jsonpath.find, {}, "$[")[0]`, `false`},
	} {
		got, err := handle(t, given+`
def deleted():
    doc = {"l": [1, 2, 3], "d": {"x": 1}}
    jsonpointer.delete(doc, "/l/1")
    jsonpointer.delete(doc, "/d/x")
    return doc

def handle(self):
    self.response.payload = `+tt.expr+"\n", service.ObjectOf("cust", service.ObjectOf("id", int64(7))))
		require.NoError(t, err, tt.expr)
		assert.Equal(t, tt.want, got, tt.expr)
	}
}

// A wrong path is the service's own fault: the log says where it stands and what it is.
func TestFaults(t *testing.T) {
	for _, tt := range []struct {
		expr, says string
		code       service.Code
	}{
		{`jsonpointer.get({}, "a")`, `jsonpointer.get: JSON Pointer "a": it must begin with / at x.star:`, service.Internal},
		{`jsonpointer.set([1], "/5", 1)`, `jsonpointer.set: JSON Pointer "/5": "5" is no place in a list of 1 elements; use 0 to 1, or - to append at x.star:`, service.Internal},
		{`jsonpointer.set("x", "/5", 1)`, `"5" cannot be put into a value of type string; only dicts and lists can be changed at x.star:`, service.Internal},
		{`jsonpointer.delete({}, "")`, `the whole document cannot be deleted`, service.Internal},
		{`jsonpointer.delete((1,), "/0")`, `nothing can be deleted from a value of type tuple`, service.Internal},
		{`jsonpointer.set(FROZEN, "/a", 1)`, `cannot insert into frozen hash table at x.star:`, service.Internal},
		{`jsonpath.find({}, "store")`, `jsonpath.find: JSONPath "store": `, service.Internal},
		{`jsonpath.find({1: 2}, "$")`, `keys of a payload are text`, service.Internal},
		{`xpath.get("<a/>", "//x:a")`, `xpath.get: XPath "//x:a": the prefix "x" is bound to no namespace; bind it with namespaces={"x": "..."}; bound are: xml at x.star:`, service.Internal},
		{`xpath.get("<a/>", "//a", namespaces = {"x": 1})`, `namespaces are a dict of prefixes and URIs, such as {"c": "urn:customers"}, not {"x": 1}`, service.Internal},
		{`xpath.get("<a>", "//a")`, `xpath.get: malformed XML at line 1, column 4`, service.Internal},
		{`xpath.get(7, "//a")`, `expected XML, as text or an element, not int`, service.Internal},
		{`xml.build("a b")`, `xml.build: XML: "a b" is no name of an element at x.star:`, service.Internal},
		{`soap.build("x")`, `soap.build: SOAP body: malformed XML`, service.Internal},
		{`soap.body("<a/>")`, `soap.body: it is no SOAP envelope: the root element is {}a`, service.Internal},
		{`soap.body(FAULT)`, `SOAP fault Client: no such id`, service.Upstream},
	} {
		_, err := handle(t, given+"FROZEN = {}\ndef handle(self):\n    self.response.payload = "+tt.expr+"\n", nil)
		require.ErrorContains(t, err, tt.says, tt.expr)
		assert.Equal(t, tt.code, service.AsError(err).Code, tt.expr)
	}
}
