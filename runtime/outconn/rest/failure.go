package rest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"

	"github.com/parley-run/parley/runtime/service"
)

// misuse is a mistake of the service that calls.
func (c *conn) misuse(format string, args ...any) error {
	e := service.Errorf(service.Internal, format, args...)
	e.Message = fmt.Sprintf("outconn %q: %s", c.name, e.Message)
	return e
}

func (c *conn) tooLong(res *http.Response) error {
	return &service.Error{
		Code:    service.Upstream,
		Message: fmt.Sprintf("outconn %q: %s %s answered with more than %d bytes", c.name, res.Request.Method, address(res.Request.URL), c.cfg.MaxResponse),
		Fix:     "ask for less or raise its max_response",
	}
}

// noSlot is the error of a call that all the time waited for a connection.
func (c *conn) noSlot(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return c.callerGone(ctx, "all of its connections were in use")
	}
	return &service.Error{
		Code: service.Timeout, Err: err,
		Message: fmt.Sprintf("outconn %q: all %d connections to %s were in use for %s", c.name, c.cfg.PoolSize, c.cfg.Host, c.cfg.Timeout.Std()),
		Fix:     "see why it answers slowly, or raise its pool_size or timeout",
	}
}

func (c *conn) callerGone(ctx context.Context, while string) error {
	why := "the caller's deadline passed"
	if errors.Is(ctx.Err(), context.Canceled) {
		why = "the caller went away"
	}
	return &service.Error{Code: service.Timeout, Err: context.Cause(ctx), Message: fmt.Sprintf("outconn %q: %s while %s", c.name, why, while)}
}

// failed turns a transport's error into one for the caller. ctx is the caller's, limited the connection's within it.
func (c *conn) failed(ctx, limited context.Context, verb string, target *url.URL, err error) error {
	where := verb + " " + address(target)
	var timeout net.Error
	switch {
	case ctx.Err() != nil:
		return c.callerGone(ctx, where+" was not answered")
	case limited.Err() != nil, errors.As(err, &timeout) && timeout.Timeout():
		return &service.Error{
			Code: service.Timeout, Err: err,
			Message: fmt.Sprintf("outconn %q: %s was not answered within %s", c.name, where, c.cfg.Timeout.Std()),
			Fix:     "see why it answers slowly, or raise its timeout",
		}
	}
	e := &service.Error{Code: service.Upstream, Err: err}
	if isDial(err) {
		e.Message = fmt.Sprintf("outconn %q: cannot reach %s://%s: %s", c.name, target.Scheme, target.Host, reason(err))
	} else {
		e.Message = fmt.Sprintf("outconn %q: %s was not answered: %s", c.name, where, reason(err))
	}
	return e
}

// isDial says whether the error came before any request could be sent.
func isDial(err error) bool {
	var op *net.OpError
	var cert *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var host x509.HostnameError
	return errors.As(err, &op) && op.Op == "dial" || errors.As(err, &cert) || errors.As(err, &record) || errors.As(err, &host)
}

// reason is the last word of an error: "connection refused" rather than the chain of calls before it.
func reason(err error) string {
	var sys *os.SyscallError
	var dns *net.DNSError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was closed"
	case errors.As(err, &sys):
		return sys.Err.Error()
	case errors.As(err, &dns):
		return dns.Err
	}
	return err.Error()
}
