// Package otlp sends the result of a load as metrics of OpenTelemetry's protocol, over HTTP in JSON:
// https://opentelemetry.io/docs/specs/otlp/#otlphttp. Collectors take it, and many back ends.
package otlp

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/parley-run/parley/bench"
)

// scope says whose metrics these are.
const scope = "github.com/parley-run/parley/bench"

// The message ExportMetricsServiceRequest, as OTLP has it in JSON: 64-bit numbers are texts, enumerations numbers.
type (
	request struct {
		ResourceMetrics []resourceMetrics `json:"resourceMetrics"`
	}
	resourceMetrics struct {
		Resource     resource       `json:"resource"`
		ScopeMetrics []scopeMetrics `json:"scopeMetrics"`
	}
	resource struct {
		Attributes []attribute `json:"attributes"`
	}
	scopeMetrics struct {
		Scope   instrumentation `json:"scope"`
		Metrics []*metric       `json:"metrics"`
	}
	instrumentation struct {
		Name    string `json:"name"`
		Version string `json:"version,omitempty"`
	}
	metric struct {
		Name        string `json:"name"`
		Description string `json:"description"`
		Unit        string `json:"unit"`
		Gauge       *data  `json:"gauge,omitempty"`
		Sum         *data  `json:"sum,omitempty"`
		Histogram   *data  `json:"histogram,omitempty"`
	}
	data struct {
		DataPoints  []point `json:"dataPoints"`
		Temporality int     `json:"aggregationTemporality,omitempty"`
		Monotonic   bool    `json:"isMonotonic,omitempty"`
	}
	point struct {
		Attributes []attribute `json:"attributes"`
		Start      string      `json:"startTimeUnixNano"`
		Time       string      `json:"timeUnixNano"`
		Int        string      `json:"asInt,omitempty"`
		Double     *float64    `json:"asDouble,omitempty"`

		Count  string    `json:"count,omitempty"` // of a histogram, like all below
		Sum    *float64  `json:"sum,omitempty"`
		Min    *float64  `json:"min,omitempty"`
		Max    *float64  `json:"max,omitempty"`
		Counts []string  `json:"bucketCounts,omitempty"`
		Bounds []float64 `json:"explicitBounds,omitempty"`
	}
	attribute struct {
		Key   string    `json:"key"`
		Value textValue `json:"value"`
	}
	textValue struct {
		String string `json:"stringValue"`
	}
)

// cumulative is a sum since the start time. Back ends that refuse sums of single spans of time take it.
const cumulative = 2

// encode is the result as an export request. resource are the attributes of who sends it.
func encode(r *bench.Result, about map[string]string, version string) ([]byte, error) {
	w := &writer{
		byName: map[string]*metric{}, bounds: bounds(), start: nano(r.Started),
		end: nano(r.Started.Add(time.Duration(r.Duration * float64(time.Second)))), profile: labels{{"profile", r.Name}},
	}
	if r.Shard != "" {
		w.profile = append(w.profile, label{"shard", r.Shard})
	}
	if err := w.result(r); err != nil {
		return nil, err
	}
	one := resourceMetrics{ScopeMetrics: []scopeMetrics{{Scope: instrumentation{scope, version}, Metrics: w.metrics}}}
	for _, name := range slices.Sorted(maps.Keys(about)) {
		one.Resource.Attributes = append(one.Resource.Attributes, attribute{name, textValue{about[name]}})
	}
	return json.Marshal(request{[]resourceMetrics{one}})
}

func nano(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }

// label is an attribute of a data point.
type label struct{ name, value string }

type labels []label

// and is the labels with one more.
func (l labels) and(name, value string) labels { return append(slices.Clone(l), label{name, value}) }

// writer collects data points by their metrics.
type writer struct {
	metrics    []*metric
	byName     map[string]*metric
	profile    labels
	start, end string
	bounds     []int64 // of histograms
}

func (w *writer) metric(name, unit, description string) *metric {
	m := w.byName[name]
	if m == nil {
		m = &metric{Name: "parley.bench." + name, Unit: unit, Description: description}
		w.byName[name] = m
		w.metrics = append(w.metrics, m)
	}
	return m
}

func (w *writer) point(l labels) point {
	p := point{Start: w.start, Time: w.end}
	for _, one := range l {
		p.Attributes = append(p.Attributes, attribute{one.name, textValue{one.value}})
	}
	return p
}

// count is a number of requests.
func (w *writer) count(name, description string, l labels, n int) {
	m := w.metric(name, "{request}", description)
	if m.Sum == nil {
		m.Sum = &data{Temporality: cumulative, Monotonic: true}
	}
	p := w.point(l)
	p.Int = strconv.Itoa(n)
	m.Sum.DataPoints = append(m.Sum.DataPoints, p)
}

func (w *writer) gauge(name, unit, description string, l labels, v float64) {
	m := w.metric(name, unit, description)
	if m.Gauge == nil {
		m.Gauge = &data{}
	}
	p := w.point(l)
	p.Double = &v
	m.Gauge.DataPoints = append(m.Gauge.DataPoints, p)
}
