package stats

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// Feed adds up what this server counts, from one Take to the next: for whoever sends it elsewhere. It is as far as the last save,
// which is 10 s ago at most.
type Feed struct {
	mu     sync.Mutex
	since  time.Time
	counts map[Key]*Sketch
}

// Fed is what was counted of one thing, in Line, between two times.
type Fed struct {
	Kind Kind
	Line Line // without trends and shares
}

// Feed is asked for before anything is counted. Internal services are not in it.
func (s *Stats) Feed() *Feed {
	f := &Feed{since: s.now(), counts: map[Key]*Sketch{}}
	s.feeds = append(s.feeds, f)
	return f
}

func (s *Stats) feed(key Key, delta Sketch) {
	for _, f := range s.feeds {
		f.add(key, delta)
	}
}

// add takes what was counted since the last save.
func (f *Feed) add(key Key, delta Sketch) {
	if key.Kind == ServiceKind && isInternal(key.Name) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.counts[key] == nil {
		f.counts[key] = &Sketch{}
	}
	f.counts[key].add(delta)
}

// Take gives what was counted since the last Take, by kind and name, and which time that is.
func (f *Feed) Take(now time.Time) (from time.Time, out []Fed) {
	f.mu.Lock()
	counts := f.counts
	from, f.since, f.counts = f.since, now, map[Key]*Sketch{}
	f.mu.Unlock()
	for key, sketch := range counts {
		one := sum{}
		one.add(sketch.encode(), 0, 1)
		if one.total.Count == 0 { // as a save, it is left out where it cannot be written
			continue
		}
		out = append(out, Fed{key.Kind, one.line(key.Name, now.Sub(from))})
	}
	slices.SortFunc(out, func(a, b Fed) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Line.Name, b.Line.Name)) })
	return from, out
}
