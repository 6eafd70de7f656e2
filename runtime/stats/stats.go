// Package stats counts and times services: how often each was called, how often it failed, how long it took.
// What it knows of several servers can be summed, percentiles included, and outlives a server's process.
package stats

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/DataDog/sketches-go/ddsketch/mapping"

	"github.com/parley-run/parley/runtime/database"
	"github.com/parley-run/parley/runtime/service"
)

// Stats are the statistics of one server. Safe for concurrent use.
type Stats struct {
	now     func() time.Time
	started time.Time
	mapping *mapping.LogarithmicMapping // from nanoseconds to buckets

	mu       sync.RWMutex
	services map[string]*Service

	disk   *database.DB // nil: in memory only
	saving sync.Mutex
	wentOn bool // what was saved before is counted; of whoever is saving
	server string
	log    *slog.Logger

	elsewhere sync.Mutex
	seen      [][]ServiceStats // of servers elsewhere, when the database was last there
}

// New is statistics that are kept in memory only. now is time.Now but in tests.
func New(now func() time.Time) *Stats {
	return &Stats{now: now, started: now(), mapping: newMapping(), services: map[string]*Service{}}
}

// Clock makes now what the statistics go by, in place of time.Now. Called before anything is counted.
func (s *Stats) Clock(now func() time.Time) { s.now, s.started = now, now() }

// Service is the handle under which the service of that name is counted: the same one each time. To be asked
// for once, where a handler is built, not for each request.
func (s *Stats) Service(name string) *Service {
	s.mu.RLock()
	found := s.services[name]
	s.mu.RUnlock()
	if found != nil {
		return found
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := s.services[name]; found != nil {
		return found
	}
	made := &Service{name: name, stats: s}
	s.services[name] = made
	return made
}

// Wrap counts and times next. It goes outermost, so that refusals are counted; what recovers panics goes inside.
func Wrap(next service.Handler, s *Service, now func() time.Time) service.Handler {
	return service.HandlerFunc(func(ctx context.Context, req *service.Request) (*service.Response, error) {
		start := now()
		res, err := next.Handle(ctx, req)
		end := now()
		s.Record(end, end.Sub(start), err != nil || res != nil && res.Status >= 400)
		return res, err
	})
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
	for _, one := range s.all() {
		if stats := one.snapshot(now); stats.Count > 0 {
			out = append(out, stats)
		}
	}
	return out
}

// all are the services, by name.
func (s *Stats) all() []*Service {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]*Service, 0, len(s.services))
	for _, one := range s.services {
		out = append(out, one)
	}
	slices.SortFunc(out, func(a, b *Service) int { return cmp.Compare(a.name, b.name) })
	return out
}
