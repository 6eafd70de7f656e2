package node_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/folder"
)

// relicMetric is a metric of New Relic's Metric API.
type relicMetric struct {
	Name, Type string
	Value      json.RawMessage
	Timestamp  int64
	IntervalMS int64 `json:"interval.ms"`
	Attributes map[string]any
}

// metricsOf reads a request as the Metric API's documentation has it, and holds it to that.
func metricsOf(t *testing.T, one sent) (common map[string]any, metrics []relicMetric) {
	t.Helper()
	assert.Equal(t, "/metric/v1", one.path)
	assert.Equal(t, "application/json", one.header.Get("Content-Type"))
	assert.LessOrEqual(t, len(one.body), 1_000_000)
	var blocks []map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(one.body, &blocks))
	for _, block := range blocks {
		for name := range block {
			assert.Contains(t, []string{"common", "metrics"}, name)
		}
		var head struct {
			Attributes map[string]any
		}
		require.NoError(t, json.Unmarshal(block["common"], &head))
		common = head.Attributes
		var some []relicMetric
		require.NoError(t, json.Unmarshal(block["metrics"], &some))
		require.NotEmpty(t, some)
		for _, m := range some {
			assert.NotEmpty(t, m.Name)
			assert.LessOrEqual(t, len(m.Name), 255)
			assert.LessOrEqual(t, len(m.Attributes)+len(common), 100)
			assert.WithinDuration(t, time.Now(), time.UnixMilli(m.Timestamp), 48*time.Hour)
			var number float64
			switch m.Type {
			case "count":
				require.NoError(t, json.Unmarshal(m.Value, &number))
				assert.GreaterOrEqual(t, number, 0.0)
				assert.Positive(t, m.IntervalMS)
			case "gauge":
				require.NoError(t, json.Unmarshal(m.Value, &number))
			case "summary":
				var parts map[string]float64
				require.NoError(t, json.Unmarshal(m.Value, &parts))
				require.Len(t, parts, 4)
				for _, name := range []string{"count", "sum", "min", "max"} {
					assert.Contains(t, parts, name)
				}
				assert.Positive(t, m.IntervalMS)
			default:
				t.Errorf("%s: unknown type %q", m.Name, m.Type)
			}
		}
		metrics = append(metrics, some...)
	}
	return common, metrics
}

func TestNewRelicGetsStatistics(t *testing.T) {
	relic := newElsewhere(t, func(w http.ResponseWriter, n int) {
		switch n {
		case 1:
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
		case 2:
			w.WriteHeader(http.StatusInternalServerError)
		default:
			w.WriteHeader(http.StatusAccepted)
			_, _ = w.Write([]byte(`{"requestId":"f0e7bfff-001a-b000-0000-01682bcf4565"}`))
		}
	})
	t.Setenv("TEST_RELIC_KEY", "key-of-new-relic")
	g, _ := statsGround(t, func(c *folder.Cluster) {
		c.Export.NewRelic = folder.NewRelic{Key: "env:TEST_RELIC_KEY", URL: relic.URL + "/metric/v1", Every: 1}
	})
	for range 3 {
		g.ask("server1", "/outer")
	}
	seen, requests, errors := map[string]json.RawMessage{}, 0.0, 0.0
	require.Eventually(t, func() bool {
		seen, requests, errors = map[string]json.RawMessage{}, 0, 0
		for i, one := range relic.received() {
			assert.Equal(t, "key-of-new-relic", one.header.Get("Api-Key"))
			common, metrics := metricsOf(t, one)
			assert.Equal(t, "server1", common["parley.server"], "the other server counted nothing")
			for _, m := range metrics {
				if i < 2 || m.Attributes["parley.service"] != "stats.inner" && m.Attributes["parley.outconn"] != "CRM" {
					continue
				}
				var n float64
				_ = json.Unmarshal(m.Value, &n) // a summary is none
				switch seen[m.Name] = m.Value; m.Name {
				case "parley.service.requests":
					requests += n
				case "parley.outconn.errors":
					errors += n
				}
			}
		}
		return requests >= 3 && errors >= 1
	}, time.Minute, 50*time.Millisecond)
	assert.InDelta(t, 3, requests, 0, "sent again until it was taken, as one")
	assert.InDelta(t, 1, errors, 0)
	assert.JSONEq(t, "0", string(seen["parley.service.errors"]))
	assert.Contains(t, seen, "parley.service.duration.p99")
	assert.Contains(t, string(seen["parley.service.duration"]), `"count":`)
	assert.NotContains(t, g.logs.String(), "key-of-new-relic")
	assert.Regexp(t, `parley_export_retries_total{exporter="new_relic",server="server1"} 2\n`, metrics(t, g))
}
