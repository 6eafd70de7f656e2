package node_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/internal/collector"
	"github.com/parley-run/parley/runtime/folder"
)

// collected is a span as the OpenTelemetry Collector's receiver understood it.
type collected struct {
	Resource, Attributes            map[string]any
	Trace, Span, Parent, Name, Kind string
	State, Status, Message          string
	NS                              int64
	Start                           time.Time
}

func TestTheCollectorUnderstandsSpans(t *testing.T) {
	c := collector.Start(t)
	spans := func() []collected { return collector.Received[collected](t, c) }
	g, _ := statsGround(t, func(of *folder.Cluster) { of.Export.Traces = folder.Traces{Endpoint: c.URL, ServiceName: "bank"} })
	require.NoError(t, g.deploy("server1", "fails.star", failingStar))
	require.NoError(t, g.define(`
channel_rest:
  - {name: Broken, service: fails.broken, url_path: /broken}
`))
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	begun := time.Now()
	_, header, _ := g.ask("server1", "/outer", "Traceparent", "00-"+trace+"-00f067aa0ba902b7-01", "Tracestate", "vendor=1")
	g.ask("server1", "/broken")
	require.Eventually(t, func() bool { return len(spans()) == 6 }, time.Minute, 20*time.Millisecond)
	byName := map[string]collected{}
	for _, s := range spans() {
		byName[s.Name] = s
		assert.Equal(t, "bank", s.Resource["service.name"])
		assert.Equal(t, "server1", s.Resource["service.instance.id"])
		assert.WithinDuration(t, begun, s.Start, time.Minute)
		assert.Positive(t, s.NS)
	}
	channel, outer, inner, call := byName["Outer"], byName["stats.outer"], byName["stats.inner"], byName["CRM get"]
	assert.Equal(t, []string{trace, trace, trace, trace}, []string{channel.Trace, outer.Trace, inner.Trace, call.Trace})
	assert.Equal(t, []string{"00f067aa0ba902b7", channel.Span, outer.Span, inner.Span}, []string{channel.Parent, outer.Parent, inner.Parent, call.Parent})
	assert.Equal(t, []string{"Server", "Internal", "Internal", "Client"}, []string{channel.Kind, outer.Kind, inner.Kind, call.Kind})
	assert.Equal(t, "vendor=1", channel.State)
	assert.Equal(t, header.Get("X-Parley-CID"), call.Attributes["parley.cid"])
	assert.EqualValues(t, 200, call.Attributes["http.response.status_code"])
	assert.Equal(t, "Error", byName["fails.broken"].Status)
	assert.Contains(t, byName["fails.broken"].Message, "division by zero")
	assert.EqualValues(t, 500, byName["Broken"].Attributes["http.response.status_code"])
	assert.Equal(t, "Unset", channel.Status)
}
