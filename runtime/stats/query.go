package stats

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// internalPrefix is how names of internal services begin.
const internalPrefix = "parley."

func isInternal(service string) bool { return strings.HasPrefix(service, internalPrefix) }

// Query says what is wanted: the things of a kind, in a time.
type Query struct {
	Kind     Kind
	From, To time.Time // the second excluded; both are rounded to what is kept of that time: minutes, hours or days
	Server   string    // what that server counted alone; empty: all servers
	Internal bool      // internal services, too
}

// Report is what was counted of the things of a kind in a time.
type Report struct {
	From     time.Time // of the first second that is in it
	To       time.Time
	Usage    int64   // TU: requests of all
	TimeMS   float64 // what they took together
	MeanMS   float64 // AM: the mean of the means of all
	SlotSecs int64   // length of what one number of a trend is of, in seconds
	Lines    []Line  // by name
}

// Line is what was counted of one thing. Percentiles are within 1 % of the exact ones.
type Line struct {
	Name       string
	Usage      int64
	Errors     int64
	Rate       float64 // requests per second, over the whole time
	MeanMS     float64
	MinMS      float64
	P50MS      float64
	P95MS      float64
	P99MS      float64
	MaxMS      float64
	TimeMS     float64   // what its requests took together: usage x mean
	UsageShare float64   // U %: 100 x usage / usage of all
	TimeShare  float64   // T %: 100 x time / time of all
	UsageTrend []int64   // requests, one number a slot
	MeanTrend  []float64 // their mean in ms; 0: none
}

// piece is a time that rows of one span sum, whole.
type piece struct{ span, from, to int64 }

// pieces cut the time from..to into rows of spans up to most, which are still there at now.
func (s *Stats) pieces(from, to, now time.Time, most int64) []piece {
	minutes, hours := s.keptSince(minute, now), s.keptSince(hour, now)
	least := func(at int64) int64 {
		switch {
		case at >= minutes:
			return minute
		case at >= hours:
			return hour
		}
		return day
	}
	begin, end := from.Unix(), to.Unix()
	if to.After(now) {
		end = now.Unix()
	}
	begin -= begin % least(begin)
	begin -= begin % least(begin) // that may have taken it into an older time
	if to.Before(now) {
		end = up(end, least(end))
	} else {
		end = up(end+1, most) // rows that are still being written hold no more than what is there
	}
	var out []piece
	for at := begin; at < end; {
		span := least(at)
		for _, wider := range []int64{hour, day} {
			if wider <= most && at%wider == 0 && (at+wider <= end) && wider > span {
				span = wider
			}
		}
		next := at + span
		if n := len(out); n > 0 && out[n-1].span == span {
			out[n-1].to = next
		} else {
			out = append(out, piece{span, at, next})
		}
		at = next
	}
	return out
}

func up(at, unit int64) int64 { return (at + unit - 1) / unit * unit }

// resolution is the widest rows that a time may be made of, and how long a slot of its trends is.
func resolution(length time.Duration) (most, slot int64) {
	switch {
	case length <= 3*time.Hour:
		return minute, minute
	case length <= 3*24*time.Hour:
		return hour, hour
	case length <= 62*24*time.Hour:
		return day, day
	default:
		return day, up(int64(length/time.Second)/12, day)
	}
}

// sum adds up rows.
type sum struct {
	total  Sketch // without buckets
	counts histogram
	usage  []int64
	timeNS []int64
}

// Report answers a query, from what all servers that share the database have saved.
func (s *Stats) Report(ctx context.Context, q Query) (Report, error) {
	if s.disk == nil {
		return Report{}, errors.New("stats: nothing is kept without a database")
	}
	now := s.now()
	most, slot := resolution(q.To.Sub(q.From))
	pieces := s.pieces(q.From, q.To, now, most)
	if len(pieces) == 0 {
		return Report{From: q.From, To: q.To, SlotSecs: slot}, nil
	}
	begin, end := pieces[0].from, pieces[len(pieces)-1].to
	out := Report{From: time.Unix(begin, 0).UTC(), To: time.Unix(end, 0).UTC(), SlotSecs: slot}
	if out.To.After(now) {
		out.To = now.UTC().Truncate(time.Second)
	}
	items, err := s.items(ctx, q.Server, q.Kind)
	if err != nil {
		return out, fmt.Errorf("stats: read: %w", err)
	}
	first := begin - begin%slot
	sums, err := s.sum(ctx, q, items, pieces, func(at int64) int { return int((at - first) / slot) }, int((end-first+slot-1)/slot))
	if err != nil {
		return out, fmt.Errorf("stats: read: %w", err)
	}
	out.fill(sums)
	return out, nil
}

func (s *Stats) sum(ctx context.Context, q Query, items map[int64]item, pieces []piece, slotOf func(int64) int, slots int) (map[string]*sum, error) {
	sums := map[string]*sum{}
	byItem := make(map[int64]*sum, len(items))
	for id, one := range items {
		if q.Kind == ServiceKind && !q.Internal && isInternal(one.key.Name) {
			continue
		}
		to := sums[one.key.Name]
		if to == nil {
			to = &sum{}
			sums[one.key.Name] = to
		}
		byItem[id] = to
	}
	for _, p := range pieces {
		for from := p.from; from < p.to; from += mostStarts * p.span {
			if err := s.sumPiece(ctx, q.Kind, piece{p.span, from, min(p.to, from+mostStarts*p.span)}, byItem, slotOf, slots); err != nil {
				return nil, err
			}
		}
	}
	return sums, nil
}

// mostStarts bounds what one statement reads, which has to be over within the database's patience: so many minutes, hours
// or days of all things of a kind.
const mostStarts = 100

func (s *Stats) sumPiece(ctx context.Context, kind Kind, p piece, to map[int64]*sum, slotOf func(int64) int, slots int) error {
	const statement = "SELECT start, item, sketch FROM stats_series WHERE span = $1 AND kind = $2 AND start >= $3 AND start < $4"
	return s.visit(ctx, statement, []any{p.span, int(kind), p.from, p.to}, func(start, id int64, raw []byte) {
		if one := to[id]; one != nil {
			one.add(raw, slotOf(start), slots)
		}
	})
}

// visit gives the rows of a statement whose columns are start, item and sketch, of which raw is there for the time of the
// call.
func (s *Stats) visit(ctx context.Context, statement string, args []any, row func(start, id int64, raw []byte)) error {
	return s.disk.Do(ctx, func(ctx context.Context) (err error) {
		rows, err := s.disk.QueryContext(ctx, statement, args...)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		for rows.Next() {
			var start, id int64
			var raw sql.RawBytes
			if err := rows.Scan(&start, &id, &raw); err != nil {
				return err
			}
			row(start, id, raw)
		}
		return rows.Err()
	})
}

// add adds a saved row. One that cannot be read is left out: the others are worth as much without it.
func (s *sum) add(raw []byte, slot, slots int) {
	if s.usage == nil {
		s.usage, s.timeNS = make([]int64, slots), make([]int64, slots)
	}
	one, err := readSketch(raw, s.counts.add)
	if err != nil {
		return
	}
	s.total.add(one)
	slot = max(0, min(slot, slots-1))
	s.usage[slot] += one.Count
	s.timeNS[slot] += one.SumNS
}

func (r *Report) fill(sums map[string]*sum) {
	var means, allNS float64
	for name, s := range sums {
		if s.total.Count == 0 {
			continue
		}
		r.Lines = append(r.Lines, s.line(name, r.To.Sub(r.From)))
		r.Usage += s.total.Count
		allNS += float64(s.total.SumNS)
		means += float64(s.total.SumNS) / float64(s.total.Count)
	}
	if len(r.Lines) == 0 {
		return
	}
	r.TimeMS, r.MeanMS = ms(allNS), ms(means/float64(len(r.Lines)))
	for i := range r.Lines {
		l := &r.Lines[i]
		l.UsageShare = 100 * float64(l.Usage) / float64(r.Usage)
		l.TimeShare = 100 * l.TimeMS / r.TimeMS
	}
	slices.SortFunc(r.Lines, func(a, b Line) int { return cmp.Compare(a.Name, b.Name) })
}

func (s *sum) line(name string, length time.Duration) Line {
	t := s.total
	l := Line{
		Name: name, Usage: t.Count, Errors: t.Errors, Rate: float64(t.Count) / max(1, length.Seconds()),
		MeanMS: ms(float64(t.SumNS) / float64(t.Count)), MinMS: ms(float64(t.MinNS)), MaxMS: ms(float64(t.MaxNS)), TimeMS: ms(float64(t.SumNS)),
		UsageTrend: s.usage, MeanTrend: make([]float64, len(s.usage)),
	}
	l.P50MS, l.P95MS, l.P99MS = s.quantile(0.50), s.quantile(0.95), s.quantile(0.99)
	for i, n := range s.usage {
		if n > 0 {
			l.MeanTrend[i] = ms(float64(s.timeNS[i]) / float64(n))
		}
	}
	return l
}

// quantile is in ms, by the nearest rank.
func (s *sum) quantile(q float64) float64 {
	return ms(min(max(s.counts.quantile(q), float64(s.total.MinNS)), float64(s.total.MaxNS)))
}

// Slowest orders lines by their mean, the slowest first, and MostUsed by how often they were called.
func (r Report) Slowest() []Line {
	return sorted(r.Lines, func(a, b Line) int { return cmp.Compare(b.MeanMS, a.MeanMS) })
}

// MostUsed orders lines by how often they were called, the most used first.
func (r Report) MostUsed() []Line {
	return sorted(r.Lines, func(a, b Line) int { return cmp.Compare(b.Usage, a.Usage) })
}

func sorted(lines []Line, order func(a, b Line) int) []Line {
	out := slices.Clone(lines)
	slices.SortStableFunc(out, order)
	return out
}
