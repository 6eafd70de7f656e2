package otlp_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/export"
	"github.com/parley-run/parley/runtime/export/otlp"
	"github.com/parley-run/parley/runtime/trace"
)

func TestSpansAsJSON(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	f := otlp.New(otlp.Config{
		URL: otlp.TracesURL("http://127.0.0.1:4318/"), Header: map[string]string{"api-key": "k"}, Version: "1.0",
		Resource: []trace.Attribute{{Name: "service.name", Value: `ba"nk`}},
	})
	p, err := f.Post([]trace.Span{
		{
			Trace: "4bf92f3577b34da6a3ce929d0e0e4736", ID: "00f067aa0ba902b7", Parent: "00f067aa0ba902b8", State: "a=1", Name: "C \"é\"\n\xff", Kind: trace.Server, Start: at,
			End: at.Add(time.Millisecond), CID: "c1", Attributes: []trace.Attribute{{Name: "http.response.status_code", Value: int64(500)}}, Failed: true, Error: "boom\x00",
		},
		{Trace: "4bf92f3577b34da6a3ce929d0e0e4736", ID: "00f067aa0ba902b8", Name: "a", Kind: trace.Internal, Start: at, End: at, CID: "c1"},
	})
	require.NoError(t, err)
	assert.Equal(t, "http://127.0.0.1:4318/v1/traces", p.URL)
	assert.Equal(t, http.Header{"Content-Type": {"application/json"}, "Api-Key": {"k"}}, p.Header)
	assert.JSONEq(t, `{"resourceSpans": [{
		"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "ba\"nk"}}]},
		"scopeSpans": [{"scope": {"name": "parley", "version": "1.0"}, "spans": [
			{"traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": "00f067aa0ba902b7", "parentSpanId": "00f067aa0ba902b8", "traceState": "a=1", "flags": 1,
			 "name": "C \"é\"\n\ufffd", "kind": 2, "startTimeUnixNano": "1767323045000000006", "endTimeUnixNano": "1767323045001000006",
			 "attributes": [{"key": "http.response.status_code", "value": {"intValue": "500"}}, {"key": "parley.cid", "value": {"stringValue": "c1"}}],
			 "status": {"code": 2, "message": "boom\u0000"}},
			{"traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": "00f067aa0ba902b8", "flags": 1, "name": "a", "kind": 1,
			 "startTimeUnixNano": "1767323045000000006", "endTimeUnixNano": "1767323045000000006", "attributes": [{"key": "parley.cid", "value": {"stringValue": "c1"}}]}
		]}]
	}]}`, string(p.Body))
	assert.True(t, json.Valid(p.Body))
}

func TestAnswers(t *testing.T) {
	f := otlp.New(otlp.Config{URL: "http://127.0.0.1:4318/v1/traces"})
	for _, row := range []struct {
		name   string
		status int
		body   string
		want   export.Verdict
	}{
		{"taken", 200, `{}`, export.Verdict{Taken: true}},
		{"taken, and nothing said", 200, ``, export.Verdict{Taken: true}},
		{"taken in part", 200, `{"partialSuccess": {"rejectedSpans": "2", "errorMessage": "too old"}}`, export.Verdict{Taken: true, Refused: 2, Problem: "2 spans were refused: too old"}},
		{"a warning alone", 200, `{"partialSuccess": {"errorMessage": "mind the gap"}}`, export.Verdict{Taken: true}},
		{"refused", 400, `{"code": 3}`, export.Verdict{}},
		{"away", 503, ``, export.Verdict{Again: true}},
	} {
		assert.Equal(t, row.want, f.Answer(row.status, http.Header{}, []byte(row.body)), row.name)
	}
}

func TestURLs(t *testing.T) {
	for _, good := range []string{"http://127.0.0.1:4318", "https://user:pw@collector/base"} {
		assert.Empty(t, otlp.CheckURL(good))
	}
	for _, bad := range []string{"", "collector:4318", "grpc://collector", "http://"} {
		assert.NotEmpty(t, otlp.CheckURL(bad), bad)
	}
}

func BenchmarkPost(b *testing.B) {
	f := otlp.New(otlp.Config{URL: "http://127.0.0.1:4318/v1/traces"})
	batch := make([]trace.Span, 512)
	for i := range batch {
		batch[i] = trace.Span{
			Trace: "4bf92f3577b34da6a3ce929d0e0e4736", ID: "00f067aa0ba902b7", Name: "C", Kind: trace.Server, Start: time.Now(), End: time.Now(), CID: "0123456789abcdef01234567",
			Attributes: []trace.Attribute{{Name: "parley.channel", Value: "C"}, {Name: "parley.service", Value: "a"}, {Name: "http.response.status_code", Value: int64(200)}},
		}
	}
	for b.Loop() {
		if _, err := f.Post(batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(batch)), "ns/span")
}
