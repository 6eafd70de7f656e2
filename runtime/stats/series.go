package stats

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/parley-run/parley/runtime/database"
)

// Spans of time that are summed, in seconds.
const (
	minute = 60
	hour   = 60 * minute
	day    = 24 * hour
)

// series are the rows of this server that may still change: of this minute, hour and day (UTC), and those that could not
// be saved yet. They belong to whoever is saving. A row is written whole: to write it twice does no harm.
type series struct {
	rows   map[rowKey]*row
	ids    map[Key]int64 // in the database
	took   time.Time     // when the counters were last read
	pruned time.Time
}

// rowKey is a row of stats_series: the sum of what was counted of something in one span of time.
type rowKey struct {
	span, start int64 // seconds, and since 1970
	key         Key
}

type row struct {
	sketch Sketch
	loaded bool // what an earlier process saved of it is in it
	dirty  bool
}

// mostRows bounds what waits while the database is away: about a day of 100 busy services.
const mostRows = 150_000

// collect adds what was counted since the last time to the spans that it is of.
func (s *Stats) collect() {
	now := s.now()
	passed := now.Sub(s.series.took)
	at := s.series.took.Add(passed / 2).Unix()
	if passed < 0 || passed > minute*time.Second { // the clock was set, or the machine slept: none of it was halfway
		at = now.Unix()
	}
	s.series.took = now
	var all Sketch
	for _, c := range s.all(0) {
		delta, some := c.take()
		if !some {
			continue
		}
		s.feed(c.key, delta)
		s.series.add(c.key, at, delta)
		if c.key.Kind == ChannelKind {
			all.add(delta)
		}
	}
	if all.Count > 0 {
		s.feed(Key{ServerKind, s.server}, all)
		s.series.add(Key{ServerKind, s.server}, at, all)
	}
	if len(s.series.rows) > mostRows {
		s.series.shed(at)
		s.log.Warn("statistics of minutes are dropped, for they could not be saved for long; hours and days have them")
	}
}

func (e *series) add(key Key, at int64, delta Sketch) {
	for _, span := range []int64{minute, hour, day} {
		k := rowKey{span, at - at%span, key}
		r := e.rows[k]
		if r == nil {
			r = &row{}
			e.rows[k] = r
		}
		r.sketch.add(delta)
		r.dirty = true
	}
}

// shed drops the minutes before this one.
func (e *series) shed(at int64) {
	for k := range e.rows {
		if k.span == minute && k.start < at-minute {
			delete(e.rows, k)
		}
	}
}

func (e *series) dirty() []rowKey {
	var out []rowKey
	for k, r := range e.rows {
		if r.dirty {
			out = append(out, k)
		}
	}
	return out
}

// merge gives the values of the rows, with what an earlier process of this server saved of them.
func (e *series) merge(ctx context.Context, tx database.Conn, keys []rowKey) ([]any, error) {
	type part struct {
		span, start int64
		kind        Kind
	}
	wanted := map[part]map[int64]*row{}
	for _, k := range keys {
		if r := e.rows[k]; !r.loaded {
			p := part{k.span, k.start, k.key.Kind}
			if wanted[p] == nil {
				wanted[p] = map[int64]*row{}
			}
			wanted[p][e.ids[k.key]] = r
		}
	}
	for p, rows := range wanted {
		saved, err := tx.QueryContext(ctx, "SELECT item, sketch FROM stats_series WHERE span = $1 AND kind = $2 AND start = $3", p.span, int(p.kind), p.start)
		if err != nil {
			return nil, err
		}
		found := map[int64]Sketch{}
		for saved.Next() {
			var item int64
			var raw []byte
			if err := saved.Scan(&item, &raw); err != nil {
				return nil, errors.Join(err, saved.Close())
			}
			if rows[item] != nil {
				if sketch, err := decodeSketch(raw); err == nil { // one that cannot be read is written anew
					found[item] = sketch
				}
			}
		}
		if err := errors.Join(saved.Err(), saved.Close()); err != nil {
			return nil, err
		}
		for item, r := range rows {
			r.sketch.add(found[item])
			r.loaded = true // whatever comes of this transaction: nobody else writes the row
		}
	}
	values := make([]any, 0, 5*len(keys))
	for _, k := range keys {
		values = append(values, k.span, int(k.key.Kind), k.start, e.ids[k.key], e.rows[k].sketch.encode())
	}
	return values, nil
}

// clean forgets saved rows that can no longer change.
func (e *series) clean(saved []rowKey, now time.Time) {
	for _, k := range saved {
		e.rows[k].dirty = false
	}
	for k, r := range e.rows {
		if !r.dirty && k.start+k.span+minute < now.Unix() {
			delete(e.rows, k)
		}
	}
}

// How many names one transaction brings in, and how often that is tried: another server may take a number at the
// same moment.
const (
	newItems  = 100
	itemTries = 20
)

// identify finds the numbers of what the rows are of, or gives them one.
func (s *Stats) identify(ctx context.Context, rows []rowKey) error {
	for try := 0; ; try++ {
		var missing []Key
		seen := map[Key]bool{}
		for _, r := range rows {
			if _, known := s.series.ids[r.key]; !known && !seen[r.key] {
				seen[r.key] = true
				missing = append(missing, r.key)
			}
		}
		if len(missing) == 0 {
			return nil
		}
		if try == itemTries+len(rows)/newItems {
			return fmt.Errorf("%s %q gets no number in stats_items", missing[0].Kind, missing[0].Name)
		}
		if try > 0 {
			if err := s.number(ctx, missing[:min(len(missing), newItems)]); err != nil {
				return err
			}
		}
		items, err := s.items(ctx, s.server, 0)
		if err != nil {
			return err
		}
		for id, one := range items {
			s.series.ids[one.key] = id
		}
	}
}

func (s *Stats) number(ctx context.Context, keys []Key) error {
	return s.disk.Write(ctx, func(ctx context.Context, tx database.Conn) error {
		for _, key := range keys {
			if _, err := tx.ExecContext(ctx, `
INSERT INTO stats_items (id, server, kind, name)
SELECT COALESCE(MAX(id), 0) + 1, CAST($1 AS TEXT), CAST($2 AS INTEGER), CAST($3 AS TEXT) FROM stats_items WHERE true
ON CONFLICT DO NOTHING`, s.server, int(key.Kind), key.Name); err != nil {
				return err
			}
		}
		return nil
	})
}

// item is something that a server counts.
type item struct {
	server string
	key    Key
}

// items are those of a server, or of all where it is empty, and of a kind, or of all where it is 0, by number.
func (s *Stats) items(ctx context.Context, server string, kind Kind) (map[int64]item, error) {
	var out map[int64]item
	err := s.disk.Do(ctx, func(ctx context.Context) (err error) {
		rows, err := s.disk.QueryContext(ctx, "SELECT id, server, kind, name FROM stats_items")
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		out = map[int64]item{}
		for rows.Next() {
			var id int64
			var one item
			if err := rows.Scan(&id, &one.server, &one.key.Kind, &one.key.Name); err != nil {
				return err
			}
			if (server == "" || one.server == server) && (kind == 0 || one.key.Kind == kind) {
				out[id] = one
			}
		}
		return rows.Err()
	})
	return out, err
}

// How long minutes and hours are kept, unless the options say otherwise.
const (
	usualMinutes = 7 * 24 * time.Hour
	usualHours   = 90 * 24 * time.Hour
	usualSamples = 7 * 24 * time.Hour // of single requests
)

// keptSince is the first second of which rows of that span are still there: they go by whole hours.
func (s *Stats) keptSince(span int64, now time.Time) int64 {
	keep := usualMinutes
	if s.options.Minutes > 0 {
		keep = s.options.Minutes
	}
	if span == hour {
		keep = usualHours
		if s.options.Hours > 0 {
			keep = s.options.Hours
		}
		at := now.Add(-keep).Unix()
		return at - at%day
	}
	at := now.Add(-keep).Unix()
	return at - at%hour
}

// prune deletes what is too old, once an hour. It goes by slices, so that nobody waits for it for long.
func (s *Stats) prune(ctx context.Context) error {
	s.saving.Lock()
	defer s.saving.Unlock()
	now := s.now()
	if now.Sub(s.series.pruned) < time.Hour {
		return nil
	}
	for _, one := range []struct{ span, slice int64 }{{minute, hour}, {hour, 7 * day}} {
		until := s.keptSince(one.span, now)
		for _, kind := range []Kind{ServiceKind, ChannelKind, OutconnKind, ServerKind} {
			for more := true; more; {
				var err error
				if more, err = s.pruneSlice(ctx, one.span, kind, until, one.slice); err != nil {
					return err
				}
			}
		}
	}
	if err := s.pruneRequests(ctx, now); err != nil {
		return err
	}
	s.series.pruned = now
	return nil
}

// pruneSlice deletes the oldest rows before until, and says whether there may be more.
func (s *Stats) pruneSlice(ctx context.Context, span int64, kind Kind, until, slice int64) (more bool, err error) {
	err = s.disk.Write(ctx, func(ctx context.Context, tx database.Conn) error {
		var first *int64
		const oldest = "SELECT MIN(start) FROM stats_series WHERE span = $1 AND kind = $2 AND start < $3"
		if err := tx.QueryRowContext(ctx, oldest, span, int(kind), until).Scan(&first); err != nil || first == nil {
			return err
		}
		more = true
		const remove = "DELETE FROM stats_series WHERE span = $1 AND kind = $2 AND start < $3"
		_, err := tx.ExecContext(ctx, remove, span, int(kind), min(until, *first+slice))
		return err
	})
	return more, err
}
