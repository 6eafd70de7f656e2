package jsonrpc_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/channel"
	"github.com/parley-run/parley/runtime/channel/jsonrpc"
)

func TestConfig(t *testing.T) {
	c, err := jsonrpc.Kind().Parse([]byte(`{"service":"b","url_path":"/rpc","methods":{"x.y":"a","z":"b","q":"a"}}`))
	require.NoError(t, err)
	assert.Equal(t, []string{"b", "a"}, channel.Services(c))
	raw, err := json.Marshal(c)
	require.NoError(t, err)
	assert.JSONEq(t, `{"is_active":true,"service":"b","security":"","has_rbac":false,"sec_use_rbac":false,"data_format":"json","url_path":"/rpc","methods":{"x.y":"a","z":"b","q":"a"},
		"silent_status":204,"timeout":30,"max_body":1048576,"max_batch":100,"batch_workers":8}`, string(raw))
	again, err := jsonrpc.Kind().Parse(raw)
	require.NoError(t, err)
	assert.Equal(t, c, again)
}

func TestBadConfigs(t *testing.T) {
	for _, tt := range []struct{ raw, says string }{
		{`{"url_path":"/rpc"}`, `service: missing; name the service that this channel exposes, or several in methods`},
		{`{"service":"a"}`, `url_path: missing; it is a path such as /rpc`},
		{`{"service":"a","url_path":"rpc"}`, `url_path: it must start with /`},
		{`{"service":"a","url_path":"/{rpc}"}`, `url_path: it holds a character that no fixed path has`},
		{`{"service":"a","url_path":"/a//b"}`, `url_path: it has an empty segment`},
		{`{"service":"a","url_path":"/parley/x"}`, `url_path: it is under a path that belongs to the system`},
		{`{"service":"a","url_path":"/rpc","data_format":"xml"}`, `data_format: expected json, not "xml": JSON-RPC has no other format`},
		{`{"url_path":"/rpc","methods":{"rpc.x":"a"}}`, `methods: "rpc.x" begins with rpc., which the standard keeps for itself`},
		{`{"url_path":"/rpc","methods":{"x":""}}`, `methods: x: name the service that this method calls`},
		{`{"url_path":"/rpc","methods":{"":"x"}}`, `methods: a method has no name`},
		{`{"url_path":"/rpc","service":"a","methods":{"a":"b"}}`, `methods: a: the channel's own service has that name already`},
		{`{"url_path":"/rpc","methods":["a"]}`, `methods: expected an object, not ["a"]`},
		{`{"url_path":"/rpc","method":{"a":"b"}}`, `method: unknown key; did you mean "methods"?`},
		{`{"service":"a","url_path":"/rpc","silent_status":404,"timeout":0,"max_body":0,"max_batch":0,"batch_workers":0}`, `silent_status: expected 204 or 200, not 404; timeout: it must be more than 0; max_body: it must be more than 0 bytes, not 0; ` +
			`max_batch: it must be at least 1, not 0; batch_workers: it must be at least 1, not 0`},
	} {
		_, err := jsonrpc.Kind().Parse([]byte(tt.raw))
		assert.ErrorContains(t, err, tt.says, tt.raw)
	}
}
