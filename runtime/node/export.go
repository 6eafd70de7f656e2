package node

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/export"
	"github.com/parley-run/parley/runtime/export/newrelic"
	"github.com/parley-run/parley/runtime/export/otlp"
	"github.com/parley-run/parley/runtime/export/sentry"
	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/stats"
	"github.com/parley-run/parley/runtime/trace"
)

// exports are what a server sends to systems elsewhere; what is nil is off.
type exports struct {
	tracer  *trace.Tracer
	spans   *export.Exporter[trace.Span]
	errors  *export.Exporter[sentry.Error]
	metrics *export.Exporter[newrelic.Sample]
	feed    *stats.Feed
	save    func(context.Context) error
	every   time.Duration // between what metrics are sent
}

// openExports prepares what cluster.yaml and the environment say. Nothing is sent until Run.
func (n *Node) openExports() error {
	for _, open := range []func() error{n.openTraces, n.openSentry, n.openNewRelic} {
		if err := open(); err != nil {
			return fmt.Errorf("export of cluster.yaml: %w", err)
		}
	}
	return nil
}

// exportSecret gives what a key of export in cluster.yaml stands for.
func (n *Node) exportSecret(key, text string) (string, error) {
	if text == "" {
		return "", nil
	}
	// Of a vault it is what is there now; like all of cluster.yaml it holds until the server starts the next time.
	value, err := n.reveal(catalog.Key{Kind: "cluster", Name: "export"}, &vaulted{})(key, kind.NewSecret(text))
	if err != nil {
		return "", fmt.Errorf("%s: %w", key, err)
	}
	return value, nil
}

func (n *Node) openTraces() error {
	c := n.folder.Cluster.Export.Traces
	target := os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
	if base := cmp.Or(c.Endpoint, os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT")); c.Endpoint != "" || target == "" && base != "" {
		target = otlp.TracesURL(base)
	}
	if target == "" || os.Getenv("OTEL_SDK_DISABLED") == "true" || c.Endpoint == "" && os.Getenv("OTEL_TRACES_EXPORTER") == "none" {
		return nil
	}
	if problem := otlp.CheckURL(target); problem != "" {
		return fmt.Errorf("traces.endpoint, or OTEL_EXPORTER_OTLP_ENDPOINT: %s", problem)
	}
	if p := cmp.Or(os.Getenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"), os.Getenv("OTEL_EXPORTER_OTLP_PROTOCOL")); p == "grpc" {
		n.log.Warn("spans are sent as http/json, not grpc; a collector takes that on another port, 4318 as a rule", "endpoint", target)
	}
	header := map[string]string{}
	for name, value := range pairs(cmp.Or(os.Getenv("OTEL_EXPORTER_OTLP_TRACES_HEADERS"), os.Getenv("OTEL_EXPORTER_OTLP_HEADERS"))) {
		header[name] = value
	}
	for name, text := range c.Headers {
		value, err := n.exportSecret("traces.headers."+name, text)
		if err != nil {
			return err
		}
		header[name] = value
	}
	ratio, err := samplingRatio(c.Ratio)
	if err != nil {
		return err
	}
	version := released()
	about := []trace.Attribute{}
	resource := pairs(os.Getenv("OTEL_RESOURCE_ATTRIBUTES"))
	resource["service.name"] = cmp.Or(c.ServiceName, os.Getenv("OTEL_SERVICE_NAME"), resource["service.name"], n.folder.Cluster.Name)
	for name, value := range map[string]string{
		"service.instance.id": n.server.Name, "service.namespace": n.folder.Cluster.Name, "telemetry.sdk.name": "parley",
		"telemetry.sdk.language": "go", "telemetry.sdk.version": version,
	} {
		resource[name] = cmp.Or(resource[name], value)
	}
	for name, value := range resource {
		about = append(about, trace.Attribute{Name: name, Value: value})
	}
	slices.SortFunc(about, func(a, b trace.Attribute) int { return cmp.Compare(a.Name, b.Name) })
	format := otlp.New(otlp.Config{URL: target, Header: header, Resource: about, Version: version})
	n.exports.spans = export.New(format, export.Options{Name: "traces", Log: n.log})
	n.exports.tracer = &trace.Tracer{Ratio: ratio, Now: n.now, Ended: n.exports.spans.Put}
	return nil
}

func samplingRatio(given *float64) (float64, error) {
	if given != nil {
		return *given, nil
	}
	switch sampler := os.Getenv("OTEL_TRACES_SAMPLER"); sampler {
	case "always_off", "parentbased_always_off":
		return 0, nil
	case "always_on", "parentbased_always_on":
		return 1, nil
	}
	text := os.Getenv("OTEL_TRACES_SAMPLER_ARG")
	if text == "" {
		return 1, nil
	}
	ratio, err := strconv.ParseFloat(text, 64)
	if err != nil || !(ratio >= 0 && ratio <= 1) {
		return 0, fmt.Errorf("OTEL_TRACES_SAMPLER_ARG: expected a number from 0 to 1, not %q", text)
	}
	return ratio, nil
}

// pairs reads key=value,key=value as the variables of OpenTelemetry have them.
func pairs(text string) map[string]string {
	out := map[string]string{}
	for one := range strings.SplitSeq(text, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(one), "=")
		if plain, err := url.PathUnescape(strings.TrimSpace(value)); ok && name != "" && err == nil {
			out[strings.TrimSpace(name)] = plain
		}
	}
	return out
}

func (n *Node) openSentry() error {
	c := n.folder.Cluster.Export.Sentry
	dsn, err := n.exportSecret("sentry.dsn", c.DSN)
	if dsn = cmp.Or(dsn, os.Getenv("SENTRY_DSN")); err != nil || dsn == "" {
		return err
	}
	version := released()
	format, err := sentry.New(sentry.Config{
		DSN: kind.NewSecret(dsn), Environment: cmp.Or(c.Environment, os.Getenv("SENTRY_ENVIRONMENT"), "production"),
		Release: cmp.Or(c.Release, os.Getenv("SENTRY_RELEASE"), "parley@"+version), Server: n.server.Name, Version: version, Now: n.now,
	})
	if err != nil {
		return err
	}
	n.exports.errors = export.New(format, export.Options{Name: "sentry", Queue: 200, Batch: 1, Every: time.Second, Log: n.log})
	format.Tell(n.exports.errors.Counts)
	return nil
}

func (n *Node) openNewRelic() error {
	c := n.folder.Cluster.Export.NewRelic
	key, err := n.exportSecret("new_relic.key", c.Key)
	if key = cmp.Or(key, os.Getenv("NEW_RELIC_LICENSE_KEY")); err != nil || key == "" || n.folder.Cluster.Statistics.Off {
		return err
	}
	format, err := newrelic.New(newrelic.Config{URL: c.URL, Region: c.Region, Key: kind.NewSecret(key), Cluster: n.folder.Cluster.Name, Server: n.server.Name})
	if err != nil {
		return err
	}
	n.exports.metrics = export.New(format, export.Options{Name: "new_relic", Queue: 20_000, Batch: newrelic.BatchSize, Every: time.Second, Log: n.log})
	n.exports.save = n.stats.Save
	n.exports.feed, n.exports.every = n.stats.Feed(), time.Duration(cmp.Or(c.Every, 60))*time.Second
	return nil
}

// released is the version of this program without the commit.
func released() string {
	_, version, _ := build()
	version, _, _ = strings.Cut(version, " ")
	return version
}

// run sends until ctx ends, and then what is left.
func (e *exports) run(ctx context.Context, now func() time.Time) {
	var group errgroup.Group
	start := func(run func(context.Context)) {
		group.Go(func() error {
			run(ctx)
			return nil
		})
	}
	if e.spans != nil {
		start(e.spans.Run)
	}
	if e.errors != nil {
		start(e.errors.Run)
	}
	if e.metrics != nil {
		start(func(ctx context.Context) {
			sending, stop := context.WithCancel(context.WithoutCancel(ctx))
			var sender sync.WaitGroup
			sender.Go(func() { e.metrics.Run(sending) })
			e.gather(ctx, now)
			stop()
			sender.Wait()
		})
	}
	_ = group.Wait() // none of them fails
}

// gather takes what statistics counted, every so often and once more at the end.
func (e *exports) gather(ctx context.Context, now func() time.Time) {
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-time.After(e.every):
		}
		saving, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
		_ = e.save(saving) // what was counted until now is in the feed even where it fails, and whoever saves every 10 s says why
		cancel()
		to := now()
		from, counted := e.feed.Take(to)
		for _, one := range counted {
			l := one.Line
			e.metrics.Put(newrelic.Sample{
				From: from, To: to, Kind: one.Kind.String(), Name: l.Name, Usage: l.Usage, Errors: l.Errors,
				SumMS: l.TimeMS, MinMS: l.MinMS, MaxMS: l.MaxMS, P50MS: l.P50MS, P95MS: l.P95MS, P99MS: l.P99MS,
			})
		}
	}
}

// counts are what became of all that was to be sent.
func (e *exports) counts() []export.Counts {
	out := []export.Counts{}
	if e.spans != nil {
		out = append(out, e.spans.Counts())
	}
	if e.errors != nil {
		out = append(out, e.errors.Counts())
	}
	if e.metrics != nil {
		out = append(out, e.metrics.Counts())
	}
	return out
}

func (n *Node) exported() []export.Counts {
	out := n.exports.counts()
	for i := range out {
		out[i].Server = n.server.Name
	}
	return out
}

func (n *Node) getLocalExports(context.Context, service.Runtime, struct{}) ([]export.Counts, error) {
	return n.exported(), nil
}

// getExports asks the servers of this machine. One that does not answer is left out.
func (n *Node) getExports(ctx context.Context, _ service.Runtime, _ struct{}) ([]export.Counts, error) {
	peers := n.folder.Cluster.Servers
	told := make([][]export.Counts, len(peers))
	var group errgroup.Group
	for i, peer := range peers {
		group.Go(func() error {
			if peer.Name == n.server.Name {
				told[i] = n.exported()
				return nil
			}
			return n.callPeer(ctx, peer.Admin, "parley.stats.exports-local", struct{}{}, &told[i])
		})
	}
	if err := group.Wait(); err != nil {
		n.log.Debug("not every server told what it exports", "err", err)
	}
	return slices.Concat(told...), nil
}

// metricsHandler is what Prometheus is told of this server.
func (n *Node) metricsHandler() http.Handler {
	counted := n.stats.Metrics()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		counted.ServeHTTP(w, r)
		export.Metrics(w, n.exported())
	})
}

// calls is an outgoing connection as services see it.
func (n *Node) calls(conn service.Outconn, kindName, name string) service.Outconn {
	return n.exports.tracer.Call(stats.Call(conn, n.stats.Outconn(name), n.now), kindName, name)
}

// traceOf is the trace of a request: of the span that it is in, where there are spans.
func (n *Node) traceOf(ctx context.Context, caller *service.Call, req *service.Request) service.Trace {
	if n.exports.tracer != nil {
		if t, ok := trace.Of(ctx); ok {
			return t
		}
	}
	return service.TraceOf(caller, req)
}
