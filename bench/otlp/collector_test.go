package otlp_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/bench/otlp"
	"github.com/parley-run/parley/internal/collector"
)

// understood is a data point as the OpenTelemetry Collector's receiver understood it.
type understood struct {
	Metric, Type, Unit, Scope, Temporality string
	Resource, Attributes                   map[string]any
	Value                                  float64
	Count                                  uint64
	Sum                                    float64
	Counts                                 []uint64
	Bounds                                 []float64
	Start, Time                            time.Time
}

// TestTheCollectorUnderstandsResults sends a result to the Collector's own receiver.
func TestTheCollectorUnderstandsResults(t *testing.T) {
	c := collector.Start(t)
	r := sample(t)
	to, err := otlp.Find(c.URL, func(string) string { return "" })
	require.NoError(t, err)
	require.NoError(t, to.Send(t.Context(), r))
	c.Stop()
	got := collector.Received[understood](t, c)
	require.NotEmpty(t, got)

	one := func(metric, attribute, value string) understood {
		for _, p := range got {
			if p.Metric == metric && (attribute == "" || p.Attributes[attribute] == value) {
				return p
			}
		}
		t.Fatalf("there is no %s with %s %s", metric, attribute, value)
		return understood{}
	}
	for _, p := range got {
		assert.Equal(t, "apitest", p.Resource["service.name"])
		assert.Equal(t, "evening", p.Attributes["profile"])
		assert.True(t, r.Started.Equal(p.Start), p.Start)
		assert.True(t, r.Started.Add(10*time.Second).Equal(p.Time), p.Time)
	}
	ok := one("parley.bench.requests", "outcome", "ok")
	assert.Equal(t, []any{"Sum", "Cumulative", "{request}", 995.0}, []any{ok.Type, ok.Temporality, ok.Unit, ok.Value})
	lost := one("parley.bench.lost", "", "")
	assert.InDelta(t, 1, lost.Value, 0)
	rate := one("parley.bench.rate.achieved", "", "")
	assert.Equal(t, []any{"Gauge", "{request}/s", 99.5}, []any{rate.Type, rate.Unit, rate.Value})
	p99 := one("parley.bench.phase.response_time.quantile", "quantile", "0.99")
	assert.Equal(t, []any{"s", 0.0125, "climb"}, []any{p99.Unit, p99.Value, p99.Attributes["phase"]})
	times := one("parley.bench.response_time", "", "")
	assert.Equal(t, []any{"Histogram", "Cumulative", "s"}, []any{times.Type, times.Temporality, times.Unit})
	assert.Len(t, times.Counts, len(times.Bounds)+1)
	sum := uint64(0)
	for _, n := range times.Counts {
		sum += n
	}
	assert.Equal(t, times.Count, sum)
	assert.EqualValues(t, len(recorded()), sum)
}
