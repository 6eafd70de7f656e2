package cluster_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/fixtures"
	"github.com/parley-run/parley/runtime/cluster"
)

// mangled are hints that a carrier mangles.
type mangled struct {
	mu     sync.Mutex
	out    []chan int64
	mangle func(revision int64) []int64 // what arrives in place of revision
}

func (m *mangled) Publish(_ context.Context, revision int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, one := range m.mangle(revision) {
		for _, out := range m.out {
			select {
			case out <- one:
			default: // the receiver is slow: it is lost
			}
		}
	}
	return nil
}

func (m *mangled) Subscribe(context.Context) <-chan int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make(chan int64, 100)
	m.out = append(m.out, out)
	return out
}

// testHintsThatLie loses, doubles, reorders and invents hints: every server follows all the same, no later than by polling.
func testHintsThatLie(t *testing.T, fresh newGround) {
	var held []int64
	for _, row := range []struct {
		name    string
		mangle  func(revision int64) []int64
		polling bool
	}{
		{"lost", func(int64) []int64 { return nil }, true},
		{"doubled", func(r int64) []int64 { return []int64{r, r, r} }, false},
		{"reordered", func(r int64) []int64 {
			held = append(held, r)
			if len(held) < 4 {
				return nil
			}
			out := []int64{held[3], held[1], held[2], held[0]}
			held = nil
			return out
		}, true},
		{"of the past", func(r int64) []int64 { return []int64{r - 1, 0, -7} }, true},
		{"of the future", func(r int64) []int64 { return []int64{r + 1000, 1 << 62} }, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			g := fresh(t)
			hints := &mangled{mangle: row.mangle}
			with := func(c *cluster.Config, _ *server) { c.Hints = hints }
			servers := []*server{g.server(t, "server1", with), g.server(t, "server2", with), g.server(t, "server3", with)}
			changes := fixtures.Times("F7", 20)
			var last int64
			for i := range changes {
				last = servers[i%3].change(t.Context())
			}
			start := time.Now()
			results, err := servers[0].table.WaitFor(t.Context(), last)
			require.NoError(t, err)
			require.Len(t, results, 3)
			for _, r := range results {
				assert.True(t, r.OK, r)
				assert.Equal(t, last, r.Revision)
			}
			assert.Less(t, time.Since(start), 9*time.Second)
			assert.EqualValues(t, changes, last)
		})
	}
}
