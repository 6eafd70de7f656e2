package wss

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"strings"
	"time"

	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
)

// SignBody puts a UsernameToken into the Header of the SOAP message that body is.
func (d *definition) SignBody(_ context.Context, _ *http.Request, body []byte) ([]byte, error) {
	if !d.config.Outgoing {
		return nil, service.Errorf(service.Internal, "the security definition %q is for channels; set outgoing: true and give its password again", d.name)
	}
	e, err := sio.ReadEnvelope(body)
	if err != nil || e.Namespace != sio.SOAP11 && e.Namespace != sio.SOAP12 {
		return nil, service.Errorf(service.Internal, "the security definition %q signs SOAP messages, and the body is none: %w", d.name, err)
	}
	nonce := make([]byte, 16)
	_, _ = rand.Read(nonce) // never fails, by its contract
	created := time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	kind, password := typeText, d.plain
	if d.config.PasswordType == digest {
		kind, password = typeDigest, base64.StdEncoding.EncodeToString(digestOf(nonce, created, d.plain))
	}
	var b strings.Builder
	b.WriteString(`<wsse:Security xmlns:wsse="` + wsse + `" xmlns:wsu="` + wsu + `"><wsse:UsernameToken><wsse:Username>`)
	b.WriteString(escape(d.config.Username) + `</wsse:Username><wsse:Password Type="` + kind + `">` + escape(password) + "</wsse:Password>")
	b.WriteString(`<wsse:Nonce EncodingType="` + encoding64 + `">` + base64.StdEncoding.EncodeToString(nonce) + "</wsse:Nonce>")
	b.WriteString("<wsu:Created>" + created + "</wsu:Created></wsse:UsernameToken></wsse:Security>")
	return e.WithHeader(body, []byte(b.String())), nil
}

func escape(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s)) // a buffer takes everything
	return b.String()
}
