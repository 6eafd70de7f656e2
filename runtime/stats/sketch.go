package stats

import (
	"encoding/binary"
	"errors"
)

// Sketch is what was counted of one thing in some time. The sum of two is what one would have counted in both.
type Sketch struct {
	Count  int64
	Errors int64
	SumNS  int64
	MinNS  int64
	MaxNS  int64
	// Buckets are the non-empty ones of a DDSketch of nanoseconds with 1 % relative accuracy, in pairs: its logarithmic
	// mapping's index, ascending, and the count.
	Buckets []int64
}

// add makes s the sum of both.
func (s *Sketch) add(o Sketch) {
	switch {
	case o.Count == 0:
		s.Errors += o.Errors
		s.SumNS += o.SumNS
		return
	case s.Count == 0:
		s.MinNS, s.MaxNS = o.MinNS, o.MaxNS
	default:
		s.MinNS, s.MaxNS = min(s.MinNS, o.MinNS), max(s.MaxNS, o.MaxNS)
	}
	s.Count += o.Count
	s.Errors += o.Errors
	s.SumNS += o.SumNS
	s.Buckets = merged(s.Buckets, o.Buckets, 1)
}

// since is what s has more than an earlier state of itself; it has no bounds.
func (s Sketch) since(o Sketch) Sketch {
	return Sketch{
		Count: s.Count - o.Count, Errors: s.Errors - o.Errors, SumNS: s.SumNS - o.SumNS,
		Buckets: merged(s.Buckets, o.Buckets, -1),
	}
}

// merged is a new list of pairs: a's, and sign times those of b.
func merged(a, b []int64, sign int64) []int64 {
	out := make([]int64, 0, max(len(a), len(b)))
	put := func(index, n int64) {
		if n != 0 {
			out = append(out, index, n)
		}
	}
	for len(a) > 1 && len(b) > 1 {
		switch {
		case a[0] < b[0]:
			put(a[0], a[1])
			a = a[2:]
		case a[0] > b[0]:
			put(b[0], sign*b[1])
			b = b[2:]
		default:
			put(a[0], a[1]+sign*b[1])
			a, b = a[2:], b[2:]
		}
	}
	for ; len(a) > 1; a = a[2:] {
		put(a[0], a[1])
	}
	for ; len(b) > 1; b = b[2:] {
		put(b[0], sign*b[1])
	}
	return out
}

// sketchForm is the first byte of a saved sketch: how the rest is written.
const sketchForm = 1

// A bucket is one byte where it is among the next nearBuckets after the one before and holds no more than smallCount:
// (count-1) x nearBuckets + distance-1. A near one with more is nearLarge + distance-1 and then the count, any other
// far, the distance and the count.
const (
	nearBuckets = 4
	smallCount  = 60
	nearLarge   = nearBuckets * smallCount
	far         = 255
)

// encode is the sketch as it is saved: the form, then variable-length numbers (encoding/binary): errors, sum, least, range, and
// then the buckets. The count of all is the sum of theirs.
func (s Sketch) encode() []byte {
	out := make([]byte, 0, 24+len(s.Buckets))
	out = append(out, sketchForm)
	for _, n := range []int64{s.Errors, s.SumNS, s.MinNS, s.MaxNS - s.MinNS} {
		out = binary.AppendUvarint(out, uint64(max(0, n)))
	}
	last := int64(-1)
	for i := 0; i+1 < len(s.Buckets); i += 2 {
		distance, n := s.Buckets[i]-last, s.Buckets[i+1]
		switch {
		case distance <= nearBuckets && n <= smallCount:
			out = append(out, byte((n-1)*nearBuckets+distance-1))
		case distance <= nearBuckets:
			out = binary.AppendUvarint(append(out, byte(nearLarge+distance-1)), uint64(n))
		default:
			out = binary.AppendUvarint(binary.AppendUvarint(append(out, far), uint64(distance)), uint64(n))
		}
		last = s.Buckets[i]
	}
	return out
}

var errNoSketch = errors.New("it is no sketch that this program knows")

// readSketch reads what encode wrote: all but Buckets, which bucket is told one by one.
func readSketch(raw []byte, bucket func(index int, n int64)) (s Sketch, err error) {
	if len(raw) == 0 || raw[0] != sketchForm {
		return s, errNoSketch
	}
	raw = raw[1:]
	next := func() int64 {
		n, size := binary.Uvarint(raw)
		if size <= 0 || n > 1<<62 {
			err = errNoSketch
			raw = nil
			return 0
		}
		raw = raw[size:]
		return int64(n)
	}
	s.Errors, s.SumNS, s.MinNS = next(), next(), next()
	s.MaxNS = s.MinNS + next()
	index := int64(-1)
	for len(raw) > 0 && err == nil {
		code := int64(raw[0])
		raw = raw[1:]
		distance, n := code%nearBuckets+1, code/nearBuckets+1
		switch {
		case code == far:
			distance, n = next(), next()
		case code >= nearLarge+nearBuckets:
			err = errNoSketch
		case code >= nearLarge:
			n = next()
		}
		index += distance
		if err == nil && (distance < 1 || index >= pageCount*pageSize || n < 1) {
			err = errNoSketch
		}
		if err == nil {
			s.Count += n
			bucket(int(index), n)
		}
	}
	return s, err
}

func decodeSketch(raw []byte) (Sketch, error) {
	var buckets []int64
	s, err := readSketch(raw, func(index int, n int64) { buckets = append(buckets, int64(index), n) })
	s.Buckets = buckets
	return s, err
}
