package steps

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"mime"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
)

// acceptedCodings are those that requests say they accept, unless a step says others.
const acceptedCodings = "gzip, deflate"

// unpack undoes the reply's Content-Encoding where it is one of acceptedCodings. Others stay.
func unpack(e *Exchange, limit bodyLimit) error {
	var codings []string
	for _, line := range e.Header.Values("Content-Encoding") {
		codings = append(codings, strings.Split(line, ",")...)
	}
	for _, coding := range slices.Backward(codings) {
		coding = strings.ToLower(strings.TrimSpace(coding))
		if len(e.Body) == 0 || coding == "" || coding == "identity" {
			continue
		}
		open := opener(coding, e.Body, limit)
		if open == nil {
			return nil
		}
		body, err := open()
		if large := (*tooLargeError)(nil); errors.As(err, &large) {
			return fmt.Errorf("the reply says Content-Encoding %s: %w", coding, err)
		}
		if err != nil {
			return fmt.Errorf("the reply says Content-Encoding %s, and its body cannot be read as that: %w", coding, err)
		}
		e.Body = body
	}
	return nil
}

// opener gives what undoes a coding; nil: it is another.
func opener(coding string, packed []byte, limit bodyLimit) func() ([]byte, error) {
	switch coding {
	case "gzip", "x-gzip":
		return func() ([]byte, error) {
			r, err := gzip.NewReader(bytes.NewReader(packed))
			if err != nil {
				return nil, err
			}
			return limit.read(r)
		}
	case "deflate":
		// RFC 9110 means zlib by it; some servers send what is inside alone.
		return func() ([]byte, error) {
			r, err := zlib.NewReader(bytes.NewReader(packed))
			if err != nil {
				return limit.read(flate.NewReader(bytes.NewReader(packed)))
			}
			return limit.read(r)
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
		if r.json, err = readJSON(e.text(formatJSON)); err != nil {
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

// text is the reply's body as text, by the charset that its Content-Type names, or the byte order mark of UTF-16. What
// names none and is no UTF-8 is read as Latin-1. JSON is never UTF-16 (RFC 8259, section 8.1): it stays what it is.
func (e *Exchange) text(format string) string {
	_, params, _ := mime.ParseMediaType(e.Header.Get("Content-Type")) // where it is none, there is no charset
	label := strings.ToLower(params["charset"])
	if text, ok := fromUTF16(e.Body); ok && label == "" && format != formatJSON {
		return text
	}
	switch {
	case label == "utf-8", label == "" && (utf8.Valid(e.Body) || isUTF16(e.Body)):
		return string(e.Body)
	case label == "", label == "iso-8859-1", label == "latin1", label == "latin-1":
		runes := make([]rune, len(e.Body))
		for i, b := range e.Body {
			runes[i] = rune(b)
		}
		return string(runes)
	}
	if encoding, _ := charset.Lookup(label); encoding != nil {
		if decoded, err := encoding.NewDecoder().Bytes(e.Body); err == nil {
			return strings.TrimPrefix(string(decoded), byteOrderMark)
		}
	}
	return string(e.Body)
}

func isUTF16(raw []byte) bool {
	return bytes.HasPrefix(raw, []byte("\xfe\xff")) || bytes.HasPrefix(raw, []byte("\xff\xfe"))
}

// fromUTF16 is a text in UTF-16, where its byte order mark says that it is one.
func fromUTF16(raw []byte) (text string, ok bool) {
	var order binary.ByteOrder = binary.LittleEndian
	switch {
	case bytes.HasPrefix(raw, []byte("\xfe\xff")):
		order = binary.BigEndian
	case !bytes.HasPrefix(raw, []byte("\xff\xfe")):
		return "", false
	}
	units := make([]uint16, 0, len(raw)/2)
	for pair := range slices.Chunk(raw[2:], 2) {
		if len(pair) < 2 {
			return "", false // half a character
		}
		units = append(units, order.Uint16(pair))
	}
	return string(utf16.Decode(units)), true
}
