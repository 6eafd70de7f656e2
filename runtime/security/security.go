// Package security says what a security definition is: named credentials that channels ask of their callers, and that
// outgoing connections show to whom they call. One folder a kind; each knows this seam and nothing else of the runtime's insides.
package security

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/password"
	"github.com/parley-run/parley/runtime/service"
)

// Base is what every definition's config holds; embed it.
type Base struct {
	IsActive bool `json:"is_active" doc:"an inactive definition lets nobody in, and no outgoing connection may use it"`
}

// Common is the embedded Base.
func (b Base) Common() Base { return b }

// Config is a definition's config with defaults filled in.
type Config interface{ Common() Base }

// Definition is a built security definition: a Guard, a Signer or both. It is used from many goroutines.
type Definition any

// Guard is a definition that channels can ask for.
type Guard interface {
	// Check says who calls, or refuses: an *service.Error of code Unauthenticated with a challenge, and of others where
	// it cannot be known. It takes the same work for a caller that nobody knows.
	Check(ctx context.Context, req *service.Request) (*service.Principal, error)
}

// Signer is a definition that outgoing connections can use.
type Signer interface {
	// Sign adds credentials to a request, of which a body is still to be sent. It is called for each attempt.
	Sign(ctx context.Context, req *http.Request, body []byte) error
}

// BodySigner is a Signer whose credentials stand in the body.
type BodySigner interface {
	// SignBody gives the body to send in place of body, and may set req's headers. It is called in place of Sign, for each
	// attempt.
	SignBody(ctx context.Context, req *http.Request, body []byte) ([]byte, error)
}

// Described is a definition that can say how its credentials are shown, as the Security Scheme Object of OpenAPI has it.
type Described interface{ Scheme() *service.Object }

// Deps is all that a definition may use.
type Deps struct {
	Name   string
	Names  service.Names
	Log    *slog.Logger
	Checks *password.Checks                                // bounds what hashing costs, for all definitions together
	Reveal func(key string, s kind.Secret) (string, error) // what a sealed secret or a reference stands for
	Invoke func(context.Context, string, any) (any, error) // calls a service; nil: there is none
	// Shared remembers a nonce or a token's id for that time, for the whole cluster, and says whether it was not known. nil:
	// nobody does.
	Shared func(ctx context.Context, key string, during time.Duration) (fresh bool, _ error)

	Revoked Revocations      // tokens that were given up, for the whole cluster; nil: nobody remembers them
	Now     func() time.Time // the server's clock; nil: time.Now
}

// Kind is one kind of security definition: a row of the table in node/kinds.go.
type Kind struct {
	kind.Info
	// Parse reads an object's config; its canonical JSON, defaults included, is what the catalog keeps. Its errors are
	// kind.Faults.
	Parse func(raw []byte) (Config, error)
	// New builds a definition from what Parse returned. It must not block or dial.
	New func(c Config, d Deps) (Definition, error)
}

// Define makes a Kind of a typed config: def holds the defaults.
func Define[C Config](name, doc string, def C, build func(C, Deps) (Definition, error)) Kind {
	return Kind{
		Info:  kind.Info{Name: name, Doc: doc, Fields: kind.Describe(def)},
		Parse: func(raw []byte) (Config, error) { return kind.Decode(raw, def) },
		New: func(c Config, d Deps) (Definition, error) {
			if !c.Common().IsActive {
				return inactive{d.Name}, nil
			}
			return build(c.(C), d)
		},
	}
}

// inactive is a definition that is switched off.
type inactive struct{ name string }

func (i inactive) Check(context.Context, *service.Request) (*service.Principal, error) {
	return nil, service.Errorf(service.Denied, "the security definition %q is inactive", i.name)
}

func (i inactive) Sign(context.Context, *http.Request, []byte) error {
	return service.Errorf(service.Internal, "the security definition %q is inactive", i.name)
}

// Refused is the answer to a caller that does not show the credentials that are asked for. It says the same of a user that
// nobody knows and of a wrong password. challenge is the value of WWW-Authenticate.
func Refused(challenge string) *service.Error {
	return &service.Error{
		Code: service.Unauthenticated, Message: "you are not allowed to access this resource without valid credentials",
		Header: map[string][]string{"Www-Authenticate": {challenge}},
	}
}

// Wrap is next behind a guard. Where g is nil, anybody may call.
func Wrap(next service.Handler, g Guard) service.Handler {
	if g == nil {
		return next
	}
	return service.HandlerFunc(func(ctx context.Context, req *service.Request) (*service.Response, error) {
		who, err := g.Check(From(ctx, req.Remote), req)
		if err != nil {
			return nil, err
		}
		req.Principal = who
		return next.Handle(ctx, req)
	})
}

// AnyOf lets through whom one of the guards knows, asked in that order. A refusal has challenge in WWW-Authenticate.
func AnyOf(challenge string, guards []Guard) Guard { return anyOf{challenge, guards} }

type anyOf struct {
	challenge string
	guards    []Guard
}

// Check asks each guard, also after one that refuses. What keeps one from knowing is an error where no other one knows.
func (a anyOf) Check(ctx context.Context, req *service.Request) (*service.Principal, error) {
	var unknown error
	for _, g := range a.guards {
		who, err := g.Check(ctx, req)
		if err == nil {
			return who, nil
		}
		if code := service.AsError(err).Code; code != service.Unauthenticated && code != service.Denied {
			unknown = err
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	if unknown != nil {
		return nil, unknown
	}
	return nil, Refused(a.challenge)
}

type callerKey struct{}

// From is a ctx that says which address a caller logs in from, host:port: wrong passwords slow down that user at that
// address, and nobody else. Of an IPv6 address the network counts, its first 64 bits: the rest is the caller's to choose.
func From(ctx context.Context, remote string) context.Context {
	if host, _, err := net.SplitHostPort(remote); err == nil {
		remote = host
	}
	if ip, err := netip.ParseAddr(remote); err == nil {
		if ip = ip.Unmap().WithZone(""); ip.Is6() {
			remote = netip.PrefixFrom(ip, 64).Masked().String()
		} else {
			remote = ip.String()
		}
	}
	return context.WithValue(ctx, callerKey{}, remote)
}

func callerFrom(ctx context.Context) string {
	remote, _ := ctx.Value(callerKey{}).(string)
	return remote
}

// Hashed checks a password or a key against a secret that is hashed or can be revealed, at a bounded cost.
type Hashed struct {
	checks *password.Checks
	hash   *password.Hash
	name   string // of the definition
	form   string // names the secret among those that were right
}

// NewHashed prepares the check of the secret that the config keeps under key.
func NewHashed(d Deps, key string, s kind.Secret) (*Hashed, error) {
	if !s.IsSet() {
		return nil, kind.Faults{{Path: key, Message: "missing; give it, or a reference such as env:NAME"}}
	}
	h := &Hashed{checks: d.Checks, name: d.Name, form: s.Form()}
	if s.IsHashed() {
		hash, err := password.Parse(s.Form()[len("hashed:"):])
		if err != nil {
			return nil, kind.Faults{{Path: key, Message: err.Error()}}
		}
		h.hash = &hash
		return h, nil
	}
	plain, err := d.Reveal(key, s)
	if err != nil {
		return nil, kind.Faults{{Path: key, Message: err.Error()}}
	}
	// It is here in plain, and still checked as a hash: the work tells nobody which of two passwords is nearer.
	hash := password.New(plain)
	h.hash, h.form = &hash, hash.String()
	return h, nil
}

// Matches says whether that is the secret. known is whether all else about the caller is right: one that is not takes the
// same work. The error is of code TooMany where too many are being checked, and for a user at an address (see From) whose
// last ones were wrong: each further one waits twice as long.
func (h *Hashed) Matches(ctx context.Context, known bool, user, given string) (bool, error) {
	right, err := h.checks.DoFor(ctx, password.Who{User: []string{h.name, user}, From: callerFrom(ctx)}, func() bool { return h.hash.Matches(given) && known }, h.form, user, given)
	wait := time.Second
	switch slow := new(password.TooSoonError); {
	case errors.As(err, &slow):
		wait = slow.Wait
	case !errors.Is(err, password.ErrBusy):
		return right && known, err
	}
	e := service.Errorf(service.TooMany, "too many log-ins; try again later")
	e.Err = err
	e.Header = map[string][]string{"Retry-After": {strconv.Itoa(int(math.Ceil(wait.Seconds())))}}
	return false, e
}
