package node_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/folder"
)

// exposition is what a server that exports all there is tells Prometheus.
func exposition(t *testing.T) string {
	t.Helper()
	nobody := newElsewhere(t, nil)
	g, _ := statsGround(t, func(c *folder.Cluster) {
		c.Export = folder.Export{
			Traces: folder.Traces{Endpoint: nobody.URL}, Sentry: folder.Sentry{DSN: strings.Replace(nobody.URL, "http://", "http://key@", 1) + "/1"},
			NewRelic: folder.NewRelic{Key: "key", URL: nobody.URL},
		}
	})
	g.ask("server1", "/outer")
	return metrics(t, g)
}

// TestMetricsByTheLibraryOfPrometheus holds what is exposed to the parser that Go programs have for it: names, types, labels and the
// order of buckets.
func TestMetricsByTheLibraryOfPrometheus(t *testing.T) {
	var parser expfmt.TextParser
	families, err := parser.TextToMetricFamilies(strings.NewReader(exposition(t)))
	require.NoError(t, err)
	allowed := []string{"service", "channel", "outconn", "server", "outcome", "exporter"}
	for name, family := range families {
		assert.True(t, strings.HasPrefix(name, "parley_"), name)
		assert.NotEmpty(t, family.GetHelp(), name)
		for _, m := range family.GetMetric() {
			for _, label := range m.GetLabel() {
				assert.Contains(t, allowed, label.GetName(), "%s: labels are bounded: none is of what callers send", name)
			}
			if family.GetType() != dto.MetricType_HISTOGRAM {
				continue
			}
			last := uint64(0)
			for _, b := range m.GetHistogram().GetBucket() {
				assert.GreaterOrEqual(t, b.GetCumulativeCount(), last)
				last = b.GetCumulativeCount()
			}
			assert.Equal(t, m.GetHistogram().GetSampleCount(), last)
		}
	}
	assert.Equal(t, dto.MetricType_HISTOGRAM, families["parley_outconn_duration_seconds"].GetType())
	require.Len(t, families["parley_export_sent_total"].GetMetric(), 3)
}

// promtool is Prometheus's own checker, of Debian's package prometheus.
func promtool(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		require.False(t, slices.Contains(strings.Split(os.Getenv("PARLEY_REQUIRE"), ","), "promtool"), "PARLEY_REQUIRE asks for promtool, which Debian's package prometheus has")
		t.Skip("promtool is not installed; Debian's package prometheus has it")
	}
	command := exec.CommandContext(t.Context(), path, args...)
	command.Stdin = strings.NewReader(stdin)
	out, err := command.CombinedOutput()
	require.NoError(t, err, string(out))
	return string(out)
}

func TestPromtoolFindsNoFaultWithTheMetrics(t *testing.T) {
	assert.Empty(t, promtool(t, exposition(t), "check", "metrics"))
}

// TestTheDashboardOfGrafana holds each expression to the parser of Prometheus, and the names in it to what is exposed.
func TestTheDashboardOfGrafana(t *testing.T) {
	raw, err := os.ReadFile("../../docs/grafana-parley.json")
	require.NoError(t, err)
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
		Templating struct {
			List []struct{ Definition string }
		}
	}
	require.NoError(t, json.Unmarshal(raw, &board))
	exposed := exposition(t)
	rules := "groups:\n- name: dashboard\n  rules:\n"
	n := 0
	exists := func(expression string) {
		names := regexp.MustCompile(`parley_\w+`).FindAllString(expression, -1)
		assert.NotEmpty(t, names, expression)
		for _, name := range names {
			assert.Contains(t, exposed, "\n"+name+"{", expression)
		}
	}
	for _, panel := range board.Panels {
		for _, target := range panel.Targets {
			exists(target.Expr)
			for name, value := range map[string]string{"$service": "a|b", "$server": ".*", "$__rate_interval": "5m", "$exporter": ".*"} {
				target.Expr = strings.ReplaceAll(target.Expr, name, value)
			}
			assert.NotContains(t, target.Expr, "$", panel.Title)
			n++
			rules += fmt.Sprintf("  - {record: 'panel:%d', expr: '%s'}\n", n, strings.ReplaceAll(target.Expr, "'", "''"))
		}
	}
	for _, variable := range board.Templating.List {
		if variable.Definition != "" {
			exists(variable.Definition)
		}
	}
	require.Positive(t, n)
	file := filepath.Join(t.TempDir(), "rules.yml")
	require.NoError(t, os.WriteFile(file, []byte(rules), 0o600))
	assert.Contains(t, promtool(t, "", "check", "rules", file), fmt.Sprintf("SUCCESS: %d rules found", n))
}
