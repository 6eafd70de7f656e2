package haproxy_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/internal/backend"
	"github.com/parley-run/parley/runtime/balancer"
	"github.com/parley-run/parley/runtime/balancer/haproxy"
)

// load is clients that send POSTs, each with an id of its own, until it is ended.
type load struct {
	f       *front
	stop    chan struct{}
	wg      sync.WaitGroup
	sent    atomic.Int64
	mu      sync.Mutex
	outcome map[string]string // by id: "200", "502 unknown" or what else came
}

func (f *front) load(method string, clients int) *load {
	l := &load{f: f, stop: make(chan struct{}), outcome: map[string]string{}}
	for w := range clients {
		l.wg.Go(func() {
			client := newClient(f.t)
			for i := 0; ; i++ {
				select {
				case <-l.stop:
					return
				default:
				}
				id := fmt.Sprint(w, "-", i)
				a, err := try(client, method, f.url+"/x", id, "X-Id", id)
				out := strings.TrimSpace(fmt.Sprint(a.status, " ", a.header.Get("X-Parley-Outcome")))
				if err != nil {
					out = err.Error()
				}
				l.mu.Lock()
				l.outcome[id] = out
				l.mu.Unlock()
				l.sent.Add(1)
			}
		})
	}
	return l
}

// more waits until that many more were sent.
func (l *load) more(n int64) {
	l.f.t.Helper()
	begin := l.sent.Load()
	require.Eventually(l.f.t, func() bool { return l.sent.Load() >= begin+n }, patience, time.Millisecond, "no requests pass")
}

// end gives how many requests had which outcome, and those that backends handled more than once, or not though
// answered.
func (l *load) end(backends ...*backend.Backend) (counts map[string]int, doubled, lost []string) {
	close(l.stop)
	l.wg.Wait()
	handled := map[string]int{}
	for _, b := range backends {
		for id, n := range b.Handled() {
			handled[id] += n
		}
	}
	counts = map[string]int{}
	for id, out := range l.outcome {
		counts[out]++
		if handled[id] > 1 {
			doubled = append(doubled, id)
		}
		if handled[id] == 0 && out == "200" {
			lost = append(lost, id)
		}
	}
	l.f.t.Logf("%d requests: %v", len(l.outcome), counts)
	return counts, doubled, lost
}

func TestReloadsUnderLoad(t *testing.T) {
	one, two := backend.New(t, nil, nil), backend.New(t, nil, nil)
	f := newFront(t, nil, one, two)
	l := f.load("POST", 8)
	for range 20 {
		l.more(50)
		require.NoError(t, f.Reload(context.Background()))
	}
	l.more(50)
	counts, doubled, lost := l.end(one, two)
	assert.Equal(t, map[string]int{"200": len(l.outcome)}, counts, "0 errors")
	assert.Empty(t, doubled)
	assert.Empty(t, lost)
}

// pids are HAProxy's processes that listen for commands of f: its master and its worker.
func (f *front) pids() (master, worker int) {
	f.t.Helper()
	sockets, err := haproxy.SocketDir(f.dir)
	require.NoError(f.t, err)
	master, worker, err = haproxy.Processes(context.Background(), haproxy.In(sockets).Master)
	require.NoError(f.t, err)
	return master, worker
}

func TestHAProxyKilledUnderLoad(t *testing.T) {
	for _, who := range []string{"worker", "master"} {
		t.Run(who, func(t *testing.T) {
			one, two := backend.New(t, nil, nil), backend.New(t, nil, nil)
			f := newFront(t, nil, one, two)
			require.NoError(t, f.Drain(context.Background(), "server2"))
			l := f.load("POST", 8)
			l.more(100)
			master, worker := f.pids()
			require.NoError(t, syscall.Kill(map[string]int{"worker": worker, "master": master}[who], syscall.SIGKILL))
			require.Eventually(t, func() bool { return syscall.Kill(worker, 0) != nil }, patience, time.Millisecond)
			f.waitState("server1", balancer.Up)
			l.more(100)
			counts, doubled, _ := l.end(one, two)
			broken := len(l.outcome) - counts["200"]
			assert.Positive(t, counts["200"])
			// While a killed process falls apart, a client may meet it twice.
			assert.LessOrEqual(t, broken, 2*8, "no more than were in flight")
			assert.Empty(t, doubled)
			f.waitState("server2", balancer.Draining) // by the new one too
			assert.Empty(t, two.Handled())
		})
	}
}

func TestServerKilledUnderLoad(t *testing.T) {
	for _, method := range []string{"POST", "GET"} {
		t.Run(method, func(t *testing.T) {
			one, two := backend.New(t, nil, nil), backend.New(t, nil, nil)
			f := newFront(t, nil, one, two)
			l := f.load(method, 8)
			const kills = 5
			for range kills {
				l.more(50)
				one.Kill()
				f.waitState("server1", balancer.Down)
				l.more(50)
				one.Start()
				f.waitState("server1", balancer.Up)
			}
			counts, doubled, lost := l.end(one, two)
			assert.Empty(t, lost)
			if method == "GET" {
				assert.Equal(t, map[string]int{"200": len(l.outcome)}, counts)
				return
			}
			assert.Empty(t, doubled)
			assert.Equal(t, len(l.outcome), counts["200"]+counts["502 unknown"])
			assert.LessOrEqual(t, counts["502 unknown"], kills*8)
		})
	}
}

func TestRollingRestartLosesNothing(t *testing.T) {
	backends := []*backend.Backend{backend.New(t, nil, nil), backend.New(t, nil, nil)}
	f := newFront(t, nil, backends...)
	l := f.load("POST", 8)
	ctx := context.Background()
	for round := range 6 {
		be, name := backends[round%2], "server"+strconv.Itoa(round%2+1)
		l.more(30)
		require.NoError(t, f.Drain(ctx, name))
		if round%3 == 0 {
			require.NoError(t, f.Reload(ctx))
		}
		require.NoError(t, f.Idle(ctx, name))
		be.Kill()
		l.more(30)
		be.Start()
		require.NoError(t, f.Ready(ctx, name))
		f.waitState(name, balancer.Up)
	}
	counts, doubled, lost := l.end(backends...)
	assert.Equal(t, map[string]int{"200": len(l.outcome)}, counts)
	assert.Empty(t, doubled)
	assert.Empty(t, lost)
}
