package stats

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/parley-run/parley/runtime/service"
)

// Point is what was counted in one slot of a time. Percentiles are within 1 % of the exact ones; of a slot without a request
// all but At is 0.
type Point struct {
	At     time.Time // the slot's first second
	Usage  int64
	Errors int64
	Rate   float64 // requests per second; of the slot that is not over yet, per second so far
	MeanMS float64 `sio:"mean_ms"`
	MinMS  float64 `sio:"min_ms"`
	P50MS  float64 `sio:"p50_ms"`
	P95MS  float64 `sio:"p95_ms"`
	P99MS  float64 `sio:"p99_ms"`
	MaxMS  float64 `sio:"max_ms"`
}

// SeriesIn is the input of parley.stats.series.
type SeriesIn struct {
	Last     string     `sio:",optional" doc:"minute, hour, day, week (7 days), month (30 days) or year (365 days); an hour, where nothing is said"`
	From     *time.Time `doc:"in place of last"`
	To       *time.Time `doc:"now, where it is not said"`
	Kind     string     `default:"service" doc:"service, channel, outconn or server"`
	Name     string     `sio:",optional" doc:"of one; empty: all of the kind together"`
	Server   string     `sio:",optional" doc:"what that server counted; empty: all"`
	Internal bool       `sio:",optional" doc:"internal services, too"`
	Points   int        `default:"120" min:"1" max:"2000" doc:"as many at most: slots are made longer until it is so"`
	Live     bool       `sio:",optional" doc:"for who asks every few seconds: servers save what they counted once in 2 s for all who ask so"`
}

// SeriesOut is what it gives: a point for each slot of the time, those without a request too.
type SeriesOut struct {
	From        time.Time
	To          time.Time
	Kind        string
	Name        string
	SlotSeconds int64
	Points      []Point
}

// liveEvery is how old the answer to who asks for live points may be, beyond what any answer may be.
const liveEvery = 2 * time.Second

// turn lets one caller of many do something, each time that it is due.
type turn struct{ last atomic.Int64 }

func (t *turn) due(now time.Time) bool {
	at, last := now.UnixNano(), t.last.Load()
	return (at-last >= int64(liveEvery) || at < last) && t.last.CompareAndSwap(last, at)
}

func (d Deps) series(ctx context.Context, _ service.Runtime, in SeriesIn) (SeriesOut, error) {
	k, err := kindOf(cmp.Or(in.Kind, ServiceKind.String()))
	if err != nil {
		return SeriesOut{}, err
	}
	from, to, err := d.span(Time{in.Last, in.From, in.To})
	if err != nil {
		return SeriesOut{}, err
	}
	if !in.Live || d.Stats.live.due(d.Stats.now()) {
		d.fresh(ctx)
	}
	q := Query{Kind: k, From: from, To: to, Server: in.Server, Internal: in.Internal || isInternal(in.Name)}
	out, err := d.Stats.Points(ctx, q, in.Name, cmp.Or(in.Points, 120))
	out.Name = in.Name
	return out, err
}

// slots are the lengths that a slot may have, in seconds; a longer one is of whole weeks.
func slots() []int64 {
	return []int64{minute, 2 * minute, 5 * minute, 10 * minute, 15 * minute, 30 * minute, hour, 2 * hour, 3 * hour, 6 * hour, 12 * hour, day, 2 * day, 7 * day}
}

// slotFor is the shortest slot of which most cover the time, no shorter than what is kept of its beginning.
func (s *Stats) slotFor(q Query, now time.Time, most int) (slot, widest int64) {
	least := int64(minute)
	switch at := q.From.Unix(); {
	case at < s.keptSince(hour, now):
		least = day
	case at < s.keptSince(minute, now):
		least = hour
	}
	end := q.To
	if end.After(now) {
		end = now
	}
	length := end.Unix() - q.From.Unix()
	fits := func(slot int64) bool { return slot >= least && length/slot+2 <= int64(max(most, 2)) }
	if i := slices.IndexFunc(slots(), fits); i >= 0 {
		slot = slots()[i]
	} else {
		slot = up(length/int64(max(most-1, 1))+1, 7*day)
	}
	switch {
	case slot%day == 0:
		return slot, day
	case slot%hour == 0:
		return slot, hour
	}
	return slot, minute
}

// Points are what was counted of one thing, or of all of a kind together where name is empty, in each slot of a time: most of
// them at most.
func (s *Stats) Points(ctx context.Context, q Query, name string, most int) (SeriesOut, error) {
	now := s.now()
	out := SeriesOut{From: q.From.UTC(), To: q.To.UTC(), Kind: q.Kind.String(), Points: []Point{}}
	if s.disk == nil {
		return out, errors.New("stats: nothing is kept without a database")
	}
	slot, widest := s.slotFor(q, now, most)
	out.SlotSeconds = slot
	q.From = time.Unix(q.From.Unix()/slot*slot, 0) // so that the first one is whole
	pieces := s.pieces(q.From, q.To, now, widest)
	if len(pieces) == 0 {
		return out, nil
	}
	begin, end := pieces[0].from, pieces[len(pieces)-1].to
	first := begin - begin%slot
	out.From, out.To = time.Unix(first, 0).UTC(), time.Unix(end, 0).UTC()
	if out.To.After(now) {
		out.To = now.UTC().Truncate(time.Second)
	}
	items, err := s.items(ctx, q.Server, q.Kind)
	if err != nil {
		return out, fmt.Errorf("stats: read: %w", err)
	}
	var ids []int64
	for id, one := range items {
		if name != "" && one.key.Name == name || name == "" && (q.Internal || q.Kind != ServiceKind || !isInternal(one.key.Name)) {
			ids = append(ids, id)
		}
	}
	sums := make([]sum, up(end-first, slot)/slot)
	add := func(start int64, raw []byte) { sums[max(0, (start-first)/slot)].add(raw, 0, 1) }
	for _, p := range pieces {
		if err := s.read(ctx, q.Kind, p, ids, name != "", add); err != nil {
			return out, fmt.Errorf("stats: read: %w", err)
		}
	}
	for i := range sums {
		at := first + int64(i)*slot
		if at >= now.Unix() && i > 0 {
			break
		}
		out.Points = append(out.Points, sums[i].point(at, min(slot, max(1, now.Unix()-at))))
	}
	return out, nil
}

// read visits the rows of a piece that are of ids. Of few things it asks row by row, for the others lie between them.
func (s *Stats) read(ctx context.Context, kind Kind, p piece, ids []int64, few bool, row func(start int64, raw []byte)) error {
	if len(ids) == 0 {
		return nil
	}
	wanted := map[int64]bool{}
	for _, id := range ids {
		wanted[id] = true
	}
	for from := p.from; from < p.to; from += mostStarts * p.span {
		to := min(p.to, from+mostStarts*p.span)
		statement := "SELECT start, item, sketch FROM stats_series WHERE span = $1 AND kind = $2 AND start >= $3 AND start < $4"
		args := []any{p.span, int(kind), from, to}
		if few {
			starts := make([]string, 0, mostStarts)
			for at := from; at < to; at += p.span {
				starts = append(starts, fmt.Sprint(at))
			}
			names := make([]string, len(ids))
			for i, id := range ids {
				names[i] = fmt.Sprint(id)
			}
			statement = "SELECT start, item, sketch FROM stats_series WHERE span = $1 AND kind = $2 AND start IN (" + strings.Join(starts, ", ") +
				") AND item IN (" + strings.Join(names, ", ") + ")"
			args = args[:2]
		}
		if err := s.visit(ctx, statement, args, func(start, id int64, raw []byte) {
			if wanted[id] {
				row(start, raw)
			}
		}); err != nil {
			return err
		}
	}
	return nil
}

// point is the sum of a slot of that many seconds.
func (s *sum) point(at, seconds int64) Point {
	out := Point{At: time.Unix(at, 0).UTC()}
	if s.total.Count == 0 {
		return out
	}
	l := s.line("", time.Duration(seconds)*time.Second).rounded()
	out.Usage, out.Errors, out.Rate = l.Usage, l.Errors, l.Rate
	out.MeanMS, out.MinMS, out.P50MS, out.P95MS, out.P99MS, out.MaxMS = l.MeanMS, l.MinMS, l.P50MS, l.P95MS, l.P99MS, l.MaxMS
	return out
}
