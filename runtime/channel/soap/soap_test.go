package soap_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/channel"
	"github.com/parley-run/parley/runtime/channel/soap"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
)

const one = `{"service":"bank.get-client","url_path":"/soap","namespace":"urn:bank"}`

// build is a channel of that config whose services are all handle, of the shape of a client.
func build(t testing.TB, config string, handle service.HandlerFunc, change ...func(*channel.Deps)) channel.HTTP {
	t.Helper()
	c, err := soap.Kind().Parse([]byte(config))
	require.NoError(t, err)
	shape := &service.Shape{
		Input:  []service.Field{{Name: "cust_id", Required: true}, {Name: "tags", Type: "list", Of: "text"}},
		Output: []service.Field{{Name: "name", Required: true}, {Name: "score", Type: "decimal"}},
	}
	d := channel.Deps{Name: "Bank", Names: service.ParleyNames()}
	rules := sio.DefaultConventions()
	for _, name := range channel.Services(c) {
		d.Services = append(d.Services, channel.Exposed{
			Name: name, Doc: "Everything of a client.", Shape: shape,
			Handle: sio.Wrap(handle, shape, sio.Options{Format: c.Common().DataFormat, Names: d.Names, Service: name}),
			Fields: func() (in, out []service.Field) { return rules.Describe(shape.Input), rules.Describe(shape.Output) },
		})
	}
	for _, f := range change {
		f(&d)
	}
	built, err := soap.Kind().New(c, d)
	require.NoError(t, err)
	return built.(channel.HTTP)
}

func hello(_ context.Context, req *service.Request) (*service.Response, error) {
	id := req.Input.(*service.Object).Value("cust_id")
	return &service.Response{Payload: service.ObjectOf("name", "Ana", "score", "1.50", "more", id)}, nil
}

func envelope(namespace, header, body string) string {
	return `<s:Envelope xmlns:s="` + namespace + `"><s:Header>` + header + `</s:Header><s:Body>` + body + `</s:Body></s:Envelope>`
}

const get = "<GetClient xmlns='urn:bank'><cust_id>1</cust_id></GetClient>"

// post sends a message with headers, names and values in turn.
func post(t *testing.T, c http.Handler, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/soap", strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	c.ServeHTTP(w, r)
	assert.NotEmpty(t, w.Header().Get("X-Parley-CID"))
	return w
}

func TestReplyIsInTheRequestsVersion(t *testing.T) {
	c := build(t, one, hello)
	for _, row := range []struct{ namespace, contentType, want string }{
		{sio.SOAP11, "text/xml; charset=UTF-8", "text/xml; charset=utf-8"},
		{sio.SOAP12, `application/soap+xml; charset=utf-8; action="urn:x"`, "application/soap+xml; charset=utf-8"},
		{sio.SOAP12, "", "application/soap+xml; charset=utf-8"},
	} {
		w := post(t, c, envelope(row.namespace, "", get), "Content-Type", row.contentType)
		assert.Equal(t, 200, w.Code)
		assert.Equal(t, row.want, w.Header().Get("Content-Type"))
		assert.Equal(t, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"+`<soap:Envelope xmlns:soap="`+row.namespace+`" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">`+
			`<soap:Body><GetClientResponse xmlns="urn:bank"><name>Ana</name><score>1.50</score></GetClientResponse></soap:Body></soap:Envelope>`, w.Body.String())
	}
}

func TestWhichOperation(t *testing.T) {
	const several = `{"operations":{"Get":"bank.get","Add":"bank.add"},"url_path":"/soap"}`
	const withAction = `{"service":"bank.get","url_path":"/soap","soap_action":"urn:get"}`
	for _, row := range []struct{ name, config, body, action, contentType, want string }{
		{"the element", several, "<Get><cust_id>1</cust_id></Get>", "", "", "<GetResponse"},
		{"the element in a namespace", several, "<x:Add xmlns:x='urn:x'><cust_id>1</cust_id></x:Add>", `""`, "", "<AddResponse"},
		{"the SOAPAction", several, "<Request><cust_id>1</cust_id></Request>", `"urn:bank/Add"`, "", "<AddResponse"},
		{"the SOAPAction without quotes", several, "<Request><cust_id>1</cust_id></Request>", "Add", "", "<AddResponse"},
		{"the action of SOAP 1.2", several, "<Request><cust_id>1</cust_id></Request>", "", `application/soap+xml; action="urn:bank#Get"`, "<GetResponse"},
		{"one that says nothing", several, "<Get><cust_id>1</cust_id></Get>", "urn:whatever", "", "<GetResponse"},
		{"two", several, "<Get><cust_id>1</cust_id></Get>", "Add", "", "the SOAPAction is of the operation Add, and Body holds Get; send one of them"},
		{"none", several, "<Gat/>", "", "", "there is no operation &quot;Gat&quot;; there is Add, Get; did you mean &quot;Get&quot;?"},
		{"an empty Body", several, "", "", "", "Body is empty, and its SOAPAction names no operation; there is Add, Get"},
		{"its action", withAction, "<Get><cust_id>1</cust_id></Get>", `"urn:get"`, "", "<GetResponse"},
		{"another action", withAction, "<Get><cust_id>1</cust_id></Get>", `"urn:got"`, "", "the SOAPAction &quot;urn:got&quot; is not served at /soap; there is &quot;urn:get&quot;"},
		{"a name of one's own", `{"service":"bank.get","operation":"Client","url_path":"/soap"}`, "<Any><cust_id>1</cust_id></Any>", "", "", "<ClientResponse"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := post(t, build(t, row.config, hello), envelope(sio.SOAP11, "", row.body), "SOAPAction", row.action, "Content-Type", row.contentType)
			assert.Contains(t, w.Body.String(), row.want)
		})
	}
}

func TestFaults(t *testing.T) {
	fails := func(err error) service.HandlerFunc {
		return func(context.Context, *service.Request) (*service.Response, error) { return nil, err }
	}
	denied := service.Errorf(service.Unauthenticated, "nobody <known>")
	denied.Header = map[string][]string{"Www-Authenticate": {"parley-wss"}}
	for _, row := range []struct {
		name             string
		handle           service.HandlerFunc
		body             string
		code11, code12   string
		status11, stat12 int
		want             string
	}{
		{"bad input", hello, "<GetClient><cust_id>x</cust_id></GetClient>", "Client", "Sender", 500, 400, "input is not valid: cust_id: expected an integer, not &quot;x&quot;"},
		{"malformed", hello, "<GetClient><cust_id>", "Client", "Sender", 500, 400, "malformed XML at line 1, column "},
		{"of the service", fails(errors.New("secret")), get, "Server", "Receiver", 500, 500, "internal error"},
		{"upstream", fails(service.Errorf(service.Upstream, "CRM is away")), get, "Server", "Receiver", 500, 500, "CRM is away"},
		{"not found", fails(service.Errorf(service.NotFound, "no client 1")), get, "Client", "Sender", 500, 400, "no client 1"},
		{"no credentials", fails(denied), get, "Client", "Sender", 401, 401, "nobody &lt;known&gt;"},
		{"not allowed", fails(service.Errorf(service.Denied, "not you")), get, "Client", "Sender", 403, 403, "not you"},
		{"too often", fails(service.Errorf(service.TooMany, "again")), get, "Client", "Sender", 429, 429, "again"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := build(t, one, row.handle)
			w := post(t, c, envelope(sio.SOAP11, "", row.body), "Content-Type", "text/xml")
			assert.Equal(t, row.status11, w.Code)
			assert.Contains(t, w.Body.String(), `<soap:Fault><faultcode>soap:`+row.code11+`</faultcode><faultstring>`+row.want)
			assert.Contains(t, w.Body.String(), `<detail><parley_env xmlns="urn:bank"><cid>`+w.Header().Get("X-Parley-CID")+`</cid><result>PARLEY_ERROR</result><details>`+row.want)
			assert.NotContains(t, w.Body.String(), "secret")
			w = post(t, c, envelope(sio.SOAP12, "", row.body), "Content-Type", "application/soap+xml")
			assert.Equal(t, row.stat12, w.Code)
			assert.Contains(t, w.Body.String(), `<soap:Fault><soap:Code><soap:Value>soap:`+row.code12+`</soap:Value></soap:Code><soap:Reason><soap:Text xml:lang="en">`+row.want)
			assert.Contains(t, w.Body.String(), `<soap:Detail><parley_env xmlns="urn:bank"><cid>`)
			if row.status11 == 401 {
				assert.Equal(t, "parley-wss", w.Header().Get("WWW-Authenticate"))
			}
		})
	}
}

func TestVersionsAndHeaders(t *testing.T) {
	understood := func(d *channel.Deps) {
		d.Understood = func(namespace, name string) bool { return namespace == "urn:sec" && name == "Security" }
	}
	const old = `{"service":"bank.get-client","url_path":"/soap","soap_version":"1.1"}`
	for _, row := range []struct {
		name, config, body, contentType string
		status                          int
		want                            []string
	}{
		{"a version of no time", one, envelope("urn:soap-9", "", get), "text/xml", 500, []string{"<faultcode>soap:VersionMismatch</faultcode>", `an Envelope in the namespace &quot;urn:soap-9&quot;; SOAP 1.2 and 1.1 is served here`, `<up:SupportedEnvelope qname="v0:Envelope" xmlns:v0="` + sio.SOAP12 + `"/>`}},
		{"a version that is not served", old, envelope(sio.SOAP12, "", get), "application/soap+xml", 500, []string{`xmlns:soap="` + sio.SOAP11 + `"`, "<faultcode>soap:VersionMismatch</faultcode>"}},
		{"a header for nobody knows whom", one, envelope(sio.SOAP11, `<x:Tx xmlns:x="urn:x" s:mustUnderstand="1"/>`, get), "text/xml", 500, []string{"<faultcode>soap:MustUnderstand</faultcode>", "the header {urn:x}Tx must be understood, and is not"}},
		{"the same in 1.2", one, envelope(sio.SOAP12, `<x:Tx xmlns:x="urn:x" s:mustUnderstand="true"/>`, get), "application/soap+xml", 500, []string{"<soap:Value>soap:MustUnderstand</soap:Value>", `<s:NotUnderstood xmlns:s="` + sio.SOAP12 + `" qname="h:Tx" xmlns:h="urn:x"/>`}},
		{"one that may be passed over", one, envelope(sio.SOAP11, `<x:Tx xmlns:x="urn:x" s:mustUnderstand="0"/><Plain/>`, get), "text/xml", 200, []string{"<name>Ana</name>"}},
		{"one for somebody else", one, envelope(sio.SOAP11, `<x:Tx xmlns:x="urn:x" s:mustUnderstand="1" s:actor="urn:else"/>`, get), "text/xml", 200, []string{"<name>Ana</name>"}},
		{"one for somebody else in 1.2", one, envelope(sio.SOAP12, `<x:Tx xmlns:x="urn:x" s:mustUnderstand="1" s:role="`+sio.SOAP12+`/role/none"/>`, get), "", 200, []string{"<name>Ana</name>"}},
		{"one for the next", one, envelope(sio.SOAP12, `<x:Tx xmlns:x="urn:x" s:mustUnderstand="1" s:role="`+sio.SOAP12+`/role/next"/>`, get), "", 500, []string{"MustUnderstand"}},
		{"one that the definition reads", one, envelope(sio.SOAP11, `<x:Security xmlns:x="urn:sec" s:mustUnderstand="1"/>`, get), "text/xml", 200, []string{"<name>Ana</name>"}},
		{"JSON", one, `{"a":1}`, "application/json", 415, []string{"a body of type &quot;application/json&quot; is no SOAP message; send text/xml for SOAP 1.1 or application/soap+xml for SOAP 1.2"}},
		{"another charset", one, envelope(sio.SOAP11, "", get), "text/xml; charset=latin1", 415, []string{"the charset &quot;latin1&quot; is not supported; send UTF-8"}},
		{"a content type that is none", one, "", "text/xml; =", 500, []string{"the header Content-Type is malformed"}},
		{"no body", one, "", "text/xml", 500, []string{"the request has no body; send a SOAP message"}},
		{"no envelope", one, "<a/>", "application/soap+xml", 400, []string{"this is no SOAP message: its root is no Envelope"}},
		{"a DOCTYPE", one, "<!DOCTYPE a []>" + envelope(sio.SOAP11, "", get), "text/xml", 500, []string{"a DOCTYPE or other declaration is not accepted"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := post(t, build(t, row.config, hello, understood), row.body, "Content-Type", row.contentType)
			assert.Equal(t, row.status, w.Code)
			for _, want := range row.want {
				assert.Contains(t, w.Body.String(), want)
			}
		})
	}
}

func TestWhatAServiceSays(t *testing.T) {
	say := func(r service.Response) service.HandlerFunc {
		return func(context.Context, *service.Request) (*service.Response, error) { return &r, nil }
	}
	fields := service.ObjectOf("name", "Ana")
	for _, row := range []struct {
		name        string
		resp        service.Response
		status      int
		contentType string
		want        string
	}{
		{"a status", service.Response{Status: 201, Payload: fields, Header: map[string][]string{"x-a": {"b"}, "content-length": {"1"}}}, 201, "text/xml; charset=utf-8", "<name>Ana</name></GetClientResponse>"},
		{"a status that is no success", service.Response{Status: 404, Payload: fields}, 500, "text/xml; charset=utf-8", `<faultcode>soap:Client</faultcode><faultstring>service "bank.get-client" answered with the status 404</faultstring>`},
		{"its own reply", service.Response{Raw: []byte("<own/>"), ContentType: "application/xml"}, 200, "application/xml", "<own/>"},
		{"a status that cannot be", service.Response{Status: 100, Payload: fields}, 500, "text/xml; charset=utf-8", "set the status 100, which no final reply can have"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := post(t, build(t, one, say(row.resp)), envelope(sio.SOAP11, "", get))
			assert.Equal(t, row.status, w.Code)
			assert.Equal(t, row.contentType, w.Header().Get("Content-Type"))
			assert.Contains(t, strings.ReplaceAll(w.Body.String(), "&quot;", `"`), row.want)
			if row.status == 201 {
				assert.Equal(t, "b", w.Header().Get("X-A"))
			}
			if row.resp.Status == 404 {
				assert.Contains(t, w.Body.String(), `</parley_env><GetClientResponse xmlns="urn:bank"><name>Ana</name></GetClientResponse></detail>`)
			}
		})
	}
	undeclared := func(d *channel.Deps) {
		d.Services[0].Shape = nil
		d.Services[0].Handle = sio.Wrap(say(service.Response{Payload: `<x:Own xmlns:x="urn:x"/>`}), nil, sio.Options{Format: sio.SOAP})
	}
	w := post(t, build(t, one, nil, undeclared), envelope(sio.SOAP11, "", get))
	assert.Contains(t, w.Body.String(), `<soap:Body><x:Own xmlns:x="urn:x"/></soap:Body>`)
	whole := func(d *channel.Deps) {
		d.Services[0].Handle = sio.Wrap(say(service.Response{Payload: envelope(sio.SOAP12, "", "<x/>")}), nil, sio.Options{Format: sio.SOAP})
	}
	w = post(t, build(t, one, nil, whole), envelope(sio.SOAP11, "", get))
	assert.Equal(t, envelope(sio.SOAP12, "", "<x/>"), w.Body.String())
	w = post(t, build(t, `{"service":"bank.get-client","url_path":"/soap","one_way":["GetClient"]}`, hello), envelope(sio.SOAP11, "", get))
	assert.Equal(t, 202, w.Code)
	assert.Empty(t, w.Body.String())
	w = post(t, build(t, `{"service":"bank.get-client","url_path":"/soap","one_way":["GetClient"]}`, hello), envelope(sio.SOAP11, "", "<GetClient/>"))
	assert.Equal(t, 500, w.Code, "what is wrong is said all the same")
}

func TestCompatZato(t *testing.T) {
	zato := func(d *channel.Deps) { d.Names = service.ZatoNames() }
	c := build(t, `{"service":"bank.get-client","url_path":"/soap"}`, hello, zato)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/soap", strings.NewReader(envelope(sio.SOAP11, "", get)))
	w := httptest.NewRecorder()
	c.ServeHTTP(w, r)
	assert.Contains(t, w.Body.String(), `<GetClientResponse xmlns="https://zato.io/ns/20130518">`)
	r = httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/soap", strings.NewReader(envelope(sio.SOAP11, "", "<GetClient/>")))
	w = httptest.NewRecorder()
	c.ServeHTTP(w, r)
	cid := w.Header().Get("X-Zato-CID")
	assert.Contains(t, w.Body.String(), "<faultcode>SOAP-ENV:Client</faultcode><faultstring>cid ["+cid+"], faultstring [input is not valid: cust_id: missing]</faultstring>")
	assert.Contains(t, w.Body.String(), "<zato_env ")
}

func TestDeadlineAndLimit(t *testing.T) {
	slow := func(ctx context.Context, _ *service.Request) (*service.Response, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	w := post(t, build(t, `{"service":"bank.get-client","url_path":"/soap","timeout":"20ms"}`, slow), envelope(sio.SOAP12, "", get))
	assert.Equal(t, 500, w.Code)
	assert.Contains(t, w.Body.String(), "<soap:Value>soap:Receiver</soap:Value>")
	assert.Contains(t, w.Body.String(), "there was no answer within 20ms")
	w = post(t, build(t, `{"service":"bank.get-client","url_path":"/soap","max_body":10}`, hello), envelope(sio.SOAP12, "", get))
	assert.Equal(t, 413, w.Code)
	assert.Contains(t, w.Body.String(), "over the limit of 10 bytes of channel Bank")
}

// TestBombs sends what is made to cost much, which is a fault soon, and takes little memory on the way.
func TestBombs(t *testing.T) {
	const megabyte = 1 << 20
	fill := func(s string) string { return strings.Repeat(s, megabyte/len(s)) }
	var wide strings.Builder
	for i := range 300 {
		wide.WriteString(` xmlns:n` + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + strings.Repeat("y", i/26) + `="u"`)
	}
	for _, row := range []struct{ name, body, want string }{
		{"elements in elements", envelope(sio.SOAP11, "", fill("<a>")), "more than 200 levels deep"},
		{"headers in headers", envelope(sio.SOAP11, fill("<a>"), get), "more than 200 levels deep"},
		{"headers", envelope(sio.SOAP11, fill("<a/>"), get), "more than 2000 elements before the Body's"},
		{"one long header", envelope(sio.SOAP11, "<a>"+fill("a")+"</a>", get), "does not begin within its first 64 KiB"},
		{"a header in pieces", envelope(sio.SOAP11, "<a>"+fill("a<!---->")+"</a>", get), "does not begin within its first 64 KiB"},
		{"entities of entities", `<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">` + fill(`<!ENTITY b "&a;&a;">`) + "]>" + envelope(sio.SOAP11, "", get), "a DOCTYPE or other declaration is not accepted"},
		{"an entity from elsewhere", `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>` + envelope(sio.SOAP11, "", "<GetClient><cust_id>&x;</cust_id></GetClient>"), "a DOCTYPE"},
		{"namespaces", `<s:Envelope xmlns:s="` + sio.SOAP11 + `"><s:Header><a` + wide.String() + "/></s:Header>", "<a> has more than 256 attributes"},
		{"no end", envelope(sio.SOAP11, "", "<GetClient><cust_id>"+fill("9")), "malformed XML"},
		{"a long name", envelope(sio.SOAP11, "", "<"+fill("a")), "does not begin within its first 64 KiB"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := build(t, `{"service":"bank.get-client","url_path":"/soap","max_body":4000000}`, hello)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			w := post(t, c, row.body, "Content-Type", "text/xml")
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			assert.Equal(t, 500, w.Code)
			assert.Contains(t, strings.NewReplacer("&lt;", "<", "&gt;", ">").Replace(w.Body.String()), row.want)
			assert.Less(t, w.Body.Len(), 8000)
			allocated := after.TotalAlloc - before.TotalAlloc
			t.Logf("%s, %d KiB allocated in all", took, allocated>>10)
			assert.Less(t, allocated, uint64(10<<20)+4*uint64(len(row.body)), "allocated in all, of which most is garbage at once")
			assert.Less(t, took, 30*time.Second, "milliseconds on a machine that does nothing else")
		})
	}
}

func TestLog(t *testing.T) {
	var logs bytes.Buffer
	c := build(t, one, func(context.Context, *service.Request) (*service.Response, error) {
		return nil, errors.New("the deep cause")
	}, func(d *channel.Deps) {
		d.Log = slog.New(slog.NewTextHandler(&logs, nil))
	})
	post(t, c, envelope(sio.SOAP11, "", get))
	assert.Contains(t, logs.String(), "level=ERROR msg=request channel=Bank cid=")
	assert.Contains(t, logs.String(), `status=500`)
	assert.Contains(t, logs.String(), `service=bank.get-client operation=GetClient err="the deep cause`)
	logs.Reset()
	post(t, c, envelope(sio.SOAP11, "", "<GetClient/>"))
	assert.Contains(t, logs.String(), "level=INFO msg=request", "the sender's fault is no error of ours")
}

func TestGet(t *testing.T) {
	c := build(t, one, hello)
	for _, row := range []struct {
		target string
		status int
		want   string
	}{
		{"/soap?wsdl", 200, `<soap:address location="http://example.com/soap"/>`},
		{"/soap?WSDL", 200, `<soap12:address location="http://example.com/soap"/>`},
		{"/soap?wsdl&soap_action=x", 200, "<wsdl:definitions"},
		{"/soap", 405, "its WSDL is at /soap?wsdl"},
	} {
		w := httptest.NewRecorder()
		c.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, row.target, http.NoBody))
		assert.Equal(t, row.status, w.Code)
		assert.Contains(t, w.Body.String(), row.want)
		if row.status == 405 {
			assert.Equal(t, "POST", w.Header().Get("Allow"))
		}
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodHead, "/soap?wsdl", http.NoBody)
	r.Header.Set("X-Forwarded-Proto", "https")
	w := httptest.NewRecorder()
	c.ServeHTTP(w, r)
	assert.Equal(t, 200, w.Code)
	assert.Empty(t, w.Body.String())
	w = httptest.NewRecorder()
	r.Method = http.MethodGet
	c.ServeHTTP(w, r)
	assert.Contains(t, w.Body.String(), `location="https://example.com/soap"`)
	_, err := io.Copy(io.Discard, w.Body)
	require.NoError(t, err)
	bad := build(t, one, hello, func(d *channel.Deps) {
		d.Services[0].Fields = func() (in, out []service.Field) { return []service.Field{{Name: "a b", Type: "text"}}, nil }
	})
	w = httptest.NewRecorder()
	bad.ServeHTTP(w, r)
	assert.Equal(t, 500, w.Code)
	assert.Contains(t, w.Body.String(), "channel &quot;Bank&quot; has no WSDL: &quot;a b&quot; of GetClient is no name that an element can have")
}
