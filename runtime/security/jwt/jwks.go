package jwt

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"log/slog"
	"math/big"
	"net/http"
	"sync"
	"time"

	"github.com/parley-run/parley/runtime/security"
)

// leastWait is the time between two questions to the URL, whatever tokens come: a kid that nobody knows is free to invent.
const leastWait = 5 * time.Second

// jwks is the keys that a URL lists, asked for when they are needed: by the first token, by one whose kid is not known, and
// where they are old. While the URL is down, those that were there are used.
type jwks struct {
	url       string
	algorithm string
	refresh   time.Duration
	client    *http.Client
	log       *slog.Logger
	now       func() time.Time
	asking    chan struct{} // room for one

	mu    sync.Mutex
	keys  map[string]crypto.PublicKey // by kid; nil: never had
	had   time.Time
	asked time.Time
	fault error
}

// key is the key of that kid. One that has no kid is the only key that there is.
func (j *jwks) key(ctx context.Context, kid string) (any, error) {
	key, ask := j.look(kid)
	if ask {
		select {
		case j.asking <- struct{}{}:
			if key, ask = j.look(kid); ask { // another asked meanwhile
				j.ask(ctx)
				key, _ = j.look(kid)
			}
			<-j.asking
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if key != nil {
		return key, nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.fault != nil {
		return nil, j.fault // whether the key is known by now cannot be said
	}
	return nil, errNoKey
}

// look is what is known of kid, and whether the URL should be asked.
func (j *jwks) look(kid string) (key crypto.PublicKey, ask bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	key = j.keys[kid]
	if kid == "" && len(j.keys) == 1 {
		for _, only := range j.keys {
			key = only
		}
	}
	now := j.now()
	stale := j.keys == nil || now.Sub(j.had) >= j.refresh
	return key, (key == nil || stale) && (j.asked.IsZero() || now.Sub(j.asked) >= leastWait)
}

// ask takes what the URL lists now in place of what it listed.
func (j *jwks) ask(ctx context.Context) {
	// It counts for all that wait: that one of them goes away does not end it.
	keys, err := j.fetch(context.WithoutCancel(ctx))
	j.mu.Lock()
	defer j.mu.Unlock()
	j.asked = j.now()
	if err != nil {
		if j.fault == nil {
			j.log.Warn("the keys of tokens cannot be had; those that were there are used", "keys", len(j.keys), "err", err)
		}
		j.fault = err
		return
	}
	if j.fault != nil {
		j.log.Info("the keys of tokens are had again", "keys", len(keys))
	}
	j.keys, j.had, j.fault = keys, j.asked, nil
}

func (j *jwks) fetch(ctx context.Context) (map[string]crypto.PublicKey, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, j.url, http.NoBody)
	if err != nil {
		return nil, errors.New("jwks_url is no URL")
	}
	var set struct{ Keys []jwk }
	if err := security.Ask(ctx, j.client, req, &set); err != nil {
		return nil, err
	}
	keys := map[string]crypto.PublicKey{}
	for _, one := range set.Keys {
		if key, err := one.public(); err == nil && one.signs(j.algorithm) && fits(j.algorithm, key) == nil {
			keys[one.KID] = key
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("jwks_url lists no key of " + j.algorithm)
	}
	return keys, nil
}

// jwk is a key as RFC 7517 and RFC 7518, section 6, write it.
type jwk struct {
	KTY, Use, Alg, KID string
	N, E               string // of RSA
	CRV, X, Y          string // of elliptic curves
}

// signs says whether the key is meant for tokens of that algorithm.
func (k jwk) signs(algorithm string) bool {
	return (k.Use == "" || k.Use == "sig") && (k.Alg == "" || k.Alg == algorithm)
}

func (k jwk) public() (crypto.PublicKey, error) {
	switch {
	case k.KTY == "RSA":
		n, err := base64.RawURLEncoding.DecodeString(k.N)
		if err != nil {
			return nil, err
		}
		e, err := base64.RawURLEncoding.DecodeString(k.E)
		if err != nil || len(e) == 0 || len(e) > 4 {
			return nil, errors.New("the exponent is out of bounds")
		}
		exponent := int(new(big.Int).SetBytes(e).Int64())
		if exponent < 3 {
			return nil, errors.New("the exponent is out of bounds")
		}
		return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: exponent}, nil
	case k.KTY == "EC" && k.CRV == "P-256":
		x, errX := base64.RawURLEncoding.DecodeString(k.X)
		y, errY := base64.RawURLEncoding.DecodeString(k.Y)
		if err := errors.Join(errX, errY); err != nil || len(x) != 32 || len(y) != 32 {
			return nil, errors.New("the point is no point of P-256")
		}
		return ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, x...), y...))
	}
	return nil, errors.New("a key of another kind")
}
