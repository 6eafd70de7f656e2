package oauth2

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/parley-run/parley/runtime/security"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
)

const (
	maxToken  = 16 << 10 // bytes
	maxKnown  = 10_000   // tokens
	maxAsking = 32       // questions at a time: tokens are free to invent
)

// introspector lets those in whose token the authorization server says is active.
type introspector struct {
	config Config
	name   string
	realm  string
	server *server
	now    func() time.Time
	flight singleflight.Group
	asking chan struct{}

	mu    sync.Mutex
	known map[[sha256.Size]byte]known
}

// known is what the server said of a token, until it is asked again.
type known struct {
	who   *service.Principal // nil: it is worth nothing
	scope string
	until time.Time
}

func newIntrospector(c Config, d security.Deps, s *server, now func() time.Time) *introspector {
	return &introspector{
		config: c, name: d.Name, realm: strconv.QuoteToASCII(d.Name), server: s, now: now,
		asking: make(chan struct{}, maxAsking), known: map[[sha256.Size]byte]known{},
	}
}

// Check looks at the header Authorization.
func (i *introspector) Check(ctx context.Context, req *service.Request) (*service.Principal, error) {
	text, ok := bearer(req.Header)
	if !ok {
		return nil, security.Refused("Bearer realm=" + i.realm)
	}
	if len(text) > maxToken {
		return nil, i.invalid()
	}
	sum := sha256.Sum256([]byte(text))
	k, found := i.look(sum)
	if !found {
		var err error
		if k, err = i.ask(ctx, sum, text); err != nil {
			return nil, err
		}
	}
	if k.who == nil {
		return nil, i.invalid()
	}
	have := strings.Fields(k.scope)
	for _, scope := range i.config.Scopes {
		if !slices.Contains(have, scope) {
			return nil, i.insufficient()
		}
	}
	who := *k.who // a service may change what it is given
	return &who, nil
}

// bearer is the token that a request shows, of which there must be one.
func bearer(header map[string][]string) (string, bool) {
	values := header["Authorization"]
	if len(values) != 1 {
		return "", false
	}
	scheme, token, ok := strings.Cut(values[0], " ")
	token = strings.TrimLeft(token, " ")
	return token, ok && strings.EqualFold(scheme, "Bearer") && token != ""
}

func (i *introspector) invalid() *service.Error {
	return security.Refused("Bearer realm=" + i.realm + `, error="invalid_token"`)
}

// insufficient refuses a token that is not for enough, after RFC 6750, section 3.1.
func (i *introspector) insufficient() *service.Error {
	e := service.Errorf(service.Denied, "your token is not for this resource")
	e.Header = map[string][]string{"Www-Authenticate": {
		"Bearer realm=" + i.realm + `, error="insufficient_scope", scope="` + strings.Join(i.config.Scopes, " ") + `"`,
	}}
	return e
}

func (i *introspector) look(sum [sha256.Size]byte) (known, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	k, ok := i.known[sum]
	return k, ok && i.now().Before(k.until)
}

func (i *introspector) keep(sum [sha256.Size]byte, k known) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if now := i.now(); len(i.known) >= maxKnown {
		for old, one := range i.known {
			if !now.Before(one.until) {
				delete(i.known, old)
			}
		}
	}
	if len(i.known) >= maxKnown {
		clear(i.known) // each is worth one question
	}
	i.known[sum] = k
}

// ask asks the server, once for all that show the same token now.
func (i *introspector) ask(ctx context.Context, sum [sha256.Size]byte, token string) (known, error) {
	answer := i.flight.DoChan(string(sum[:]), func() (any, error) {
		// It counts for all that wait: that one of them goes away does not end it. The client's time-out does.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), i.config.Timeout.Std())
		defer cancel()
		select {
		case i.asking <- struct{}{}:
			defer func() { <-i.asking }()
		case <-ctx.Done():
			return known{}, errors.New("too many tokens are being asked about")
		}
		var raw json.RawMessage
		if err := i.server.post(ctx, i.config.IntrospectionURL, url.Values{"token": {token}, "token_type_hint": {"access_token"}}, &raw); err != nil {
			return known{}, err
		}
		k, err := i.read(raw)
		if err == nil && i.now().Before(k.until) {
			i.keep(sum, k)
		}
		return k, err
	})
	select {
	case got := <-answer:
		k, _ := got.Val.(known)
		if got.Err != nil {
			return k, &service.Error{
				Code: service.Unavailable, Message: fmt.Sprintf("the security definition %q cannot check tokens now: its authorization server cannot be asked", i.name),
				Fix: "try again", Err: got.Err,
			}
		}
		return k, nil
	case <-ctx.Done():
		return known{}, ctx.Err()
	}
}

// said is an answer of RFC 7662, section 2.2.
type said struct {
	Active   bool
	Scope    string
	ClientID string `json:"client_id"`
	Username string
	Sub, Iss string
	Aud      audience
	Exp, Nbf *float64
}

// audience is text, or a list of such.
type audience []string

func (a *audience) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(a))
}

// read is what an answer says, and until when that counts.
func (i *introspector) read(raw []byte) (known, error) {
	var s said
	if err := json.Unmarshal(raw, &s); err != nil {
		return known{}, errors.New("the authorization server's answer is none of RFC 7662")
	}
	now := i.now()
	worthless := known{until: now.Add(i.config.NegativeCache.Std())}
	counts := s.Active && (i.config.Issuer == "" || s.Iss == i.config.Issuer)
	if len(i.config.Audience) > 0 {
		counts = counts && slices.ContainsFunc(s.Aud, func(one string) bool { return slices.Contains(i.config.Audience, one) })
	}
	if !counts || s.Nbf != nil && seconds(*s.Nbf).After(now) {
		return worthless, nil
	}
	until := now.Add(i.config.Cache.Std())
	if s.Exp != nil {
		end := seconds(*s.Exp)
		if !end.After(now) {
			return worthless, nil
		}
		if end.Before(until) {
			until = end
		}
	}
	who := s.Username
	for _, other := range []string{s.Sub, s.ClientID} {
		if who == "" {
			who = other
		}
	}
	claims, err := sio.DecodeJSON(raw)
	if err != nil {
		return known{}, errors.New("the authorization server's answer cannot be read")
	}
	return known{who: &service.Principal{Definition: i.name, Kind: name, Name: who, Claims: claims}, scope: s.Scope, until: until}, nil
}

func seconds(unix float64) time.Time { return time.Unix(int64(unix), 0) }

// Scheme describes the credentials for OpenAPI.
func (i *introspector) Scheme() *service.Object {
	if i.config.TokenURL == "" {
		return service.ObjectOf("type", "http", "scheme", "bearer")
	}
	scopes := service.NewObject(len(i.config.Scopes))
	for _, scope := range i.config.Scopes {
		scopes.Set(scope, "")
	}
	flow := service.ObjectOf("tokenUrl", i.config.TokenURL, "scopes", scopes)
	return service.ObjectOf("type", "oauth2", "flows", service.ObjectOf("clientCredentials", flow))
}
