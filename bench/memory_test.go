package bench_test

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
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
	enough := make(chan struct{})
	over := sync.OnceFunc(func() { close(enough) })
	r, err := bench.Run(t.Context(), bench.Profile{
		Name: "long", Users: 4, Duration: bench.Duration(2 * time.Minute), Request: bench.Request{Path: "/"},
	}, bench.Options{Address: server.URL, Enough: enough, Progress: func(now bench.Progress) {
		if late = live(); early == 0 {
			early, sent = late, now.Sent
		}
		if now.At > 4*time.Second && now.Sent-sent > 1000 { // on a busy machine they take longer
			over()
		}
	}})
	require.NoError(t, err)
	require.Greater(t, r.Sent-sent, 1000)
	assert.Less(t, late-early, int64(600<<10), "after %d requests more", r.Sent-sent)
}
