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

// way is how a worker's requests get to the target, one after another.
type way interface {
	// exchange sends one request, gives up at until, and reads its reply to the end where there is one. It calls wrote once the
	// request has gone out, or cannot; a reply that comes with an error says only whether anything was sent.
	exchange(ctx context.Context, r *compiled, v values, until time.Time, wrote func()) (reply, error)
	// ready says whether a request could go out at once, without connecting first.
	ready() bool
	close()
}

// worker sends one request after another.
type worker struct {
	send *sender
	way  way
	lead chan bool // with a rate: it is to send the next request, or to end
	idle time.Time // since when it has nothing to do
}

func newWorker(s *sender) *worker {
	w := &worker{send: s, lead: make(chan bool, 1)}
	switch s.protocol {
	case protocolHTTP2:
		w.way = shared{s}
	case protocolZeroMQ, protocolPub:
		w.way = newPusher(s)
	case protocolFile:
		w.way = folder{s}
	default:
		w.way = &lane{send: s}
	}
	return w
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
	held      bool // it was late because all workers waited for the target
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
	if silent(s.protocol) {
		h.code = 0
	}
	return h
}

func (w *worker) exchange(ctx context.Context, r *compiled, v values, sent time.Time, wrote func()) (reply, error) {
	return w.way.exchange(ctx, r, v, sent.Add(w.send.timeoutOf(r)), wrote)
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
