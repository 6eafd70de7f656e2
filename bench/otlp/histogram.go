package otlp

import (
	"fmt"
	"math"
	"strconv"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// longest and digits are those of the histograms that a result holds: 1 µs to 5 minutes.
const (
	longest = 300_000_000
	digits  = 3
)

// bounds are the upper bounds of the buckets, in µs: about 1, 2, 3, 5 and 7 times each power of ten, from 10 µs to 3 minutes. Each is the
// end of a bucket of the result's own histogram, so that the counts are exact: what OTLP calls exponential buckets ends elsewhere.
// They are the same for every run.
func bounds() []int64 {
	var out []int64
	h := hdrhistogram.New(1, longest, digits)
	for power := int64(10); power < longest; power *= 10 {
		for _, n := range []int64{1, 2, 3, 5, 7} {
			if v := n * power; v < longest {
				h.Reset()
				_ = h.RecordValue(v)       // it is in range
				out = append(out, h.Max()) // the end of the bucket that holds it
			}
		}
	}
	return out
}

// histogram writes one that a result holds. An empty text is none.
func (w *writer) histogram(name, description string, l labels, text string) error {
	if text == "" {
		return nil
	}
	h, err := hdrhistogram.Decode([]byte(text))
	if err != nil {
		return fmt.Errorf("the histogram of %s cannot be read: %w", name, err)
	}
	if h.TotalCount() == 0 {
		return nil
	}
	counts := make([]int64, len(w.bounds)+1)
	at := 0
	for _, bar := range h.Distribution() { // in order
		for at < len(w.bounds) && bar.To > w.bounds[at] {
			at++
		}
		counts[at] += bar.Count
	}
	p := w.point(l)
	p.Count = strconv.FormatInt(h.TotalCount(), 10)
	p.Sum, p.Min, p.Max = seconds(h.Mean()*float64(h.TotalCount())), seconds(float64(h.Min())), seconds(float64(h.Max()))
	for i, n := range counts {
		p.Counts = append(p.Counts, strconv.FormatInt(n, 10))
		if i < len(w.bounds) {
			p.Bounds = append(p.Bounds, *seconds(float64(w.bounds[i])))
		}
	}
	m := w.metric(name, "s", description)
	if m.Histogram == nil {
		m.Histogram = &data{Temporality: cumulative}
	}
	m.Histogram.DataPoints = append(m.Histogram.DataPoints, p)
	return nil
}

func seconds(us float64) *float64 {
	v := math.Round(us) / 1e6
	return &v
}
