package otlp_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/bench"
	"github.com/parley-run/parley/bench/otlp"
)

// recorded are times in µs as a result's histograms hold them: of all lengths, and around round ones.
func recorded() []int64 {
	var out []int64
	for v := int64(10); v < 300_000_000; v *= 10 {
		for _, n := range []int64{1, 2, 3, 5, 7} {
			out = append(out, n*v-1, n*v, n*v+1, n*v+n*v/1000)
		}
	}
	for v := int64(1); v < 300_000_000; v += max(1, v/7) {
		out = append(out, v, v+v/3)
	}
	return out
}

func encoded(t *testing.T, values []int64) string {
	t.Helper()
	h := hdrhistogram.New(1, 300_000_000, 3)
	for _, v := range values {
		require.NoError(t, h.RecordValue(min(v, 300_000_000)))
	}
	raw, err := h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	require.NoError(t, err)
	return string(raw)
}

func sample(t *testing.T) *bench.Result {
	all := encoded(t, recorded())
	times := bench.Latency{Count: 1000, P50: 2, P90: 3, P95: 4.25, P99: 12.5, P999: 250, Max: 1200}
	counts := bench.Counts{Sent: 1000, OK: 995, Failed: 2, Unknown: 3}
	two := bench.TwoOf{Response: all, Service: all}
	return &bench.Result{
		Name: "evening", Started: time.Date(2026, 11, 22, 1, 0, 0, 5, time.UTC), Duration: 10, Rate: 100, AchievedRate: 99.5, Counts: counts, Dropped: 7,
		Executed: &bench.Executed{Lost: 1, Doubled: 4}, Response: times, Service: times, Lag: times,
		Parts:    []bench.Phase{{Name: "climb", Counts: counts, Response: times}},
		Phases:   []bench.Phase{{Name: "start"}, {Name: "kill server1", Counts: bench.Counts{Sent: 9, OK: 9}}},
		Requests: []bench.RequestResult{{Name: "log in", Counts: bench.Counts{Sent: 400, OK: 399, Wrong: 1}}},
		Verdicts: []bench.Verdict{{Text: "lost == 0", Got: "1"}, {Text: "p99 < 50ms", OK: true}, {Text: "p99 < 50ms", OK: true}},
		Histograms: &bench.Histograms{
			Response: all, Service: all, Lag: all, Parts: []bench.TwoOf{two}, Phases: []bench.TwoOf{two, {}}, Requests: []bench.TwoOf{{}},
		},
	}
}

// point is a data point as OTLP's JSON has it.
type point struct {
	Attributes []struct {
		Key   string
		Value struct{ StringValue string }
	}
	StartTimeUnixNano, TimeUnixNano string
	AsInt                           string
	AsDouble                        float64
	Count                           string
	Sum, Min, Max                   float64
	BucketCounts                    []string
	ExplicitBounds                  []float64
}

func (p point) attribute(name string) string {
	for _, a := range p.Attributes {
		if a.Key == name {
			return a.Value.StringValue
		}
	}
	return ""
}

type series struct {
	DataPoints             []point
	AggregationTemporality int
	IsMonotonic            bool
}

type metric struct {
	Name, Description, Unit string
	Gauge, Sum, Histogram   *series
}

type request struct {
	ResourceMetrics []struct {
		Resource     struct{ Attributes []json.RawMessage }
		ScopeMetrics []struct{ Metrics []metric }
	}
}

// sent is what a receiver got.
func sent(t *testing.T, r *bench.Result) (map[string]metric, http.Header) {
	t.Helper()
	var got request
	var header http.Header
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		header = req.Header
		assert.Equal(t, "/v1/metrics", req.URL.Path)
		raw, err := io.ReadAll(req.Body)
		assert.NoError(t, err)
		assert.NoError(t, json.Unmarshal(raw, &got))
	}))
	defer server.Close()
	to, err := otlp.Find(server.URL, func(name string) string {
		return map[string]string{"OTEL_EXPORTER_OTLP_HEADERS": "api-key=a%20b", "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test"}[name]
	})
	require.NoError(t, err)
	require.NoError(t, to.Send(t.Context(), r))
	require.Len(t, got.ResourceMetrics, 1)
	assert.JSONEq(t, `[{"key": "deployment.environment.name", "value": {"stringValue": "test"}}, {"key": "service.name", "value": {"stringValue": "apitest"}}]`,
		marshal(t, got.ResourceMetrics[0].Resource.Attributes))
	out := map[string]metric{}
	for _, m := range got.ResourceMetrics[0].ScopeMetrics[0].Metrics {
		require.NotContains(t, out, m.Name, "a metric is told once")
		out[m.Name] = m
	}
	return out, header
}

func marshal(t *testing.T, v any) string {
	raw, err := json.Marshal(v)
	require.NoError(t, err)
	return string(raw)
}

func TestMetrics(t *testing.T) {
	all, header := sent(t, sample(t))
	assert.Equal(t, "a b", header.Get("Api-Key"))
	assert.Equal(t, "application/json", header.Get("Content-Type"))

	requests := all["parley.bench.requests"]
	assert.Equal(t, "{request}", requests.Unit)
	assert.Equal(t, 2, requests.Sum.AggregationTemporality, "cumulative")
	assert.True(t, requests.Sum.IsMonotonic)
	byOutcome := map[string]string{}
	for _, p := range requests.Sum.DataPoints {
		byOutcome[p.attribute("outcome")] = p.AsInt
		assert.Equal(t, "evening", p.attribute("profile"))
		assert.Equal(t, "1795309200000000005", p.StartTimeUnixNano, "when the measured part began")
		assert.Equal(t, "1795309210000000005", p.TimeUnixNano, "and ended")
	}
	assert.Equal(t, map[string]string{"ok": "995", "failed": "2", "unknown": "3", "wrong": "0"}, byOutcome)
	for name, want := range map[string]string{"lost": "1", "doubled": "4", "dropped": "7"} {
		assert.Equal(t, want, all["parley.bench."+name].Sum.DataPoints[0].AsInt, name)
	}
	for name, want := range map[string]float64{"rate.asked": 100, "rate.achieved": 99.5, "valid": 1} {
		assert.InDelta(t, want, all["parley.bench."+name].Gauge.DataPoints[0].AsDouble, 0, name)
	}
	assert.Equal(t, "climb", all["parley.bench.phase.requests"].Sum.DataPoints[0].attribute("phase"))
	assert.Equal(t, "1 kill server1", all["parley.bench.event.requests"].Sum.DataPoints[4].attribute("event"))
	assert.Equal(t, "log in", all["parley.bench.request.requests"].Sum.DataPoints[3].attribute("request"))
	assert.Equal(t, "1", all["parley.bench.request.requests"].Sum.DataPoints[3].AsInt, "wrong")
	held := all["parley.bench.as_expected"].Gauge.DataPoints
	require.Len(t, held, 2, "one series has one value")
	assert.Equal(t, "lost == 0", held[0].attribute("expected"))
	assert.Zero(t, held[0].AsDouble)

	quantiles := all["parley.bench.response_time.quantile"]
	assert.Equal(t, "s", quantiles.Unit)
	values := map[string]float64{}
	for _, p := range quantiles.Gauge.DataPoints {
		values[p.attribute("quantile")] = p.AsDouble
	}
	assert.Equal(t, map[string]float64{"0.5": 0.002, "0.9": 0.003, "0.95": 0.00425, "0.99": 0.0125, "0.999": 0.25, "1": 1.2}, values)
	for _, name := range []string{"service_time", "schedule_lag", "phase.response_time", "phase.service_time"} {
		assert.NotNil(t, all["parley.bench."+name].Histogram, name)
	}
}

// TestHistogramsAreExact: what is in a bucket of what is sent is what was recorded up to its bound.
func TestHistogramsAreExact(t *testing.T) {
	all, _ := sent(t, sample(t))
	h := all["parley.bench.response_time"]
	assert.Equal(t, "s", h.Unit)
	p := h.Histogram.DataPoints[0]
	values := recorded()
	assert.Equal(t, strconv.Itoa(len(values)), p.Count)
	require.Len(t, p.BucketCounts, len(p.ExplicitBounds)+1)
	assert.True(t, slices.IsSorted(p.ExplicitBounds))
	assert.InEpsilon(t, 0.00001, p.ExplicitBounds[0], 0.001)
	below := 0
	for i, bound := range p.ExplicitBounds {
		n, err := strconv.Atoi(p.BucketCounts[i])
		require.NoError(t, err)
		below += n
		truth := 0
		for _, v := range values {
			if float64(min(v, 300_000_000))/1e6 <= bound {
				truth++
			}
		}
		assert.Equal(t, truth, below, "up to %g s", bound)
	}
	sum := 0.0
	for _, v := range values {
		sum += float64(min(v, 300_000_000)) / 1e6
	}
	assert.InEpsilon(t, sum, p.Sum, 0.001)
	assert.InDelta(t, 0.000001, p.Min, 0)
	assert.InEpsilon(t, 300, p.Max, 0.001)

	broken := sample(t)
	broken.Histograms.Lag = "nonsense"
	to := &otlp.Receiver{URL: "http://127.0.0.1:1"}
	require.ErrorContains(t, to.Send(t.Context(), broken), "the histogram of schedule_lag cannot be read")
}

func TestFind(t *testing.T) {
	for _, row := range []struct {
		name, given string
		environment map[string]string
		want        otlp.Receiver
		none        bool
		fault       string
	}{
		{name: "nowhere", none: true},
		{name: "given", given: "http://127.0.0.1:4318", want: otlp.Receiver{URL: "http://127.0.0.1:4318/v1/metrics"}},
		{name: "given below a path", given: "https://otlp.example.com/in/", want: otlp.Receiver{URL: "https://otlp.example.com/in/v1/metrics"}},
		{name: "given in full", given: "http://c:1/v1/metrics", want: otlp.Receiver{URL: "http://c:1/v1/metrics"}},
		{name: "of the environment", environment: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, want: otlp.Receiver{URL: "http://c:4318/v1/metrics"}},
		{
			name: "of metrics alone, as it is", environment: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://m/x"},
			want: otlp.Receiver{URL: "http://m/x"},
		},
		{
			name: "given goes before it", given: "http://g", environment: map[string]string{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://m/x", "OTEL_METRICS_EXPORTER": "none"},
			want: otlp.Receiver{URL: "http://g/v1/metrics"},
		},
		{name: "switched off", environment: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_METRICS_EXPORTER": "none"}, none: true},
		{name: "all switched off", environment: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_SDK_DISABLED": "true"}, none: true},
		{
			name: "how long", given: "http://g", environment: map[string]string{"OTEL_EXPORTER_OTLP_TIMEOUT": "1500"},
			want: otlp.Receiver{URL: "http://g/v1/metrics", Timeout: 1500 * time.Millisecond},
		},
		{name: "no URL", given: "collector:4318", fault: "the URL for results: expected the URL of an OTLP/HTTP receiver"},
		{name: "none in the environment", environment: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "collector"}, fault: "OTEL_EXPORTER_OTLP_ENDPOINT: expected the URL"},
		{name: "no time", given: "http://g", environment: map[string]string{"OTEL_EXPORTER_OTLP_METRICS_TIMEOUT": "1s"}, fault: `OTEL_EXPORTER_OTLP_METRICS_TIMEOUT: expected milliseconds, such as 10000, not "1s"`},
		{name: "no headers", given: "http://g", environment: map[string]string{"OTEL_EXPORTER_OTLP_HEADERS": "secret"}, fault: "OTEL_EXPORTER_OTLP_HEADERS: expected a list such as name=value"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := otlp.Find(row.given, func(name string) string { return row.environment[name] })
			if row.fault != "" {
				require.ErrorContains(t, err, row.fault)
				assert.NotContains(t, err.Error(), "secret")
				return
			}
			require.NoError(t, err)
			if row.none {
				assert.Nil(t, got)
				return
			}
			assert.Equal(t, row.want.URL, got.URL)
			if row.want.Timeout == 0 {
				row.want.Timeout = 10 * time.Second
			}
			assert.Equal(t, row.want.Timeout, got.Timeout)
		})
	}
}

func TestSendSaysWhatIsWrong(t *testing.T) {
	for _, row := range []struct {
		name, answer string
		status       int
		want         []string
	}{
		{"refused", "no such tenant", http.StatusBadRequest, []string{"/v1/metrics answered 400 Bad Request: no such tenant"}},
		{"no key", "", http.StatusUnauthorized, []string{"401 Unauthorized", "OTEL_EXPORTER_OTLP_HEADERS"}},
		{"another server", "", http.StatusNotFound, []string{"404 Not Found", "give the base URL"}},
		{"elsewhere", "", http.StatusTemporaryRedirect, []string{"307"}},
		{"taken in part", `{"partialSuccess": {"rejectedDataPoints": "2", "errorMessage": "too old"}}`, http.StatusOK, []string{"refused 2 data points: too old"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(row.status)
				_, _ = io.WriteString(w, row.answer)
			}))
			t.Cleanup(server.Close)
			to := &otlp.Receiver{URL: strings.Replace(server.URL, "http://", "http://me:secret@", 1) + "/v1/metrics", Timeout: time.Minute}
			err := to.Send(t.Context(), sample(t))
			for _, want := range row.want {
				require.ErrorContains(t, err, want)
			}
			assert.NotContains(t, err.Error(), "secret")
		})
	}
	t.Run("nobody there", func(t *testing.T) {
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		require.NoError(t, err)
		require.NoError(t, l.Close())
		to := &otlp.Receiver{URL: "http://" + l.Addr().String() + "/v1/metrics", Timeout: time.Minute}
		err = to.Send(t.Context(), sample(t))
		require.ErrorContains(t, err, l.Addr().String()+"/v1/metrics cannot be reached: ")
		require.ErrorContains(t, err, "; start the receiver there, or give its URL")
	})
	t.Run("silent", func(t *testing.T) {
		stay := make(chan struct{})
		server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-stay }))
		t.Cleanup(server.Close)
		t.Cleanup(func() { close(stay) })
		to := &otlp.Receiver{URL: server.URL + "/v1/metrics", Timeout: 100 * time.Millisecond}
		require.ErrorContains(t, to.Send(t.Context(), sample(t)), "/v1/metrics did not answer within 100ms")
	})
	t.Run("away for good", func(t *testing.T) {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(http.StatusServiceUnavailable)
		}))
		t.Cleanup(server.Close)
		to := &otlp.Receiver{URL: server.URL, Timeout: 200 * time.Millisecond}
		require.ErrorContains(t, to.Send(t.Context(), sample(t)), "503 Service Unavailable: ; given up after 200ms")
	})
	t.Run("away for a moment", func(t *testing.T) {
		var n atomic.Int32
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if n.Add(1) < 3 {
				w.WriteHeader(http.StatusTooManyRequests)
			}
		}))
		t.Cleanup(server.Close)
		to := &otlp.Receiver{URL: server.URL, Timeout: time.Minute}
		require.NoError(t, to.Send(t.Context(), sample(t)))
		assert.EqualValues(t, 3, n.Load())
	})
	t.Run("the caller has no time", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		to := &otlp.Receiver{URL: "http://127.0.0.1:1", Timeout: time.Minute}
		require.Error(t, to.Send(ctx, sample(t)))
	})
}
