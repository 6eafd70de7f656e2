package rest_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/outconn"
	"github.com/parley-run/parley/runtime/outconn/rest"
	"github.com/parley-run/parley/runtime/service"
)

// renewing shows one token after the other.
type renewing struct {
	token int
	more  bool
	fails bool
}

func (r *renewing) Sign(_ context.Context, req *http.Request, _ []byte) error {
	if r.fails && r.token > 1 {
		return service.Errorf(service.Upstream, "no token is to be had")
	}
	req.Header["Authorization"] = []string{fmt.Sprint("Bearer ", r.token)}
	return nil
}

func (r *renewing) Renew(*http.Request) bool {
	r.token++
	return r.more
}

func TestARefusedTokenIsTriedOnceMore(t *testing.T) {
	var mu sync.Mutex
	var got []string
	good := "Bearer 2"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		body, _ := io.ReadAll(r.Body)
		got = append(got, r.Header.Get("Authorization")+" "+string(body))
		if r.Header.Get("Authorization") != good {
			w.WriteHeader(http.StatusUnauthorized)
		}
		_, _ = io.WriteString(w, `{"n": 1}`)
	}))
	t.Cleanup(server.Close)
	for _, row := range []struct {
		name   string
		signer *renewing
		good   string
		status int64
		sent   []string
	}{
		{"a fresh one does", &renewing{token: 1, more: true}, "Bearer 2", 200, []string{"Bearer 1 data", "Bearer 2 data"}},
		{"a fresh one does not either", &renewing{token: 1, more: true}, "Bearer 9", 401, []string{"Bearer 1 data", "Bearer 2 data"}},
		{"there is no other", &renewing{token: 1}, "Bearer 9", 401, []string{"Bearer 1 data"}},
		{"no other can be had", &renewing{token: 1, more: true, fails: true}, "Bearer 9", 0, []string{"Bearer 1 data"}},
	} {
		got, good = nil, row.good
		raw, err := service.ObjectOf("host", server.URL).MarshalJSON()
		require.NoError(t, err)
		cfg, err := rest.Kind().Parse(raw)
		require.NoError(t, err)
		c, err := rest.Kind().New(cfg, outconn.Deps{Name: "CRM", Names: service.ParleyNames(), Log: slog.New(slog.DiscardHandler), Signer: row.signer})
		require.NoError(t, err)
		answer, err := c.Call(t.Context(), "post", []any{"cid", "data"}, nil)
		if row.status == 0 {
			assert.EqualError(t, err, "no token is to be had", row.name)
		} else {
			require.NoError(t, err, row.name)
			status, _ := answer.(service.Attrs).Attr("status_code")
			assert.Equal(t, row.status, status, row.name)
		}
		assert.Equal(t, row.sent, got, row.name)
		require.NoError(t, c.Close(t.Context()))
	}
}
