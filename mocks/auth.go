package mocks

import (
	"context"
	"crypto/subtle"
	"fmt"
	"net/http"

	"github.com/parley-run/parley/yamlfile"
)

// Auth is what callers of a stub must prove, by one of the ways. Who does not is answered 401 with the reason, and is not among
// those received.
type Auth struct {
	Basic *BasicAuth `yaml:"basic"`
	NTLM  *NTLMAuth  `yaml:"ntlm"`
	AWS   *AWSAuth   `yaml:"aws"`
}

// BasicAuth is a user and a password (RFC 7617).
type BasicAuth struct {
	Username string `yaml:"username"`
	Password string `yaml:"password"`
}

// check finds the keys that are missing.
func (a *Auth) check(doc *yamlfile.File, at string) (faults []error) {
	ways := 0
	need := func(way string, values ...[2]string) {
		ways++
		for _, v := range values {
			if v[1] == "" {
				faults = append(faults, doc.Fault(at+"."+way, "%s is missing", v[0]))
			}
		}
	}
	if b := a.Basic; b != nil {
		need("basic", [2]string{"username", b.Username}, [2]string{"password", b.Password})
	}
	if n := a.NTLM; n != nil {
		need("ntlm", [2]string{"username", n.Username}, [2]string{"password", n.Password})
	}
	if w := a.AWS; w != nil {
		need("aws", [2]string{"access_key", w.AccessKey}, [2]string{"secret_key", w.SecretKey}, [2]string{"region", w.Region}, [2]string{"service", w.Service})
	}
	if ways != 1 {
		faults = append(faults, doc.Fault(at, "auth has %d ways; give one of basic, ntlm and aws", ways))
	}
	return faults
}

// refusal is why a caller is not let in, and what it is asked for.
type refusal struct{ challenge, why string }

// verify is nil where the caller has proved who it is.
func (a *Auth) verify(r *http.Request, body []byte) *refusal {
	switch {
	case a.Basic != nil:
		return a.Basic.verify(r)
	case a.NTLM != nil:
		talk, _ := r.Context().Value(conversation{}).(*ntlmTalk)
		return a.NTLM.verify(r, talk)
	default:
		return a.AWS.verify(r, body)
	}
}

func (b *BasicAuth) verify(r *http.Request) *refusal {
	const challenge = `Basic realm="mock"`
	user, password, ok := r.BasicAuth()
	switch {
	case !ok:
		return &refusal{challenge, "no credentials of Basic Auth"}
	case user != b.Username:
		return &refusal{challenge, fmt.Sprintf("the user is %q, the stub has %q", user, b.Username)}
	case subtle.ConstantTimeCompare([]byte(password), []byte(b.Password)) != 1:
		return &refusal{challenge, "the password is another"}
	}
	return nil
}

// conversation is the key of what a connection has said of NTLM, which logs in connections.
type conversation struct{}

func withConversation(ctx context.Context) context.Context {
	return context.WithValue(ctx, conversation{}, new(ntlmTalk))
}
