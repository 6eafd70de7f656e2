// Otlp is the OpenTelemetry Collector's own OTLP receiver, for tests: it listens for OTLP/HTTP on 127.0.0.1, writes its address on the
// first line and then each span that it was sent, as a line of JSON, until its standard input ends.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/consumer"
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
	config.HTTP = configoptional.Some(otlpreceiver.HTTPConfig{ServerConfig: server, TracesURLPath: "/v1/traces"})
	out := json.NewEncoder(os.Stdout)
	sink, err := consumer.NewTraces(func(_ context.Context, all ptrace.Traces) error { return write(out, all) })
	if err != nil {
		return err
	}
	r, err := factory.CreateTraces(ctx, receivertest.NewNopSettings(component.MustNewType("otlp")), config, sink)
	if err != nil {
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

func write(out *json.Encoder, all ptrace.Traces) error {
	for _, resource := range all.ResourceSpans().All() {
		for _, scope := range resource.ScopeSpans().All() {
			for _, s := range scope.Spans().All() {
				if err := out.Encode(map[string]any{
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
