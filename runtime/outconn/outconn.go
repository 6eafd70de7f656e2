// Package outconn says what an outgoing connection is: a named resource that services call. One folder a
// kind; each knows this seam and nothing else of the runtime's insides.
package outconn

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/spelling"
)

// Conn is an outgoing connection that the node keeps open.
type Conn interface {
	// Call is what services use; see service.Outconn. An error that is no *service.Error becomes "internal
	// error" to the caller: a remote that is down is an Upstream error, one that is too slow a Timeout, and
	// both name the connection.
	service.Outconn
	// Ping tries the remote and says in a few lines what came back.
	Ping(ctx context.Context) (string, error)
	// Close lets go of what is open, after the last Call has returned. What is queued is sent until ctx ends;
	// the error says what was not.
	Close(ctx context.Context) error
}

// Starter is a Conn that needs to be told when it becomes the one in use, because it binds a port or starts
// goroutines. Start is called once and must not block; a Conn that is never started is still closed.
type Starter interface{ Start() }

// Deps is all that an outgoing connection may use.
type Deps struct {
	Name   string
	Names  service.Names
	Log    *slog.Logger
	Signer Signer                                          // credentials of the definition that the config names; nil: none
	Reveal func(key string, s kind.Secret) (string, error) // what a secret of the config stands for
}

// Signer adds credentials to an HTTP request, of which a body is still to be sent. It is called for each attempt.
type Signer interface {
	Sign(ctx context.Context, req *http.Request, body []byte) error
}

// BodySigner is a Signer whose credentials stand in the body: SignBody gives the one to send in place of body, and is called
// in place of Sign.
type BodySigner interface {
	SignBody(ctx context.Context, req *http.Request, body []byte) ([]byte, error)
}

// Certified is a Signer that has to do with how connections are made: mutual TLS.
type Certified interface {
	// Client is base for a connection that is made now, with what it shows and whom it trusts. version is another one once
	// that has changed.
	Client(base *tls.Config) (config *tls.Config, version any)
}

// Conversing is a Signer that takes several round trips on one connection to be known: NTLM.
type Conversing interface {
	// Transport is what requests go through in place of a transport of the connection's. lane makes one that has a single
	// HTTP/1.1 connection; as many are asked for as requests are made at once.
	Transport(lane func() http.RoundTripper) http.RoundTripper
}

// Renewer is a Signer whose credentials may end before it knows. Renew is told of a request whose credentials the other side
// refused (401), and says whether it is worth signing the request anew and sending it once more.
type Renewer interface{ Renew(req *http.Request) bool }

// Kind is one kind of outgoing connection: a row of the table in node/kinds.go.
type Kind struct {
	kind.Info
	Self []string // its names in services: self.outgoing.<name>
	// Parse reads an object's config; its JSON, defaults included, is what the catalog keeps. Its errors are
	// kind.Faults.
	Parse func(raw []byte) (any, error)
	// New builds a connection from what Parse returned. It must not block, bind or dial.
	New func(c any, d Deps) (Conn, error)
}

// Define makes a Kind of a typed config: def holds the defaults.
func Define[C any](name, doc string, self []string, def C, build func(C, Deps) (Conn, error)) Kind {
	return Kind{
		Info:  kind.Info{Name: name, Doc: doc, Fields: kind.Describe(def)},
		Self:  self,
		Parse: func(raw []byte) (any, error) { return kind.Decode(raw, def) },
		New:   func(c any, d Deps) (Conn, error) { return build(c.(C), d) },
	}
}

// UnknownMethod is the error for a method that a connection does not have.
func UnknownMethod(name, method string, known []string) error {
	fix := "known methods are " + strings.Join(known, ", ")
	if near := spelling.Nearest(method, known); near != "" {
		fix = fmt.Sprintf("did you mean %q?", near)
	}
	return &service.Error{Code: service.Internal, Message: fmt.Sprintf("outconn %q has no method %q", name, method), Fix: fix}
}
