package steps

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"mime"
	"slices"
	"strings"
	"unicode/utf8"
)

// acceptedCodings are those that requests say they accept, unless a step says others.
const acceptedCodings = "gzip, deflate"

// unpack undoes the reply's Content-Encoding where it is one of acceptedCodings. Others stay.
func unpack(e *Exchange) error {
	var codings []string
	for _, line := range e.Header.Values("Content-Encoding") {
		codings = append(codings, strings.Split(line, ",")...)
	}
	for _, coding := range slices.Backward(codings) {
		coding = strings.ToLower(strings.TrimSpace(coding))
		if len(e.Body) == 0 || coding == "" || coding == "identity" {
			continue
		}
		open := opener(coding, e.Body)
		if open == nil {
			return nil
		}
		body, err := open()
		if err != nil {
			return fmt.Errorf("the reply says Content-Encoding %s, and its body cannot be read as that: %w", coding, err)
		}
		e.Body = body
	}
	return nil
}

// opener gives what undoes a coding; nil: it is another.
func opener(coding string, packed []byte) func() ([]byte, error) {
	switch coding {
	case "gzip", "x-gzip":
		return func() ([]byte, error) {
			r, err := gzip.NewReader(bytes.NewReader(packed))
			if err != nil {
				return nil, err
			}
			return io.ReadAll(r)
		}
	case "deflate":
		// RFC 9110 means zlib by it; some servers send what is inside alone.
		return func() ([]byte, error) {
			r, err := zlib.NewReader(bytes.NewReader(packed))
			if err != nil {
				return io.ReadAll(flate.NewReader(bytes.NewReader(packed)))
			}
			return io.ReadAll(r)
		}
	}
	return nil
}

// decode decodes a reply by the response format.
func (w *World) decode(e *Exchange) (*Reply, error) {
	r := &Reply{Exchange: e, format: w.responseFormat}
	if r.format == "" {
		r.format = w.requestFormat
	}
	if len(bytes.TrimSpace(e.Body)) == 0 {
		return r, nil
	}
	var err error
	switch r.format {
	case formatJSON:
		if r.json, err = decodeJSON(e.Body); err != nil {
			return r, e.unreadable(formatJSON, err)
		}
		r.isJSON = true
	case formatXML:
		if r.xml, err = parseXML(e.Body); err != nil {
			return r, e.unreadable(formatXML, err)
		}
	}
	return r, nil
}

const (
	shownLines   = 5
	shownColumns = 160
)

// unreadable is the failure of a reply that is not of its format: it shows what it says it is, and how it begins.
func (e *Exchange) unreadable(format string, err error) error {
	kind := e.Header.Get("Content-Type")
	if kind == "" {
		kind = "no Content-Type"
	}
	got := fmt.Sprintf("%s, %s, %d bytes", statusText(e.Status), kind, len(e.Body))
	if utf8.Valid(e.Body) {
		got += ":\n" + beginning(string(e.Body))
	}
	return &Failure{What: fmt.Sprintf("the reply is %v", err), Expected: format, Got: got}
}

// beginning is the first lines of a text.
func beginning(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\r\n"), "\n")
	if len(lines) > shownLines {
		lines = append(lines[:shownLines:shownLines], "...")
	}
	for i, line := range lines {
		if r := []rune(line); len(r) > shownColumns {
			lines[i] = string(r[:shownColumns]) + "..."
		}
	}
	return strings.Join(lines, "\n")
}

// text is the reply's body as text: what says that it is Latin-1, or says nothing and is no UTF-8, is read as such.
func (r *Reply) text() string {
	_, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type")) // where it is none, there is no charset
	switch charset := strings.ToLower(params["charset"]); {
	case charset == "" && utf8.Valid(r.Body):
	case charset == "", charset == "iso-8859-1", charset == "latin1", charset == "latin-1":
		runes := make([]rune, len(r.Body))
		for i, b := range r.Body {
			runes[i] = rune(b)
		}
		return string(runes)
	}
	return string(r.Body)
}
