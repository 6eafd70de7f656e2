package bench_test

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/bench"
)

// TestMemoryOfALongRun: what is kept of requests that end well does not depend on how many there were.
func TestMemoryOfALongRun(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	live := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	var early, late int64
	sent := 0
	r, err := bench.Run(t.Context(), bench.Profile{
		Name: "long", Users: 4, Duration: bench.Duration(4 * time.Second), Request: bench.Request{Path: "/"},
	}, bench.Options{Address: server.URL, Progress: func(now bench.Progress) {
		if late = live(); early == 0 {
			early, sent = late, now.Sent
		}
	}})
	require.NoError(t, err)
	require.Greater(t, r.Sent-sent, 1000)
	assert.Less(t, late-early, int64(600<<10), "after %d requests more", r.Sent-sent)
}
