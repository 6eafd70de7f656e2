package redisurl

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// Unreachable says that no connection could be made: nothing was sent.
type Unreachable struct {
	Why string // what is wrong, for people; its host is named where a URL names several
	Err error
}

func (u *Unreachable) Error() string { return u.Why }

// Unwrap gives the cause.
func (u *Unreachable) Unwrap() error { return u.Err }

// Reason is the last word of an error of the network: "connection refused" rather than the chain of calls before it.
func Reason(err error) string {
	var away *Unreachable
	var sys *os.SyscallError
	var dns *net.DNSError
	var slow net.Error
	switch {
	case errors.As(err, &away):
		return away.Why
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return "the connection was closed"
	case errors.As(err, &sys):
		return sys.Err.Error()
	case errors.As(err, &dns):
		return dns.Err
	case errors.As(err, &slow) && slow.Timeout():
		return "no answer in time"
	}
	return err.Error()
}

// TLS is what connections verify and show, nil without TLS. It reads the files that the URL names.
func (t *Target) TLS() (*tls.Config, error) {
	if !t.tls {
		return nil, nil
	}
	o := t.options
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: o.serverName, InsecureSkipVerify: o.insecure} //nolint:gosec // who writes insecure=true wants it
	if o.ca != "" {
		pem, err := os.ReadFile(o.ca)
		if err != nil {
			return nil, fmt.Errorf("ca: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("ca: %s holds no certificate in PEM form", o.ca)
		}
	}
	if o.cert != "" {
		pair, err := tls.LoadX509KeyPair(o.cert, o.key)
		if err != nil {
			return nil, fmt.Errorf("cert %s and key %s: %w", o.cert, o.key, err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// dialer makes connections.
type dialer struct {
	timeout time.Duration
	tls     *tls.Config // nil: none
	several bool        // the target has several hosts, so that errors name them
}

// dial makes one connection, TLS and all.
func (d dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	tcp := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 5 * time.Second, Count: 3}}
	conn, err := tcp.DialContext(ctx, network, address)
	if err != nil {
		return nil, d.unreachable(ctx, address, "", err)
	}
	if d.tls == nil {
		return conn, nil
	}
	config := d.tls
	if config.ServerName == "" {
		config = config.Clone()
		config.ServerName, _, _ = net.SplitHostPort(address)
	}
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, d.unreachable(ctx, address, "TLS: ", err)
	}
	return wrapped{Conn: secure, below: conn}, nil
}

func (d dialer) unreachable(ctx context.Context, address, step string, err error) error {
	why := step + Reason(err)
	if ctx.Err() != nil {
		why = step + "no connection within " + d.timeout.String()
	}
	if d.several {
		why = address + ": " + why
	}
	return &Unreachable{Why: why, Err: err}
}

// wrapped is a connection that go-redis cannot look through by itself.
type wrapped struct {
	net.Conn
	below net.Conn
	gone  func() // nil, or called at Close
}

// SyscallConn lets go-redis see whether the peer has hung up before it sends a command. What may lie unread in a TLS
// connection then is its end, or a ticket: go-redis takes either for a reason to make a new one.
func (w wrapped) SyscallConn() (syscall.RawConn, error) {
	if c, ok := w.below.(syscall.Conn); ok {
		return c.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

func (w wrapped) Close() error {
	if w.gone != nil {
		w.gone()
	}
	return w.Conn.Close()
}

// failed is what a dial that failed gives go-redis: a connection whose first use is the failure. Where dials fail, go-redis
// stops dialing after as many as its pool is large, and looks only each second whether it may again: a failover would be
// seen that much later.
type failed struct{ err error }

// attempt makes a function that dials into one for go-redis.
func attempt(dial func(ctx context.Context, network, address string) (net.Conn, error)) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return failed{skin{err}}, nil
		}
		return conn, nil
	}
}

// skin is what go-redis takes off: it unwraps, once, what fails before a connection's first command.
type skin struct{ error }

func (s skin) Unwrap() error { return s.error }

func (f failed) Read([]byte) (int, error)         { return 0, f.err }
func (f failed) Write([]byte) (int, error)        { return 0, f.err }
func (f failed) Close() error                     { return nil }
func (f failed) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (f failed) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (f failed) SetDeadline(time.Time) error      { return nil }
func (f failed) SetReadDeadline(time.Time) error  { return nil }
func (f failed) SetWriteDeadline(time.Time) error { return nil }
