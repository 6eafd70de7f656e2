package steps

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/parley-run/parley/steps/report"
)

// Exchange is one request and what came of it.
type Exchange struct {
	Method        string
	URL           string
	RequestHeader http.Header
	RequestBody   []byte
	Status        int // 0: no reply came
	Header        http.Header
	Body          []byte
	Began         time.Time
	Took          time.Duration
	Connected     time.Duration // until the connection was made; 0: one was kept from before
	FirstByte     time.Duration // until the reply began
}

// exchange sends a request and reads the whole reply. Where none came the exchange tells what was sent.
func exchange(client *http.Client, req *http.Request, limit bodyLimit) (*Exchange, error) {
	e := &Exchange{Method: req.Method, URL: req.URL.String(), RequestHeader: req.Header, Began: time.Now()}
	if req.GetBody != nil {
		if sent, err := req.GetBody(); err == nil {
			e.RequestBody, _ = io.ReadAll(sent) // it is in memory
		}
	}
	var connected, firstByte time.Time
	met := false
	trace := &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			met = true
			if !info.Reused {
				connected = time.Now()
			}
		},
		GotFirstResponseByte: func() { firstByte = time.Now() },
	}
	resp, err := client.Do(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
	if err != nil {
		e.Took = time.Since(e.Began)
		return e, unanswered(req, err, e.Took, client.Timeout, met)
	}
	defer func() { _ = resp.Body.Close() }()
	e.Status, e.Header = resp.StatusCode, resp.Header
	e.FirstByte = firstByte.Sub(e.Began)
	if !connected.IsZero() {
		e.Connected = connected.Sub(e.Began)
	}
	e.Body, err = limit.read(resp.Body)
	e.Took = time.Since(e.Began)
	if large := (*tooLargeError)(nil); errors.As(err, &large) {
		return e, fmt.Errorf("the reply to %s %s: %w", req.Method, req.URL, err)
	}
	if err != nil {
		f := &Failure{
			What: fmt.Sprintf("the reply to %s %s broke off after %d bytes: %v", req.Method, req.URL, len(e.Body), err),
			Note: "tried for " + report.Duration(e.Took),
		}
		if timedOut(err) {
			f.What = fmt.Sprintf("the reply to %s %s does not end: %d bytes have come", req.Method, req.URL, len(e.Body))
			f.Note += ", the limit is " + report.Duration(client.Timeout)
		}
		return e, f
	}
	return e, nil
}

// bodyLimit is the size of a reply's body in bytes, unpacked, up to which it is read: a server that never ends, or a few
// bytes that unpack to terabytes, must not take all memory.
type bodyLimit int64

// largestReply is the limit where none is configured.
const largestReply bodyLimit = 256 << 20

// tooLargeError says that a body is larger than its limit.
type tooLargeError struct{ limit bodyLimit }

func (e *tooLargeError) Error() string {
	return fmt.Sprintf("its body is larger than %d bytes, which is the limit; ask for less, such as one page of a list", e.limit)
}

func (l bodyLimit) read(r io.Reader) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(r, int64(l)+1))
	if len(raw) > int(l) {
		return nil, &tooLargeError{l}
	}
	return raw, err
}

// unanswered is the error of a request to which no reply came: it names the address and how long it was tried. met says
// that there was a connection.
func unanswered(req *http.Request, err error, took, limit time.Duration, met bool) error {
	host := req.URL.Host
	var at *url.Error
	if errors.As(err, &at) { // another one, where the first led there
		if u, err := url.Parse(at.URL); err == nil && u.Host != "" {
			host = u.Host
		}
	}
	f := &Failure{What: fmt.Sprintf("no reply from %s: %s", host, plainCause(err)), Note: "tried for " + report.Duration(took)}
	if !timedOut(err) {
		return f
	}
	f.What = fmt.Sprintf("no reply from %s: it takes connections and does not answer", host)
	if !met {
		f.What = fmt.Sprintf("no reply from %s: no connection could be made", host)
	}
	f.Note += ", the limit is " + report.Duration(limit)
	return f
}

func timedOut(err error) bool {
	timeout, ok := err.(interface{ Timeout() bool })
	return ok && timeout.Timeout()
}

// plainCause is the reason in an error of net/http, without the method and URL that it repeats.
func plainCause(err error) string {
	text := err.Error()
	if _, cause, found := strings.Cut(text, `": `); found {
		return cause
	}
	return text
}

// report is the exchange for people.
func (e *Exchange) report(mask *Mask) *report.Exchange {
	r := &report.Exchange{
		Request: fmt.Sprintf("%s %s%s%s", e.Method, e.URL, headers(e.RequestHeader), body(e.RequestBody)),
		Curl:    curl(e, mask),
		Took:    e.Took,
	}
	if e.Method == methodSocket {
		r.Curl = "" // it speaks HTTP
	}
	if e.Status == 0 {
		return r
	}
	r.Reply = fmt.Sprintf("%d %s%s%s", e.Status, http.StatusText(e.Status), headers(e.Header), body(e.Body))
	if e.FirstByte == 0 {
		return r // a WebSocket's: only the whole is known
	}
	connected := "on a kept connection"
	if e.Connected > 0 {
		connected = "connected after " + report.Duration(e.Connected)
	}
	r.Timing = fmt.Sprintf("%s, first byte after %s, all after %s", connected, report.Duration(e.FirstByte), report.Duration(e.Took))
	return r
}

func headers(h http.Header) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			fmt.Fprintf(&b, "\n%s: %s", name, value)
		}
	}
	return b.String()
}

// largestIndented is the size in bytes up to which a body is written with an element a line: nobody reads a longer one.
const largestIndented = 10 << 20

// body is a body for people, whole: JSON and XML indented.
func body(raw []byte) string {
	switch {
	case len(raw) == 0:
		return "\n\n(no body)"
	case !utf8.Valid(raw):
		return fmt.Sprintf("\n\n(%d bytes that are no text)", len(raw))
	}
	text := strings.TrimRight(string(raw), "\n")
	if len(raw) > largestIndented {
		return "\n\n" + text
	}
	if v, err := decodeJSON(raw); err == nil {
		text = string(encodeJSON(v, "  "))
	} else if indented, ok := indentXML(raw); ok {
		text = indented
	}
	return "\n\n" + text
}

// indentXML is XML with an element a line, where raw is that.
func indentXML(raw []byte) (string, bool) {
	if !bytes.HasPrefix(bytes.TrimSpace(raw), []byte("<")) {
		return "", false
	}
	doc, err := parseXML(raw)
	if err != nil {
		return "", false
	}
	return indentedXML(doc), true
}

func round(d time.Duration) time.Duration {
	if d < time.Millisecond {
		return d.Round(time.Microsecond)
	}
	return d.Round(100 * time.Microsecond)
}
