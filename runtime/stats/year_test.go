package stats_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/stats"
)

// BenchmarkYear makes a year's statistics of one server and 1,000 services, of which 50 are busy all the time with 10
// requests a second and the others are called 5 times a day, as they are kept by default, and asks it for the slowest ones of the
// last month:
//
//	go test ./runtime/stats -run '^$' -bench Year -benchtime 20x
//
// It prints the size of the file and how long the answer takes.
func BenchmarkYear(b *testing.B) {
	path := filepath.Join(b.TempDir(), "stats.db")
	s := open(b, path, "server1")
	now := time.Date(2026, 12, 31, 15, 17, 0, 0, time.UTC)
	s.Clock(func() time.Time { return now })
	names := make([]string, 1000)
	for i := range names {
		names[i] = fmt.Sprintf("customer.service-%04d", i)
	}
	busy, idle := names[:50], names[50:]
	random := rand.New(rand.NewPCG(1, 2))
	fill := func(span, count int64, each int, services []string) {
		b.Helper()
		pool := make([]stats.Sketch, 64) // sketches of different services, used again and again
		for i := range pool {
			times := make([]time.Duration, each)
			for j := range times {
				times[j] = time.Duration(math.Exp(random.NormFloat64()*0.6) * float64(5+i) * 1e6)
			}
			pool[i] = stats.SketchOf(times)
		}
		last := now.Unix() - now.Unix()%span
		starts := make([]int64, count)
		for i := range starts {
			starts[i] = last - span*(count-1-int64(i))
		}
		for chunk := range slices.Chunk(starts, 500) {
			require.NoError(b, stats.Fill(b.Context(), s, span, chunk, services, func() stats.Sketch { return pool[random.IntN(len(pool))] }))
		}
	}
	fill(60, 7*24*60, 600, busy)
	fill(3600, 90*24, 36_000, busy)
	fill(86400, 365, 100_000, busy)
	for ten := range slices.Chunk(idle, 10) {
		fill(60, 7*5, 1, ten)
		fill(3600, 90*5, 1, ten)
	}
	fill(86400, 365, 5, idle)
	require.NoError(b, s.Save(b.Context()))
	var took []time.Duration
	for b.Loop() {
		begun := time.Now()
		r, err := s.Report(b.Context(), stats.Query{Kind: stats.ServiceKind, From: now.Add(-30 * 24 * time.Hour), To: now})
		require.NoError(b, err)
		require.Len(b, r.Slowest(), 1000)
		took = append(took, time.Since(begun))
	}
	slices.Sort(took)
	require.NoError(b, s.Close()) // what was still in the log beside it goes into the file
	info, err := os.Stat(path)
	require.NoError(b, err)
	b.ReportMetric(float64(info.Size())/1e6, "MB")
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1e3, "ms/slowest-last-month")
	b.ReportMetric(0, "ns/op")
}
