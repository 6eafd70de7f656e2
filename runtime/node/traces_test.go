package node_test

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/folder"
)

// sent is a request that an exporter made, its body as it was before it was compressed.
type sent struct {
	path   string
	header http.Header
	body   []byte
}

// elsewhere is a system that exporters send to; answer may be nil.
type elsewhere struct {
	*httptest.Server
	mu  sync.Mutex
	got []sent
}

func newElsewhere(t *testing.T, answer func(w http.ResponseWriter, n int)) *elsewhere {
	t.Helper()
	e := &elsewhere{}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, http.MethodPost, r.Method)
		assert.Equal(t, "gzip", r.Header.Get("Content-Encoding"))
		unpacked, err := gzip.NewReader(r.Body)
		if !assert.NoError(t, err) {
			return
		}
		body, err := io.ReadAll(unpacked)
		assert.NoError(t, err)
		e.mu.Lock()
		e.got = append(e.got, sent{r.URL.Path, r.Header, body})
		n := len(e.got)
		e.mu.Unlock()
		if answer != nil {
			answer(w, n)
		}
	}))
	t.Cleanup(e.Close)
	return e
}

func (e *elsewhere) received() []sent {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.got
}

// sentSpan is a span as OTLP's JSON has it.
type sentSpan struct {
	TraceID, SpanID, ParentSpanID, TraceState, Name string
	Kind                                            int
	Attributes                                      []struct {
		Key   string
		Value struct{ StringValue, IntValue string }
	}
	Status struct {
		Code    int
		Message string
	}
}

func (s sentSpan) attributes() map[string]string {
	out := map[string]string{}
	for _, a := range s.Attributes {
		out[a.Key] = a.Value.StringValue + a.Value.IntValue
	}
	return out
}

func spansOf(t *testing.T, all []sent) (out []sentSpan) {
	t.Helper()
	for _, one := range all {
		var request struct {
			ResourceSpans []struct {
				ScopeSpans []struct{ Spans []sentSpan }
			}
		}
		require.NoError(t, json.Unmarshal(one.body, &request))
		for _, r := range request.ResourceSpans {
			for _, s := range r.ScopeSpans {
				out = append(out, s.Spans...)
			}
		}
	}
	return out
}

func TestSpansOfARequest(t *testing.T) {
	collector := newElsewhere(t, nil)
	t.Setenv("TEST_COLLECTOR_KEY", "key-of-collector")
	g, received := statsGround(t, func(c *folder.Cluster) {
		c.Export.Traces = folder.Traces{Endpoint: collector.URL + "/", ServiceName: "bank", Headers: map[string]string{"Api-Key": "env:TEST_COLLECTOR_KEY"}}
	})
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	_, header, _ := g.ask("server1", "/outer", "Traceparent", "00-"+trace+"-00f067aa0ba902b7-01", "Tracestate", "vendor=1")
	_, other, _ := g.ask("server1", "/outer")
	g.ask("server1", "/outer", "Traceparent", "00-"+trace+"-00f067aa0ba902b7-00")
	require.Eventually(t, func() bool { return len(spansOf(t, collector.received())) == 8 }, time.Minute, 20*time.Millisecond, "two requests of four spans; the third is not sampled")

	first := collector.received()[0]
	assert.Equal(t, "/v1/traces", first.path)
	assert.Equal(t, "application/json", first.header.Get("Content-Type"))
	assert.Equal(t, "key-of-collector", first.header.Get("Api-Key"))
	assert.NotContains(t, g.logs.String(), "key-of-collector")
	assert.Contains(t, string(first.body), `{"key":"service.name","value":{"stringValue":"bank"}}`)
	assert.Contains(t, string(first.body), `{"key":"service.instance.id","value":{"stringValue":"server1"}}`)

	of := map[string]map[string]sentSpan{}
	for _, s := range spansOf(t, collector.received()) {
		if of[s.TraceID] == nil {
			of[s.TraceID] = map[string]sentSpan{}
		}
		of[s.TraceID][s.Name] = s
	}
	begun := of["00000000"+other.Get("X-Parley-CID")]
	require.Len(t, begun, 4, "a trace that begins here has the CID in its ID")
	assert.Empty(t, begun["Outer"].ParentSpanID)

	spans := of[trace]
	channel, outer, inner, call := spans["Outer"], spans["stats.outer"], spans["stats.inner"], spans["CRM get"]
	assert.Equal(t, "00f067aa0ba902b7", channel.ParentSpanID)
	assert.Equal(t, channel.SpanID, outer.ParentSpanID)
	assert.Equal(t, outer.SpanID, inner.ParentSpanID)
	assert.Equal(t, inner.SpanID, call.ParentSpanID)
	assert.Equal(t, []int{2, 1, 1, 3}, []int{channel.Kind, outer.Kind, inner.Kind, call.Kind}, "server, internal, client")
	for _, s := range spans {
		assert.Equal(t, header.Get("X-Parley-CID"), s.attributes()["parley.cid"])
		assert.Equal(t, "vendor=1", s.TraceState)
	}
	assert.Equal(t, "200", channel.attributes()["http.response.status_code"])
	assert.Equal(t, "GET", channel.attributes()["http.request.method"])
	assert.Equal(t, "CRM", call.attributes()["parley.outconn"])
	got := received()
	require.Len(t, got, 3)
	assert.Equal(t, "00-"+trace+"-"+call.SpanID+"-01", got[0].Header.Get("Traceparent"), "the back end's parent is the span of the call")
	assert.Equal(t, "vendor=1", got[0].Header.Get("Tracestate"))
	assert.Regexp(t, "^00-"+trace+"-[0-9a-f]{16}-00$", got[2].Header.Get("Traceparent"), "what is not sampled is not further on")

	require.Eventually(t, func() bool {
		return strings.Contains(metrics(t, g), "parley_export_sent_total{exporter=\"traces\",server=\"server1\"} 8\n")
	}, time.Minute, 20*time.Millisecond)
}

func TestTheEnvironmentSaysWhereSpansGo(t *testing.T) {
	collector := newElsewhere(t, nil)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	t.Setenv("OTEL_SERVICE_NAME", "from-environment")
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=a%20b,other=1")
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
	g, _ := statsGround(t)
	g.ask("server1", "/outer")
	require.Eventually(t, func() bool { return len(collector.received()) > 0 }, time.Minute, 20*time.Millisecond)
	got := collector.received()[0]
	assert.Equal(t, "a b", got.header.Get("X-Tenant"))
	assert.Contains(t, string(got.body), `{"stringValue":"from-environment"}`)
	assert.Contains(t, string(got.body), `{"key":"deployment.environment.name","value":{"stringValue":"test"}}`)
}

func TestNothingIsSampledAtRatioZero(t *testing.T) {
	collector := newElsewhere(t, nil)
	none := 0.0
	g, received := statsGround(t, func(c *folder.Cluster) { c.Export.Traces = folder.Traces{Endpoint: collector.URL, Ratio: &none} })
	g.ask("server1", "/outer")
	_, _, body := g.ask("server1", "/outer", "Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	require.NotEmpty(t, body)
	assert.Regexp(t, "-00$", received()[0].Header.Get("Traceparent"))
	require.Eventually(t, func() bool { return len(collector.received()) > 0 }, time.Minute, 20*time.Millisecond)
	for _, s := range spansOf(t, collector.received()) {
		assert.Equal(t, "4bf92f3577b34da6a3ce929d0e0e4736", s.TraceID, "who began a trace says whether it is sampled")
	}
}

// metrics are those of server1.
func metrics(t *testing.T, g *ground) string {
	t.Helper()
	s, err := g.folder.Server("server1")
	require.NoError(t, err)
	token, err := g.folder.Token()
	require.NoError(t, err)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Admin+"/metrics", nil)
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer func() { require.NoError(t, res.Body.Close()) }()
	raw, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return string(raw)
}
