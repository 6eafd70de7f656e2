package cluster_test

import (
	"slices"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/require"
)

// BenchmarkChangeOnAllServers is from a change's commit on one of two servers until WaitFor has seen both.
func BenchmarkChangeOnAllServers(b *testing.B) {
	g := onFile(b)
	redis := miniredis.RunT(b)
	first := g.server(b, "server1", withRedis(b, redis.Addr()))
	g.server(b, "server2", withRedis(b, redis.Addr()))
	require.Eventually(b, func() bool { return redis.PubSubNumSub("parley:test:revision")["parley:test:revision"] == 2 }, time.Minute, time.Millisecond)
	timed(b, func() {
		results, err := first.table.WaitFor(b.Context(), first.change(b.Context()))
		require.NoError(b, err)
		require.Len(b, results, 2)
	})
}

func BenchmarkAnnounce(b *testing.B) {
	g := onFile(b)
	first := g.server(b, "server1")
	timed(b, func() { first.change(b.Context()) })
}

func BenchmarkMembers(b *testing.B) {
	g := onFile(b)
	first := g.server(b, "server1")
	g.server(b, "server2")
	timed(b, func() { _ = first.find(b, "server1") })
}

// timed reports the median and the 99th percentile of do, in milliseconds.
func timed(b *testing.B, do func()) {
	b.Helper()
	var all []time.Duration
	for b.Loop() {
		start := time.Now()
		do()
		all = append(all, time.Since(start))
	}
	slices.Sort(all)
	b.ReportMetric(all[len(all)/2].Seconds()*1e3, "ms-p50")
	b.ReportMetric(all[len(all)*99/100].Seconds()*1e3, "ms-p99")
}
