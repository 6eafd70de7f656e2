// Package ntlm is the security_ntlm kind: NTLM towards the hosts that outgoing connections call. Callers of channels cannot
// log in by it.
package ntlm

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/Azure/go-ntlmssp"

	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/security"
)

// Config is what a definition holds.
type Config struct {
	security.Base
	Username    string      `json:"username" kind:"required" doc:"name of the user, such as joe, BANK\\joe or joe@bank.example"`
	Domain      string      `json:"domain" doc:"the user's domain; empty: username has it, or there is none"`
	Password    kind.Secret `json:"password" doc:"the user's password; the catalog keeps it encrypted"`
	Workstation string      `json:"workstation" doc:"name of the client's machine, for the host's logs; empty: none is told"`
}

const name = "security_ntlm"

// Kind is the row for the node's table of kinds.
func Kind() security.Kind {
	return security.Define(name, "a user and a password, by NTLM, for outgoing connections", Config{Base: security.Base{IsActive: true}}, build)
}

// Check finds everything that is wrong with the values.
func (c Config) Check() kind.Faults {
	var faults kind.Faults
	if c.Username == "" {
		faults.Add("username", "missing")
	}
	if strings.ContainsAny(c.Username, ":\r\n\x00") {
		faults.Add("username", "%q holds a colon or a line break", c.Username)
	}
	if c.Domain != "" && strings.ContainsAny(c.Username, `\@`) {
		faults.Add("domain", "username has a domain already; keep one of them")
	}
	if strings.ContainsAny(c.Domain, ":\\@\r\n\x00") {
		faults.Add("domain", "expected the name of a domain, such as BANK")
	}
	if !c.Password.IsSet() && !c.Password.IsKept() {
		faults.Add("password", "missing; give it, or a reference such as env:NAME")
	}
	return faults
}

type definition struct{ user, password, workstation string }

func build(c Config, d security.Deps) (security.Definition, error) {
	plain, err := d.Reveal("password", c.Password)
	if err != nil {
		return nil, kind.Faults{{Path: "password", Message: err.Error()}}
	}
	user := c.Username
	if c.Domain != "" {
		user = c.Domain + `\` + user
	}
	return &definition{user: user, password: plain, workstation: c.Workstation}, nil
}

// Sign adds nothing: the credentials are a conversation, which Transport holds.
func (d *definition) Sign(context.Context, *http.Request, []byte) error { return nil }

// Transport makes the conversation of each request's connection. NTLM makes a connection known, and not a request: each
// request has one to itself, which stays known for the next.
func (d *definition) Transport(lane func() http.RoundTripper) http.RoundTripper {
	return &lanes{definition: d, lane: lane}
}

// lanes hands each request a connection that nobody else is on.
type lanes struct {
	*definition
	lane func() http.RoundTripper

	mu   sync.Mutex
	free []http.RoundTripper // the one that was used last is last
}

func (l *lanes) take() http.RoundTripper {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.free); n > 0 {
		one := l.free[n-1]
		l.free = l.free[:n-1]
		return one
	}
	return ntlmssp.Negotiator{RoundTripper: settled{l.lane()}, WorkstationName: l.workstation}
}

func (l *lanes) give(one http.RoundTripper) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.free = append(l.free, one)
}

// RoundTrip holds the lane until the reply's body is closed.
func (l *lanes) RoundTrip(req *http.Request) (*http.Response, error) {
	known := req.Clone(req.Context())
	known.SetBasicAuth(l.user, l.password) // for the Negotiator, which sends it to nobody
	one := l.take()
	res, err := one.RoundTrip(known)
	if err != nil {
		l.give(one)
		return nil, err
	}
	res.Body = &body{res.Body, sync.OnceFunc(func() { l.give(one) })}
	return res, nil
}

type body struct {
	io.ReadCloser
	done func()
}

func (b *body) Close() error {
	defer b.done()
	return b.ReadCloser.Close()
}

// settled reads the bodies of refusals whole, so that the next message goes by the same connection: it is free for it then.
type settled struct{ http.RoundTripper }

// maxRefusal is how long the page of a refusal may be.
const maxRefusal = 1 << 20

func (s settled) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := s.RoundTripper.RoundTrip(req)
	if err != nil || res.StatusCode != http.StatusUnauthorized {
		return res, err
	}
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxRefusal))
	if closed := res.Body.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(raw))
	return res, nil
}
