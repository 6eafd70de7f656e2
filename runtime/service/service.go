// Package service is what service authors and every other package of the runtime share: the one handler
// signature, requests and responses, the errors that may reach a caller, and the neutral form of data.
//
// A service in Go is a function from one struct to another:
//
//	type In struct{ CustID int64 }
//	type Out struct{ FirstName string }
//
//	service.New("crm.get-name", func(ctx context.Context, rt service.Runtime, in In) (Out, error) { ... })
//
// The package imports nothing but the standard library.
package service

import (
	"context"
	"crypto/tls"
	"log/slog"
	"slices"
	"time"
)

// Handler is the one signature through the system: services are it, channels call it, and statistics,
// security and SimpleIO wrap it. It is called from many goroutines at once and must respect ctx's deadline.
// A returned *Error reaches the caller with its message; any other error becomes "internal error" and the CID.
type Handler interface {
	Handle(ctx context.Context, req *Request) (*Response, error)
}

// HandlerFunc is a function as a Handler.
type HandlerFunc func(ctx context.Context, req *Request) (*Response, error)

// Handle calls f.
func (f HandlerFunc) Handle(ctx context.Context, req *Request) (*Response, error) { return f(ctx, req) }

// Request is one invocation, from whatever channel it came. It belongs to one invocation: a handler may keep
// or change what it holds.
type Request struct {
	CID     string              // correlation ID, in the reply, the logs and every outgoing call
	Channel string              // name of the channel, job, topic or service that calls
	Method  string              // the protocol's verb, such as POST; empty where it has none
	Path    string              // the protocol's address of the channel, such as /customers/1; empty where it has none
	Params  map[string][]string // path and query parameters
	Query   map[string][]string // query parameters alone
	Header  map[string][]string // as received; keys in canonical form
	Raw     []byte              // body as received, bounded by the channel
	Payload any                 // Raw, decoded by the channel's format, in the neutral form (see Object)
	Input   any                 // Payload and Params, checked against the service's Shape; an *Object where there is one

	ParamsApart  bool                    // Params are no part of Input
	PayloadFirst bool                    // Payload wins over Params where both have a field
	Secrets      []string                // fields of Input that no log may show; those of nested objects as user.password
	Form         func() (*Object, error) // Raw as a form, where the caller says that it is one; nil: it is none
	Decode       func() (any, error)     // Raw in the neutral form, where Input was decoded from Raw without a Payload on the way

	Remote    string               // address of the caller, host:port; empty where it has none
	TLS       *tls.ConnectionState // of the connection; nil: it is not encrypted
	Principal *Principal           // who calls; nil: anybody
	Via       *Via                 // what it came through; nil: nobody says

	// Finally, where the service left something, is run once after the request was counted, by whoever counts.
	Finally func(*Response, error)
}

// Via is what a request came through.
type Via struct {
	Kind       string // of the channel, such as channel_rest, or "invoke" for another service
	DataFormat string // of the channel
}

// Principal is who calls, as a security definition has it.
type Principal struct {
	Definition string // its name
	Kind       string // of the definition, such as security_basic_auth
	Name       string // of the user, the key's owner, the certificate's subject
	Claims     any    // what a token says beside that, in the neutral form; nil: nothing
}

// Decoded is Payload, decoded now where it was not yet. It is not for many goroutines at once.
func (r *Request) Decoded() (any, error) {
	if r.Payload != nil || r.Decode == nil {
		return r.Payload, nil
	}
	var err error
	r.Payload, err = r.Decode()
	return r.Payload, err
}

// Response is a service's answer.
type Response struct {
	Status      int // the protocol's status; 0 means success
	Header      map[string][]string
	Payload     any    // in the neutral form, before a format is put on it
	ContentType string // of Raw; a service may set it to override the channel's
	Raw         []byte // Payload in the channel's format, put there on the way out
}

// Service is a Handler with a name and, where it declares them, its input and output.
type Service struct {
	Name    string // such as "tutorial.get-client-details"
	Doc     string
	Shape   *Shape // nil: any input, any output
	Handler Handler
	Methods []string // the protocol's verbs that it takes, such as GET, which stands for HEAD too; empty: all
	// Permission is of an internal service: what callers of the admin API must be allowed. See Needed.
	Permission Permission
	// Hash, where not nil, names what a reply depends on, for channels that keep replies: see Hooks.RequestHash.
	Hash func(ctx context.Context, req *Request) (key string, keep bool, err error)
}

// Takes says whether the service takes requests of that verb. A request without one goes to every service.
func (s Service) Takes(method string) bool {
	return len(s.Methods) == 0 || method == "" || slices.Contains(s.Methods, method) ||
		method == "HEAD" && slices.Contains(s.Methods, "GET")
}

// Runtime is what a service may ask of the node that runs it: Starlark's self and the rt of Go services.
// Safe for concurrent use.
type Runtime interface {
	// Out is the outgoing connection of that kind and name, such as "rest" and "CRM". A missing one is an
	// *Error of code NotFound.
	Out(kind, name string) (Outconn, error)
	// Invoke calls another service and returns its payload. The callee sees the caller's CID and deadline.
	Invoke(ctx context.Context, name string, payload any) (any, error)
}

// Outconn is an outgoing connection as services see it: one generic call, so that a new kind touches neither
// the Starlark engine nor the node. Safe for concurrent use; a call ends by ctx's deadline. args, kwargs and
// the result are in the neutral form.
type Outconn interface {
	Call(ctx context.Context, method string, args []any, kwargs map[string]any) (any, error)
}

// Call is what one invocation carries through its context: everything that outlives a function's arguments.
type Call struct {
	CID     string
	Service string // name of the service that runs
	Log     *slog.Logger
	Runtime Runtime
	Who     string           // who calls an internal service, for the audit log: a user, or "token"
	Depth   int              // how many services have invoked each other up to this one
	Request *Request         // what it answers; nil: nobody says
	Now     func() time.Time // the server's clock; nil: time.Now
	Trace   Trace            // that the request came with
}

type callKey struct{}

// WithCall returns a context that carries c.
func WithCall(ctx context.Context, c *Call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// CallFrom is the Call that ctx carries, or an empty one.
func CallFrom(ctx context.Context) *Call {
	if c, ok := ctx.Value(callKey{}).(*Call); ok {
		return c
	}
	return &Call{}
}
