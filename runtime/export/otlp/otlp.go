// Package otlp writes spans as OpenTelemetry's protocol has them over HTTP, in JSON:
// https://opentelemetry.io/docs/specs/otlp/#otlphttp. Collectors and most back ends for traces take it.
package otlp

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/parley-run/parley/runtime/export"
	"github.com/parley-run/parley/runtime/trace"
)

// Config says where spans go, and of whom they are.
type Config struct {
	URL      string            // of traces, such as http://127.0.0.1:4318/v1/traces
	Header   map[string]string // of each request, such as a key
	Resource []trace.Attribute // of whom the spans are: service.name, service.instance.id, ...
	Version  string            // of Parley
}

// New is the format.
func New(c Config) export.Format[trace.Span] {
	return &format{url: c.URL, header: headerOf(c.Header), head: headOf(c)}
}

// TracesURL is where traces go of a base URL, as OTEL_EXPORTER_OTLP_ENDPOINT has it.
func TracesURL(base string) string { return strings.TrimRight(base, "/") + "/v1/traces" }

// CheckURL says what is wrong with a URL of a collector; empty: nothing. It shows no password.
func CheckURL(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return "expected the URL of an OTLP/HTTP receiver, such as http://127.0.0.1:4318"
	}
	return ""
}

type format struct {
	url    string
	header http.Header
	head   string
}

func headerOf(given map[string]string) http.Header {
	h := http.Header{"Content-Type": {"application/json"}}
	for name, value := range given {
		h.Set(name, value)
	}
	return h
}

// Numbers of the protocol.
const (
	failed  = 2 // STATUS_CODE_ERROR
	sampled = 1 // of a span's flags
)

// spanSize is about what a span takes, so that a batch is made in one piece of memory.
const spanSize = 640

// Post is ExportTraceServiceRequest in OTLP's JSON: IDs are hexadecimal, 64-bit numbers are texts, enumerations numbers. It is written
// by hand: thousands of spans a second are to cost little.
func (f *format) Post(batch []trace.Span) (export.Post, error) {
	b := writer{make([]byte, 0, len(f.head)+len(batch)*spanSize)}
	b.raw(f.head)
	for i, s := range batch {
		if i > 0 {
			b.raw(",")
		}
		b.span(s)
	}
	b.raw("]}]}]}")
	return export.Post{URL: f.url, Header: f.header, Body: b.to}, nil
}

// writer appends JSON.
type writer struct{ to []byte }

func (b *writer) raw(text string) { b.to = append(b.to, text...) }

// text appends a string, whatever it holds.
func (b *writer) text(s string) {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			quoted, _ := json.Marshal(s) // a string always can be
			b.to = append(b.to, quoted...)
			return
		}
	}
	b.raw(`"`)
	b.raw(s)
	b.raw(`"`)
}

func (b *writer) attribute(name string, value any) {
	b.raw(`{"key":`)
	b.text(name)
	switch v := value.(type) {
	case int64:
		b.raw(`,"value":{"intValue":"`)
		b.to = strconv.AppendInt(b.to, v, 10)
		b.raw(`"}}`)
	default:
		text, ok := v.(string)
		if !ok {
			text = fmt.Sprint(v)
		}
		b.raw(`,"value":{"stringValue":`)
		b.text(text)
		b.raw(`}}`)
	}
}

func (b *writer) span(s trace.Span) {
	b.raw(`{"traceId":"` + s.Trace + `","spanId":"` + s.ID + `"`)
	if s.State != "" {
		b.raw(`,"traceState":`)
		b.text(s.State)
	}
	if s.Parent != "" {
		b.raw(`,"parentSpanId":"` + s.Parent + `"`)
	}
	b.raw(`,"flags":`)
	b.to = strconv.AppendInt(b.to, sampled, 10)
	b.raw(`,"name":`)
	b.text(s.Name)
	b.raw(`,"kind":`)
	b.to = strconv.AppendInt(b.to, int64(s.Kind), 10)
	b.raw(`,"startTimeUnixNano":"`)
	b.to = strconv.AppendInt(b.to, s.Start.UnixNano(), 10)
	b.raw(`","endTimeUnixNano":"`)
	b.to = strconv.AppendInt(b.to, s.End.UnixNano(), 10)
	b.raw(`","attributes":[`)
	for _, a := range s.Attributes {
		b.attribute(a.Name, a.Value)
		b.raw(",")
	}
	b.attribute("parley.cid", s.CID)
	b.raw("]")
	if s.Failed {
		b.raw(`,"status":{"code":`)
		b.to = strconv.AppendInt(b.to, failed, 10)
		b.raw(`,"message":`)
		b.text(s.Error)
		b.raw("}")
	}
	b.raw("}")
}

// headOf is the request up to its first span.
func headOf(c Config) string {
	b := writer{}
	b.raw(`{"resourceSpans":[{"resource":{"attributes":[`)
	for i, a := range c.Resource {
		if i > 0 {
			b.raw(",")
		}
		b.attribute(a.Name, a.Value)
	}
	b.raw(`]},"scopeSpans":[{"scope":{"name":"parley","version":`)
	b.text(c.Version)
	b.raw(`},"spans":[`)
	return string(b.to)
}

func (f *format) Answer(code int, header http.Header, body []byte) export.Verdict {
	v := export.Answered(code, header)
	if !v.Taken {
		return v
	}
	var partial struct {
		PartialSuccess struct {
			RejectedSpans json.Number `json:"rejectedSpans"`
			ErrorMessage  string      `json:"errorMessage"`
		} `json:"partialSuccess"`
	}
	if err := json.Unmarshal(body, &partial); err != nil {
		return v // some answer with an empty body
	}
	refused, _ := partial.PartialSuccess.RejectedSpans.Int64()
	if v.Refused = int(refused); refused > 0 {
		v.Problem = fmt.Sprintf("%d spans were refused: %s", refused, partial.PartialSuccess.ErrorMessage)
	}
	return v
}
