package stats

import (
	"context"
	"time"

	"github.com/parley-run/parley/runtime/database"
)

// Prune deletes what is too old, now.
func Prune(ctx context.Context, s *Stats) error {
	s.series.pruned = time.Time{}
	return s.prune(ctx)
}

// Rows is how many rows of a span are kept.
func Rows(ctx context.Context, s *Stats, span int) (n int, err error) {
	return n, s.disk.QueryRowContext(ctx, "SELECT COUNT(*) FROM stats_series WHERE span = $1", span).Scan(&n)
}

// Fill saves sketches of services as this server would have saved them: one for each name and start of a span.
func Fill(ctx context.Context, s *Stats, span int64, starts []int64, names []string, sketch func() Sketch) error {
	rows := make([]rowKey, len(names))
	for i, name := range names {
		rows[i] = rowKey{span, 0, Key{ServiceKind, name}}
	}
	if err := s.identify(ctx, rows); err != nil {
		return err
	}
	return s.disk.Write(ctx, func(ctx context.Context, tx database.Conn) error {
		values := make([]any, 0, 5*len(names)*len(starts))
		for _, start := range starts {
			for _, name := range names {
				values = append(values, span, int(ServiceKind), start, s.series.ids[Key{ServiceKind, name}], sketch().encode())
			}
		}
		return insert(ctx, tx, "INSERT INTO stats_series (span, kind, start, item, sketch)", "", 5, values)
	})
}

// Encode and Decode are the saved form of sketches.
func Encode(s Sketch) []byte            { return s.encode() }
func Decode(raw []byte) (Sketch, error) { return decodeSketch(raw) }

// SketchOf is what one counts of those times.
func SketchOf(times []time.Duration) Sketch {
	s := New(time.Now)
	c := s.Service("a")
	for _, took := range times {
		c.Record(s.started, took, false)
	}
	one, _ := c.take()
	return one
}

// BucketOf is the bucket of a time, MiddleOf the time in ns that stands for one.
func BucketOf(took time.Duration) int { return bucketOf(took) }
func MiddleOf(index int) float64      { return middleOf(index) }

// Quantiles are those of a histogram of pairs of bucket and count.
func Quantiles(pairs [][2]int64, of ...float64) []float64 {
	var h histogram
	for _, one := range pairs {
		h.add(int(one[0]), one[1])
	}
	out := make([]float64, len(of))
	for i, q := range of {
		out[i] = h.quantile(q)
	}
	return out
}
