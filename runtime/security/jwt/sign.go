package jwt

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// mostEarly is how long before its end a token is no longer shown: the other side's clock may be ahead, and the request
// takes its time.
const mostEarly = 30 * time.Second

// shown is the token that outgoing connections show now.
type shown struct {
	mu    sync.Mutex
	text  string
	until time.Time
}

// Sign sets the header Authorization to a token that is used until shortly before it ends.
func (s *signer) Sign(_ context.Context, req *http.Request, _ []byte) error {
	text, err := s.current()
	if err != nil {
		return err
	}
	req.Header["Authorization"] = []string{"Bearer " + text}
	return nil
}

func (s *signer) current() (string, error) {
	s.shown.mu.Lock()
	defer s.shown.mu.Unlock()
	now := s.now()
	if s.shown.text != "" && now.Before(s.shown.until) {
		return s.shown.text, nil
	}
	ttl := s.config.TTL.Std()
	text, err := s.sign(s.claims(s.config.Subject, now, now.Add(ttl)))
	if err != nil {
		return "", err
	}
	s.shown.text, s.shown.until = text, now.Add(ttl-min(mostEarly, ttl/5))
	return text, nil
}
