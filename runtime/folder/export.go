package folder

import (
	"net/url"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Export says what the servers send to systems elsewhere; what is empty is not sent. Secrets are best references, such as
// env:NAME, file:/path or vault:path#key.
type Export struct {
	Traces   Traces   `yaml:"traces"`
	Sentry   Sentry   `yaml:"sentry"`
	NewRelic NewRelic `yaml:"new_relic"`
}

// Traces are sent to an OpenTelemetry collector. What is empty goes by the environment: OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,
// OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES and OTEL_TRACES_SAMPLER_ARG.
type Traces struct {
	Endpoint    string            `yaml:"endpoint"`     // of OTLP/HTTP, such as http://127.0.0.1:4318; /v1/traces is added
	Headers     map[string]string `yaml:"headers"`      // of each request; values may be references
	ServiceName string            `yaml:"service_name"` // empty: the cluster's name
	Ratio       *float64          `yaml:"ratio"`        // of the traces that begin here those that are sampled, 0 to 1; nothing: 1
}

// Sentry is told of errors of services. What is empty goes by the environment: SENTRY_DSN, SENTRY_ENVIRONMENT and SENTRY_RELEASE.
type Sentry struct {
	DSN         string `yaml:"dsn"`         // such as https://KEY@o1.ingest.sentry.io/42, or a reference
	Environment string `yaml:"environment"` // empty: production
	Release     string `yaml:"release"`     // empty: Parley's
}

// NewRelic is sent statistics. What is empty goes by the environment: NEW_RELIC_LICENSE_KEY.
type NewRelic struct {
	Key    string `yaml:"key"`    // the license key, or a reference
	Region string `yaml:"region"` // us, which "" means too, or eu
	URL    string `yaml:"url"`    // of the Metric API, in place of the region's
	Every  int    `yaml:"every"`  // seconds between two requests; 0: 60
}

// checkExport shows nothing of what may be secret.
func checkExport(c Export, body ast.Node, found *faults) {
	add := func(area, key, problem string) {
		if problem != "" {
			found.add(tokenAt(body, "export", area, key), "export.%s.%s: %s", area, key, problem)
		}
	}
	web := func(text, example string) string {
		u, err := url.Parse(text)
		if text != "" && (err != nil || !slices.Contains([]string{"http", "https"}, u.Scheme) || u.Host == "") {
			return "expected a URL such as " + example
		}
		return ""
	}
	add("traces", "endpoint", web(c.Traces.Endpoint, "http://127.0.0.1:4318"))
	if r := c.Traces.Ratio; r != nil && !(*r >= 0 && *r <= 1) {
		add("traces", "ratio", "expected a number from 0 to 1")
	}
	for name := range c.Traces.Headers {
		if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' || r == ':' }) {
			add("traces", "headers", "expected names of headers, and their values")
		}
	}
	if dsn := c.Sentry.DSN; dsn != "" && !isReference(dsn) {
		u, err := url.Parse(dsn)
		if err != nil || web(dsn, "") != "" || u.User.Username() == "" || strings.HasSuffix(u.Path, "/") || u.Path == "" {
			add("sentry", "dsn", "expected a DSN such as https://KEY@o1.ingest.sentry.io/42, or a reference such as env:SENTRY_DSN")
		}
	}
	if r := c.NewRelic.Region; r != "" && r != "us" && r != "eu" {
		add("new_relic", "region", "expected us or eu")
	}
	add("new_relic", "url", web(c.NewRelic.URL, "https://metric-api.newrelic.com/metric/v1"))
	if n := c.NewRelic.Every; n != 0 && (n < 5 || n > 3600) {
		add("new_relic", "every", "expected a number of seconds, 5 to 3600")
	}
}

func isReference(text string) bool {
	return strings.HasPrefix(text, "env:") || strings.HasPrefix(text, "file:") || strings.HasPrefix(text, "vault:")
}
