// Package otlp writes spans as OpenTelemetry's protocol has them over HTTP, in JSON:
// https://opentelemetry.io/docs/specs/otlp/#otlphttp. Collectors and most back ends for traces take it.
package otlp

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

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
	return &format{url: c.URL, header: headerOf(c.Header), resource: attributes(c.Resource), version: c.Version}
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
	url      string
	header   http.Header
	resource []attribute
	version  string
}

func headerOf(given map[string]string) http.Header {
	h := http.Header{"Content-Type": {"application/json"}}
	for name, value := range given {
		h.Set(name, value)
	}
	return h
}

// What follows is ExportTraceServiceRequest in OTLP's JSON: IDs are hexadecimal, 64-bit numbers are texts, enumerations numbers.
type (
	request struct {
		ResourceSpans []resourceSpans `json:"resourceSpans"`
	}
	resourceSpans struct {
		Resource   resource     `json:"resource"`
		ScopeSpans []scopeSpans `json:"scopeSpans"`
	}
	resource struct {
		Attributes []attribute `json:"attributes"`
	}
	scopeSpans struct {
		Scope scope  `json:"scope"`
		Spans []span `json:"spans"`
	}
	scope struct {
		Name    string `json:"name"`
		Version string `json:"version,omitempty"`
	}
	span struct {
		TraceID      string      `json:"traceId"`
		SpanID       string      `json:"spanId"`
		TraceState   string      `json:"traceState,omitempty"`
		ParentSpanID string      `json:"parentSpanId,omitempty"`
		Flags        uint32      `json:"flags"`
		Name         string      `json:"name"`
		Kind         int         `json:"kind"`
		Start        string      `json:"startTimeUnixNano"`
		End          string      `json:"endTimeUnixNano"`
		Attributes   []attribute `json:"attributes"`
		Status       *status     `json:"status,omitempty"`
	}
	status struct {
		Message string `json:"message,omitempty"`
		Code    int    `json:"code"`
	}
	attribute struct {
		Key   string `json:"key"`
		Value value  `json:"value"`
	}
	value struct {
		Text   *string `json:"stringValue,omitempty"`
		Number *string `json:"intValue,omitempty"`
	}
)

const (
	failed  = 2 // STATUS_CODE_ERROR
	sampled = 1 // of a span's flags
)

func attributes(all []trace.Attribute) []attribute {
	out := make([]attribute, 0, len(all)+1)
	for _, a := range all {
		one := attribute{Key: a.Name}
		text := strings.ToValidUTF8(fmt.Sprint(a.Value), "?")
		if _, number := a.Value.(int64); number {
			one.Value.Number = &text
		} else {
			one.Value.Text = &text
		}
		out = append(out, one)
	}
	return out
}

func nanos(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }

func (f *format) Post(batch []trace.Span) (export.Post, error) {
	spans := make([]span, len(batch))
	for i, s := range batch {
		spans[i] = span{
			TraceID: s.Trace, SpanID: s.ID, ParentSpanID: s.Parent, TraceState: s.State, Flags: sampled, Name: s.Name, Kind: int(s.Kind),
			Start: nanos(s.Start), End: nanos(s.End), Attributes: attributes(append(slices.Clip(s.Attributes), trace.Attribute{Name: "parley.cid", Value: s.CID})),
		}
		if s.Failed {
			spans[i].Status = &status{Code: failed, Message: strings.ToValidUTF8(s.Error, "?")}
		}
	}
	body, err := json.Marshal(request{[]resourceSpans{{
		Resource: resource{f.resource}, ScopeSpans: []scopeSpans{{Scope: scope{"parley", f.version}, Spans: spans}},
	}}})
	return export.Post{URL: f.url, Header: f.header, Body: body}, err
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
