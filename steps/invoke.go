package steps

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
)

func invoke(ctx context.Context, w *World, _ Args) error { return w.invoke(ctx, 0) }

func invokeOn(ctx context.Context, w *World, a Args) error {
	n, err := a.Int(0)
	if err != nil {
		return err
	}
	return w.invoke(ctx, n)
}

// outcome is what a request in the background came to.
type outcome struct {
	exchange *Exchange
	err      error
}

func invokeLater(ctx context.Context, w *World, _ Args) error {
	if w.pending != nil {
		return errors.New("a request is in the background already; wait for it with: When the background reply has arrived")
	}
	if w.overSocket() {
		return errors.New("requests go over a WebSocket now, and there none can be sent in the background")
	}
	w.keepContentType()
	ctx, cancel := context.WithCancel(ctx)
	req, err := w.request(ctx, 0)
	if err != nil {
		cancel()
		return err
	}
	done := make(chan outcome, 1)
	w.pending, w.endPending = done, cancel
	client := w.session()
	go func() {
		e, err := exchange(client, req, w.suite.largest())
		done <- outcome{e, err}
	}()
	return nil
}

func awaitReply(ctx context.Context, w *World, _ Args) error {
	if w.pending == nil {
		return errors.New("no request was sent in the background; send one with: When the URL is invoked in the background")
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case out := <-w.pending:
		w.endPending()
		w.pending = nil
		return w.take(out)
	}
}

// invoke sends the request as it stands now to a server, or with 0 to the address.
func (w *World) invoke(ctx context.Context, server int) error {
	if w.overSocket() && server == 0 {
		return w.invokeSocket(ctx)
	}
	w.reply, w.last = nil, nil
	w.keepContentType()
	req, err := w.request(ctx, server)
	if err != nil {
		return err
	}
	w.target = server
	e, err := exchange(w.session(), req, w.suite.largest())
	return w.take(outcome{e, err})
}

func (w *World) take(out outcome) error {
	w.last = out.exchange
	if out.err != nil {
		return out.err
	}
	if err := unpack(out.exchange, w.suite.largest()); err != nil {
		return err
	}
	reply, err := w.decode(out.exchange)
	w.reply = reply
	return err
}

// request builds what is to be sent. It changes nothing in the world, so that a copy of one may build many at once.
func (w *World) request(ctx context.Context, server int) (*http.Request, error) {
	address, err := w.addressOf(server)
	if err != nil {
		return nil, err
	}
	if !strings.Contains(address, "://") {
		return nil, fmt.Errorf("address %q does not say how to get there; write it like http://%s", address, address)
	}
	method := cmp.Or(w.method, http.MethodGet)
	if !httpToken.MatchString(method) {
		return nil, fmt.Errorf("%q is no method of HTTP; it is one word, such as POST", method)
	}
	raw := w.body()
	whole := requotedURL(address, w.pathOrRoot()+w.query)
	req, err := http.NewRequestWithContext(ctx, method, whole, bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("address, path and query string make no URL: %w", err)
	}
	if req.URL.Scheme != "http" && req.URL.Scheme != "https" || req.URL.Host == "" {
		return nil, fmt.Errorf("address %q is none of HTTP; write it like http://host:port", address)
	}
	req.Header = w.header.Clone()
	req.Host = req.Header.Get("Host") // where a step said it
	if kind, _ := w.contentType(); kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	if w.oauth2.token != "" {
		req.Header.Set("Authorization", "Bearer "+w.oauth2.token)
	}
	req.Header.Del("Content-Length") // the body's, whatever a step says: it is what is sent, and shown
	setUnlessSaid(req.Header, "Accept", "*/*")
	setUnlessSaid(req.Header, "Accept-Encoding", acceptedCodings)
	setUnlessSaid(req.Header, "User-Agent", w.suite.options.UserAgent)
	return req, nil
}

// httpToken is a word as RFC 9110 has it.
var httpToken = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")

func setUnlessSaid(h http.Header, name, value string) {
	if len(h.Values(name)) == 0 {
		h.Set(name, value)
	}
}

func (w *World) pathOrRoot() string { return cmp.Or(w.path, "/") }

func (w *World) addressOf(server int) (string, error) {
	if server > 0 {
		c, err := w.cluster()
		if err != nil {
			return "", err
		}
		if server > c.Servers() {
			return "", fmt.Errorf("there is no server %d: the cluster has servers 1 to %d", server, c.Servers())
		}
		return c.ServerAddress(server), nil
	}
	if w.address != "" {
		return w.address, nil
	}
	if w.file.cluster != nil {
		return w.file.cluster.Address(), nil
	}
	return "", errors.New(`no address to send the request to; say one with: Given address "http://host:port"`)
}

// body is what the request carries; nil: nothing.
func (w *World) body() []byte {
	switch {
	case w.requestFormat != formatForm:
		return w.payload.bytes()
	case w.form.empty():
		return w.payload.raw
	}
	return w.form.encode()
}

func (p *payload) bytes() []byte {
	switch {
	case !p.given:
		return nil
	case p.raw != nil:
		return p.raw
	}
	return asciiJSON(encodeJSON(p.json, "  "))
}

const (
	typeJSON = "application/json"
	typeXML  = "application/xml"
	typeForm = "application/x-www-form-urlencoded"
)

// contentType is the Content-Type that the body has by its format; empty: it has none, or a step says it. It is kept for
// later requests where zato-apitest writes it into the headers that steps set: there a request that is RAW still has
// that of an earlier one that was JSON.
func (w *World) contentType() (kind string, kept bool) {
	switch {
	case w.requestFormat == formatForm && len(w.form.files) > 0:
		return "multipart/form-data; boundary=" + w.form.boundary, false
	case w.requestFormat == formatForm && (w.payload.raw != nil || !w.form.empty()):
		return typeForm, true
	case !w.payload.given:
		return "", false
	case w.requestFormat == formatJSON:
		return typeJSON, true
	case w.requestFormat == formatXML:
		// What a JSON body or a form left is no XML's.
		if said := w.header.Get("Content-Type"); said == w.typed {
			return typeXML, false
		}
	}
	return "", false
}

// keepContentType leaves the body's Content-Type to later requests; a form with files takes the last away.
func (w *World) keepContentType() {
	kind, kept := w.contentType()
	switch {
	case kept && (w.typed != "" || w.header.Get("Content-Type") != kind):
		w.header.Set("Content-Type", kind)
		w.typed = kind
	case len(w.form.files) > 0 && w.requestFormat == formatForm:
		w.header.Del("Content-Type")
		w.typed = ""
	}
}

// requotedURL is requote of a whole URL. Brackets may stand in its address only, and some servers refuse them elsewhere.
func requotedURL(address, rest string) string {
	return requote(strings.TrimLeft(address+strings.NewReplacer("[", "%5B", "]", "%5D").Replace(rest), " "))
}

// requote percent-encodes what may not stand in a URL: blanks, letters beyond ASCII, a % that begins no code. The rest
// stays as it was written.
func requote(text string) string {
	for i := range len(text) {
		if !standsInURL(text, i) {
			return requoted(text)
		}
	}
	return text
}

func requoted(text string) string {
	var b strings.Builder
	for i := range len(text) {
		if standsInURL(text, i) {
			b.WriteByte(text[i])
		} else {
			fmt.Fprintf(&b, "%%%02X", text[i])
		}
	}
	return b.String()
}

func standsInURL(text string, i int) bool {
	switch c := text[i]; c {
	case '%':
		return i+2 < len(text) && isHex(text[i+1]) && isHex(text[i+2])
	case '"', '<', '>', '\\', '^', '`', '{', '|', '}':
		return false
	default:
		return c > ' ' && c <= '~'
	}
}

func isHex(c byte) bool { return strings.IndexByte("0123456789abcdefABCDEF", c) >= 0 }
