package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/bench/figures"
)

// armOf is an arm whose service answers text, slow being how long that takes.
func armOf(t *testing.T, name, text string, slow time.Duration) *arm {
	t.Helper()
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if slow > 0 {
			<-time.After(slow)
		}
		_, _ = io.WriteString(w, text)
	})
	return &arm{name: name, address: address, pid: os.Getpid()}
}

func TestSameReplies(t *testing.T) {
	a, b, c := armOf(t, "a", "1", 0), armOf(t, "b", "1", 0), armOf(t, "c", "2", 0)
	require.NoError(t, sameReplies(t.Context(), a, b))
	assert.Equal(t, 1, a.answered)
	require.EqualError(t, sameReplies(t.Context(), a, c), "a answered 1, and c answered 2")
}

func TestSameWork(t *testing.T) {
	b, err := serveBackEnds(t.Context())
	require.NoError(t, err)
	require.NoError(t, sameWork(t.Context(), b))
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	require.ErrorContains(t, sameWork(ctx, b, &arm{answered: 2}, &arm{answered: 1}), "3 requests were answered, but the CRM was called 0 times")
}

func TestCompareFindsTheSlowerOne(t *testing.T) {
	fast, slow := armOf(t, "fast", "1", 0), armOf(t, "slow", "1", 5*time.Millisecond)
	p := pace{warmUp: 20 * time.Millisecond, turn: 30 * time.Millisecond, turns: 3, rounds: 2}
	require.NoError(t, compare(t.Context(), []*arm{fast, slow}, p, newForeign(os.Getpid())))
	require.Len(t, fast.rates, 2)
	require.Len(t, slow.rates, 2)
	for i, ratio := range figures.Ratios(slow.rates, fast.rates) {
		assert.Less(t, ratio, 0.9)
		assert.LessOrEqual(t, slow.rates[i], connections/0.005)
	}
	assert.Greater(t, fast.answered, slow.answered)
}

func TestVersionsAreToldApart(t *testing.T) {
	source, err := tutorialSource()
	require.NoError(t, err)
	assert.Contains(t, withVersion(source, 12), `{"version": "v12"}`)
	assert.Contains(t, withVersion(source, 12), source)
	assert.True(t, isVersion([]byte(`{"version":"v12"}`), 12))
	assert.False(t, isVersion([]byte(`{"version":"v12"}`), 1))
}

func TestWaitForVersion(t *testing.T) {
	var asked atomic.Int64
	address := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		switch n := asked.Add(1); {
		case n == 1:
			http.NotFound(w, nil)
		case n < 4:
			_, _ = io.WriteString(w, `{"version":"v1"}`)
		case n == 4:
			_, _ = io.WriteString(w, `{"version":"v2"}`)
		default:
			http.Error(w, "broken", http.StatusInternalServerError)
		}
	})
	w, err := dial(t.Context(), address, requestOf(http.MethodGet, address, versionPath, ""))
	require.NoError(t, err)
	defer w.close()
	require.NoError(t, waitForVersion(t.Context(), w, 2))
	assert.Equal(t, int64(4), asked.Load())
	require.ErrorContains(t, waitForVersion(t.Context(), w, 3), "status 500: broken")
}

func TestFlushTime(t *testing.T) {
	dir := t.TempDir()
	took, err := flushTime(dir)
	require.NoError(t, err)
	assert.Len(t, took, 50)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, left)
}
