package sio_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
)

// answer is a service that always answers with payload.
func answer(payload any) service.Handler {
	return service.HandlerFunc(func(context.Context, *service.Request) (*service.Response, error) {
		return &service.Response{Payload: payload}, nil
	})
}

func sean() *service.Object {
	return service.ObjectOf("last_payment_amount", "357", "first_name", "Sean", "last_name", "O'Brien", "last_payment_date", "2013-05-14T10:42:14.401555")
}

func options(format string) sio.Options {
	return sio.Options{Format: format, Names: service.ParleyNames(), Service: "tutorial.get-client-details"}
}

const (
	xmlEnv  = "<parley_env><cid>c1</cid><result>PARLEY_OK</result></parley_env>"
	xmlSean = "<item><first_name>Sean</first_name><last_name>O'Brien</last_name><last_payment_date>2013-05-14T10:42:14.401555</last_payment_date>" +
		"<last_payment_amount>357</last_payment_amount></item>"
	jsonSean = `{"first_name":"Sean","last_name":"O'Brien","last_payment_date":"2013-05-14T10:42:14.401555","last_payment_amount":"357"}`
)

func TestWrapReplies(t *testing.T) {
	shaped := tutorialShape()
	repeated := tutorialShape()
	repeated.Repeated = true
	named, bare := tutorialShape(), tutorialShape()
	named.ResponseElem, bare.ResponseElem = "customer", "-"
	inputOnly := &service.Shape{Input: shaped.Input}
	for _, row := range []struct {
		name, format, body string
		shape              *service.Shape
		payload            any
		want, contentType  string
	}{
		{"json with a shape", "json", tutorialRequest, shaped, sean(), `{"response":` + jsonSean + `}`, "application/json"},
		{"json, repeated", "json", tutorialRequest, repeated, []any{sean(), sean()}, `{"response":[` + jsonSean + `,` + jsonSean + `]}`, "application/json"},
		{"json, own key", "json", tutorialRequest, named, sean(), `{"customer":` + jsonSean + `}`, "application/json"},
		{"json without a key", "json", tutorialRequest, bare, sean(), jsonSean, "application/json"},
		{"json, input alone declared", "json", tutorialRequest, inputOnly, service.ObjectOf("b", 1, "a", nil), `{"b":1,"a":null}`, "application/json"},
		{"json without a shape", "json", "", nil, service.ObjectOf("b", 1, "a", nil), `{"b":1,"a":null}`, "application/json"},
		{"json list", "json", "", nil, []any{"x"}, `["x"]`, "application/json"},
		{"json, text as it is", "json", "", nil, `{"a" : 1}`, `{"a" : 1}`, "application/json"},
		{"json, nothing", "json", "", nil, nil, "", "application/json"},
		{"xml with a shape", "xml", "<request><cust_id>123</cust_id><cust_type>A</cust_type></request>", shaped, sean(), "<response>" + xmlEnv + xmlSean + "</response>", "application/xml"},
		{"xml, repeated", "xml", "<r><cust_id>1</cust_id><cust_type>A</cust_type></r>", repeated, []any{sean(), sean()}, "<response>" + xmlEnv + "<item_list>" + xmlSean + xmlSean + "</item_list></response>", "application/xml"},
		{"xml, repeated, none", "xml", "<r><cust_id>1</cust_id><cust_type>A</cust_type></r>", repeated, nil, "<response>" + xmlEnv + "<item_list/></response>", "application/xml"},
		{"xml without a shape", "xml", "", nil, service.ObjectOf("is_x", true), "<response>" + xmlEnv + "<item><is_x>true</is_x></item></response>", "application/xml"},
		{"xml list without a shape", "xml", "", nil, []any{service.ObjectOf("a", 1), "b"}, "<response>" + xmlEnv + "<item_list><item><a>1</a></item><item>b</item></item_list></response>", "application/xml"},
		{"xml, text as it is", "xml", "", nil, "<own/>", "<own/>", "application/xml"},
		{"no format, text", "", "", nil, "hello", "hello", "text/plain; charset=utf-8"},
		{"no format, object", "", "", nil, service.ObjectOf("a", 1), `{"a":1}`, "application/json"},
		{"decoded: the channel writes it", "decoded", "", nil, service.ObjectOf("a", 1), "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			resp, err := sio.Wrap(answer(row.payload), row.shape, options(row.format)).Handle(t.Context(), &service.Request{CID: "c1", Raw: []byte(row.body)})
			require.NoError(t, err)
			assert.Equal(t, row.want, string(resp.Raw))
			assert.Equal(t, row.contentType, resp.ContentType)
		})
	}
}

func TestWrapInput(t *testing.T) {
	params := map[string][]string{"cust_id": {"9"}, "tag": {"a", "b"}}
	shape := &service.Shape{Input: tutorialShape().Input}
	for _, row := range []struct {
		name, format, body string
		shape              *service.Shape
		params             map[string][]string
		payload            any
		want               string
	}{
		{"json", "json", `{"cust_type":"A","cust_id":"123"}`, shape, nil, nil, `{"cust_id":123,"cust_type":"A"}`},
		{"xml", "xml", "<x><cust_type>A</cust_type><cust_id>123</cust_id></x>", shape, nil, nil, `{"cust_id":123,"cust_type":"A"}`},
		{"parameters win", "json", `{"cust_type":"A","cust_id":"123"}`, shape, params, nil, `{"cust_id":9,"cust_type":"A"}`},
		{"decoded by the channel", "decoded", `not read`, shape, nil, service.ObjectOf("cust_id", "1", "cust_type", "B"), `{"cust_id":1,"cust_type":"B"}`},
		{"decoded, without a shape", "decoded", `not read`, nil, params, nil, `{"cust_id":"9","tag":["a","b"]}`},
		{"payload is there already", "json", `not read`, shape, nil, service.ObjectOf("cust_id", 1, "cust_type", "B"), `{"cust_id":1,"cust_type":"B"}`},
		{"without a shape", "json", `{"z":1,"cust_id":2}`, nil, params, nil, `{"z":1,"cust_id":"9","tag":["a","b"]}`},
		{"without a shape and parameters", "json", `[1]`, nil, nil, nil, `[1]`},
		{"parameters alone", "json", ``, nil, params, nil, `{"cust_id":"9","tag":["a","b"]}`},
		{"a list and parameters", "json", `[1]`, nil, params, nil, `[1]`},
		{"nothing", "json", ``, nil, nil, nil, `null`},
		{"no format", "", `{"a":1}`, nil, nil, nil, `"{\"a\":1}"`},
		{"no format, with a shape", "", `anything`, &service.Shape{Input: shape.Input[:1]}, params, nil, `{"cust_id":9}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			var input any
			next := service.HandlerFunc(func(_ context.Context, req *service.Request) (*service.Response, error) {
				input = req.Input
				return nil, nil
			})
			resp, err := sio.Wrap(next, row.shape, options(row.format)).Handle(t.Context(), &service.Request{Raw: []byte(row.body), Params: row.params, Payload: row.payload})
			require.NoError(t, err)
			assert.Empty(t, resp.Raw)
			assert.Equal(t, row.want, text(t, input))
		})
	}
}

func TestWrapKeepsThePayloadApartFromTheInput(t *testing.T) {
	req := &service.Request{Raw: []byte(`{"a":1}`), Params: map[string][]string{"b": {"2"}}}
	_, err := sio.Wrap(answer(nil), nil, options("json")).Handle(t.Context(), req)
	require.NoError(t, err)
	assert.Equal(t, `{"a":1}`, text(t, req.Payload))
	assert.Equal(t, `{"a":1,"b":"2"}`, text(t, req.Input))
}

func TestWrapFaults(t *testing.T) {
	for _, row := range []struct {
		name, format, body string
		payload            any
		code               service.Code
		want               string
	}{
		{"malformed JSON", "json", "{\"cust_id\":\n 1,,", sean(), service.Invalid, "malformed JSON at line 2, column 4: "},
		{"malformed XML", "xml", "<r><a></r>", sean(), service.Invalid, "malformed XML at line 1, column 7: "},
		{"bad fields", "json", `{"cust_id":"abc"}`, sean(), service.Invalid, `input is not valid: cust_id: expected an integer, not "abc"; cust_type: missing`},
		{"no format", "", tutorialRequest, sean(), service.Invalid, "cust_type: missing; the channel has no data format"},
		{"output", "json", tutorialRequest, service.ObjectOf("first_name", "Sean"), service.Internal, `service "tutorial.get-client-details": output is not valid: last_name: missing; `},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := sio.Wrap(answer(row.payload), tutorialShape(), options(row.format)).Handle(t.Context(), &service.Request{Raw: []byte(row.body)})
			var e *service.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, row.code, e.Code)
			assert.Contains(t, e.Error(), row.want)
		})
	}
	t.Run("a name that XML cannot write", func(t *testing.T) {
		_, err := sio.Wrap(answer(service.ObjectOf("first name", "x")), nil, options("xml")).Handle(t.Context(), &service.Request{})
		assert.EqualError(t, err, `service "tutorial.get-client-details": output cannot be written as XML: "first name" is not a name that an XML element can have`)
	})
	t.Run("the service's own error", func(t *testing.T) {
		own := errors.New("boom")
		next := service.HandlerFunc(func(context.Context, *service.Request) (*service.Response, error) { return nil, own })
		_, err := sio.Wrap(next, nil, options("json")).Handle(t.Context(), &service.Request{})
		assert.ErrorIs(t, err, own)
	})
}

func TestWrapLeavesTheServicesOwnBytes(t *testing.T) {
	next := service.HandlerFunc(func(context.Context, *service.Request) (*service.Response, error) {
		return &service.Response{Raw: []byte("a;b"), ContentType: "text/csv", Status: 201}, nil
	})
	resp, err := sio.Wrap(next, &service.Shape{Output: tutorialShape().Output}, options("json")).Handle(t.Context(), &service.Request{})
	require.NoError(t, err)
	assert.Equal(t, &service.Response{Raw: []byte("a;b"), ContentType: "text/csv", Status: 201}, resp)
}

func TestEncodeError(t *testing.T) {
	body, contentType := sio.EncodeError("json", service.ParleyNames(), "c1", `no "x"`)
	assert.Equal(t, `{"parley_env":{"cid":"c1","result":"PARLEY_ERROR","details":"no \"x\""}}`, string(body))
	assert.Equal(t, "application/json", contentType)
	body, contentType = sio.EncodeError("xml", service.ZatoNames(), "c1", "a < b")
	assert.Equal(t, `<response><zato_env><cid>c1</cid><result>ZATO_ERROR</result><details>a &lt; b</details></zato_env></response>`, string(body))
	assert.Equal(t, "application/xml", contentType)
	_, contentType = sio.EncodeError("", service.ParleyNames(), "c1", "x")
	assert.Equal(t, "application/json", contentType)
}

func BenchmarkWrap(b *testing.B) {
	bodies := map[string]string{"json": tutorialRequest, "xml": "<request><cust_id>123</cust_id><cust_type>A</cust_type></request>"}
	for _, format := range []string{"json", "xml"} {
		b.Run(format, func(b *testing.B) {
			handler, raw := sio.Wrap(answer(sean()), tutorialShape(), options(format)), []byte(bodies[format])
			b.ReportAllocs()
			for b.Loop() {
				if _, err := handler.Handle(b.Context(), &service.Request{CID: "c1", Raw: raw}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
