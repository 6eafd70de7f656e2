package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// worker sends one request after another, over a connection of its own; in HTTP/2 over those that all share.
type worker struct {
	send *sender
	lane lane
	lead chan bool // with a rate: it is to send the next request, or to end
	idle time.Time // since when it has nothing to do
}

func newWorker(s *sender) *worker {
	return &worker{send: s, lane: lane{send: s}, lead: make(chan bool, 1)}
}

// hit is one request that is over.
type hit struct {
	seq       int // from 0, in the order of sending
	which     int // of the requests
	sent      time.Time
	took      time.Duration
	code      int // 0: no reply
	outcome   Outcome
	fault     string // what is wrong, where it is not OK
	server    string
	neverSent bool
}

// once sends one request and reads its reply. wrote is called as soon as the request has gone out, or cannot.
func (w *worker) once(ctx context.Context, seq, which int, keep *captured, wrote func()) hit {
	s := w.send
	s.traffic.begun.Add(1)
	defer s.traffic.ended.Add(1)
	r := s.requests[which]
	h := hit{seq: seq, which: which, sent: time.Now()}
	got, err := w.exchange(ctx, r, values{s.schedule.Number(seq) + 1, s.feeders, keep}, h.sent, wrote)
	h.code, h.server, h.neverSent = got.status, got.server, got.neverSent
	if err != nil {
		h.took = time.Since(h.sent)
		h.code, h.outcome, h.fault = 0, Unknown, s.fault(ctx, r, err)
		if h.neverSent {
			h.outcome = Failed
		}
		return h
	}
	h.took = got.end.Sub(h.sent)
	h.outcome, h.fault = r.outcome(&got)
	return h
}

func (w *worker) exchange(ctx context.Context, r *compiled, v values, sent time.Time, wrote func()) (reply, error) {
	until := sent.Add(w.send.timeoutOf(r))
	if w.send.http2 {
		wrote()
		return w.send.exchange2(ctx, r, v, until)
	}
	return w.lane.exchange(ctx, r, v, until, wrote)
}

// fault is what an error says, in words that are the same for all requests that it befell.
func (s *sender) fault(ctx context.Context, r *compiled, err error) string {
	if ctx.Err() != nil || errors.Is(err, context.Canceled) {
		return "the run was broken off"
	}
	return plainError(err, s.timeoutOf(r))
}

// outcome is what a reply says, and what is wrong with it.
func (c *compiled) outcome(got *reply) (Outcome, string) {
	status := func() string { return strconv.Itoa(got.status) + " " + http.StatusText(got.status) }
	success, wanted := got.status >= 200 && got.status < 300, c.wanted(got.status)
	switch {
	case got.unknown:
		return Unknown, status() + ": nobody can tell whether it was executed"
	case wanted && got.wrong != "":
		return Wrong, c.label() + ": " + got.wrong
	case wanted:
		return OK, ""
	case success:
		return Wrong, fmt.Sprintf("%s: status %d is not %v", c.label(), got.status, c.Check.Status)
	}
	return Failed, status()
}

// outbox is what workers have done and the recorder has not yet taken in: one by one it would be woken for each.
type outbox struct {
	mu   sync.Mutex
	hits []hit
}

func (o *outbox) put(h *hit) {
	o.mu.Lock()
	o.hits = append(o.hits, *h)
	o.mu.Unlock()
}

// take gives what there is, and puts the other list, which is empty, in its place.
func (o *outbox) take(other []hit) []hit {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := o.hits
	o.hits = other
	return out
}
