package bench

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestPackedBuckets: what is recorded does not depend on how often a bucket was packed and opened again.
func TestPackedBuckets(t *testing.T) {
	const buckets, values = 5 * mostOpen, 4000
	all, opened := make([]bucket, buckets), newOpened()
	random := rand.New(rand.NewPCG(1, 2))
	want := map[int]*hdrhistogram.Histogram{}
	for range values {
		i, took := random.IntN(buckets-1), time.Duration(random.IntN(3_000_000))*time.Microsecond
		record(opened.histogram(&all[i]), took)
		if want[i] == nil {
			want[i] = newHistogram(bucketDigits)
		}
		record(want[i], took)
	}
	open := 0
	for i := range all {
		b := &all[i]
		if b.open != nil {
			open++
		}
		if want[i] == nil {
			assert.Nil(t, b.times(), "bucket %d", i)
			continue
		}
		require.True(t, want[i].Equals(b.times()), "bucket %d", i)
	}
	assert.Equal(t, mostOpen, open)
}

// TestPackedSize: the series of a run over a machine with much other work, whose times are spread wide, is small too.
func TestPackedSize(t *testing.T) {
	h := newHistogram(bucketDigits)
	random := rand.New(rand.NewPCG(1, 2))
	for range 25_000 {
		record(h, time.Duration(math.Exp(random.Float64()*math.Log(longest)))*time.Microsecond)
	}
	got := pack(h)
	assert.Less(t, len(got), 6<<10)
	assert.Equal(t, len(got), cap(got))
	assert.True(t, h.Equals(got.unpack()))
}
