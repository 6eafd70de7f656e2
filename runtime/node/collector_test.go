package node_test

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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

// startCollector builds and starts the Collector's own receiver, of tools/otlp. It downloads modules: it runs only where
// PARLEY_REQUIRE names it.
func startCollector(t *testing.T) (url string, spans func() []collected) {
	t.Helper()
	if !slices.Contains(strings.Split(os.Getenv("PARLEY_REQUIRE"), ","), "otlp") {
		t.Skip("the OpenTelemetry Collector's receiver is built only where PARLEY_REQUIRE names otlp: it downloads Go modules")
	}
	binary := filepath.Join(t.TempDir(), "otlp")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".")
	build.Dir = "../../tools/otlp"
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	collector := exec.CommandContext(t.Context(), binary)
	stdin, err := collector.StdinPipe()
	require.NoError(t, err)
	stdout, err := collector.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, collector.Start())
	lines := bufio.NewScanner(stdout)
	require.True(t, lines.Scan())
	url = "http://" + lines.Text()
	var mu sync.Mutex
	var got []collected
	var reader sync.WaitGroup
	reader.Go(func() {
		for lines.Scan() {
			var one collected
			assert.NoError(t, json.Unmarshal(lines.Bytes(), &one))
			mu.Lock()
			got = append(got, one)
			mu.Unlock()
		}
	})
	t.Cleanup(func() {
		_ = stdin.Close()
		reader.Wait()
		_ = collector.Wait()
	})
	return url, func() []collected {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(got)
	}
}

func TestTheCollectorUnderstandsSpans(t *testing.T) {
	url, spans := startCollector(t)
	g, _ := statsGround(t, func(c *folder.Cluster) { c.Export.Traces = folder.Traces{Endpoint: url, ServiceName: "bank"} })
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
