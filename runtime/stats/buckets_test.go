package stats_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/DataDog/sketches-go/ddsketch/mapping"
	"github.com/DataDog/sketches-go/ddsketch/store"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/stats"
)

// The buckets are those of DataDog's library, which the command does without: it would carry all of protobuf.
func TestBucketsAreThoseOfDataDogsLibrary(t *testing.T) {
	theirs, err := mapping.NewLogarithmicMapping(0.01)
	require.NoError(t, err)
	same := func(took time.Duration) {
		index := theirs.Index(float64(took))
		require.Equal(t, index, stats.BucketOf(took), "%d ns", took)
		require.InEpsilon(t, theirs.Value(index), stats.MiddleOf(index), 1e-12, "bucket %d", index)
		require.InEpsilon(t, float64(took), stats.MiddleOf(index), 0.01+1e-12, "%d ns", took)
	}
	for took := time.Duration(1); took < 100_000; took++ {
		same(took)
	}
	const day = 24 * time.Hour
	for index := 1; theirs.LowerBound(index+1) < float64(day); index++ { // both sides of each bound
		bound := time.Duration(theirs.LowerBound(index))
		same(max(bound, 1))
		same(bound + 1)
	}
	random := rand.New(rand.NewPCG(3, 4))
	for range 200_000 {
		same(time.Duration(math.Exp(random.Float64() * math.Log(float64(day)))))
	}
	same(day)
}

func TestQuantilesAreThoseOfDataDogsLibrary(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	theirs, err := mapping.NewLogarithmicMapping(0.01)
	require.NoError(t, err)
	of := []float64{0, 0.001, 0.25, 0.5, 0.95, 0.99, 0.999, 1}
	for name, pairs := range map[string][][2]int64{
		"one":               {{700, 1}},
		"many at one":       {{700, 1_000_000}},
		"the least":         {{0, 3}},
		"far apart, upward": {{0, 1}, {64, 2}, {1_600, 1}},
		"and downward":      {{1_600, 1}, {63, 2}, {0, 1}},
		"sixteen":           {{10, 15}, {20, 1}},
		"spread":            randomPairs(random, 500, 1_600),
		"near":              randomPairs(random, 500, 90),
	} {
		counts := store.NewDenseStore()
		for _, one := range pairs {
			counts.AddWithCount(int(one[0]), float64(one[1]))
		}
		got := stats.Quantiles(pairs, of...)
		for i, q := range of {
			assert.InEpsilon(t, theirs.Value(counts.KeyAtRank(math.Ceil(q*counts.TotalCount())-1)), got[i], 1e-12, "%s: %v", name, q)
		}
	}
	assert.Equal(t, []float64{0}, stats.Quantiles(nil, 0.5), "of nothing")
}

func randomPairs(random *rand.Rand, n int, most int64) [][2]int64 {
	out := make([][2]int64, n)
	for i := range out {
		out[i] = [2]int64{random.Int64N(most), 1 + random.Int64N(100)}
	}
	return out
}
