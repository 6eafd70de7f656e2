package wss

import (
	"encoding/base64"
	"strings"
	"time"

	"github.com/parley-run/parley/runtime/sio"
)

// The namespaces and names of WS-Security 1.0 and its UsernameToken Profile.
const (
	base       = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
	wsse       = base + "wssecurity-secext-1.0.xsd"
	wsu        = base + "wssecurity-utility-1.0.xsd"
	profile    = base + "username-token-profile-1.0"
	typeText   = profile + "#PasswordText"
	typeDigest = profile + "#PasswordDigest"
	encoding64 = base + "soap-message-security-1.0#Base64Binary"
)

// maxNonce is how long a nonce may be, in bytes.
const maxNonce = 256

// token is a UsernameToken.
type token struct {
	username, password string
	kind               string // text or digest
	nonce              []byte
	created            string
	expires            time.Time // of the message's Timestamp; zero: it has none
}

// readToken reads the one UsernameToken of a message, or says why there is none.
func readToken(raw []byte) (t token, why string) {
	e, err := sio.ReadEnvelope(raw)
	if err != nil {
		return t, "no SOAP message"
	}
	var found *sio.Element
	for i := range e.Headers {
		h := &e.Headers[i]
		if h.Namespace != wsse || h.Name != "Security" || !isForUs(h, e.Namespace) {
			continue
		}
		for j := range h.Children {
			switch c := &h.Children[j]; {
			case c.Namespace == wsse && c.Name == "UsernameToken" && found != nil:
				return t, "two tokens"
			case c.Namespace == wsse && c.Name == "UsernameToken":
				found = c
			case c.Namespace == wsu && c.Name == "Timestamp":
				t.expires = expiry(c)
			}
		}
	}
	if found == nil {
		return t, "no token"
	}
	return t.of(found)
}

// isForUs says whether a header is for whoever gets the message in the end.
func isForUs(h *sio.Element, envelope string) bool {
	if envelope == sio.SOAP11 {
		actor := h.Attribute(envelope, "actor")
		return actor == "" || actor == "http://schemas.xmlsoap.org/soap/actor/next"
	}
	role := h.Attribute(envelope, "role")
	return role == "" || role == sio.SOAP12+"/role/next" || role == sio.SOAP12+"/role/ultimateReceiver"
}

// expiry is when a message's Timestamp says that it is over; one that cannot be read is over already.
func expiry(timestamp *sio.Element) time.Time {
	for i := range timestamp.Children {
		if c := &timestamp.Children[i]; c.Namespace == wsu && c.Name == "Expires" {
			at, err := time.Parse(time.RFC3339Nano, strings.TrimSpace(c.Text))
			if err != nil {
				return time.Unix(1, 0)
			}
			return at
		}
	}
	return time.Time{}
}

func (t token) of(found *sio.Element) (token, string) {
	seen := map[string]bool{}
	for i := range found.Children {
		c := &found.Children[i]
		if c.Namespace != wsse && c.Namespace != wsu {
			continue
		}
		if seen[c.Name] {
			return t, "an element stands twice"
		}
		seen[c.Name] = true
		switch {
		case c.Namespace == wsse && c.Name == "Username":
			t.username = strings.TrimSpace(c.Text)
		case c.Namespace == wsse && c.Name == "Password":
			t.password = c.Text
			switch c.Attribute("", "Type") {
			case typeText, "":
				t.kind = text
			case typeDigest:
				t.kind, t.password = digest, strings.TrimSpace(c.Text)
			}
		case c.Namespace == wsse && c.Name == "Nonce":
			if kind := c.Attribute("", "EncodingType"); kind != "" && kind != encoding64 {
				return t, "a nonce in another encoding"
			}
			var err error
			if t.nonce, err = base64.StdEncoding.DecodeString(strings.TrimSpace(c.Text)); err != nil || len(t.nonce) > maxNonce {
				return t, "a nonce that is none"
			}
		case c.Namespace == wsu && c.Name == "Created":
			t.created = strings.TrimSpace(c.Text)
		}
	}
	return t, ""
}
