// Package balancer is the embedded load-balancer: it hands each request to one of a cluster's servers, in turn.
//
// What it promises of a request that fails:
//
//   - Where no byte of it was sent (the connection was refused, or a kept one had died), it goes to the next
//     server, whatever its method and its body.
//   - Where a byte was sent and no reply came, the server may have handled it. A GET or HEAD goes to another
//     server, and so does any request to a channel that is idempotent (SetRoutes). Anything else is answered 502
//     with X-Parley-Outcome: unknown, and is never sent twice.
//   - Where no server can take it, it waits a little for one to come up, and is answered 503 after that.
//
// A server gets requests while its GET /parley/ready answers 200 and nobody drains it. The servers must keep
// idle connections open for longer than IdleTimeout: then it is always the balancer that closes them, and no
// request meets a connection that closes by plan.
package balancer

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-run/parley/runtime/certificate"
	"github.com/parley-run/parley/runtime/service"
)

// IdleTimeout is how long the balancer keeps an unused connection to a server.
const IdleTimeout = 30 * time.Second

// ServerHeader names the server that answered, in each reply that passes the balancer.
const ServerHeader = "X-Parley-Server"

// OutcomeHeader is "unknown" in the reply to a request that a server may or may not have handled.
const OutcomeHeader = "X-Parley-Outcome"

// Server is one server to balance over.
type Server struct {
	Name    string
	Address string // host:port
	TLS     bool   // it serves https
}

// Options configure a Balancer. Zero values are the defaults, given behind each.
type Options struct {
	Servers []Server
	Names   service.Names // service.ParleyNames()
	Log     *slog.Logger  // silent
	// ServersTLS is the configuration of a connection that is made now to a server with TLS. Without a ServerName
	// it is the host of the server's address. nil: the system's authorities.
	ServersTLS func() *tls.Config
	// Proof shows to servers that a request comes from their own load-balancer, with the certificate of its client
	// (certificate.Proof). Empty: clients' certificates are not passed on.
	Proof string

	CheckInterval time.Duration // 200 ms between checks of a server that is up
	DownInterval  time.Duration // 50 ms between checks of one that is down
	CheckTimeout  time.Duration // 1 s for a check to be answered
	Fall          int           // 2 failed checks in a row take a server down; a refused connection or a 503 does at once
	Rise          int           // 1 good check takes it up

	Wait        time.Duration // 2 s for a server to come up, while there is none; negative: do not wait
	MaxWaiting  int           // 1000 requests may wait; one more is answered 503 at once
	DialTimeout time.Duration // 2 s
	BodyTimeout time.Duration // 30 s without a byte of a request's body end the request
	DrainStall  time.Duration // 2 s without a byte of a body end a request to a server that is drained
	Silence     time.Duration // 3 s of checks that nothing answers break off what is in flight on a server
}

// Balancer is an http.Handler over servers. Run must run beside it: a server is down until it was checked.
type Balancer struct {
	o       Options
	servers []*server
	proxy   *httputil.ReverseProxy
	turn    atomic.Uint64
	order   atomic.Pointer[[]*server] // whose turn it is, over and over
	waiting atomic.Int64
	asked   atomic.Int64            // requests that came in
	refused atomic.Int64            // of them, those that no server's reply answered
	retried atomic.Int64            // that went to another server
	repeats atomic.Pointer[[]Route] // as Repeats gives them; nil: none

	mu      sync.Mutex
	changed chan struct{} // closed, and replaced, when a server becomes available
}

// New makes a Balancer. Names of servers must differ.
func New(o Options) (*Balancer, error) {
	if o.Names == (service.Names{}) {
		o.Names = service.ParleyNames()
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.CheckInterval = cmp.Or(o.CheckInterval, 200*time.Millisecond)
	o.DownInterval = cmp.Or(o.DownInterval, 50*time.Millisecond)
	o.CheckTimeout = cmp.Or(o.CheckTimeout, time.Second)
	o.Fall = cmp.Or(o.Fall, 2)
	o.Rise = cmp.Or(o.Rise, 1)
	o.Wait = cmp.Or(o.Wait, 2*time.Second)
	o.MaxWaiting = cmp.Or(o.MaxWaiting, 1000)
	o.DialTimeout = cmp.Or(o.DialTimeout, 2*time.Second)
	o.BodyTimeout = cmp.Or(o.BodyTimeout, 30*time.Second)
	o.DrainStall = cmp.Or(o.DrainStall, 2*time.Second)
	o.Silence = cmp.Or(o.Silence, 3*time.Second)

	b := &Balancer{o: o, changed: make(chan struct{})}
	seen := map[string]bool{}
	for _, s := range o.Servers {
		if seen[s.Name] {
			return nil, fmt.Errorf("balancer: two servers are named %q", s.Name)
		}
		seen[s.Name] = true
		b.servers = append(b.servers, newServer(s, o))
	}
	b.arrange()
	b.proxy = &httputil.ReverseProxy{
		Rewrite:        b.rewrite,
		Transport:      forwarder{b},
		ModifyResponse: nameServer,
		ErrorHandler:   b.replyError,
		BufferPool:     &buffers{},
		ErrorLog:       slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
	}
	return b, nil
}

// rewrite prepares a request for the servers: who asked, for which host, by which certificate; everything else as it came.
func (b *Balancer) rewrite(p *httputil.ProxyRequest) {
	p.SetXForwarded()
	certificate.Forward(p.Out.Header, p.In.TLS, b.o.Proof)
	p.Out.URL.RawQuery = p.In.URL.RawQuery // ReverseProxy drops what it cannot parse; here the servers judge
}

// nameServer tells the client who answered.
func nameServer(res *http.Response) error {
	c := callFrom(res.Request.Context())
	if c.server != nil {
		res.Header.Set(ServerHeader, c.server.Name)
	}
	c.endBody(res.StatusCode != http.StatusSwitchingProtocols)
	return nil
}

// ServeHTTP hands r to a server and its reply to w.
func (b *Balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if b.answer(w, r) {
		return
	}
	b.asked.Add(1)
	ctx := r.Context()
	c := &call{w: w}
	if r.ContentLength != 0 {
		// net/http ends a request's context when a read of its body fails, also when it was endBody that broke
		// the read off: the reply must still get through then.
		free, cancel := context.WithCancel(context.WithoutCancel(ctx))
		defer cancel()
		c.detach = context.AfterFunc(ctx, cancel)
		defer c.detach()
		ctx = free
	}
	whole := false
	defer func() {
		if !whole && c.server != nil && ctx.Err() == nil {
			c.server.failed.Add(1) // the reply broke off, and with it the connection to the client
		}
		c.release()
	}()
	if len(r.Header["Expect"]) > 0 {
		w = &continued{w}
	}
	b.proxy.ServeHTTP(w, r.WithContext(context.WithValue(ctx, callKey{}, c)))
	whole = true
}

// answer replies to what no server is asked for, and says whether it did.
func (b *Balancer) answer(w http.ResponseWriter, r *http.Request) bool {
	switch {
	case r.Method == http.MethodConnect, r.Method == http.MethodTrace:
		skipBody(w, r)
		w.Header().Set("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
		b.reply(w, r, http.StatusMethodNotAllowed, r.Method+" is not served here")
	case r.URL.Path == b.o.Names.LBAlive:
		skipBody(w, r)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte("<html><body><h1>200 OK</h1>Service ready.</body></html>\n"))
	case slices.ContainsFunc(r.Header["Upgrade"], isOdd):
		skipBody(w, r)
		b.reply(w, r, http.StatusBadRequest, "the header Upgrade names no protocol; its value is ASCII text, such as websocket")
	default:
		return false
	}
	return true
}

// isOdd says whether text has a character that no name of a protocol has: ReverseProxy refuses it.
func isOdd(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}

// continued keeps a server's 100 Continue to itself: net/http sends one to the client when the body is first
// read, which is after the server's.
type continued struct{ http.ResponseWriter }

// WriteHeader passes all but 100.
func (c *continued) WriteHeader(status int) {
	if status != http.StatusContinue {
		c.ResponseWriter.WriteHeader(status)
	}
}

// Unwrap is for http.ResponseController.
func (c *continued) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// call is what one request holds while it is served.
type call struct {
	w      http.ResponseWriter
	server *server // that it is in flight on
	body   *body
	detach func() bool // the client's connection from the request's context; nil without a body
}

type callKey struct{}

func callFrom(ctx context.Context) *call {
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		return c
	}
	return &call{}
}

// endBody reads no more of the request's body, now that there is a reply. net/http takes what has arrived of
// it, waits a little for the rest, and closes the connection where that does not come. A client that has
// stalled gets its reply at once; closes says whether its connection may be closed behind it.
func (c *call) endBody(closes bool) {
	if c.body == nil || c.body.ended() {
		return
	}
	if c.detach != nil {
		c.detach()
	}
	stalled := c.body.end()
	if c.body.ended() {
		return
	}
	_ = http.NewResponseController(c.w).SetReadDeadline(time.Now().Add(skipTime))
	if stalled && closes {
		closeAfter(c.w)
	}
}

func (c *call) release() {
	c.leave()
	if c.body != nil {
		c.body.release()
	}
}

func (c *call) leave() {
	if c.server != nil {
		c.server.bodies.drop(c.body)
		c.server.inFlight.Add(-1)
		c.server = nil
	}
}

// buffers lends the memory that replies are copied through.
type buffers struct{ pool sync.Pool }

const bufferBytes = 32 * 1024

func (p *buffers) Get() []byte {
	if buf, ok := p.pool.Get().(*[]byte); ok {
		return *buf
	}
	return make([]byte, bufferBytes)
}

func (p *buffers) Put(buf []byte) { p.pool.Put(&buf) }

// names lists the servers, for messages.
func (b *Balancer) names() string {
	names := make([]string, len(b.servers))
	for i, s := range b.servers {
		names[i] = s.Name
	}
	return strings.Join(names, ", ")
}
