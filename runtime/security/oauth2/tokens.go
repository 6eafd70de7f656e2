package oauth2

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/parley-run/parley/runtime/security"
	"github.com/parley-run/parley/runtime/service"
)

const (
	mostEarly   = 30 * time.Second // before its end a token is no longer shown
	unsaidLife  = time.Minute      // of a token whose life the server does not say
	failedRest  = time.Second      // after the server gave none: those that come then are told the same
	renewedRest = time.Second      // between two tokens that are given up since a remote refused them
)

// tokens shows what the authorization server gives for our own credentials.
type tokens struct {
	config Config
	name   string
	server *server
	now    func() time.Time
	asking chan struct{} // room for one

	mu      sync.Mutex
	text    string
	early   time.Time // from when another is asked for
	end     time.Time // from when it is worth nothing
	fault   error
	failed  time.Time
	renewed time.Time
}

func newTokens(c Config, d security.Deps, s *server, now func() time.Time) *tokens {
	return &tokens{config: c, name: d.Name, server: s, now: now, asking: make(chan struct{}, 1)}
}

// Sign sets the header Authorization to a token that is used until shortly before it ends.
func (t *tokens) Sign(ctx context.Context, req *http.Request, _ []byte) error {
	text, ask, err := t.current()
	if ask {
		text, err = t.another(ctx)
	}
	if err != nil {
		return err
	}
	req.Header["Authorization"] = []string{"Bearer " + text}
	return nil
}

// Renew gives up the token that a remote has just refused, and says whether another may do better.
func (t *tokens) Renew(req *http.Request) bool {
	shown, ok := bearer(req.Header)
	if !ok {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if shown != t.text {
		return t.text != "" // somebody has another one by now
	}
	now := t.now()
	if !t.renewed.IsZero() && now.Sub(t.renewed) < renewedRest {
		return false // tokens are refused for another reason
	}
	t.text, t.renewed = "", now
	return true
}

// current is the token that there is, and whether to ask for one. An error says that none can be had right now.
func (t *tokens) current() (text string, ask bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	rests := t.fault != nil && now.Sub(t.failed) < failedRest
	switch {
	case t.text != "" && (now.Before(t.early) || rests && now.Before(t.end)):
		return t.text, false, nil
	case rests:
		return "", false, t.fault
	}
	return "", true, nil
}

// another asks for a token, one caller for all.
func (t *tokens) another(ctx context.Context) (string, error) {
	select {
	case t.asking <- struct{}{}:
		defer func() { <-t.asking }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if text, ask, err := t.current(); !ask { // another did meanwhile
		return text, err
	}
	text, life, err := t.fetch(ctx)
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err() // it says nothing of the server
		}
		t.fault, t.failed = t.unavailable(err), now
		if t.text != "" && now.Before(t.end) {
			return t.text, nil
		}
		return "", t.fault
	}
	t.text, t.fault = text, nil
	t.early, t.end = now.Add(life-min(mostEarly, life/5)), now.Add(life)
	return text, nil
}

func (t *tokens) unavailable(err error) error {
	return &service.Error{
		Code: service.Upstream, Message: fmt.Sprintf("the security definition %q has no token: its authorization server gave none", t.name),
		Fix: "see the log for what it answered", Err: err,
	}
}

func (t *tokens) fetch(ctx context.Context) (text string, life time.Duration, err error) {
	form := url.Values{"grant_type": {"client_credentials"}}
	if len(t.config.RequestScopes) > 0 {
		form.Set("scope", strings.Join(t.config.RequestScopes, " "))
	}
	for key, value := range t.config.Parameters {
		form.Set(key, value)
	}
	var out struct {
		AccessToken string  `json:"access_token"`
		TokenType   string  `json:"token_type"`
		ExpiresIn   float64 `json:"expires_in"`
	}
	if err := t.server.post(ctx, t.config.TokenURL, form, &out); err != nil {
		return "", 0, err
	}
	switch {
	case out.AccessToken == "" || strings.ContainsAny(out.AccessToken, " \r\n\x00"):
		return "", 0, errors.New("the answer of token_url holds no access_token")
	case !strings.EqualFold(out.TokenType, "Bearer"):
		return "", 0, errors.New("the answer of token_url is no token of the type Bearer")
	}
	life = unsaidLife
	if out.ExpiresIn > 0 {
		life = time.Duration(min(out.ExpiresIn, 86_400*365) * float64(time.Second))
	}
	return out.AccessToken, life, nil
}
