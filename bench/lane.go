package bench

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
	"unicode"
)

// errDied ends a request whose connection ended after some of it was written and before any reply.
var errDied = errors.New("connection ended after the request was sent, before any reply")

// lane is a connection that is kept open, over which requests of HTTP/1.1 go one after another. It never sends one a second time
// once a byte of it has gone out: net/http's own client sends a GET again when a kept-alive connection dies under it, which
// would hide what a benchmark is there to see, and could execute a request twice.
type lane struct {
	send *sender
	wire *wire    // nil: not connected
	conn net.Conn // the wire, or TLS over it
	in   *bufio.Reader
	out  []byte
	from string // the server that answered last: mostly it is the same again
}

// ready says whether a request could go out at once.
func (l *lane) ready() bool { return l.wire != nil }

// exchange sends one request and reads its reply to the end. wrote is called once the request has gone out, or cannot. The reply
// says also, of a request that failed, whether any of it was sent.
func (l *lane) exchange(ctx context.Context, r *compiled, v values, until time.Time, wrote func()) (reply, error) {
	var err error
	if l.out, err = l.send.write(l.out[:0], r, v); err != nil {
		wrote()
		return reply{neverSent: true}, err
	}
	sent := time.Now()
	again, err := l.connect(ctx, until)
	if err != nil {
		wrote()
		return reply{neverSent: true}, err
	}
	before := l.wire.written
	_, err = l.conn.Write(l.out)
	if err != nil && again && l.wire.written == before { // the peer had closed it, and has seen nothing of this request
		l.close()
		if _, err = l.connect(ctx, until); err != nil {
			wrote()
			return reply{neverSent: true}, err
		}
		before = 0
		_, err = l.conn.Write(l.out)
	}
	wrote()
	if err != nil && l.wire.written == before {
		l.close()
		return reply{neverSent: true}, err
	}
	got, fault := l.read(r, v.kept) // where only a part could be sent, too: the peer may say why
	if fault == nil && err == nil {
		got.end = l.wire.end(sent)
		if got.last || l.in.Buffered() > 0 {
			l.close()
		}
		return got, nil
	}
	l.close()
	if fault == nil {
		return got, nil
	}
	return reply{}, errors.Join(err, fault)
}

// connect sees to a connection, and says whether it is one that was used before.
func (l *lane) connect(ctx context.Context, until time.Time) (bool, error) {
	if l.wire != nil && l.wire.ended() {
		l.close()
	}
	if l.wire != nil {
		if err := l.send.arm(l.wire, until); err != nil {
			l.close()
			return false, err
		}
		return true, nil
	}
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	plain, err := l.send.connection(ctx)
	if err != nil {
		return false, err
	}
	l.wire = newWire(plain)
	l.conn = l.wire
	l.send.keep(l.wire)
	if err := l.send.arm(l.wire, until); err != nil {
		l.close()
		return false, err
	}
	if l.send.tls != nil {
		secure := tls.Client(l.wire, l.send.tls)
		if err := secure.HandshakeContext(ctx); err != nil {
			l.close()
			return false, err
		}
		l.conn, l.wire.written = secure, 0
	}
	if l.in == nil {
		l.in = bufio.NewReaderSize(nil, 1<<10) // with thousands of connections it is these that count
	}
	l.in.Reset(l.conn)
	return false, nil
}

// connection dials. It does so in a goroutine of its own, whose stack goes with it: those of thousands of workers would else stay
// twice as large as what they do needs.
func (s *sender) connection(ctx context.Context) (net.Conn, error) {
	var c net.Conn
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err = (&net.Dialer{}).DialContext(ctx, "tcp", s.dial)
	}()
	<-done
	return c, err
}

// named is a server's name.
func (l *lane) named(name []byte) string {
	if string(name) != l.from {
		l.from = printable(string(name))
	}
	return l.from
}

func (l *lane) close() {
	if l.wire != nil {
		l.send.forget(l.wire)
		_ = l.wire.Close() // nothing more is wanted of it
		l.wire, l.conn = nil, nil
	}
}

// printable is text from outside without what a terminal would obey.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && unicode.IsControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// plainError is what an error says without the addresses, which differ with every connection.
func plainError(err error, timeout time.Duration) string {
	var op *net.OpError
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("no reply within %s", timeout)
	case errors.Is(err, errDied):
		return errDied.Error()
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "connection ended within the reply"
	case errors.As(err, &op) && op.Op != "dial":
		return op.Err.Error()
	}
	return err.Error()
}
