package bench

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// probeFor is how long a target may take to answer at all.
const probeFor = 4 * time.Second

// ErrNoAnswer is of a target that did not answer a Probe.
var ErrNoAnswer = errors.New("does not answer")

// Probe asks the address once, with HEAD / and in the profile's protocol, whether anything answers there, and gives up after 4
// seconds. Any answer will do; the service under load is not called. A ZeroMQ peer must shake hands, and a folder be there.
func Probe(ctx context.Context, p Profile, address string) error {
	asked, cancel := context.WithTimeout(ctx, probeFor)
	defer cancel()
	s, err := newSender(Profile{Request: Request{Path: "/"}, Protocol: p.Protocol, Timeout: Duration(probeFor), Workers: 1, roots: p.roots}, address, Schedule{})
	if err != nil {
		return err
	}
	defer s.close()
	if silent(s.protocol) {
		return s.probeSilent(asked)
	}
	transport := s.transport
	if transport == nil {
		transport = &http.Transport{DisableKeepAlives: true, TLSClientConfig: s.tls}
	}
	req, err := http.NewRequestWithContext(asked, http.MethodHead, s.address+"/", nil)
	if err != nil {
		return err
	}
	res, err := transport.RoundTrip(req)
	if err == nil {
		_, _ = io.Copy(io.Discard, res.Body)
		return res.Body.Close()
	}
	return s.unanswered(ctx, asked, err)
}

// probeSilent asks what nobody answers: whether the folder is there, or a ZeroMQ peer shakes hands.
func (s *sender) probeSilent(asked context.Context) error {
	if s.protocol == protocolFile {
		switch info, err := os.Stat(s.folder); {
		case err != nil:
			return fmt.Errorf("%s %w: %w", s.address, ErrNoAnswer, err)
		case !info.IsDir():
			return fmt.Errorf("%s %w: it is no folder", s.address, ErrNoAnswer)
		}
		return nil
	}
	p := newPusher(s)
	defer p.close()
	if err := p.greet(asked, time.Now().Add(probeFor)); err != nil {
		return fmt.Errorf("%s %w: %s; start the target, or give another address", s.address, ErrNoAnswer, plainError(err, probeFor))
	}
	return nil
}

func (s *sender) unanswered(ctx, asked context.Context, err error) error {
	at := s.address
	if u, err := url.Parse(at); err == nil {
		at = u.Redacted()
	}
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, context.DeadlineExceeded) || asked.Err() != nil:
		return fmt.Errorf("%s %w: nothing came back within %s; start the target, or give another address", at, ErrNoAnswer, probeFor)
	}
	if s.protocol == protocolHTTP2 && strings.Contains(err.Error(), "looked like an HTTP/1.1 header") {
		return fmt.Errorf("%s %w in HTTP/2: it speaks HTTP/1.1 there; give its https address, or leave out protocol: h2", at, ErrNoAnswer)
	}
	if refused := (*tls.CertificateVerificationError)(nil); errors.As(err, &refused) {
		return fmt.Errorf("%s %w: %w; give an address that its certificate names, and its authority in the profile's ca", at, ErrNoAnswer, err)
	}
	return fmt.Errorf("%s %w: %w; start the target, or give another address", at, ErrNoAnswer, err)
}
