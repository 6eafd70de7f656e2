package bench

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// The protocols.
const (
	protocolHTTP1  = "http/1.1"
	protocolHTTP2  = "h2"
	protocolZeroMQ = "zeromq"
	protocolPub    = "zeromq-pub"
	protocolFile   = "file"
)

func protocols() []string {
	return []string{protocolHTTP1, protocolHTTP2, protocolZeroMQ, protocolPub, protocolFile}
}

// silent says whether nobody answers in the protocol.
func silent(protocol string) bool {
	return protocol == protocolZeroMQ || protocol == protocolPub || protocol == protocolFile
}

// sender makes and sends the requests. It never sends one a second time once a byte of it has gone out.
type sender struct {
	requests  []*compiled
	order     []int // which of them, by number
	feeders   []Feeder
	schedule  Schedule
	kept      captured // of a load with a rate
	address   string   // scheme and host, without a slash at the end
	host      string   // for the Host header
	dial      string   // host and port
	timeout   time.Duration
	tls       *tls.Config     // nil: without
	transport *http.Transport // of HTTP/2
	folder    string          // where files go
	protocol  string
	traffic   *Traffic

	cutOff atomic.Bool
	mu     sync.Mutex
	open   map[*wire]struct{}
}

func newSender(p Profile, address string, schedule Schedule) (*sender, error) {
	s := &sender{
		order:    order(p.requests()),
		feeders:  p.Feeders,
		schedule: schedule,
		timeout:  p.Timeout.Std(),
		traffic:  &Traffic{},
		protocol: p.Protocol,
		open:     map[*wire]struct{}{},
	}
	if err := s.aim(address, p.roots); err != nil {
		return nil, err
	}
	for _, r := range p.requests() {
		c, err := s.compile(r)
		if err != nil {
			return nil, err
		}
		s.requests = append(s.requests, c)
	}
	return s, nil
}

// aim takes in where the load goes.
func (s *sender) aim(address string, roots *x509.CertPool) error {
	base, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("address: %w", err)
	}
	wanted, example := []string{"http", "https"}, "http://127.0.0.1:11223"
	switch s.protocol {
	case protocolZeroMQ, protocolPub:
		wanted, example = []string{"tcp"}, "tcp://127.0.0.1:35155"
	case protocolFile:
		wanted, example = []string{"file"}, "file:///srv/orders"
	}
	if !slices.Contains(wanted, base.Scheme) || base.Host == "" && s.protocol != protocolFile {
		return fmt.Errorf("address %q must be a URL such as %s", address, example)
	}
	if base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return fmt.Errorf("address %s://%s has a user, a query or a fragment, which would not be sent: put them into the requests' headers and paths", base.Scheme, base.Host)
	}
	s.host, s.dial, s.address = base.Host, base.Host, strings.TrimSuffix(base.Scheme+"://"+base.Host+base.Path, "/")
	switch base.Scheme {
	case "file":
		s.folder = filepath.FromSlash(base.Path)
	case "http":
		s.dial = net.JoinHostPort(base.Hostname(), cmp.Or(base.Port(), "80"))
	case "https":
		s.dial = net.JoinHostPort(base.Hostname(), cmp.Or(base.Port(), "443"))
		s.tls = &tls.Config{ServerName: base.Hostname(), MinVersion: tls.VersionTLS12, RootCAs: roots}
	}
	if s.protocol == protocolHTTP2 {
		s.transport = &http.Transport{DisableCompression: true, Protocols: new(http.Protocols), TLSClientConfig: s.tls}
		s.transport.Protocols.SetHTTP2(true)
		s.transport.Protocols.SetUnencryptedHTTP2(true)
	}
	return nil
}

// close lets go of all connections.
func (s *sender) close() {
	s.cut()
	if s.transport != nil {
		s.transport.CloseIdleConnections()
	}
}

// keep knows a connection, so that it can be cut.
func (s *sender) keep(w *wire) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[w] = struct{}{}
}

func (s *sender) forget(w *wire) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, w)
}

// cut ends whatever is under way, for good.
func (s *sender) cut() {
	s.cutOff.Store(true)
	s.mu.Lock()
	defer s.mu.Unlock()
	for w := range s.open {
		_ = w.SetDeadline(time.Unix(1, 0)) // of a connection that has ended by itself
	}
}

// arm sets the time by which a reply must be there.
func (s *sender) arm(w *wire, until time.Time) error {
	err := w.SetDeadline(until)
	if s.cutOff.Load() { // before cut saw it, or after
		return context.Canceled
	}
	return err
}

// pick is which request the one of that number, from 0, is.
func (s *sender) pick(number int) int { return s.order[number%len(s.order)] }

// timeoutOf is how long a request's reply may take.
func (s *sender) timeoutOf(r *compiled) time.Duration {
	if r.Timeout > 0 {
		return r.Timeout.Std()
	}
	return s.timeout
}

// write appends one request to out, as HTTP/1.1 has it on the wire.
func (s *sender) write(out []byte, r *compiled, v values) ([]byte, error) {
	out = append(append(out, r.Method...), ' ')
	if r.target != "" {
		out = append(out, r.target...)
	} else {
		path, err := r.path.fill(v)
		if err != nil {
			return out, err
		}
		to, err := url.Parse(s.address + path)
		if err != nil {
			return out, err
		}
		out = append(out, to.RequestURI()...)
	}
	out = append(append(out, " HTTP/1.1\r\n"...), r.fixed...)
	for _, h := range r.varying {
		value, err := h.value.fill(v)
		if err != nil {
			return out, err
		}
		if !validHeader(value) {
			return out, fmt.Errorf("the value of header %s would be %q, which no header may hold", h.name, short(value))
		}
		out = append(append(append(append(out, h.name...), ": "...), value...), "\r\n"...)
	}
	text, err := r.body.fill(v)
	if err != nil {
		return out, err
	}
	if text != "" || r.Method == http.MethodPost || r.Method == http.MethodPut || r.Method == http.MethodPatch {
		out = append(strconv.AppendInt(append(out, "Content-Length: "...), int64(len(text)), 10), "\r\n"...)
	}
	return append(append(out, "\r\n"...), text...), nil
}

// validHeader says whether a header may have that value (RFC 9110, section 5.5).
func validHeader(value string) bool {
	for i := range len(value) {
		if c := value[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// prepare sends the requests that come once before the load, one after another; what they capture is for all.
func (s *sender) prepare(ctx context.Context, list []Request) error {
	w := newWorker(s)
	defer w.way.close()
	for _, r := range list {
		c, err := s.compile(r)
		if err != nil {
			return err
		}
		got, err := w.exchange(ctx, c, values{0, s.feeders, &s.kept}, time.Now(), func() {})
		switch {
		case err != nil:
			return fmt.Errorf("before the load, %s: %s", r.label(), s.fault(ctx, c, err))
		case !c.wanted(got.status):
			return fmt.Errorf("before the load, %s: status %d %s", r.label(), got.status, http.StatusText(got.status))
		case got.wrong != "":
			return fmt.Errorf("before the load, %s: %s", r.label(), got.wrong)
		}
	}
	return nil
}
