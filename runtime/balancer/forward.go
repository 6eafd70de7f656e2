package balancer

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"syscall"
	"time"
)

// forwarder sends a request to one server after another, for as long as that is safe.
type forwarder struct{ b *Balancer }

// RoundTrip is the reply of the first server that gives one. Its errors are of this package, or the context's.
func (f forwarder) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	c := callFrom(ctx)
	c.body = newBody(req, http.NewResponseController(c.w).SetReadDeadline, f.b.o.BodyTimeout)
	patience := f.b.o.Wait
	var last *server
	var unknown *unknownError // set once a server may have handled the request
	for range 2*len(f.b.servers) + 2 {
		s, err := f.b.next(ctx, last, &patience)
		if err != nil {
			if unknown != nil {
				return nil, unknown
			}
			return nil, err
		}
		c.server, last = s, s
		s.bodies.add(c.body)
		res, sent, err := s.send(req, c.body)
		if err == nil {
			s.served.Add(1)
			return res, nil
		}
		c.leave()
		if ctx.Err() != nil {
			c.body.settle() // a read that failed ends ctx before it returns
		}
		if err := c.body.fault(); err != nil {
			return nil, &clientError{err}
		}
		if ctx.Err() != nil {
			if sent != nothing {
				return nil, &unknownError{server: s.Name, err: ctx.Err()}
			}
			return nil, ctx.Err()
		}
		s.failed.Add(1)
		if errors.Is(err, syscall.ECONNREFUSED) {
			f.b.markDown(s, err.Error())
		}
		if sent != nothing {
			unknown = &unknownError{server: s.Name, err: err}
			if sent == answered || !f.b.mayRepeat(req) {
				return nil, unknown
			}
		}
		if !c.body.rewind() {
			break
		}
		f.b.o.Log.Debug("request goes to another server", "server", s.Name, "err", err)
		f.b.retried.Add(1)
	}
	if unknown != nil {
		return nil, unknown
	}
	return nil, errNoServer
}

// next is the server whose turn it is, the request counted in; not last, where there is another. Where there
// is none, it waits, and takes what it waited from patience.
func (b *Balancer) next(ctx context.Context, last *server, patience *time.Duration) (*server, error) {
	if s := b.pick(last); s != nil {
		return s, nil
	}
	if *patience <= 0 {
		return nil, errNoServer
	}
	if b.waiting.Add(1) > int64(b.o.MaxWaiting) {
		b.waiting.Add(-1)
		return nil, errNoServer
	}
	defer b.waiting.Add(-1)
	start := time.Now()
	timer := time.NewTimer(*patience)
	defer timer.Stop()
	defer func() { *patience -= time.Since(start) }()
	for {
		changed := b.change() // before looking: no change in between is missed
		if s := b.pick(last); s != nil {
			return s, nil
		}
		select {
		case <-changed:
		case <-timer.C:
			return nil, errNoServer
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// pick goes round the servers that take requests.
func (b *Balancer) pick(last *server) *server {
	order := *b.order.Load()
	n := uint64(len(order))
	if n == 0 {
		return nil
	}
	turn := b.turn.Add(1)
	if s := order[turn%n]; s != last && s.acquire() {
		return s
	}
	for i := range uint64(len(b.servers)) {
		if s := b.servers[(turn+i)%uint64(len(b.servers))]; s != last && s.acquire() {
			return s
		}
	}
	if last != nil && last.acquire() {
		return last
	}
	return nil
}

// sent says how far a request that failed has come.
type sent int

const (
	nothing  sent = iota // no byte left: no server can have seen it
	some                 // bytes left, none came back
	answered             // bytes came back, and were no whole reply
)

// send tries s once.
func (s *server) send(req *http.Request, body *body) (*http.Response, sent, error) {
	a := &attempt{}
	out := req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		GotConn:              a.gotConn,
		GotFirstResponseByte: func() { a.answered.Store(true) },
	}))
	to := *req.URL
	to.Scheme, to.Host = s.scheme(), s.Address
	out.URL = &to
	if body != nil {
		out.Body = body.reader()
	}
	res, err := s.transport.RoundTrip(out)
	if err == nil {
		res.Request = req
		return res, answered, nil
	}
	return nil, a.sent(), err
}

// attempt follows one try. http.Transport may use several connections for it: it takes another one by itself
// where nothing was written, and sends a GET without a body again where a kept connection died.
type attempt struct {
	conn     *conn
	start    int64
	some     bool
	answered atomic.Bool
}

func (a *attempt) gotConn(info httptrace.GotConnInfo) {
	a.some = a.wrote()
	if c, ok := info.Conn.(*conn); ok {
		a.conn, a.start = c, c.written.Load()
	}
}

func (a *attempt) wrote() bool {
	return a.some || a.conn != nil && a.conn.written.Load() != a.start
}

func (a *attempt) sent() sent {
	switch {
	case a.answered.Load():
		return answered
	case a.wrote():
		return some
	default:
		return nothing
	}
}
