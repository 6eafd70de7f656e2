package stats

import (
	"math"
	"slices"
	"time"
)

// accuracy is how far a percentile may be from the exact one, relative to it.
const accuracy = 0.01

// scale is 1/ln((1+accuracy)/(1-accuracy)): buckets for each factor of e.
const scale = 49.99833328888678

// bucketOf is the bucket of a time of 1 ns or more: the index of a DDSketch's logarithmic mapping, so that the middle of a
// bucket is within accuracy of all that it counts. See C. Masson et al., "DDSketch", VLDB 2019, section 2.2.
func bucketOf(took time.Duration) int { return int(math.Log(float64(took)) * scale) }

// middleOf is the time, in ns, that stands for a bucket.
func middleOf(index int) float64 { return math.Exp(float64(index)/scale) * (1 + accuracy) }

// histogram counts by bucket. It is as long as what it counts is apart.
type histogram struct {
	total  int64
	first  int // the bucket of counts[0], a multiple of pageSize
	counts []int64
}

func (h *histogram) add(index int, n int64) {
	at := index - index%pageSize
	switch end := h.first + len(h.counts); {
	case len(h.counts) == 0:
		h.first, h.counts = at, make([]int64, pageSize)
	case at < h.first:
		h.counts = slices.Concat(make([]int64, h.first-at), h.counts)
		h.first = at
	case at >= end:
		h.counts = append(h.counts, make([]int64, at+pageSize-end)...)
	}
	h.counts[index-h.first] += n
	h.total += n
}

// quantile is the time, in ns, of the nearest rank: of 16 requests the 99th percentile is the slowest. Of nothing it is 0.
func (h *histogram) quantile(q float64) float64 {
	rank := max(int64(math.Ceil(q*float64(h.total))), 1)
	var seen int64
	for i, n := range h.counts {
		if seen += n; seen >= rank {
			return middleOf(h.first + i)
		}
	}
	return 0
}
