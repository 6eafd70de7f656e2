package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// happening is one event as it goes. It belongs to the goroutine that records.
type happening struct {
	event        Event
	began, ended time.Time // zero: not yet
	err          error
	again        time.Time // the first reply by the event's server
	detected     time.Time // when the balancer had taken the server out of traffic
	skipped      string
}

// news is that an event begins or has ended, that it will not come, or that what it did to a server was noticed.
type news struct {
	index    int
	at       time.Time
	ended    bool
	detected bool
	skipped  string
	err      error
}

// script does a run's events. Each is told of twice: when it begins and when it has ended.
type script struct {
	events   []Event
	zero     time.Time
	do       func(context.Context, Event) error
	down     func(context.Context, string) (bool, error)
	tell     chan news
	triggers []chan struct{} // closed when what an event waits for has come
	over     chan struct{}   // closed when the load is over: what still waits for something does not come

	one sync.Mutex // events run one at a time
}

func newScript(events []Event, zero time.Time, o Options) *script {
	s := &script{events: events, zero: zero, do: o.Do, down: o.Down, tell: make(chan news), over: make(chan struct{})}
	for range events {
		s.triggers = append(s.triggers, make(chan struct{}))
	}
	return s
}

// run does the events, and closes tell when it is done; an error ends only its own event.
func (s *script) run(ctx context.Context) {
	var group sync.WaitGroup
	group.Go(func() {
		for i := range s.events {
			if s.events[i].conditional() {
				continue
			}
			if !sleepUntil(ctx, s.zero.Add(s.events[i].At.Std())) {
				return
			}
			s.happen(ctx, i, &group)
		}
	})
	for i := range s.events {
		if !s.events[i].conditional() {
			continue
		}
		group.Go(func() {
			select {
			case <-s.triggers[i]:
			case <-s.over:
				s.tell <- news{index: i, skipped: "what it waits for did not come: " + s.events[i].waitsFor()}
				return
			case <-ctx.Done():
				return
			}
			if sleepUntil(ctx, time.Now().Add(s.events[i].At.Std())) {
				s.happen(ctx, i, &group)
			}
		})
	}
	group.Wait()
	close(s.tell)
}

// errTooLong is of an event that outlasts the load by far.
var errTooLong = errors.New("it went on long after the load was over, and was broken off")

func (e *Event) waitsFor() string {
	if e.After != "" {
		return "the end of " + e.After
	}
	return e.When.Text
}

func (s *script) happen(ctx context.Context, i int, group *sync.WaitGroup) {
	s.one.Lock()
	defer s.one.Unlock()
	began := time.Now()
	s.tell <- news{index: i, at: began}
	e := s.events[i]
	if s.down != nil && (e.Do == EventKill || e.Do == EventStop) { // to ask about a paused one takes as long as it stands still
		group.Go(func() { s.detect(ctx, i) })
	}
	err := doEvent(ctx, e, s.do)
	if err != nil && errors.Is(context.Cause(ctx), errTooLong) {
		err = fmt.Errorf("%w: %w", errTooLong, err)
	}
	s.tell <- news{index: i, at: time.Now(), ended: true, err: err}
}

// detect waits until the balancer has taken the event's server out of traffic.
func (s *script) detect(ctx context.Context, i int) {
	until := time.Now().Add(detectFor)
	for time.Now().Before(until) {
		down, err := s.down(ctx, s.events[i].Server)
		if down && err == nil {
			s.tell <- news{index: i, at: time.Now(), detected: true}
			return
		}
		select {
		case <-s.over:
			return
		case <-ctx.Done():
			return
		case <-time.After(detectEvery):
		}
	}
}

const (
	detectFor   = 10 * time.Second
	detectEvery = 20 * time.Millisecond
)

func sleepUntil(ctx context.Context, at time.Time) bool {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func doEvent(ctx context.Context, e Event, do func(context.Context, Event) error) error {
	if do == nil {
		return fmt.Errorf("nothing here can do the event %q", e.Do)
	}
	return do(ctx, e)
}

// event takes in that an event began or ended.
func (r *recorder) event(n news) *happening {
	h := r.timeline[n.index]
	switch {
	case n.skipped != "":
		h.skipped = n.skipped
		return h
	case n.detected:
		h.detected = n.at
		return h
	case n.ended:
		h.ended, h.err = n.at, n.err
		return h
	}
	h.began = n.at
	r.beginPhase(h.event.Label(), n.at.Sub(r.zero))
	return h
}

// reply takes in that a server's reply to a request sent at that time was complete.
func (h *happening) reply(server string, sent, at time.Time) {
	if server != h.event.Server || !h.again.IsZero() && !at.Before(h.again) {
		return
	}
	since, seen := h.began, at
	switch h.event.Do {
	case EventStart:
	case EventRestart: // until it is done, the old process may still be answering
		since = h.ended
	case EventKill, EventStop: // a late reply of the old process is to a request sent before it was gone
		since, seen = h.ended, sent
	default:
		return
	}
	if !since.IsZero() && !seen.Before(since) {
		h.again = at
	}
}

// takesDown reports whether h is a kill or stop of that server that was done.
func (h *happening) takesDown(server string) bool {
	return h.event.Server == server && (h.event.Do == EventKill || h.event.Do == EventStop) && !h.ended.IsZero() && h.err == nil
}

// againBefore reports whether h's server was in traffic again before that time.
func (h *happening) againBefore(t time.Time) bool { return !h.again.IsZero() && h.again.Before(t) }

// result is h for people and programs, but for its traffic.
func (h *happening) result(zero time.Time) EventResult {
	out := EventResult{Label: h.event.Label(), Do: h.event.Do, Server: h.event.Server, Due: seconds(h.event.At.Std())}
	if h.event.conditional() {
		out.Due = seconds(h.began.Sub(zero))
	}
	if h.skipped != "" {
		out.Due, out.Skipped = 0, h.skipped
		return out
	}
	if h.began.IsZero() {
		out.Due = seconds(h.event.At.Std())
		out.Error = "it never began: the run was broken off"
		return out
	}
	out.At = seconds(h.began.Sub(zero))
	if h.ended.IsZero() {
		out.Error = "it never ended: the run was broken off"
		return out
	}
	out.Took = float64(h.ended.Sub(h.began).Microseconds()) / 1000
	if h.err != nil {
		out.Error = h.err.Error()
	}
	return out
}

// eventResults are the events of a timeline, each with when its server was in traffic again.
func eventResults(timeline []*happening, zero time.Time, bad badTimes, end time.Duration) []EventResult {
	out := make([]EventResult, len(timeline))
	for i, h := range timeline {
		out[i] = h.result(zero)
		if !h.began.IsZero() {
			out[i].Impact = bad.after(h.began.Sub(zero), nextBegan(timeline, h, zero, end), end)
		}
		if !h.detected.IsZero() {
			out[i].Detected = secondsFrom(h.began, h.detected)
		}
		switch {
		case h.ended.IsZero():
		case h.takesDown(h.event.Server):
			// The event that follows on the same server has its own figure, or says that it was up already.
			if next := nextOf(timeline[i+1:], h.event.Server); next == nil && !h.again.IsZero() || next != nil && h.againBefore(next.began) {
				out[i].TrafficAgain = secondsFrom(h.began, h.again)
			}
		case h.event.Do == EventStart || h.event.Do == EventRestart:
			addTraffic(&out[i], h, downBefore(timeline[:i], h.event.Server))
		}
	}
	return out
}

// nextBegan is when the first event after h began, or the end.
func nextBegan(timeline []*happening, h *happening, zero time.Time, end time.Duration) time.Duration {
	for _, other := range timeline {
		if other.began.After(h.began) {
			end = min(end, other.began.Sub(zero))
		}
	}
	return end
}

// addTraffic says in out, of the start or restart h, when there was traffic again; down took its server down, or is nil.
func addTraffic(out *EventResult, h, down *happening) {
	if h.event.Do == EventStart && down != nil && down.againBefore(h.began) {
		out.UpAlready = true
		return
	}
	if h.again.IsZero() {
		return
	}
	out.TrafficAgain = secondsFrom(h.began, h.again)
	if down != nil && !down.againBefore(h.began) {
		out.TrafficAgainDown = secondsFrom(down.began, h.again)
	}
}

// nextOf is the first event of that server that began, or nil.
func nextOf(after []*happening, server string) *happening {
	for _, h := range after {
		if h.event.Server == server && !h.began.IsZero() {
			return h
		}
	}
	return nil
}

// downBefore is the last kill or stop of that server, or nil where there is none or the profile started it since.
func downBefore(before []*happening, server string) *happening {
	for i := len(before) - 1; i >= 0; i-- {
		if h := before[i]; h.takesDown(server) {
			return h
		} else if h.event.Server == server && h.err == nil {
			return nil
		}
	}
	return nil
}

func secondsFrom(from, to time.Time) *float64 {
	span := seconds(to.Sub(from))
	return &span
}
