package rest_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/service"
)

func TestXML(t *testing.T) {
	host, next := remote(t, 200, "text/xml", `<?xml version="1.0"?><r:customer xmlns:r="urn:crm" id="7"><name>Sean</name><tag>a</tag><tag>b</tag></r:customer>`)
	c := open(t, host, "data_format", "xml")
	order := object("order", object("@xmlns", "urn:orders", "line", []any{"A", object("@sku", "B", "#text", int64(2))}))
	reply, err := c.Call(context.Background(), "post", []any{"c1", order}, nil)
	require.NoError(t, err)
	got := next()
	assert.Equal(t, `<?xml version="1.0" encoding="UTF-8"?><order xmlns="urn:orders"><line>A</line><line sku="B">2</line></order>`, got.body)
	assert.Equal(t, "application/xml", got.header.Get("Content-Type"))
	assert.Equal(t, object("customer", object("@id", "7", "name", "Sean", "tag", []any{"a", "b"})), attr(t, reply, "data"))

	_, err = c.Call(context.Background(), "post", []any{"c1", "<a/>"}, nil)
	require.NoError(t, err)
	got = next()
	assert.Equal(t, "<a/>", got.body, "text as it is")
	assert.Equal(t, "application/xml", got.header.Get("Content-Type"))

	for _, data := range []any{object(), object("a", nil, "b", nil), []any{}, int64(1)} {
		_, err = c.Call(context.Background(), "post", []any{"c1", data}, nil)
		require.ErrorContains(t, err, `outconn "CRM": the data cannot be written as XML: XML has one root element: expected a dict of one key`)
	}
	_, err = c.Call(context.Background(), "post", []any{"c1", object("a b", nil)}, nil)
	require.ErrorContains(t, err, `"a b" is no name of an element`)
}

func TestRepliesThatAreNotXML(t *testing.T) {
	host, _ := remote(t, 200, "text/xml", `<a>`)
	_, err := open(t, host, "data_format", "xml", "url_path", "/x").Call(context.Background(), "get", nil, nil)
	e := fault(t, err)
	assert.Equal(t, service.Upstream, e.Code)
	assert.Contains(t, e.Message, "GET "+host+"/x answered 200 with a body that is not XML: malformed XML at line 1, column 4: the text ends inside <a>")
	host, _ = remote(t, 500, "text/html", `<h1>Oops`)
	reply, err := open(t, host, "data_format", "xml").Call(context.Background(), "get", nil, nil)
	require.NoError(t, err)
	assert.Equal(t, "<h1>Oops", attr(t, reply, "data"))
}
