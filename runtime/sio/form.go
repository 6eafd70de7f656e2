package sio

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/parley-run/parley/runtime/service"
)

// How many values a form or a query string may have, and how many parts a form.
const (
	maxPairs = 10_000
	maxParts = 1000
)

// DecodeForm reads a form, which contentType says to be multipart/form-data or else takes for
// application/x-www-form-urlencoded, into an object of text; names that stand more than once have lists. A file of a
// multipart form is an object of filename, content_type, encoding and data: encoding is "text" where the file is UTF-8, and
// else "base64". Errors are a *service.Error of code Invalid.
func DecodeForm(raw []byte, contentType string) (*service.Object, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	kind, options, err := mime.ParseMediaType(contentType)
	switch {
	case contentType == "", err == nil && kind == "application/x-www-form-urlencoded":
		return decodePairs(string(raw))
	case err == nil && kind == "multipart/form-data":
		return decodeParts(raw, options["boundary"])
	}
	return nil, &service.Error{
		Code: service.Invalid, Message: fmt.Sprintf("the body is %q", shorten(contentType)),
		Fix: "send a form as application/x-www-form-urlencoded or multipart/form-data",
	}
}

// DecodeQuery reads a query string. Its errors are a *service.Error of code Invalid.
func DecodeQuery(query string) (map[string][]string, error) {
	if strings.Count(query, "&") >= maxPairs {
		return nil, service.Errorf(service.Invalid, "malformed query string: more than %d values", maxPairs)
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, service.Errorf(service.Invalid, "malformed query string: %w", err)
	}
	for name, all := range values {
		for _, one := range all {
			if !utf8.ValidString(name) || !utf8.ValidString(one) {
				return nil, service.Errorf(service.Invalid, "malformed query string: a value of %q is not UTF-8", strings.ToValidUTF8(shorten(name), "\ufffd"))
			}
		}
	}
	return values, nil
}

func malformedForm(format string, args ...any) error {
	return service.Errorf(service.Invalid, "malformed form: "+format, args...)
}

func decodePairs(text string) (*service.Object, error) {
	if strings.Count(text, "&") >= maxPairs {
		return nil, malformedForm("more than %d values", maxPairs)
	}
	form := formObject{object: &service.Object{}}
	for pair := range strings.SplitSeq(text, "&") {
		if pair = strings.Trim(pair, " \r\n"); pair == "" {
			continue
		}
		before, after, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(before)
		if err != nil {
			return nil, malformedForm("%w", err)
		}
		value, err := url.QueryUnescape(after)
		if err != nil {
			return nil, malformedForm("the value of %q: a %% that begins no escape", shorten(name))
		}
		if err := form.add(name, value); err != nil {
			return nil, err
		}
	}
	return form.object, nil
}

// formObject collects the values of a form.
type formObject struct {
	object *service.Object
	count  int
}

func (f *formObject) add(name string, v any) error {
	if f.count++; f.count > maxPairs {
		return malformedForm("more than %d values", maxPairs)
	}
	text, _ := v.(string)
	if !utf8.ValidString(name) || !utf8.ValidString(text) {
		return malformedForm("a value of %q is not UTF-8", strings.ToValidUTF8(shorten(name), "\ufffd"))
	}
	before, known := f.object.Get(name)
	list, isList := before.([]any)
	switch {
	case isList:
		f.object.Set(name, append(list, v))
	case known:
		f.object.Set(name, []any{before, v})
	default:
		f.object.Set(name, v)
	}
	return nil
}

func decodeParts(raw []byte, boundary string) (*service.Object, error) {
	if boundary == "" {
		return nil, malformedForm("its Content-Type names no boundary")
	}
	if !bytes.Contains(raw, []byte("--"+boundary+"--")) {
		return nil, malformedForm("the body ends before its last boundary")
	}
	form := formObject{object: &service.Object{}}
	in := multipart.NewReader(bytes.NewReader(raw), boundary)
	for {
		part, err := in.NextPart()
		if errors.Is(err, io.EOF) {
			return form.object, nil
		}
		if err != nil {
			return nil, malformedForm("%s", wordsOfParts(err))
		}
		if form.count == maxParts {
			return nil, malformedForm("more than %d parts", maxParts)
		}
		data, err := io.ReadAll(part)
		if err != nil {
			return nil, malformedForm("%s", wordsOfParts(err))
		}
		name := part.FormName()
		if name == "" {
			return nil, malformedForm("a part has no name")
		}
		var v any = string(data)
		if part.FileName() != "" {
			v = upload(part, data)
		}
		if err := form.add(name, v); err != nil {
			return nil, err
		}
	}
}

func upload(part *multipart.Part, data []byte) *service.Object {
	encoding, text := "text", string(data)
	if !utf8.Valid(data) {
		encoding, text = "base64", base64.StdEncoding.EncodeToString(data)
	}
	return service.ObjectOf("filename", part.FileName(), "content_type", part.Header.Get("Content-Type"), "encoding", encoding, "data", text)
}

func wordsOfParts(err error) string {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "the body ends before its last boundary"
	}
	return strings.TrimPrefix(err.Error(), "multipart: ")
}
