package jsonrpc_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/channel"
	"github.com/parley-run/parley/runtime/channel/jsonrpc"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
)

// FuzzRequest holds that whatever comes in, the answer is a response object, a list of such, or nothing with 204; that an
// error stands for what is no JSON; and that ids come back byte for byte.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{
		`{"jsonrpc":"2.0","method":"echo","params":[1,"x",null],"id":1}`, `{"jsonrpc":"2.0","method":"echo","params":{"a":{"b":1e5}},"id":"a\u0041"}`,
		`[{"jsonrpc":"2.0","method":"echo","id":1.0},{"jsonrpc":"2.0","method":"echo"}]`, `[]`, `[1]`, `{}`, ``, `null`, "\xff", `{"id":1,"id":1}`,
		`{"jsonrpc":"2.0","method":"echo","id":{}}`, `[[[[`, `{"jsonrpc":"2.0","method":"echo","id":1}{`, `{"jsonrpc":"2.0","method":"echo","params":[1,2,3],"id":1`,
		`{"jsonrpc":"2.0","method":"pair","params":[1],"id":-0}`, strings.Repeat(`[`, 300), `{"jsonrpc":"2.0","method":"echo","params":` + strings.Repeat(`[`, 300) + strings.Repeat(`]`, 300) + `,"id":7}`,
	} {
		f.Add(seed)
	}
	c, err := jsonrpc.Kind().Parse([]byte(`{"url_path":"/rpc","methods":{"echo":"echo","pair":"pair"}}`))
	require.NoError(f, err)
	pair := numbers("a", "b")
	built, err := jsonrpc.Kind().New(c, channel.Deps{Name: "T", Names: service.ParleyNames(), Services: []channel.Exposed{
		{Name: "echo", Handle: sio.Wrap(service.HandlerFunc(echoInput), nil, sio.Options{Format: sio.Decoded})},
		{Name: "pair", Shape: pair, Handle: sio.Wrap(service.HandlerFunc(echoInput), pair, sio.Options{Format: sio.Decoded})},
	}})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, body string) {
		w := httptest.NewRecorder()
		built.(http.Handler).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/rpc", strings.NewReader(body)))
		reply := w.Body.Bytes()
		if w.Code == http.StatusNoContent {
			require.Empty(t, reply)
			require.True(t, json.Valid([]byte(strings.TrimPrefix(body, "\ufeff"))), "%q", body)
			return
		}
		require.Equal(t, http.StatusOK, w.Code)
		type response struct {
			JSONRPC string
			Result  json.RawMessage
			Error   *struct {
				Code    int
				Message string
			}
			ID json.RawMessage
		}
		var all []response
		if err := json.Unmarshal(reply, &all); err != nil {
			var one response
			require.NoError(t, json.Unmarshal(reply, &one), "%q", reply)
			all = []response{one}
		}
		require.NotEmpty(t, all)
		for _, one := range all {
			require.Equal(t, "2.0", one.JSONRPC)
			require.NotEqual(t, one.Result == nil, one.Error == nil, "%s", reply)
			require.True(t, string(one.ID) == "null" || strings.Contains(body, string(one.ID)), "%s", reply)
		}
	})
}
