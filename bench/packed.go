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

// opened are the buckets that have a histogram. Their histograms exist from the beginning, and go from bucket to bucket: a run
// has its size at once.
type opened struct {
	buckets []*bucket // in the order of opening
	spare   []*hdrhistogram.Histogram
}

func newOpened() *opened {
	o := &opened{}
	for range mostOpen {
		o.spare = append(o.spare, newHistogram(bucketDigits))
	}
	return o
}

// histogram is b's to record in. Where none is left, the bucket that was opened first is packed and gives its own.
func (o *opened) histogram(b *bucket) *hdrhistogram.Histogram {
	if b.open != nil {
		return b.open
	}
	if len(o.spare) == 0 {
		first := o.buckets[0]
		o.buckets = slices.Delete(o.buckets, 0, 1)
		o.spare = append(o.spare, first.open)
		first.packed, first.open = pack(first.open), nil
	}
	last := len(o.spare) - 1
	b.open, o.spare = o.spare[last], o.spare[:last]
	b.open.Reset()
	if b.packed != nil {
		b.open.Merge(b.packed.unpack())
		b.packed = nil
	}
	o.buckets = append(o.buckets, b)
	return b.open
}
