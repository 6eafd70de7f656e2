package stats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/parley-run/parley/runtime/database"
)

const (
	saveEvery = 10 * time.Second
	lastSave  = 5 * time.Second // that the save of a stop may take
)

// Open is the statistics of the server of that name, kept in the SQLite file at path, which the servers of a
// machine share. They go on from what the server saved last. Nothing waits for the disk: a killed process
// loses what it counted since the last save, a power cut may cost a save or two more. A damaged file is moved aside:
// no server waits for statistics.
func Open(ctx context.Context, path, server string, log *slog.Logger) (*Stats, error) {
	s := New(time.Now)
	s.server, s.log = server, log
	var moved string
	var err error
	if s.disk, moved, err = database.OpenExpendable(ctx, path, database.Options{Tables: []string{"stats"}}); err != nil {
		return nil, fmt.Errorf("stats: open %s: %w", path, err)
	}
	if moved != "" {
		log.Error("statistics start anew: their file is damaged", "file", path, "moved_to", moved)
	}
	if err := s.goOn(ctx); err != nil { // no reason not to start; the next save tries again
		log.Error("statistics start without those of before", "err", err)
	}
	return s, nil
}

// OpenPostgres is the same in the PostgreSQL at url, which servers of several machines share. It may be away: what the
// server saved last is added as soon as it is there. One connection is used.
func OpenPostgres(url, server string, log *slog.Logger) (*Stats, error) {
	s := New(time.Now)
	s.server, s.log = server, log
	var err error
	if s.disk, err = database.OpenPostgres(url, database.Options{}); err != nil {
		return nil, fmt.Errorf("stats: %w", err)
	}
	return s, nil
}

// errUnreadable says that what was saved is no statistics.
var errUnreadable = errors.New("it cannot be read")

// goOn adds what an earlier process of this server saved. Until it has, nothing is saved over that.
func (s *Stats) goOn(ctx context.Context) error {
	saved, err := s.Saved(ctx, s.server)
	if err != nil && !errors.Is(err, errUnreadable) {
		return err
	}
	if err != nil {
		s.log.Error("statistics start anew", "err", err)
	}
	for _, one := range saved {
		s.Service(one.Service).restore(one)
	}
	s.wentOn = true
	return nil
}

// Run saves every 10 s until ctx ends, then once more. A save that fails is logged and tried again 10 s later;
// only the last one's error is returned, unless the database is away: a stop is no worse for that.
func (s *Stats) Run(ctx context.Context) error {
	s.resume(ctx)
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastSave)
			defer cancel()
			err := s.Save(last)
			if away := new(database.Away); errors.As(err, &away) {
				s.log.Warn("what was counted since the last save is lost", "err", err)
				return nil
			}
			return err
		case <-time.After(s.untilSave()):
			if err := s.Save(ctx); err != nil && ctx.Err() == nil {
				s.log.Warn("statistics not saved", "err", err)
			}
			if err := s.prune(ctx); err != nil && ctx.Err() == nil {
				s.log.Warn("statistics that are too old could not be deleted", "err", err)
			}
		}
	}
}

// untilSave is the time until the next tenth second: so that no save is of two minutes.
func (s *Stats) untilSave() time.Duration {
	now := s.now()
	return now.Truncate(saveEvery).Add(saveEvery).Sub(now)
}

// resume adds what was saved before, where Open could not. While the database is away the next save does.
func (s *Stats) resume(ctx context.Context) {
	s.saving.Lock()
	defer s.saving.Unlock()
	if s.wentOn {
		return
	}
	if err := s.goOn(ctx); err != nil && ctx.Err() == nil {
		s.log.Warn("statistics start without those of before, which are added when they can be read", "err", err)
	}
}

// Save writes what was counted since the last save.
func (s *Stats) Save(ctx context.Context) error {
	s.saving.Lock()
	defer s.saving.Unlock()
	s.collect()
	if !s.wentOn {
		if err := s.goOn(ctx); err != nil {
			return err
		}
	}
	saved := map[*Counter]int64{}
	if err := s.save(ctx, saved); err != nil {
		return fmt.Errorf("stats: save: %w", err)
	}
	for one, count := range saved {
		one.saved = count
	}
	if err := s.saveRequests(ctx); err != nil {
		return fmt.Errorf("stats: save requests: %w", err)
	}
	if err := s.readWatches(ctx); err != nil {
		return fmt.Errorf("stats: read what is kept of requests: %w", err)
	}
	return nil
}

func (s *Stats) save(ctx context.Context, saved map[*Counter]int64) error {
	now := s.now()
	var totals []any
	for _, one := range s.all(ServiceKind) {
		stats := one.snapshot(now)
		if stats.Count == one.saved {
			continue
		}
		raw, err := json.Marshal(stats)
		if err != nil {
			return err
		}
		totals = append(totals, s.server, one.key.Name, string(raw), now.UnixMilli())
		saved[one] = stats.Count
	}
	dirty := s.series.dirty()
	if len(totals)+len(dirty) == 0 {
		return nil
	}
	if err := s.identify(ctx, dirty); err != nil {
		return err
	}
	err := s.disk.Write(ctx, func(ctx context.Context, tx database.Conn) error {
		rows, err := s.series.merge(ctx, tx, dirty)
		if err != nil {
			return err
		}
		if err := insert(ctx, tx, "INSERT INTO stats (server, service, stats, saved_at)",
			"ON CONFLICT (server, service) DO UPDATE SET stats = excluded.stats, saved_at = excluded.saved_at", 4, totals); err != nil {
			return err
		}
		return insert(ctx, tx, "INSERT INTO stats_series (span, kind, start, item, sketch)",
			"ON CONFLICT (span, kind, start, item) DO UPDATE SET sketch = excluded.sketch", 5, rows)
	})
	if err == nil {
		s.series.clean(dirty, now)
	}
	return err
}

// insertRows is how many rows one statement writes.
const insertRows = 200

// insert writes rows of so many values each.
func insert(ctx context.Context, tx database.Conn, into, conflict string, columns int, values []any) error {
	for chunk := range slices.Chunk(values, insertRows*columns) {
		var statement strings.Builder
		statement.WriteString(into + " VALUES ")
		for i := range chunk {
			switch {
			case i%columns != 0:
				statement.WriteString(", ")
			case i == 0:
				statement.WriteString("(")
			default:
				statement.WriteString("), (")
			}
			fmt.Fprintf(&statement, "$%d", i+1)
		}
		statement.WriteString(") " + conflict)
		if _, err := tx.ExecContext(ctx, statement.String(), chunk...); err != nil {
			return err
		}
	}
	return nil
}

// Saved is what the server of that name saved last, by service: for one that does not run, or that does not
// answer. Its rate is 0.
func (s *Stats) Saved(ctx context.Context, server string) ([]ServiceStats, error) {
	byServer, err := s.load(ctx, "SELECT server, service, stats FROM stats WHERE server = $1 ORDER BY service", server)
	if err != nil {
		return nil, fmt.Errorf("stats: read what %q saved: %w", server, err)
	}
	return byServer[server], nil
}

// Elsewhere is what servers of other machines saved last, one list a server: all that share the database but those
// named here. It may be 10 s old, or older while the database is away.
func (s *Stats) Elsewhere(ctx context.Context, here []string) ([][]ServiceStats, error) {
	if s.disk == nil || !s.disk.Shared() {
		return nil, nil
	}
	byServer, err := s.load(ctx, "SELECT server, service, stats FROM stats ORDER BY server, service")
	s.elsewhere.Lock()
	defer s.elsewhere.Unlock()
	if away := new(database.Away); errors.As(err, &away) {
		return s.seen, nil
	} else if err != nil {
		return nil, fmt.Errorf("stats: read what servers elsewhere saved: %w", err)
	}
	s.seen = nil
	for _, server := range slices.Sorted(maps.Keys(byServer)) {
		if !slices.Contains(here, server) {
			s.seen = append(s.seen, byServer[server])
		}
	}
	return s.seen, nil
}

func (s *Stats) load(ctx context.Context, query string, args ...any) (map[string][]ServiceStats, error) {
	var out map[string][]ServiceStats
	err := s.disk.Do(ctx, func(ctx context.Context) (err error) {
		rows, err := s.disk.QueryContext(ctx, query, args...)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		out = map[string][]ServiceStats{}
		for rows.Next() {
			var server, name string
			var raw []byte
			var one ServiceStats
			if err := rows.Scan(&server, &name, &raw); err != nil {
				return err
			}
			if err := json.Unmarshal(raw, &one); err != nil {
				return fmt.Errorf("service %q: %w: %w", name, errUnreadable, err)
			}
			one.Service, one.Rate = name, 0
			out[server] = append(out[server], one)
		}
		return rows.Err()
	})
	return out, err
}

// Close lets go of the file. What was counted since the last save is lost to it.
func (s *Stats) Close() error {
	if s.disk == nil {
		return nil
	}
	return s.disk.Close()
}
