package stats_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/stats"
)

func TestASavedSketchIsReadAsItWas(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for name, times := range map[string][]time.Duration{
		"one":         {time.Millisecond},
		"the least":   {1},
		"the longest": {24 * time.Hour},
		"far apart":   {1, time.Microsecond, time.Second, 24 * time.Hour},
		"many at one": make([]time.Duration, 10_000),
		"spread":      func() (out []time.Duration) { return spread(random, 50_000, time.Second) }(),
		"a few":       spread(random, 20, time.Minute),
	} {
		want := stats.SketchOf(times)
		want.Errors = want.Count / 3
		got, err := stats.Decode(stats.Encode(want))
		require.NoError(t, err, name)
		assert.Equal(t, want, got, name)
		assert.EqualValues(t, len(times), got.Count, name)
	}
}

func spread(random *rand.Rand, n int, most time.Duration) []time.Duration {
	out := make([]time.Duration, n)
	for i := range out {
		out[i] = 1 + time.Duration(random.ExpFloat64()*float64(most)/10)
	}
	return out
}

func TestWhatIsNoSketchIsRefused(t *testing.T) {
	good := stats.Encode(stats.SketchOf([]time.Duration{1, time.Second}))
	for name, raw := range map[string][]byte{
		"nothing": nil, "another form": append([]byte{9}, good[1:]...), "cut off": good[:len(good)-1], "numbers alone": {1}, "an unknown code": append(good[:len(good):len(good)], 250),
		"a bucket past the last": append(good[:len(good):len(good)], 255, 255, 255, 1, 1), "an empty bucket": append(good[:len(good):len(good)], 255, 1, 0),
	} {
		_, err := stats.Decode(raw)
		assert.Error(t, err, name)
	}
}

func FuzzDecodeSketch(f *testing.F) {
	f.Add(stats.Encode(stats.SketchOf([]time.Duration{1, time.Second})))
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := stats.Decode(raw)
		if err != nil {
			return
		}
		again, err := stats.Decode(stats.Encode(s))
		require.NoError(t, err)
		assert.Equal(t, s, again)
	})
}
