package stats_test

import (
	"net/http/httptest"
	"os"
	osexec "os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/stats"
)

// exposed is statistics with one of each kind, and names that need care.
func exposed(t *testing.T) *stats.Stats {
	t.Helper()
	s := open(t, t.TempDir()+"/stats.db", "server1")
	for _, took := range []time.Duration{500 * time.Microsecond, 3 * time.Millisecond, 30 * time.Millisecond, time.Minute} {
		s.Service("a").Record(time.Now(), took, took == time.Minute)
	}
	s.Channel("C \"quoted\\\"\n"+"\xff").Record(time.Now(), time.Second, true)
	s.Outconn("CRM").Record(time.Now(), 2*time.Second, false)
	s.Service("never called")
	s.Service("parley.server.info").Record(time.Now(), time.Second, false)
	return s
}

func TestMetrics(t *testing.T) {
	w := httptest.NewRecorder()
	exposed(t).Metrics().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
	assert.Equal(t, "text/plain; version=0.0.4; charset=utf-8", w.Header().Get("Content-Type"))
	got := w.Body.String()
	for _, line := range []string{
		`# TYPE parley_service_requests_total counter`,
		`parley_service_requests_total{service="a",server="server1",outcome="ok"} 3`,
		`parley_service_requests_total{service="a",server="server1",outcome="error"} 1`,
		`# TYPE parley_service_duration_seconds histogram`,
		`parley_service_duration_seconds_bucket{service="a",server="server1",le="0.001"} 1`,
		`parley_service_duration_seconds_bucket{service="a",server="server1",le="0.0025"} 1`,
		`parley_service_duration_seconds_bucket{service="a",server="server1",le="0.005"} 2`,
		`parley_service_duration_seconds_bucket{service="a",server="server1",le="10"} 3`,
		`parley_service_duration_seconds_bucket{service="a",server="server1",le="+Inf"} 4`,
		`parley_service_duration_seconds_sum{service="a",server="server1"} 60.0335`,
		`parley_service_duration_seconds_count{service="a",server="server1"} 4`,
		`parley_channel_requests_total{channel="C \"quoted\\\"\n?",server="server1",outcome="error"} 1`,
		`parley_outconn_requests_total{outconn="CRM",server="server1",outcome="ok"} 1`,
	} {
		assert.Contains(t, got, line+"\n")
	}
	assert.NotContains(t, got, "never called")
	assert.NotContains(t, got, "parley.server.info")
	w = httptest.NewRecorder()
	exposed(t).Metrics().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics?internal=1", nil))
	assert.Contains(t, w.Body.String(), "parley_service_requests_total{service=\"parley.server.info\",server=\"server1\",outcome=\"ok\"} 1\n")
}

// TestPrometheusReadsTheMetrics has Prometheus's own Python library read them.
func TestPrometheusReadsTheMetrics(t *testing.T) {
	const read = `
import sys
from prometheus_client.parser import text_string_to_metric_families
for family in sorted(text_string_to_metric_families(sys.stdin.read()), key=lambda f: f.name):
    print(family.name, family.type, len(family.samples))
    for s in family.samples:
        if s.labels.get("channel") and s.name.endswith("_count"):
            print(repr(s.labels["channel"]), s.value)
`
	const python = "/usr/bin/python3" // Debian's, whose packages are for it
	if err := osexec.CommandContext(t.Context(), python, "-c", "import prometheus_client.parser").Run(); err != nil {
		require.False(t, slices.Contains(strings.Split(os.Getenv("PARLEY_REQUIRE"), ","), "prometheus"), "PARLEY_REQUIRE asks for python3-prometheus-client: %v", err)
		t.Skip("python3-prometheus-client is not installed: ", err)
	}
	var text strings.Builder
	require.NoError(t, exposed(t).WriteMetrics(&text, false))
	command := osexec.CommandContext(t.Context(), python, "-c", read)
	command.Stdin = strings.NewReader(text.String())
	out, err := command.CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Equal(t, `parley_channel_duration_seconds histogram 16
'C "quoted\\"\n?' 1.0
parley_channel_requests counter 2
parley_outconn_duration_seconds histogram 16
parley_outconn_requests counter 2
parley_service_duration_seconds histogram 16
parley_service_requests counter 2
`, string(out))
}
