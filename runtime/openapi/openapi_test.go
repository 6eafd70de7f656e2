package openapi_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/openapi"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
)

func shape() *service.Shape {
	return &service.Shape{
		Input: []service.Field{
			{Name: "cust_id", Required: true, Doc: "the customer's number", Example: "123", Min: int64(1)},
			{Name: "name", Required: true, Example: "Sean"},
			{Name: "is_vip"},
			{Name: "password"},
			{Name: "born", Type: "Date", Format: "%d.%m.%Y"},
			{Name: "amount", Type: "decimal", Default: "1.50"},
			{Name: "tags", Type: "list", Of: "int"},
			{Name: "words", Type: "csv"},
			{Name: "address", Type: "dict", Fields: []service.Field{{Name: "zip", Type: "int", Required: true}, {Name: "pin", Secret: true, Example: "1234"}}},
			{Name: "rows", Type: "dictlist", Fields: []service.Field{{Name: "id", Required: true}}},
			{Name: "more", Type: "dict"},
			{Name: "any", Type: "any"},
			{Name: "at", Type: "utc"},
			{Name: "key", Type: "uuid"},
			{Name: "ratio", Type: "float", Max: 1.5},
		},
		Output: []service.Field{{Name: "order_id", Required: true, Example: int64(7)}, {Name: "is_new"}, {Name: "note"}},
	}
}

// document makes and parses a document; it must be valid for a public validator.
func document(t *testing.T, info openapi.Info, operations ...openapi.Operation) (map[string]any, string) {
	t.Helper()
	info.Title, info.Version, info.Names = "bank", "7", service.ParleyNames()
	raw, err := openapi.Document(info, operations)
	require.NoError(t, err)
	loader := openapi3.NewLoader()
	doc, err := loader.LoadFromData(raw)
	require.NoError(t, err, string(raw))
	require.NoError(t, doc.Validate(loader.Context), string(raw))
	var out map[string]any
	require.NoError(t, json.Unmarshal(raw, &out))
	return out, string(raw)
}

// at walks keys of objects.
func at(t *testing.T, v any, keys ...string) any {
	t.Helper()
	for _, key := range keys {
		o, ok := v.(map[string]any)
		require.True(t, ok, "%v has no %s", v, key)
		require.Contains(t, o, key)
		v = o[key]
	}
	return v
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	require.NoError(t, err)
	return string(raw)
}

func TestDocumentOfAJSONChannel(t *testing.T) {
	doc, raw := document(t, openapi.Info{}, openapi.Operation{
		Channel: "Create order", Service: "orders.create", Doc: "Creates an order.\nIt is not shipped yet.", Path: "/customers/{cust_id}/orders",
		Methods: []string{"POST"}, Format: sio.JSON, Shape: shape(),
		Security: []openapi.Security{{Name: "Partners", Scheme: service.ObjectOf("type", "http", "scheme", "basic")}},
	})
	assert.Equal(t, "3.1.0", doc["openapi"])
	op := at(t, doc, "paths", "/customers/{cust_id}/orders", "post")
	assert.Equal(t, "Create_order", at(t, op, "operationId"))
	assert.Equal(t, "Creates an order.", at(t, op, "summary"))
	assert.Equal(t, "It is not shipped yet.", at(t, op, "description"))
	assert.JSONEq(t, `[{"name":"cust_id","in":"path","required":true,"description":"the customer's number",
		"schema":{"type":"integer","minimum":1,"description":"the customer's number","examples":[123]}}]`, asJSON(t, at(t, op, "parameters")))
	body := at(t, op, "requestBody", "content", "application/json")
	properties := at(t, body, "schema", "properties")
	for name, want := range map[string]string{
		"name":     `{"type":"string","examples":["Sean"]}`,
		"is_vip":   `{"type":"boolean"}`,
		"password": `{"type":"string","format":"password"}`,
		"born":     `{"type":"string","description":"written as %d.%m.%Y"}`,
		"amount":   `{"type":"string","format":"decimal","default":"1.50"}`,
		"tags":     `{"type":"array","items":{"type":"integer"}}`,
		"words":    `{"type":"string","description":"values with commas between them"}`,
		"address":  `{"type":"object","properties":{"zip":{"type":"integer"},"pin":{"type":"string","format":"password"}},"required":["zip"]}`,
		"rows":     `{"type":"array","items":{"type":"object","properties":{"id":{"type":"integer"}},"required":["id"]}}`,
		"more":     `{"type":"object"}`,
		"any":      `{}`,
		"at":       `{"type":"string","format":"date-time"}`,
		"key":      `{"type":"string","format":"uuid"}`,
		"ratio":    `{"type":"number","maximum":1.5}`,
	} {
		assert.JSONEq(t, want, asJSON(t, at(t, properties, name)), name)
	}
	assert.NotContains(t, properties, "cust_id", "it comes in the path")
	assert.Equal(t, []any{"name"}, at(t, body, "schema", "required"))
	assert.JSONEq(t, `{"name":"Sean"}`, asJSON(t, at(t, body, "example")))
	assert.NotContains(t, raw, "1234", "an example of a secret")
	assert.JSONEq(t, `{"type":"object","properties":{"response":{"type":"object","properties":{
		"order_id":{"type":"integer","examples":[7]},"is_new":{"type":["boolean","null"]},"note":{"type":"string"}},
		"required":["order_id","is_new","note"],"additionalProperties":false}},"required":["response"]}`,
		asJSON(t, at(t, op, "responses", "200", "content", "application/json", "schema")))
	for _, status := range []string{"400", "401", "403", "413", "500", "504"} {
		assert.Equal(t, "#/components/schemas/Error", at(t, op, "responses", status, "content", "application/json", "schema", "$ref"), status)
	}
	assert.Equal(t, []any{map[string]any{"Partners": []any{}}}, at(t, op, "security"))
	assert.Equal(t, "basic", at(t, doc, "components", "securitySchemes", "Partners", "scheme"))
	assert.Equal(t, []any{"cid", "result", "details"}, at(t, doc, "components", "schemas", "Error", "properties", "parley_env", "required"))
}

func TestDocumentOfOtherFormats(t *testing.T) {
	skipping, bare, rows := shape(), shape(), shape()
	skipping.SkipEmpty, skipping.ForceEmpty = []string{"*"}, []string{"note"}
	bare.ResponseElem, bare.RequestElem = "-", "order"
	rows.Repeated, rows.InputRepeated, rows.Namespace = true, true, "urn:orders"
	var operations []openapi.Operation
	for i, s := range []*service.Shape{nil, shape(), skipping, bare, rows, {Input: []service.Field{{Name: "x"}}, ParamsOnly: true}} {
		for _, format := range sio.Formats() {
			for _, methods := range [][]string{nil, {"GET"}, {"POST", "PUT"}, {"PURGE"}} {
				path := fmt.Sprintf("/%d/%s/%d/{cust_id}", i, format, len(operations))
				operations = append(operations, openapi.Operation{Channel: path, Service: "s", Path: path, Methods: methods, Format: format, Shape: s})
			}
		}
	}
	document(t, openapi.Info{}, operations...)
	one := func(format string, s *service.Shape, method string) any {
		doc, _ := document(t, openapi.Info{}, openapi.Operation{Channel: "c", Service: "s", Path: "/a", Methods: []string{method}, Format: format, Shape: s})
		return at(t, doc, "paths", "/a")
	}
	get := at(t, one(sio.JSON, shape(), "GET"), "get")
	assert.NotContains(t, get, "requestBody")
	assert.Len(t, at(t, get, "parameters"), 15)
	reply := at(t, one(sio.JSON, skipping, "POST"), "post", "responses", "200", "content", "application/json", "schema", "properties", "response")
	assert.Equal(t, []any{"order_id", "note"}, at(t, reply, "required"))
	post := at(t, one(sio.JSON, bare, "POST"), "post")
	at(t, post, "responses", "200", "content", "application/json", "schema", "properties", "order_id")
	at(t, post, "requestBody", "content", "application/json", "schema", "properties", "order", "properties", "name")
	post = at(t, one(sio.XML, rows, "POST"), "post")
	assert.JSONEq(t, `{"name":"response","namespace":"urn:orders"}`, asJSON(t, at(t, post, "responses", "200", "content", "application/xml", "schema", "xml")))
	assert.JSONEq(t, `{"wrapped":true}`, asJSON(t, at(t, post, "responses", "200", "content", "application/xml", "schema", "properties", "item_list", "xml")))
	assert.JSONEq(t, `{"name":"request","wrapped":true}`, asJSON(t, at(t, post, "requestBody", "content", "application/xml", "schema", "xml")))
	post = at(t, one(sio.Form, shape(), "POST"), "post")
	at(t, post, "requestBody", "content", "multipart/form-data", "schema", "properties", "name")
	at(t, post, "responses", "200", "content", "application/json")
	post = at(t, one(sio.CSV, rows, "POST"), "post")
	assert.Equal(t, "a table whose first row is order_id,is_new,note", at(t, post, "responses", "200", "content", "text/csv", "schema", "description"))
}

func TestDocumentUnderConventionsOfOnesOwn(t *testing.T) {
	c := sio.DefaultConventions()
	c.IntSuffix = []string{"_no"}
	doc, _ := document(t, openapi.Info{Conventions: &c}, openapi.Operation{
		Channel: "c", Path: "/a", Methods: []string{"POST"}, Format: sio.JSON, Shape: &service.Shape{Input: []service.Field{{Name: "cust_no"}, {Name: "cust_id"}}},
	})
	properties := at(t, doc, "paths", "/a", "post", "requestBody", "content", "application/json", "schema", "properties")
	assert.Equal(t, "integer", at(t, properties, "cust_no", "type"))
	assert.Equal(t, "string", at(t, properties, "cust_id", "type"))
}

func ExampleDocument() {
	raw, err := openapi.Document(openapi.Info{Title: "bank", Version: "1", Names: service.ParleyNames()}, nil)
	var doc struct{ OpenAPI string }
	fmt.Println(err, json.Unmarshal(raw, &doc), doc.OpenAPI)
	// Output: <nil> <nil> 3.1.0
}

// The validator refuses what is no OpenAPI 3.1: without this, valid documents would prove little.
func TestTheValidatorRefuses(t *testing.T) {
	raw, err := openapi.Document(openapi.Info{Title: "bank", Version: "1", Names: service.ParleyNames()}, []openapi.Operation{{
		Channel: "c", Path: "/a/{b}", Methods: []string{"GET"}, Format: sio.JSON,
		Security: []openapi.Security{{Name: "s", Scheme: service.ObjectOf("type", "magic")}},
	}})
	require.NoError(t, err)
	loader := openapi3.NewLoader()
	doc, err := loader.LoadFromData(raw)
	require.NoError(t, err)
	assert.ErrorContains(t, doc.Validate(loader.Context), "magic")
}
