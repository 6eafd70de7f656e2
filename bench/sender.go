package bench

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// seqHeader is how vegeta tells a request's place in the order of sending; it is taken off before the wire.
const seqHeader = "X-Vegeta-Seq"

// sender makes and sends the requests. It never sends one a second time once a byte of it has gone out.
type sender struct {
	request   Request
	address   string // scheme and host, without a slash at the end
	timeout   time.Duration
	transport *http.Transport
	traffic   *Traffic
	neverSent bitmap // by seq
}

func newSender(p Profile, address string, total int) (*sender, error) {
	base, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("address: %w", err)
	}
	if base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return nil, fmt.Errorf("address %q must be a URL such as http://127.0.0.1:11223", address)
	}
	dialer := &net.Dialer{Timeout: p.Timeout.Std()}
	return &sender{
		request:   p.Request,
		timeout:   p.Timeout.Std(),
		traffic:   &Traffic{},
		address:   strings.TrimSuffix(base.Scheme+"://"+base.Host+base.Path, "/"),
		neverSent: newBitmap(total),
		transport: &http.Transport{
			DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				c, err := dialer.DialContext(ctx, network, addr)
				if err != nil {
					return nil, err
				}
				return &conn{Conn: c}, nil
			},
			// All connections that a stall opened are kept: closing and dialling them again would be load of our own.
			MaxIdleConnsPerHost: p.Workers,
			DisableCompression:  true,
		},
	}, nil
}

// client is for vegeta. The requests end with ctx. It has no timeout of its own, which for a transport like ours would
// cost a goroutine a request.
func (s *sender) client(ctx context.Context) *http.Client {
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: roundTripper(func(hit *http.Request) (*http.Response, error) {
			return s.roundTrip(ctx, hit)
		}),
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// targeter gives vegeta the same empty request each time: the real one needs the number, which only RoundTrip sees.
func (s *sender) targeter() vegeta.Targeter {
	method, to := s.request.Method, s.address+"/"
	return func(t *vegeta.Target) error {
		t.Method, t.URL = method, to
		return nil
	}
}

// roundTrip sends the request that hit stands for.
func (s *sender) roundTrip(runCtx context.Context, hit *http.Request) (*http.Response, error) {
	s.traffic.begun.Add(1)
	defer s.traffic.ended.Add(1)
	if hit.Body != nil {
		_ = hit.Body.Close() // by the contract of RoundTripper; it is empty
	}
	seq, err := strconv.Atoi(hit.Header.Get(seqHeader))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(hit.Context())
	ctx, stopTimer := context.WithTimeout(ctx, s.timeout)
	stopWatch := context.AfterFunc(runCtx, func() { cancel(context.Cause(runCtx)) })
	done := func() {
		stopWatch()
		stopTimer()
		cancel(nil)
	}
	var last atomic.Pointer[attempt]
	req, err := s.build(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{ //nolint:contextcheck // ctx is the hit's, which a run's end cancels too
		GotConn: func(info httptrace.GotConnInfo) {
			c := counted(info.Conn)
			if c == nil {
				return
			}
			a := &attempt{conn: c, writtenBefore: c.written.Load(), readBefore: c.read.Load(), cancel: cancel}
			c.current.Store(a)
			last.Store(a)
		},
	}), strconv.Itoa(seq+1))
	if err != nil {
		s.neverSent.set(seq)
		done()
		return nil, err
	}
	res, err := s.transport.RoundTrip(req)
	if err != nil {
		if a := last.Load(); a == nil || !a.sent() {
			s.neverSent.set(seq)
		}
		done()
		return nil, err
	}
	res.Body = &body{ReadCloser: res.Body, done: done}
	return res, nil
}

// counted is the conn under c, also under TLS.
func counted(c net.Conn) *conn {
	if t, ok := c.(interface{ NetConn() net.Conn }); ok {
		c = t.NetConn()
	}
	own, _ := c.(*conn)
	return own
}

// build makes the request with that id.
func (s *sender) build(ctx context.Context, id string) (*http.Request, error) {
	fill := func(text string) string { return strings.ReplaceAll(text, "{{id}}", id) }
	var content io.Reader
	if s.request.Body != "" {
		content = strings.NewReader(fill(s.request.Body))
	}
	req, err := http.NewRequestWithContext(ctx, s.request.Method, s.address+fill(s.request.Path), content)
	if err != nil {
		return nil, err
	}
	for k, v := range s.request.Headers {
		if strings.EqualFold(k, "Host") {
			req.Host = fill(v)
			continue
		}
		req.Header.Set(k, fill(v))
	}
	return req, nil
}

// body releases a request's context once its reply has been read.
type body struct {
	io.ReadCloser
	done func()
}

func (b *body) Close() error {
	err := b.ReadCloser.Close()
	b.done()
	return err
}
