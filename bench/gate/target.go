package gate

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"sync"
	"time"
)

// Target is the server of a self-test: each request costs a known amount of work, and the candidate's a little more.
type Target struct {
	Port   int
	Work   int     // SHA-256 sums of 64 bytes, for each request
	Inject string  // what is done beside: one of Injections
	Extra  float64 // how much of it, as a share of Work
}

// Injections are the ways to be slower: work, work under a lock, allocations, and sleep.
func Injections() []string { return []string{"none", "cpu", "lock", "alloc", "sleep"} }

// Serve serves until ctx ends.
func (t Target) Serve(ctx context.Context) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", t.Port))
	if err != nil {
		return err
	}
	var mu sync.Mutex
	extra := int(float64(t.Work) * t.Extra)
	unit := unitOf()
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		sum := burn(t.Work)
		switch t.Inject {
		case "cpu":
			sum += burn(extra)
		case "lock":
			mu.Lock()
			sum += burn(extra)
			mu.Unlock()
		case "alloc":
			for range extra / 4 { // about as long as four sums
				sum += len(garbage())
			}
		case "sleep":
			time.Sleep(time.Duration(extra) * unit)
		}
		_, _ = fmt.Fprintln(w, sum) // fails where the client has gone
	})}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.Serve(listener); ctx.Err() == nil {
		return err
	}
	return nil
}

// garbage is a new KiB.
//
//go:noinline
func garbage() []byte { return make([]byte, 1024) }

func burn(n int) (out int) {
	var block [64]byte
	for range n {
		sum := sha256.Sum256(block[:])
		copy(block[:], sum[:])
	}
	return int(block[0])
}

// unitOf is how long one sum takes.
func unitOf() time.Duration {
	runtime.GC()
	const n = 20_000
	began := time.Now()
	burn(n)
	return time.Since(began) / n
}

// Burn keeps up to cores busy, now more and now less, until ctx ends: the neighbour of a self-test.
func Burn(ctx context.Context, cores int) {
	var all sync.WaitGroup
	for i := range cores {
		all.Go(func() {
			for step := 0; ctx.Err() == nil; step++ {
				busy := time.Duration(10+(step*37+i*53)%80) * time.Millisecond
				for began := time.Now(); time.Since(began) < busy; {
					burn(100)
				}
				select {
				case <-ctx.Done():
				case <-time.After(100*time.Millisecond - busy):
				}
			}
		})
	}
	all.Wait()
}
