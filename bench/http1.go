package bench

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/textproto"
	"strconv"
	"strings"
	"time"
)

// maxHead bounds the header of a reply.
const maxHead = 1 << 20

// reply is what came back. Header is there only where somebody looks at it.
type reply struct {
	status    int // 0: none
	server    string
	unknown   bool // it says itself that nobody can tell whether the request was executed
	header    http.Header
	wrong     string // what a check found
	last      bool   // nothing more goes over its connection
	neverSent bool
	end       time.Time // when its last byte arrived
}

// framing is where a reply's body ends (RFC 9112, section 6).
type framing struct {
	length  int64 // -1: not said
	chunked bool
	coded   bool // in a coding other than chunked: then it ends with the connection
}

// read reads one reply to its end and holds it against the request's check.
func (l *lane) read(r *compiled, keep *captured) (reply, error) {
	first := true
	for {
		text, err := l.text(maxHead)
		if err != nil && first && (errors.Is(err, io.EOF) || isReset(err)) && len(text) == 0 {
			return reply{}, errDied
		}
		if err != nil {
			return reply{}, unexpected(err)
		}
		first = false
		var got reply
		var minor int
		if got.status, minor, err = statusLine(text); err != nil {
			return reply{}, err
		}
		got.last = minor == 0
		frame, err := l.head(r, &got)
		if err != nil {
			return reply{}, unexpected(err)
		}
		if got.status < 200 && got.status != http.StatusSwitchingProtocols { // a word on the way
			continue
		}
		err = l.body(r, &got, frame, keep)
		return got, unexpected(err)
	}
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// text is the next line without its end. It is good until the next read.
func (l *lane) text(most int) ([]byte, error) {
	part, err := l.in.ReadSlice('\n')
	if err == nil {
		return bytes.TrimRight(part, "\r\n"), nil
	}
	if !errors.Is(err, bufio.ErrBufferFull) {
		return part, err
	}
	whole := bytes.Clone(part)
	for errors.Is(err, bufio.ErrBufferFull) && len(whole) < most {
		part, err = l.in.ReadSlice('\n')
		whole = append(whole, part...)
	}
	if errors.Is(err, bufio.ErrBufferFull) {
		return nil, errors.New("a line of the reply's header is too long")
	}
	return bytes.TrimRight(whole, "\r\n"), err
}

// statusLine reads such as "HTTP/1.1 200 OK".
func statusLine(text []byte) (status, minor int, err error) {
	if len(text) < 12 || !bytes.HasPrefix(text, []byte("HTTP/1.")) || text[8] != ' ' || len(text) > 12 && text[12] != ' ' {
		return 0, 0, fmt.Errorf("the reply begins with %q, which is not HTTP/1.1", short(string(text)))
	}
	for _, digit := range text[9:12] {
		if digit < '0' || digit > '9' {
			return 0, 0, fmt.Errorf("the reply's status is %q", text[9:12])
		}
		status = 10*status + int(digit-'0')
	}
	if status < 100 {
		return 0, 0, fmt.Errorf("the reply's status is %d", status)
	}
	return status, int(text[7] - '0'), nil
}

// head reads the header's lines.
func (l *lane) head(r *compiled, got *reply) (framing, error) {
	frame := framing{length: -1}
	size, closes, keeps := 0, false, false
	name := ""
	for {
		text, err := l.text(maxHead)
		if err != nil {
			return frame, err
		}
		if len(text) == 0 {
			got.last = got.last && !keeps || closes
			return frame, nil
		}
		if size += len(text); size > maxHead {
			return frame, errors.New("the reply's header is too long")
		}
		if text[0] == ' ' || text[0] == '\t' { // of the line before (RFC 9112, section 5.2)
			if values := got.header[name]; len(values) > 0 {
				values[len(values)-1] += " " + string(bytes.TrimSpace(text))
			}
			continue
		}
		key, value, found := bytes.Cut(text, []byte(":"))
		if !found {
			return frame, fmt.Errorf("the reply's header has the line %q", short(string(text)))
		}
		value = bytes.TrimSpace(value)
		if r.gives {
			if got.header == nil {
				got.header = http.Header{}
			}
			name = textproto.CanonicalMIMEHeaderKey(string(key))
			got.header[name] = append(got.header[name], string(value))
		}
		switch {
		case is(key, "Content-Length"):
			n, err := strconv.ParseUint(string(value), 10, 63)
			if err != nil || frame.length >= 0 && frame.length != int64(n) {
				return frame, fmt.Errorf("the reply's Content-Length is %q", short(string(value)))
			}
			frame.length = int64(n)
		case is(key, "Transfer-Encoding"):
			codings := strings.Split(strings.ToLower(string(value)), ",")
			frame.chunked = strings.TrimSpace(codings[len(codings)-1]) == "chunked"
			frame.coded = !frame.chunked
		case is(key, "Connection"):
			for option := range strings.SplitSeq(strings.ToLower(string(value)), ",") {
				closes = closes || strings.TrimSpace(option) == "close"
				keeps = keeps || strings.TrimSpace(option) == "keep-alive"
			}
		case is(key, headerServer):
			got.server = l.named(value)
		case is(key, headerOutcome):
			got.unknown = string(value) == "unknown"
		}
	}
}

// is says whether a header's name is that one, in any case.
func is(key []byte, name string) bool {
	return len(key) == len(name) && strings.EqualFold(string(key), name)
}

// body reads the body, and looks at it where the request asks for it.
func (l *lane) body(r *compiled, got *reply, frame framing, keep *captured) error {
	var from io.Reader
	switch {
	case r.Method == http.MethodHead || got.status == http.StatusNoContent || got.status == http.StatusNotModified:
		from = http.NoBody
	case got.status == http.StatusSwitchingProtocols:
		from, got.last = http.NoBody, true
	case frame.chunked:
		from = httputil.NewChunkedReader(l.in)
	case frame.length >= 0 && !frame.coded:
		if !r.readsBody || !r.wanted(got.status) || got.unknown {
			if _, err := l.in.Discard(int(frame.length)); err != nil {
				return err
			}
			look(r, got, nil, keep)
			return nil
		}
		from = io.LimitReader(l.in, frame.length)
	default:
		from, got.last = l.in, true
	}
	var content bytes.Buffer
	if r.readsBody && r.wanted(got.status) && !got.unknown {
		if _, err := io.Copy(&content, io.LimitReader(from, maxRead)); err != nil {
			return err
		}
	}
	rest, err := io.Copy(io.Discard, from)
	if err != nil {
		return err
	}
	if frame.length >= 0 && !frame.chunked && !frame.coded && from != http.NoBody && int64(content.Len())+rest < frame.length {
		return io.ErrUnexpectedEOF
	}
	for frame.chunked && from != http.NoBody { // the trailer
		text, err := l.text(maxHead)
		if err != nil {
			return err
		}
		if len(text) == 0 {
			break
		}
	}
	look(r, got, content.Bytes(), keep)
	return nil
}

// look holds a reply of success against the check.
func look(r *compiled, got *reply, content []byte, keep *captured) {
	if r.gives && r.wanted(got.status) && !got.unknown {
		if err := r.look(got.header, content, keep); err != nil {
			got.wrong = err.Error()
		}
	}
}
