package rest_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/service"
)

func TestPrioritiesOfPathQueryAndBody(t *testing.T) {
	shape := &service.Shape{Input: []service.Field{{Name: "id"}, {Name: "lang"}}}
	for _, row := range []struct{ options, url, body, want string }{
		{``, "/7?lang=de", `{"id":1,"lang":"en"}`, `{"id":7,"lang":"de"}`},
		{``, "/7?id=8", `{"id":1,"lang":"en"}`, `{"id":8,"lang":"en"}`},
		{`,"url_params_pri":"path-over-qs"`, "/7?id=8", `{"id":1}`, `{"id":7,"lang":""}`},
		{`,"params_pri":"msg-over-channel-params"`, "/7?lang=de", `{"id":1}`, `{"id":1,"lang":"de"}`},
		{`,"params_pri":"msg-over-channel-params","url_params_pri":"path-over-qs"`, "/7?id=8", `{"lang":"en"}`, `{"id":7,"lang":"en"}`},
	} {
		server, _ := serve(t, `{"service":"s","url_path":"/{id}"`+row.options+`}`, echo, shape)
		_, body := do(t, "POST", server.URL+row.url, row.body)
		assert.Equal(t, row.want, body, "%s %s", row.options, row.url)
	}
	server, _ := serve(t, `{"service":"s","url_path":"/{id}"}`, echo, shape)
	for url, want := range map[string]string{"/7?lang=%zz": "malformed query string", "/7?lang=%ff": "is not UTF-8", "/%ff": "the value of \\\"id\\\" is not UTF-8"} {
		resp, body := do(t, "GET", server.URL+url, "")
		assert.Equal(t, 400, resp.StatusCode, url)
		assert.Contains(t, body, want, url)
	}
}

func TestQueryAndFormAsTheServiceSeesThem(t *testing.T) {
	var got *service.Request
	server, _ := serve(t, `{"service":"s","url_path":"/{id}","data_format":""}`, func(_ context.Context, req *service.Request) (*service.Response, error) {
		got = req
		return nil, nil
	}, nil)
	req, err := http.NewRequestWithContext(t.Context(), "POST", server.URL+"/7?q=1", strings.NewReader("a=1&b=2"))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	send(t, req)
	assert.Equal(t, map[string][]string{"q": {"1"}}, got.Query)
	assert.Equal(t, map[string][]string{"q": {"1"}, "id": {"7"}}, got.Params)
	form, err := got.Form()
	require.NoError(t, err)
	assert.Equal(t, "1", form.Text("a"))
	do(t, "POST", server.URL+"/7", "a=1")
	assert.Nil(t, got.Form, "nobody said that it is one")
	assert.Equal(t, "a=1", got.Payload)
}

func TestOneServiceInEveryFormat(t *testing.T) {
	fields := []service.Field{{Name: "cust_id", Required: true}, {Name: "name"}}
	shape := &service.Shape{Input: fields, Output: fields}
	for _, row := range []struct{ format, contentType, body, want, wantType string }{
		{"json", "application/json", `{"cust_id":"7","name":"Sean"}`, `{"response":{"cust_id":7,"name":"Sean"}}`, "application/json"},
		{"xml", "application/xml", `<r><cust_id>7</cust_id><name>Sean</name></r>`, "<item><cust_id>7</cust_id><name>Sean</name></item></response>", "application/xml"},
		{"csv", "text/csv", "cust_id,name\n7,Sean\n", "cust_id,name\r\n7,Sean\r\n", "text/csv; charset=utf-8"},
		{"form", "application/x-www-form-urlencoded", "cust_id=7&name=Sean", `{"response":{"cust_id":7,"name":"Sean"}}`, "application/json"},
	} {
		server, _ := serve(t, `{"service":"s","url_path":"/a","data_format":"`+row.format+`"}`, echo, shape)
		req, err := http.NewRequestWithContext(t.Context(), "POST", server.URL+"/a", strings.NewReader(row.body))
		require.NoError(t, err)
		req.Header.Set("Content-Type", row.contentType)
		resp, body := send(t, req)
		assert.Equal(t, 200, resp.StatusCode, body)
		assert.True(t, strings.HasSuffix(body, row.want), body)
		assert.Equal(t, row.wantType, resp.Header.Get("Content-Type"))
	}
}
