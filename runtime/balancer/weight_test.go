package balancer_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/internal/backend"
	"github.com/parley-run/parley/runtime/balancer"
)

func TestWeights(t *testing.T) {
	rows := []struct {
		weights []int
		want    string // who gets the requests of two rounds, sorted by time
	}{
		{[]int{100, 100, 100}, "123123"},
		{[]int{100, 200}, "212212"},
		{[]int{256, 64}, "1111211112"},
		{[]int{0, 100}, "22"},
		{[]int{7, 0, 7}, "1313"},
		{[]int{1, 1, 2}, "31233123"},
	}
	for _, row := range rows {
		t.Run(fmt.Sprint(row.weights), func(t *testing.T) {
			var backends []*backend.Backend
			for range row.weights {
				backends = append(backends, backend.New(t, nil, nil))
			}
			b, srv := front(t, nil, backends...)
			for i, weight := range row.weights {
				name := fmt.Sprint("server", i+1)
				waitState(t, b, name, "up")
				require.NoError(t, b.SetWeight(name, weight))
				assert.Equal(t, weight, state(b, name).Weight)
			}
			var got strings.Builder
			for range row.want {
				got.WriteString(strings.TrimPrefix(do(t, srv.Client(), "POST", srv.URL+"/x", "").header.Get("X-Parley-Server"), "server"))
			}
			assert.Contains(t, row.want+row.want, got.String(), "from any point of the round on")
		})
	}
}

func TestWeightOfZeroIsKeptWhereTheOthersFail(t *testing.T) {
	one, two := backend.New(t, nil, nil), backend.New(t, nil, nil)
	b, srv := front(t, func(o *balancer.Options) { o.Wait = 10 * time.Second }, one, two)
	waitState(t, b, "server1", "up")
	waitState(t, b, "server2", "up")
	require.NoError(t, b.SetWeight("server2", 0))
	one.Kill()
	got := make(chan answer, 1)
	go func() { got <- do(t, srv.Client(), "POST", srv.URL+"/x", "") }()
	require.Eventually(t, func() bool { return b.Totals().Waiting == 1 }, time.Minute, time.Millisecond, "nobody takes it")
	require.NoError(t, b.SetWeight("server2", 100))
	assert.Equal(t, "server2", (<-got).header.Get("X-Parley-Server"), "it takes over")
}

func TestNoWeight(t *testing.T) {
	b, _ := front(t, nil, backend.New(t, nil, nil))
	require.ErrorContains(t, b.SetWeight("server1", 257), "expected 0 to 256")
	require.ErrorContains(t, b.SetWeight("server1", -1), "expected 0 to 256")
	require.ErrorContains(t, b.SetWeight("server9", 1), "its servers are server1")
}

func TestTotals(t *testing.T) {
	one, two := backend.New(t, nil, nil), backend.New(t, nil, drop)
	b, srv := front(t, never, one, two)
	waitState(t, b, "server1", "up")
	waitState(t, b, "server2", "up")
	unknown := 0
	for range 4 {
		require.Equal(t, 200, do(t, srv.Client(), "GET", srv.URL+"/x", "").status)
		if do(t, srv.Client(), "POST", srv.URL+"/x", "").status == 502 {
			unknown++
		}
	}
	require.Equal(t, 200, do(t, srv.Client(), "GET", srv.URL+"/parley-lb-alive", "").status)
	totals := b.Totals()
	assert.Positive(t, totals.Retried+int64(unknown))
	assert.Equal(t, balancer.Totals{Requests: 8, Errors: int64(unknown), Retried: totals.Retried}, totals)
}
