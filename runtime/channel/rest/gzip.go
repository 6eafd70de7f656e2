package rest

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/parley-run/parley/runtime/service"
)

const gzipCoding = "gzip"

// gzips are the compressors and decompressors that a channel uses again: each holds some hundred KB.
type gzips struct{ writers, readers sync.Pool }

// compress is raw as gzip.
func (g *gzips) compress(raw []byte) []byte {
	var out bytes.Buffer
	out.Grow(len(raw)/4 + 64)
	w, ok := g.writers.Get().(*gzip.Writer)
	if !ok {
		w = gzip.NewWriter(&out)
	}
	w.Reset(&out)
	_, _ = w.Write(raw) // a Buffer takes everything
	_ = w.Close()
	g.writers.Put(w)
	return out.Bytes()
}

var errInflated = errors.New("more than the limit came out")

// inflate is what a gzip'd body holds, up to limit.
func (g *gzips) inflate(raw []byte, limit int64) ([]byte, error) {
	src := bytes.NewReader(raw)
	r, ok := g.readers.Get().(*gzip.Reader)
	if !ok {
		r = new(gzip.Reader)
	}
	defer g.readers.Put(r)
	if err := r.Reset(src); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	out.Grow(int(min(limit+1, 8*int64(len(raw)))) + bytes.MinRead)
	n, err := out.ReadFrom(io.LimitReader(r, limit+1))
	if err == nil && n > limit {
		err = errInflated
	}
	return out.Bytes(), err
}

// codings says whether a request's body is gzip'd. Another coding, or several, is an error.
func codings(h http.Header) (gzipped bool, _ error) {
	switch all := splitList(h["Content-Encoding"]); {
	case len(all) == 0, len(all) == 1 && strings.EqualFold(all[0], "identity"):
		return false, nil
	case len(all) == 1 && isGzip(all[0]):
		return true, nil
	default:
		return false, &service.Error{
			Code: service.Invalid, Status: http.StatusUnsupportedMediaType, Message: "the request's body is encoded as " + strconv.Quote(strings.Join(all, ", ")),
			Fix: "send it as it is, or with Content-Encoding: gzip", Header: map[string][]string{"Accept-Encoding": {gzipCoding}},
		}
	}
}

func isGzip(coding string) bool {
	return strings.EqualFold(coding, gzipCoding) || strings.EqualFold(coding, "x-gzip") // RFC 9110, section 8.4.1.3
}

// acceptsGzip says whether the caller takes gzip: RFC 9110, section 12.5.3.
func acceptsGzip(h http.Header) bool {
	anything := false
	for _, one := range splitList(h["Accept-Encoding"]) {
		coding, weight, weighted := strings.Cut(one, ";")
		coding = strings.TrimSpace(coding)
		if !isGzip(coding) && coding != anyone {
			continue
		}
		taken := true
		if q, ok := strings.CutPrefix(strings.ReplaceAll(strings.ToLower(weight), " ", ""), "q="); weighted && ok {
			value, err := strconv.ParseFloat(q, 64)
			taken = err == nil && value > 0
		}
		if isGzip(coding) {
			return taken
		}
		anything = taken
	}
	return anything
}

// encoded is a reply's body as it is sent, compressed where the channel and the caller want it.
func (c *rest) encoded(h http.Header, r *http.Request, status int, raw []byte) []byte {
	if c.config.ContentEncoding != gzipCoding || h["Content-Encoding"] != nil || status == http.StatusPartialContent {
		return raw
	}
	if always := c.deps.Names.AlwaysGzip; !always {
		h.Add("Vary", "Accept-Encoding")
		if int64(len(raw)) < c.config.GzipMinSize || !acceptsGzip(r.Header) {
			return raw
		}
	}
	if len(raw) == 0 {
		return raw
	}
	h["Content-Encoding"] = []string{gzipCoding}
	if tag := h.Get("Etag"); strings.HasPrefix(tag, `"`) { // it names the bytes before
		h["Etag"] = []string{"W/" + tag}
	}
	return c.gzips.compress(raw)
}
