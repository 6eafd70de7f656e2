package stats

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/parley-run/parley/runtime/database"
	"github.com/parley-run/parley/runtime/service"
)

// Watch says what is kept of single requests of a service.
type Watch struct {
	Service string // "*": of all that have none of their own
	SlowMS  int64  `sio:"slow_ms"` // requests that took as long or longer are kept, with their CID; 0: none
	Every   int64  // of so many requests one is kept with what was asked and answered; 0: none
}

// watch is a Watch at work. Counters of services that go by "*" share its count.
type watch struct {
	Watch
	slow time.Duration
	seen *atomic.Int64
}

func newWatch(w Watch) watch {
	return watch{Watch: w, slow: time.Duration(w.SlowMS) * time.Millisecond, seen: &atomic.Int64{}}
}

func (w *watch) wants(took time.Duration) bool {
	return w.Every > 0 || w.slow > 0 && took >= w.slow
}

// Kept is one request that was kept.
type Kept struct {
	Service  string
	At       time.Time // its end
	CID      string    `sio:"cid"`
	Server   string
	Channel  string
	MS       float64 `sio:"ms"`
	Failed   bool
	Slow     bool
	Sample   bool
	Request  string // as JSON, secrets as ***; empty where the service is not sampled
	Response string // likewise, or the error
}

// Bounds of what is kept: requests of a server between two saves, characters of each text, and requests of a service in
// the database.
const (
	mostKept    = 500
	mostText    = 4096
	mostOfEach  = 1000
	hidden      = "***"
	allServices = "*"
)

// requests are those that are to be saved.
type requests struct {
	mu      sync.Mutex
	waiting []Kept
	dropped int64
}

// keep takes a request in, for the next save. Where too many wait already, it is counted and dropped.
func (s *Stats) keep(c *Counter, w *watch, req *service.Request, res *service.Response, err error, end time.Time, took time.Duration, failed bool) {
	slow := w.slow > 0 && took >= w.slow
	sample := w.Every > 0 && w.seen.Add(1)%w.Every == 0
	if !slow && !sample {
		return
	}
	s.kept.mu.Lock()
	full := len(s.kept.waiting) >= mostKept
	if full {
		s.kept.dropped++
	}
	s.kept.mu.Unlock()
	if full {
		return
	}
	one := Kept{
		Service: c.key.Name, At: end, CID: req.CID, Server: s.server, Channel: req.Channel, MS: ms(float64(took)), Failed: failed,
		Slow: slow, Sample: sample,
	}
	if w.Every > 0 {
		hides := func(field string) bool { return s.hides != nil && s.hides(c.key.Name, field) }
		one.Request = asked(req, hides)
		one.Response = answered(res, err, hides)
	}
	s.kept.mu.Lock()
	s.kept.waiting = append(s.kept.waiting, one)
	s.kept.mu.Unlock()
}

// asked is a request as a sample shows it. What no data format was put on may hold anything: only its size is told.
func asked(req *service.Request, hides func(string) bool) string {
	v := req.Input
	if v == nil {
		v = req.Payload
	}
	if text, ok := shown(v, func(field string) bool { return hides(field) || isSecret(req.Secrets, field) }); ok {
		return text
	}
	return fmt.Sprintf("(%d bytes)", len(req.Raw))
}

// isSecret goes by the last part of paths such as user.password: the field is hidden wherever it stands.
func isSecret(paths []string, field string) bool {
	for _, path := range paths {
		if path == field || strings.HasSuffix(path, "."+field) {
			return true
		}
	}
	return false
}

func answered(res *service.Response, err error, hides func(string) bool) string {
	switch {
	case err != nil:
		return bounded("error: " + service.AsError(err).Error())
	case res == nil:
		return ""
	}
	if text, ok := shown(res.Payload, hides); ok {
		return text
	}
	return fmt.Sprintf("(%d bytes)", len(res.Raw))
}

// shown is v as JSON with *** for secrets, where it is an object or a list.
func shown(v any, hides func(string) bool) (string, bool) {
	switch v.(type) {
	case *service.Object, []any:
	default:
		return "", false
	}
	raw, err := service.AppendJSON(nil, masked(v, hides))
	if err != nil {
		return "", false
	}
	return bounded(string(raw)), true
}

func masked(v any, hides func(string) bool) any {
	switch v := v.(type) {
	case *service.Object:
		out := service.NewObject(v.Len())
		for name, e := range v.All() {
			if hides(name) {
				out.Set(name, hidden)
			} else {
				out.Set(name, masked(e, hides))
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = masked(e, hides)
		}
		return out
	default:
		return v
	}
}

// bounded is text of mostText bytes at most, as UTF-8 without the character 0, which PostgreSQL does not take.
func bounded(text string) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "?"), "\x00", "?")
	if len(text) <= mostText {
		return text
	}
	end := mostText
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "..."
}

// watchOf is what is kept of the requests of a counter; nil: nothing. Whoever calls holds mu.
func (s *Stats) watchOf(key Key) *watch {
	if key.Kind != ServiceKind {
		return nil
	}
	w, ok := s.watches[key.Name]
	if !ok && !isInternal(key.Name) {
		w, ok = s.watches[allServices]
	}
	if !ok || w.SlowMS == 0 && w.Every == 0 {
		return nil
	}
	return &w
}

// Watch changes what is kept of the requests of a service, on all servers that share the database: here at once, elsewhere
// within 10 s.
func (s *Stats) Watch(ctx context.Context, w Watch) error {
	if s.disk == nil {
		return errors.New("stats: nothing is kept without a database")
	}
	s.saving.Lock()
	defer s.saving.Unlock()
	err := s.disk.Write(ctx, func(ctx context.Context, tx database.Conn) error {
		_, err := tx.ExecContext(ctx, `
INSERT INTO stats_watches (service, slow_ms, every) VALUES ($1, $2, $3)
ON CONFLICT (service) DO UPDATE SET slow_ms = excluded.slow_ms, every = excluded.every`, w.Service, w.SlowMS, w.Every)
		return err
	})
	if err == nil {
		err = s.readWatches(ctx)
	}
	return err
}

// Watches are what is kept of single requests, as this server knows it.
func (s *Stats) Watches() []Watch {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []Watch
	for _, w := range s.watches {
		out = append(out, w.Watch)
	}
	return out
}

func (s *Stats) readWatches(ctx context.Context) error {
	found := map[string]Watch{}
	err := s.disk.Do(ctx, func(ctx context.Context) (err error) {
		rows, err := s.disk.QueryContext(ctx, "SELECT service, slow_ms, every FROM stats_watches")
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		clear(found)
		for rows.Next() {
			var w Watch
			if err := rows.Scan(&w.Service, &w.SlowMS, &w.Every); err != nil {
				return err
			}
			found[w.Service] = w
		}
		return rows.Err()
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	same := len(found) == len(s.watches)
	for name, w := range found {
		same = same && s.watches[name].Watch == w
	}
	if same {
		return nil
	}
	s.watches = map[string]watch{}
	for name, w := range found {
		s.watches[name] = newWatch(w)
	}
	for key, c := range s.counters {
		c.watch.Store(s.watchOf(key))
	}
	return nil
}

// saveRequests saves those that wait. They are no more than samples: a save that fails loses them.
func (s *Stats) saveRequests(ctx context.Context) error {
	s.kept.mu.Lock()
	waiting, dropped := s.kept.waiting, s.kept.dropped
	s.kept.waiting, s.kept.dropped = nil, 0
	s.kept.mu.Unlock()
	if dropped > 0 {
		s.log.Warn("slow requests and samples were not kept: too many at once", "dropped", dropped, "kept", len(waiting))
	}
	if len(waiting) == 0 {
		return nil
	}
	values := make([]any, 0, 11*len(waiting))
	for _, k := range waiting {
		values = append(values, k.Service, k.At.UnixMilli(), k.CID, k.Server, k.Channel, int64(k.MS*1e6), bit(k.Failed), bit(k.Slow), bit(k.Sample),
			k.Request, k.Response)
	}
	return s.disk.Write(ctx, func(ctx context.Context, tx database.Conn) error {
		return insert(ctx, tx, "INSERT INTO stats_requests (service, at, cid, server, channel, took_ns, failed, slow, sample, request, response)", "", 11, values)
	})
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// pruneRequests keeps the newest of each service, for a week.
func (s *Stats) pruneRequests(ctx context.Context, now time.Time) error {
	return s.disk.Write(ctx, func(ctx context.Context, tx database.Conn) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM stats_requests WHERE at < $1", now.Add(-usualSamples).UnixMilli()); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `
DELETE FROM stats_requests WHERE EXISTS (
	SELECT 1 FROM (SELECT service, at, ROW_NUMBER() OVER (PARTITION BY service ORDER BY at DESC) AS n FROM stats_requests) AS newest
	WHERE newest.service = stats_requests.service AND newest.n = $1 AND stats_requests.at < newest.at)`, mostOfEach)
		return err
	})
}

// KeptQuery says which requests are wanted: the slowest first, or the newest.
type KeptQuery struct {
	Service  string // empty: of all
	From, To time.Time
	Slow     bool // those that took as long as the watch says, else samples
	N        int
}

// Kept are requests that were kept, of all servers that share the database.
func (s *Stats) Kept(ctx context.Context, q KeptQuery) ([]Kept, error) {
	const columns = "SELECT service, at, cid, server, channel, took_ns, failed, slow, sample, request, response FROM stats_requests WHERE at >= $1 AND at < $2 "
	statement := columns + "AND slow = 1 ORDER BY took_ns DESC LIMIT $3"
	if !q.Slow {
		statement = columns + "AND sample = 1 ORDER BY at DESC LIMIT $3"
	}
	args := []any{q.From.UnixMilli(), q.To.UnixMilli(), q.N}
	if q.Service != "" {
		statement = strings.Replace(statement, " ORDER", " AND service = $4 ORDER", 1)
		args = append(args, q.Service)
	}
	var out []Kept
	err := s.disk.Do(ctx, func(ctx context.Context) (err error) {
		rows, err := s.disk.QueryContext(ctx, statement, args...)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		out = nil
		for rows.Next() {
			var k Kept
			var at, took int64
			var failed, slow, sample int
			if err := rows.Scan(&k.Service, &at, &k.CID, &k.Server, &k.Channel, &took, &failed, &slow, &sample, &k.Request, &k.Response); err != nil {
				return err
			}
			k.At, k.MS, k.Failed, k.Slow, k.Sample = time.UnixMilli(at).UTC(), ms(float64(took)), failed == 1, slow == 1, sample == 1
			out = append(out, k)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("stats: read requests: %w", err)
	}
	return out, nil
}
