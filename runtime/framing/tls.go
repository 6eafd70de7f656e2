package framing

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// secured is an HTTP/1 connection by TLS. net/http asks it for its ConnectionState, and no plain one may have that.
type secured struct {
	conn
	tls *tls.Conn
}

// ConnectionState is what http.Request.TLS is made of.
func (s *secured) ConnectionState() tls.ConnectionState { return s.tls.ConnectionState() }

// strict refuses what HTTP/2 says of a body's length in a way that has no meaning.
type strict struct{ http.Handler }

func (s strict) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	lengths := r.Header["Content-Length"]
	if r.ProtoMajor < 2 || len(lengths) == 0 || len(lengths) == 1 && isLength(lengths[0]) {
		s.Handler.ServeHTTP(w, r)
		return
	}
	http.Error(w, "400 Bad Request", http.StatusBadRequest)
}

func isLength(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

// handshakes is a listener whose connections have agreed on a protocol: net/http knows HTTP/2 by the type *tls.Conn alone,
// and must not see that of the others. Each handshake has a goroutine of its own, and holds nobody up.
type handshakes struct {
	net.Listener
	config   *tls.Config
	patience time.Duration   // 0: for ever
	log      *log.Logger     // nil: the standard one
	ctx      context.Context //nolint:containedctx // what ends handshakes when the listener is closed, which has no ctx
	cancel   context.CancelFunc
	ready    chan accepted
	under    sync.WaitGroup
}

// accepted is what Accept returns.
type accepted struct {
	conn net.Conn
	err  error
}

func listenTLS(l net.Listener, server *http.Server) net.Listener {
	h := &handshakes{
		Listener: l, config: server.TLSConfig.Clone(), log: server.ErrorLog,
		patience: shortest(server.ReadHeaderTimeout, server.ReadTimeout, server.WriteTimeout), ready: make(chan accepted),
	}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	h.under.Go(h.accept)
	return h
}

// shortest is the shortest of those that are set, as net/http bounds handshakes.
func shortest(all ...time.Duration) (least time.Duration) {
	for _, d := range all {
		if d > 0 && (least == 0 || d < least) {
			least = d
		}
	}
	return least
}

// accept takes connections until the listener is closed.
func (h *handshakes) accept() {
	for {
		c, err := h.Listener.Accept()
		if err == nil {
			h.under.Go(func() { h.shake(c) })
			continue
		}
		if !h.give(accepted{err: err}) || errors.Is(err, net.ErrClosed) {
			return
		}
	}
}

// give hands over to Accept. false: the listener is closed.
func (h *handshakes) give(a accepted) bool {
	select {
	case h.ready <- a:
		return true
	case <-h.ctx.Done():
		return false
	}
}

// shake agrees with a client on TLS and the protocol in it.
func (h *handshakes) shake(c net.Conn) {
	t := tls.Server(c, h.config)
	if h.patience > 0 {
		_ = c.SetDeadline(time.Now().Add(h.patience))
	}
	if err := t.HandshakeContext(h.ctx); err != nil {
		h.failed(c, err)
		return
	}
	_ = c.SetDeadline(time.Time{})
	var made net.Conn = t
	if t.ConnectionState().NegotiatedProtocol != "h2" {
		made = &secured{conn{Conn: t}, t}
	}
	if !h.give(accepted{conn: made}) {
		_ = c.Close()
	}
}

// failed says why, in net/http's own words.
func (h *handshakes) failed(c net.Conn, err error) {
	defer func() { _ = c.Close() }()
	if h.ctx.Err() != nil {
		return
	}
	why := err.Error()
	var record tls.RecordHeaderError
	if errors.As(err, &record) && record.Conn != nil && isHTTP(record.RecordHeader) {
		_, _ = io.WriteString(record.Conn, "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n")
		why = "client sent an HTTP request to an HTTPS server"
	}
	printf := log.Printf
	if h.log != nil {
		printf = h.log.Printf
	}
	printf("http: TLS handshake error from %s: %s", c.RemoteAddr(), why)
}

// isHTTP says whether a client began to speak plain HTTP.
func isHTTP(begun [5]byte) bool {
	switch string(begun[:]) {
	case "GET /", "HEAD ", "POST ", "PUT /", "DELET", "PATCH", "OPTIO":
		return true
	}
	return false
}

// Accept is the next connection that has agreed on a protocol.
func (h *handshakes) Accept() (net.Conn, error) {
	select {
	case a := <-h.ready:
		return a.conn, a.err
	case <-h.ctx.Done():
		return nil, net.ErrClosed
	}
}

// Close ends the handshakes that are under way, too.
func (h *handshakes) Close() error {
	err := h.Listener.Close()
	h.cancel()
	h.under.Wait()
	return err
}
