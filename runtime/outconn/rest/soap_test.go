package rest_test

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/outconn"
	"github.com/parley-run/parley/runtime/outconn/rest"
	"github.com/parley-run/parley/runtime/service"
)

func openSOAP(t testing.TB, host string, keys ...any) outconn.Conn {
	t.Helper()
	raw, err := service.ObjectOf(append([]any{"host", host}, keys...)...).MarshalJSON()
	require.NoError(t, err)
	cfg, err := rest.SOAPKind().Parse(raw)
	require.NoError(t, err)
	c, err := rest.SOAPKind().New(cfg, outconn.Deps{Name: "CRM", Names: service.ParleyNames()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close(context.Background())) })
	return c
}

const (
	begin11 = `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">`
	begin12 = `<soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope">`
	end     = `</soap:Envelope>`
	head    = `<?xml version="1.0" encoding="UTF-8"?>`
)

func TestSOAPRequests(t *testing.T) {
	answer := begin11 + `<soap:Header><t>1</t></soap:Header><soap:Body><GetResponse xmlns="urn:crm"><name>Sean</name></GetResponse></soap:Body>` + end
	for _, tt := range []struct {
		name   string
		keys   []any
		method string
		args   []any
		kwargs map[string]any
		body   string
		header map[string]string
	}{
		{
			name: "qualified", keys: []any{"namespace", "urn:crm", "soap_action", "urn:crm/{operation}", "url_path", "/soap"}, method: "invoke",
			args:   []any{"Get", object("id", int64(7))},
			body:   begin11 + `<soap:Body><Get xmlns="urn:crm"><id>7</id></Get></soap:Body>` + end,
			header: map[string]string{"SOAPAction": `"urn:crm/Get"`, "Content-Type": "text/xml; charset=utf-8", "X-Parley-CID": "from-context"},
		},
		{
			name: "unqualified", keys: []any{"namespace", "urn:crm", "qualified", false}, method: "invoke", args: []any{"Get"}, kwargs: map[string]any{"payload": object("id", int64(7)), "cid": "c9"},
			body:   begin11 + `<soap:Body><ns:Get><id>7</id></ns:Get></soap:Body>` + end,
			header: map[string]string{"SOAPAction": `""`, "X-Parley-CID": "c9"},
		},
		{
			name: "1.2", keys: []any{"soap_version", "1.2"}, method: "invoke", args: []any{"Get", "7"}, kwargs: map[string]any{"soap_action": "urn:Get", "soap_header": object("a", "b")},
			body:   begin12 + `<soap:Header><a>b</a></soap:Header><soap:Body><Get>7</Get></soap:Body>` + end,
			header: map[string]string{"SOAPAction": "", "Content-Type": `application/soap+xml; charset=utf-8; action="urn:Get"`},
		},
		{name: "no payload", keys: []any{"namespace", "urn:crm"}, method: "invoke", args: []any{"Get"}, body: begin11 + `<soap:Body><Get xmlns="urn:crm"/></soap:Body>` + end},
		{
			name: "the body itself", keys: []any{"namespace", "urn:crm"}, method: "send", args: []any{"c8", object("ns:Get", nil)}, kwargs: map[string]any{"headers": object("X-Own", "1", "soapaction", "mine")},
			body:   begin11 + `<soap:Body><ns:Get/></soap:Body>` + end,
			header: map[string]string{"X-Parley-CID": "c8", "X-Own": "1", "SOAPAction": "mine"},
		},
		{name: "XML", method: "post", args: []any{"c8", "<?xml version='1.0'?><Get/>"}, body: begin11 + `<soap:Body><Get/></soap:Body>` + end},
	} {
		t.Run(tt.name, func(t *testing.T) {
			host, next := remote(t, 200, "text/xml", answer)
			ctx := service.WithCall(context.Background(), &service.Call{CID: "from-context"})
			reply, err := openSOAP(t, host, tt.keys...).Call(ctx, tt.method, tt.args, tt.kwargs)
			require.NoError(t, err)
			got := next()
			body := strings.Replace(got.body, ` xmlns:ns="urn:crm"`, "", 1)
			assert.Equal(t, head+tt.body, body)
			assert.Equal(t, "POST", got.method)
			for name, want := range tt.header {
				assert.Equal(t, want, got.header.Get(name), name)
			}
			assert.Equal(t, object("name", "Sean"), attr(t, reply, "data"))
			assert.Equal(t, object("t", "1"), attr(t, reply, "soap_header"))
			assert.Equal(t, answer, attr(t, reply, "text"))
			assert.Equal(t, int64(200), attr(t, reply, "status_code"))
		})
	}
}

func TestSOAPReplies(t *testing.T) {
	for _, tt := range []struct {
		name   string
		status int
		body   string
		data   any
		says   string
	}{
		{"empty body", 200, begin11 + `<soap:Body/>` + end, nil, ""},
		{"nothing", 202, ``, nil, ""},
		{"the other version", 200, begin12 + `<soap:Body><a>1</a></soap:Body>` + end, "1", ""},
		{
			"a fault", 500, begin11 + `<soap:Body><soap:Fault><faultcode>soap:Server</faultcode><faultstring>out of stock</faultstring><detail><sku>A</sku></detail></soap:Fault></soap:Body>` + end,
			nil, `outconn "CRM": POST HOST/soap answered 500: SOAP fault Server: out of stock`,
		},
		{"a fault with 200", 200, begin12 + `<soap:Body><soap:Fault><soap:Code><soap:Value>soap:Sender</soap:Value></soap:Code><soap:Reason><soap:Text xml:lang="en">no</soap:Text></soap:Reason></soap:Fault></soap:Body>` + end, nil, `answered 200: SOAP fault Sender: no`},
		{"a page", 404, `<html><body>no such page</body></html>`, nil, `answered 404 with a body that is no SOAP envelope: it is no SOAP envelope: the root element is {}html`},
		{"JSON", 200, `{}`, nil, `answered 200 with a body that is no SOAP envelope: malformed XML at line 1`},
		{"nothing with 503", 503, ``, nil, `answered 503 with a body that is no SOAP envelope`},
		{"no fault with 500", 500, begin11 + `<soap:Body/>` + end, nil, `answered 500 with an envelope that holds no fault`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			host, _ := remote(t, tt.status, "text/xml", tt.body)
			reply, err := openSOAP(t, host, "url_path", "/soap").Call(context.Background(), "invoke", []any{"Get"}, nil)
			if tt.says == "" {
				require.NoError(t, err)
				assert.Equal(t, tt.data, attr(t, reply, "data"))
				return
			}
			e := fault(t, err)
			assert.Equal(t, service.Upstream, e.Code)
			assert.Contains(t, e.Message, strings.Replace(tt.says, "HOST", host, 1))
			if tt.name == "a fault" {
				assert.ErrorContains(t, e.Err, `detail {"sku":"A"}`)
			}
		})
	}
}

func TestSOAPMisuse(t *testing.T) {
	c := openSOAP(t, "http://127.0.0.1:1")
	for _, tt := range []struct {
		method string
		args   []any
		kwargs map[string]any
		says   string
	}{
		{"invok", nil, nil, `outconn "CRM" has no method "invok"; did you mean "invoke"?`},
		{"get", nil, nil, `has no method "get"; known methods are invoke, send, post, ping`},
		{"invoke", nil, nil, `invoke takes (operation, payload, soap_header=..., soap_action=..., cid=..., params=..., headers=...); the operation is its name, not None`},
		{"invoke", []any{"a", nil, nil}, nil, `invoke takes (operation, payload`},
		{"invoke", []any{"a"}, map[string]any{"data": "x"}, `invoke takes (operation, payload`},
		{"invoke", []any{"a", nil}, map[string]any{"payload": "x"}, `invoke: payload is given twice`},
		{"invoke", []any{"a b"}, nil, `the request cannot be written as SOAP: SOAP body: XML: "a b" is no name of an element`},
		{"invoke", []any{"a"}, map[string]any{"soap_action": "a\"b"}, `invoke: soap_action is text without quotes`},
		{"send", []any{"c", "x"}, nil, `SOAP body: malformed XML`},
	} {
		_, err := c.Call(context.Background(), tt.method, tt.args, tt.kwargs)
		require.ErrorContains(t, err, tt.says)
	}
	for raw, says := range map[string]string{
		`{"host":"http://h","soap_version":"2"}`:   `soap_version: expected 1.1 or 1.2, not "2"`,
		`{"host":"http://h","data_format":"json"}`: `data_format: expected soap, not "json"; other formats are those of outgoing_rest`,
		`{"host":"http://h","soap_action":"a\nb"}`: `soap_action: expected text without quotes and line breaks`,
		`{"host":"h"}`:                                `host: expected http://host:port or https://host:port`,
		`{"host":"http://h","soap_actoin":"a"}`:       `soap_actoin: unknown key; did you mean "soap_action"?`,
		`{"host":"http://h","qualified":"sometimes"}`: `qualified: expected true or false, not "sometimes"`,
	} {
		_, err := rest.SOAPKind().Parse([]byte(raw))
		require.ErrorContains(t, err, says)
	}
}

// TestSOAPServer calls a server that is not ours: spyne, python3-spyne in Debian.
func TestSOAPServer(t *testing.T) {
	const python = "/usr/bin/python3"
	if err := exec.CommandContext(t.Context(), python, "-c", "import spyne, lxml").Run(); err != nil {
		require.False(t, slices.Contains(strings.Split(os.Getenv("PARLEY_REQUIRE"), ","), "spyne"), "PARLEY_REQUIRE asks for spyne: %v", err)
		t.Skipf("no spyne for %s (Debian: python3-spyne): %v", python, err)
	}
	for _, version := range []string{"1.1", "1.2"} {
		t.Run(version, func(t *testing.T) {
			cmd := exec.Command(python, "testdata/orders_soap.py", version)
			out, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			defer func() {
				_ = cmd.Process.Kill()
				_ = cmd.Wait()
			}()
			port, err := bufio.NewReader(out).ReadString('\n')
			require.NoError(t, err)
			c := openSOAP(t, "http://127.0.0.1:"+strings.TrimSpace(port), "namespace", "urn:orders", "soap_version", version)
			reply, err := c.Call(t.Context(), "invoke", []any{"greet", object("times", int64(2), "name", "Sean <O'Brien>")}, nil)
			require.NoError(t, err)
			assert.Equal(t, object("greetResult", "Hello Sean <O'Brien>, Hello Sean <O'Brien>"), attr(t, reply, "data"))
			reply, err = c.Call(t.Context(), "invoke", []any{"orders", object("count", int64(2))}, nil)
			require.NoError(t, err)
			assert.Equal(t, object("ordersResult", object("Order", []any{object("id", "0", "product", "<0>"), object("id", "1", "product", "<1>")})), attr(t, reply, "data"))
			_, err = c.Call(t.Context(), "invoke", []any{"refuse", object("why", "too late")}, nil)
			assert.Equal(t, service.Upstream, fault(t, err).Code)
			require.ErrorContains(t, err, "answered 500: SOAP fault ")
			require.ErrorContains(t, err, ": too late")
			if version == "1.2" {
				return // it fails itself where it should say that an input is not valid
			}
			_, err = c.Call(t.Context(), "invoke", []any{"greet", object("times", "many")}, nil)
			require.ErrorContains(t, err, "SOAP fault ")
		})
	}
}
