// Otlp is the OpenTelemetry Collector's own OTLP receiver, for tests: it listens for OTLP/HTTP on 127.0.0.1, writes its address on the
// first line and then each span and each data point of a metric that it was sent, as a line of JSON, until its standard input ends.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/receiver/receivertest"
)

func main() {
	if err := run(context.Background()); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "otlp:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	address := free.Addr().String()
	if err := free.Close(); err != nil {
		return err
	}
	factory := otlpreceiver.NewFactory()
	config := factory.CreateDefaultConfig().(*otlpreceiver.Config)
	server := confighttp.NewDefaultServerConfig()
	server.NetAddr.Endpoint = address
	config.HTTP = configoptional.Some(otlpreceiver.HTTPConfig{ServerConfig: server, TracesURLPath: "/v1/traces", MetricsURLPath: "/v1/metrics"})
	out := &lines{to: json.NewEncoder(os.Stdout)}
	sink, err := consumer.NewTraces(func(_ context.Context, all ptrace.Traces) error { return out.spans(all) })
	if err != nil {
		return err
	}
	metricSink, err := consumer.NewMetrics(func(_ context.Context, all pmetric.Metrics) error { return out.points(all) })
	if err != nil {
		return err
	}
	settings := receivertest.NewNopSettings(component.MustNewType("otlp"))
	r, err := factory.CreateTraces(ctx, settings, config, sink)
	if err != nil {
		return err
	}
	if _, err := factory.CreateMetrics(ctx, settings, config, metricSink); err != nil { // it is the same receiver, by its config
		return err
	}
	if err := r.Start(ctx, componenttest.NewNopHost()); err != nil {
		return err
	}
	if _, err := fmt.Println(address); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	return r.Shutdown(ctx)
}

// lines are written by one goroutine at a time.
type lines struct {
	mu sync.Mutex
	to *json.Encoder
}

func (l *lines) spans(all ptrace.Traces) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, resource := range all.ResourceSpans().All() {
		for _, scope := range resource.ScopeSpans().All() {
			for _, s := range scope.Spans().All() {
				if err := l.to.Encode(map[string]any{
					"resource": resource.Resource().Attributes().AsRaw(), "trace": s.TraceID().String(), "span": s.SpanID().String(), "parent": s.ParentSpanID().String(),
					"state": s.TraceState().AsRaw(), "name": s.Name(), "kind": s.Kind().String(), "ns": s.EndTimestamp() - s.StartTimestamp(), "start": s.StartTimestamp().AsTime(),
					"attributes": s.Attributes().AsRaw(), "status": s.Status().Code().String(), "message": s.Status().Message(),
				}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (l *lines) points(all pmetric.Metrics) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, resource := range all.ResourceMetrics().All() {
		about := map[string]any{"resource": resource.Resource().Attributes().AsRaw()}
		for _, scope := range resource.ScopeMetrics().All() {
			about["scope"] = scope.Scope().Name()
			for _, m := range scope.Metrics().All() {
				about["metric"], about["type"], about["unit"], about["description"] = m.Name(), m.Type().String(), m.Unit(), m.Description()
				if err := l.metric(m, about); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (l *lines) metric(m pmetric.Metric, about map[string]any) error {
	numbers := func(list pmetric.NumberDataPointSlice) error {
		for _, p := range list.All() {
			value := p.DoubleValue()
			if p.ValueType() == pmetric.NumberDataPointValueTypeInt {
				value = float64(p.IntValue())
			}
			if err := l.point(about, map[string]any{
				"attributes": p.Attributes().AsRaw(), "value": value, "start": p.StartTimestamp().AsTime(), "time": p.Timestamp().AsTime(),
			}); err != nil {
				return err
			}
		}
		return nil
	}
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		delete(about, "temporality")
		return numbers(m.Gauge().DataPoints())
	case pmetric.MetricTypeSum:
		about["temporality"] = m.Sum().AggregationTemporality().String()
		return numbers(m.Sum().DataPoints())
	case pmetric.MetricTypeHistogram:
		about["temporality"] = m.Histogram().AggregationTemporality().String()
		for _, p := range m.Histogram().DataPoints().All() {
			if err := l.point(about, map[string]any{
				"attributes": p.Attributes().AsRaw(), "count": p.Count(), "sum": p.Sum(), "min": p.Min(), "max": p.Max(),
				"counts": p.BucketCounts().AsRaw(), "bounds": p.ExplicitBounds().AsRaw(), "start": p.StartTimestamp().AsTime(), "time": p.Timestamp().AsTime(),
			}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *lines) point(about, p map[string]any) error {
	maps.Copy(p, about)
	return l.to.Encode(p)
}
