// Package stats counts and times services, channels and outgoing connections: how often each was called, how often it
// failed, how long it took, since the cluster was made and in each minute, hour and day. What it knows of several servers
// can be summed, percentiles included, and outlives a server's process.
package stats

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/parley-run/parley/runtime/database"
	"github.com/parley-run/parley/runtime/service"
)

// Kind is what kind of thing is counted. Databases hold the numbers.
type Kind int

// The kinds. A server's requests are those of all of its channels.
const (
	ServiceKind Kind = 1 + iota
	ChannelKind
	OutconnKind
	ServerKind
)

// kindNames are the kinds as people write them, in their order.
func kindNames() []string { return []string{"service", "channel", "outconn", "server"} }

func (k Kind) String() string { return kindNames()[k-1] }

// Key is one thing that is counted.
type Key struct {
	Kind Kind
	Name string
}

// Options say what is counted, and how long it is kept.
type Options struct {
	Off     bool          // nothing is counted
	Minutes time.Duration // how long minutes are kept; 0 is 7 days
	Hours   time.Duration // how long hours are; 0 is 90 days. Days are kept for ever
}

// Stats are the statistics of one server. Safe for concurrent use.
type Stats struct {
	now     func() time.Time
	started time.Time
	options Options
	hides   func(service, field string) bool

	mu       sync.RWMutex
	counters map[Key]*Counter
	watches  map[string]watch // by service; "*" is all that have none of their own

	kept  requests
	live  turn
	feeds []*Feed

	disk   *database.DB // nil: in memory only
	saving sync.Mutex
	wentOn bool // what was saved before is counted; of whoever is saving
	server string
	log    *slog.Logger
	series series

	elsewhere sync.Mutex
	seen      [][]ServiceStats // of servers elsewhere, when the database was last there
}

// New is statistics that are kept in memory only. now is time.Now but in tests.
func New(now func() time.Time) *Stats {
	s := &Stats{
		counters: map[Key]*Counter{}, watches: map[string]watch{},
		series: series{rows: map[rowKey]*row{}, ids: map[Key]int64{}}, log: slog.New(slog.DiscardHandler),
	}
	s.Clock(now)
	return s
}

// Clock makes now what the statistics go by, in place of time.Now. Called before anything is counted.
func (s *Stats) Clock(now func() time.Time) {
	s.now, s.started = now, now()
	s.series.took = s.started
}

// Configure is called before anything is counted. hides says whether samples show no field of that name of a service; nil:
// they show all.
func (s *Stats) Configure(o Options, hides func(service, field string) bool) {
	s.options, s.hides = o, hides
}

// Service is the counter of the service of that name: the same one each time. To be asked for once, where a handler is
// built, not for each request.
func (s *Stats) Service(name string) *Counter { return s.counter(Key{ServiceKind, name}) }

// Channel is the counter of the channel of that name, likewise.
func (s *Stats) Channel(name string) *Counter { return s.counter(Key{ChannelKind, name}) }

// Outconn is the counter of the outgoing connection of that name, likewise.
func (s *Stats) Outconn(name string) *Counter { return s.counter(Key{OutconnKind, name}) }

func (s *Stats) counter(key Key) *Counter {
	s.mu.RLock()
	found := s.counters[key]
	s.mu.RUnlock()
	if found != nil {
		return found
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := s.counters[key]; found != nil {
		return found
	}
	made := &Counter{key: key, stats: s}
	made.watch.Store(s.watchOf(key))
	s.counters[key] = made
	return made
}

// Wrap counts and times next, in also as well. It goes outermost, so that refusals are counted; what recovers panics goes
// inside.
func Wrap(next service.Handler, c *Counter, now func() time.Time, also ...*Counter) service.Handler {
	if c.stats.options.Off {
		return next
	}
	return service.HandlerFunc(func(ctx context.Context, req *service.Request) (*service.Response, error) {
		start := now()
		res, err := next.Handle(ctx, req)
		end := now()
		failed := err != nil || res != nil && res.Status >= 400
		took := min(max(end.Sub(start), 1), longest)
		index := bucketOf(took)
		c.record(end, took, index, failed)
		for _, other := range also {
			other.record(end, took, index, failed)
		}
		if w := c.watch.Load(); w != nil && w.wants(took) {
			c.stats.keep(c, w, req, res, err, end, took, failed)
		}
		return res, err
	})
}

// Call counts and times the calls of an outgoing connection. A reply with an HTTP status of 500 or more has failed.
func Call(next service.Outconn, c *Counter, now func() time.Time) service.Outconn {
	if c.stats.options.Off {
		return next
	}
	return &counted{next, c, now}
}

type counted struct {
	next    service.Outconn
	counter *Counter
	now     func() time.Time
}

func (c *counted) Call(ctx context.Context, method string, args []any, kwargs map[string]any) (any, error) {
	start := c.now()
	out, err := c.next.Call(ctx, method, args, kwargs)
	end := c.now()
	failed := err != nil
	if reply, ok := out.(service.Attrs); ok && !failed {
		status, _ := reply.Attr("status_code")
		n, _ := status.(int64)
		failed = n >= 500
	}
	c.counter.Record(end, end.Sub(start), failed)
	return out, err
}

// ServiceStats is what one server knows of one service. It travels between servers as JSON.
type ServiceStats struct {
	Service string  `json:"service"`
	Count   int64   `json:"count"`
	Errors  int64   `json:"errors"`
	Rate    float64 `json:"rate"` // requests per second over the last 60 s, or since the server's start
	SumNS   int64   `json:"sum_ns"`
	MinNS   int64   `json:"min_ns"`
	MaxNS   int64   `json:"max_ns"`
	// Buckets are the non-empty ones of a DDSketch of nanoseconds with 1 % relative accuracy, in pairs: its
	// logarithmic mapping's index, and the count.
	Buckets []int64 `json:"buckets"`
}

// Snapshot is every service that was called, by name.
func (s *Stats) Snapshot() []ServiceStats {
	now := s.now()
	var out []ServiceStats
	for _, one := range s.all(ServiceKind) {
		if stats := one.snapshot(now); stats.Count > 0 {
			out = append(out, stats)
		}
	}
	return out
}

// all are the counters of a kind, by name; of kind 0 those of all kinds.
func (s *Stats) all(kind Kind) []*Counter {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]*Counter, 0, len(s.counters))
	for _, one := range s.counters {
		if kind == 0 || one.key.Kind == kind {
			out = append(out, one)
		}
	}
	slices.SortFunc(out, func(a, b *Counter) int {
		return cmp.Or(cmp.Compare(a.key.Kind, b.key.Kind), cmp.Compare(a.key.Name, b.key.Name))
	})
	return out
}
