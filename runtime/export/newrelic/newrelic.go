// Package newrelic sends statistics to New Relic by its Metric API:
// https://docs.newrelic.com/docs/data-apis/ingest-apis/metric-api/report-metrics-metric-api/.
package newrelic

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/parley-run/parley/runtime/export"
	"github.com/parley-run/parley/runtime/kind"
)

// Sample is what was counted of one thing in some time.
type Sample struct {
	From, To            time.Time
	Kind, Name          string // such as service, demo.pay
	Usage, Errors       int64
	SumMS, MinMS, MaxMS float64
	P50MS, P95MS, P99MS float64
}

// Config says where metrics go, and of whom they are.
type Config struct {
	URL     string      // of the Metric API; empty: that of Region
	Region  string      // us, which "" means too, or eu
	Key     kind.Secret // the license key
	Cluster string
	Server  string
}

// URLOf is the Metric API of a region.
func URLOf(region string) (string, error) {
	switch region {
	case "", "us":
		return "https://metric-api.newrelic.com/metric/v1", nil
	case "eu":
		return "https://metric-api.eu.newrelic.com/metric/v1", nil
	}
	return "", errors.New("expected us or eu")
}

// New is the format.
func New(c Config) (export.Format[Sample], error) {
	if !c.Key.IsSet() || strings.ContainsFunc(c.Key.Form(), func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("the key of New Relic is empty, or has characters that no header takes")
	}
	if c.URL == "" {
		var err error
		if c.URL, err = URLOf(c.Region); err != nil {
			return nil, err
		}
	}
	return &format{c}, nil
}

type format struct{ config Config }

// BatchSize is how many samples are a request at most: of the 1 MB that the API takes they are a part, even without compression.
const BatchSize = 400

// What follows is the API's JSON.
type (
	payload struct {
		Common  common   `json:"common"`
		Metrics []metric `json:"metrics"`
	}
	common struct {
		Attributes map[string]string `json:"attributes"`
	}
	metric struct {
		Name       string            `json:"name"`
		Type       string            `json:"type"`
		Value      any               `json:"value"`
		Timestamp  int64             `json:"timestamp"` // ms
		IntervalMS int64             `json:"interval.ms,omitempty"`
		Attributes map[string]string `json:"attributes"`
	}
	summary struct {
		Count int64   `json:"count"`
		Sum   float64 `json:"sum"`
		Min   float64 `json:"min"`
		Max   float64 `json:"max"`
	}
)

// maxName is how long an attribute's value may be.
const maxName = 4000

func (f *format) Post(batch []Sample) (export.Post, error) {
	one := payload{Common: common{Attributes: map[string]string{
		"parley.cluster": f.config.Cluster, "parley.server": f.config.Server, "instrumentation.provider": "parley",
	}}}
	for _, s := range batch {
		name := strings.ToValidUTF8(s.Name, "?")
		of := map[string]string{"parley." + s.Kind: name[:min(len(name), maxName)]}
		if s.Kind == "server" { // common to all
			of = map[string]string{}
		}
		begun, length := s.From.UnixMilli(), max(1, s.To.Sub(s.From).Milliseconds())
		add := func(what, kind string, value any) {
			m := metric{Name: "parley." + s.Kind + "." + what, Type: kind, Value: value, Timestamp: begun, IntervalMS: length, Attributes: of}
			if kind == "gauge" {
				m.Timestamp, m.IntervalMS = s.To.UnixMilli(), 0
			}
			one.Metrics = append(one.Metrics, m)
		}
		add("requests", "count", s.Usage)
		add("errors", "count", s.Errors)
		add("duration", "summary", summary{s.Usage, s.SumMS, s.MinMS, s.MaxMS})
		add("duration.p50", "gauge", s.P50MS)
		add("duration.p95", "gauge", s.P95MS)
		add("duration.p99", "gauge", s.P99MS)
	}
	body, err := json.Marshal([]payload{one})
	return export.Post{URL: f.config.URL, Body: body, Header: http.Header{
		"Content-Type": {"application/json"}, "Api-Key": {f.config.Key.Form()},
	}}, err
}

// Answer goes by https://docs.newrelic.com/docs/data-apis/ingest-apis/metric-api/troubleshoot-nrmetric-api-integrations/: 500s are worth
// another try.
func (f *format) Answer(status int, header http.Header, _ []byte) export.Verdict {
	v := export.Answered(status, header)
	if status >= 500 {
		v.Again = true
	}
	return v
}
