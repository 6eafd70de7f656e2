package bench

import (
	"slices"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// packed is a histogram without what is empty in it: 1 KB in place of 18.
type packed []slot

type slot struct {
	at    int32
	count int64
}

func pack(h *hdrhistogram.Histogram) packed {
	var out packed
	for i, n := range h.Export().Counts {
		if n > 0 {
			out = append(out, slot{int32(i), n})
		}
	}
	return slices.Clip(out)
}

func (p packed) unpack() *hdrhistogram.Histogram {
	empty := newHistogram(bucketDigits).Export()
	for _, c := range p {
		empty.Counts[c.at] = c.count
	}
	return hdrhistogram.Import(empty)
}

// bucket is a stretch of the run. Its times are a histogram while results arrive for it, and packed before and after.
type bucket struct {
	counts   Counts
	achieved int // sent in it
	open     *hdrhistogram.Histogram
	packed   packed
	servers  map[string]int
}

const bucketDigits = 2

// times are the bucket's response times; nil: there are none.
func (b *bucket) times() *hdrhistogram.Histogram {
	switch {
	case b.open != nil:
		return b.open
	case b.packed != nil:
		return b.packed.unpack()
	}
	return nil
}

// mostOpen is for how many buckets results may arrive at once without packing and unpacking: those of a target that stands still
// for a while arrive for many.
const mostOpen = 16

// openBucket is the bucket's histogram to record in. It packs the one that was opened first where too many are open.
func (r *recorder) openBucket(b *bucket) *hdrhistogram.Histogram {
	if b.open != nil {
		return b.open
	}
	if len(r.open) == mostOpen {
		first := r.open[0]
		first.packed, first.open = pack(first.open), nil
		r.open = slices.Delete(r.open, 0, 1)
	}
	if b.open = b.times(); b.open == nil {
		b.open = newHistogram(bucketDigits)
	}
	b.packed = nil
	r.open = append(r.open, b)
	return b.open
}
