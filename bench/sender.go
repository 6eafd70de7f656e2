package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// seqHeader is how vegeta tells a request's place in the order of sending; it is taken off before the wire.
const seqHeader = "X-Vegeta-Seq"

// headerWrong is where a reply's header says, within this process, what a check found wrong with it. No peer can send it.
const headerWrong = "\x00wrong"

// The protocols.
const (
	protocolHTTP1 = "http/1.1"
	protocolHTTP2 = "h2"
)

// sender makes and sends the requests. It never sends one a second time once a byte of it has gone out.
type sender struct {
	requests  []*compiled
	order     []int // which of them, by number
	feeders   []Feeder
	schedule  Schedule
	kept      captured // of a load with a rate
	address   string   // scheme and host, without a slash at the end
	timeout   time.Duration
	transport *http.Transport
	http2     bool
	traffic   *Traffic
	neverSent *numbers // by seq
}

func newSender(p Profile, address string, schedule Schedule) (*sender, error) {
	base, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("address: %w", err)
	}
	if base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return nil, fmt.Errorf("address %q must be a URL such as http://127.0.0.1:11223", address)
	}
	dialer := &net.Dialer{Timeout: p.Timeout.Std()}
	s := &sender{
		order:     order(p.requests()),
		feeders:   p.Feeders,
		schedule:  schedule,
		timeout:   p.Timeout.Std(),
		traffic:   &Traffic{},
		address:   strings.TrimSuffix(base.Scheme+"://"+base.Host+base.Path, "/"),
		neverSent: newNumbers(),
		http2:     p.Protocol == protocolHTTP2,
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
			ReadBufferSize:      2 << 10, // with 1,024 connections it is these that count
			WriteBufferSize:     2 << 10,
		},
	}
	if s.http2 {
		s.transport.Protocols = new(http.Protocols)
		s.transport.Protocols.SetHTTP2(true)
		s.transport.Protocols.SetUnencryptedHTTP2(true)
	}
	for _, r := range p.requests() {
		c, err := compile(r)
		if err != nil {
			return nil, err
		}
		if c.path.plain() {
			if c.url, err = url.Parse(s.address + c.Path); err != nil {
				return nil, err
			}
		}
		s.requests = append(s.requests, c)
	}
	return s, nil
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
	to := s.address + "/"
	return func(t *vegeta.Target) error {
		t.Method, t.URL = http.MethodPost, to
		return nil
	}
}

// roundTrip sends the request that hit stands for.
func (s *sender) roundTrip(ctx context.Context, hit *http.Request) (*http.Response, error) {
	s.traffic.begun.Add(1)
	defer s.traffic.ended.Add(1)
	if hit.Body != nil {
		_ = hit.Body.Close() // by the contract of RoundTripper; it is empty
	}
	seq, err := strconv.Atoi(hit.Header.Get(seqHeader))
	if err != nil {
		return nil, err
	}
	number := s.schedule.Number(seq)
	res, sent, err := s.send(ctx, s.requests[s.pick(number)], values{number + 1, s.feeders, &s.kept})
	if !sent {
		s.neverSent.add(seq)
	}
	return res, err
}

// pick is which request the one of that number, from 0, is.
func (s *sender) pick(number int) int { return s.order[number%len(s.order)] }

// send sends one request and says whether any byte of it went out. Its reply is read to its end, and held against the checks,
// where it has any.
func (s *sender) send(runCtx context.Context, r *compiled, v values) (*http.Response, bool, error) {
	ctx, cancel := context.WithCancelCause(runCtx)
	timeout := s.timeout
	if r.Timeout > 0 {
		timeout = r.Timeout.Std()
	}
	timer := time.AfterFunc(timeout, func() { cancel(context.DeadlineExceeded) })
	done := func() {
		timer.Stop()
		cancel(nil)
	}
	var on flight
	req, err := s.build(httptrace.WithClientTrace(ctx, on.trace(cancel, s.http2)), r, v)
	if err != nil {
		done()
		return nil, false, err
	}
	res, err := s.transport.RoundTrip(req)
	if err != nil {
		done()
		return nil, on.sent(), err
	}
	res.Body = &body{ReadCloser: res.Body, done: done}
	if !r.gives || !r.wanted(res.StatusCode) || res.Header.Get(headerOutcome) == "unknown" {
		return res, true, nil
	}
	var content []byte
	if r.readsBody {
		if content, err = io.ReadAll(io.LimitReader(res.Body, maxRead)); err != nil {
			return nil, true, errors.Join(err, res.Body.Close())
		}
	}
	if err := r.look(res.Header, content, v.kept); err != nil {
		res.Header[headerWrong] = []string{err.Error()}
	}
	return res, true, nil
}

// build makes one request. Those whose path is always the same share its URL, which nobody changes.
func (s *sender) build(ctx context.Context, r *compiled, v values) (*http.Request, error) {
	to := r.url
	if to == nil {
		path, err := r.path.fill(v)
		if err != nil {
			return nil, err
		}
		if to, err = url.Parse(s.address + path); err != nil {
			return nil, err
		}
	}
	text, err := r.body.fill(v)
	if err != nil {
		return nil, err
	}
	req := (&http.Request{
		Method: r.Method, URL: to, Host: to.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: make(http.Header, len(r.headers)+1),
	}).WithContext(ctx)
	if text != "" {
		req.Body = io.NopCloser(strings.NewReader(text))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
		req.ContentLength = int64(len(text))
	}
	for _, h := range r.headers {
		value, err := h.value.fill(v)
		if err != nil {
			return nil, err
		}
		if strings.EqualFold(h.name, "Host") {
			req.Host = value
			continue
		}
		req.Header.Set(h.name, value)
	}
	return req, nil
}

// prepare sends the requests that come once before the load, one after another; what they capture is for all.
func (s *sender) prepare(ctx context.Context, list []Request) error {
	for _, r := range list {
		c, err := compile(r)
		if err != nil {
			return err
		}
		res, _, err := s.send(ctx, c, values{0, s.feeders, &s.kept})
		if err != nil {
			return fmt.Errorf("before the load, %s: %w", r.label(), err)
		}
		_, _ = io.Copy(io.Discard, res.Body) // so that the connection can be used again
		_ = res.Body.Close()
		if !c.wanted(res.StatusCode) {
			return fmt.Errorf("before the load, %s: status %s", r.label(), res.Status)
		}
		if wrong := res.Header[headerWrong]; wrong != nil {
			return fmt.Errorf("before the load, %s: %s", r.label(), wrong[0])
		}
	}
	return nil
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
