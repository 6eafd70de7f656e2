package bench

import (
	"encoding/binary"
	"slices"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// packed is a histogram's counts, of each that is not nil how many that are lie before it, and the count: about two bytes each.
// The widest spread of times takes 6 KB in place of 18, most take less than 1.
type packed []byte

func pack(h *hdrhistogram.Histogram) packed {
	var out packed
	before := uint64(0)
	for _, n := range h.Export().Counts {
		if n == 0 {
			before++
			continue
		}
		out = binary.AppendUvarint(binary.AppendUvarint(out, before), uint64(n))
		before = 0
	}
	tight := make(packed, len(out))
	copy(tight, out)
	return tight
}

func (p packed) unpack() *hdrhistogram.Histogram {
	all := newHistogram(bucketDigits).Export()
	for at := uint64(0); len(p) > 0; at++ {
		before, size := binary.Uvarint(p)
		count, more := binary.Uvarint(p[size:])
		at += before
		all.Counts[at] = int64(count)
		p = p[size+more:]
	}
	return hdrhistogram.Import(all)
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
