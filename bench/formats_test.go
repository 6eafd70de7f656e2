package bench_test

import (
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/bench"
)

// told is a result with something of everything.
func told() *bench.Result {
	r := failover()
	r.Series = bench.Series{Width: 1, Buckets: []bench.Bucket{{
		From: 2, Asked: 500, Achieved: 499, Counts: bench.Counts{Sent: 500, OK: 498, Failed: 2}, P50: 2.5, P95: 3.5, Max: 12_000, Servers: map[string]int{"server2": 498},
	}}}
	r.Verdicts = []bench.Verdict{{Text: "lost <= 0", Got: "2"}, {Text: `p99 in "kill | a" < 1s`, Got: "12 ms", OK: true}}
	r.Requests = []bench.RequestResult{{Name: `a"b`, Counts: bench.Counts{Sent: 3, OK: 3}}}
	r.Parts = []bench.Phase{{Name: "up", To: 10, Counts: r.Counts, Response: r.Response}}
	return r
}

func written(t *testing.T, name string, r *bench.Result) string {
	t.Helper()
	for _, f := range bench.Formats() {
		if f.Name == name {
			var b strings.Builder
			require.NoError(t, f.Write(r, &b))
			return b.String()
		}
	}
	t.Fatalf("there is no format %s", name)
	return ""
}

func TestCSV(t *testing.T) {
	rows, err := csv.NewReader(strings.NewReader(written(t, "csv", told()))).ReadAll()
	require.NoError(t, err)
	assert.Equal(t, [][]string{
		{"from_s", "asked", "achieved", "sent", "ok", "failed", "unknown", "wrong", "p50_ms", "p95_ms", "p99_ms", "max_ms", "server:server1", "server:server2"},
		{"2", "500", "499", "500", "498", "2", "0", "0", "2.5", "3.5", "0", "12000", "0", "498"},
	}, rows)
}

func TestJUnit(t *testing.T) {
	r := told()
	r.Invalid = []string{"it was late"}
	var suite struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Errors   int `xml:"errors,attr"`
		Cases    []struct {
			Name    string `xml:"name,attr"`
			Failure *struct {
				Message string `xml:"message,attr"`
			} `xml:"failure"`
			Error *struct {
				Message string `xml:"message,attr"`
			} `xml:"error"`
		} `xml:"testcase"`
	}
	require.NoError(t, xml.Unmarshal([]byte(written(t, "junit", r)), &suite))
	assert.Equal(t, [3]int{3, 1, 1}, [3]int{suite.Tests, suite.Failures, suite.Errors})
	assert.Equal(t, "it was late", suite.Cases[0].Error.Message)
	assert.Equal(t, "it is 2", suite.Cases[1].Failure.Message)
	assert.Nil(t, suite.Cases[2].Failure)
}

func TestMarkdown(t *testing.T) {
	text := written(t, "markdown", told())
	assert.Contains(t, text, "### failover: **not as expected**\n")
	assert.Contains(t, text, "| `lost <= 0` | 2 | **not met** |\n")
	assert.Contains(t, text, "| `p99 in \"kill \\| a\" < 1s` | 12 ms | met |\n")
	assert.Contains(t, text, "| up | 5000 | 4 | 2.10 ms | 4.25 ms | 12.3 ms | 12.0 s |\n")
}

func TestPrometheus(t *testing.T) {
	text := written(t, "prometheus", told())
	for _, want := range []string{
		`parley_bench_requests{bench="failover",outcome="ok"} 4996`,
		`parley_bench_requests{bench="failover",request="a\"b",outcome="ok"} 3`,
		`parley_bench_seconds{bench="failover",time="response",quantile="0.99"} 0.01234`,
		`parley_bench_lost{bench="failover"} 2`,
		`parley_bench_as_expected{bench="failover",expected="lost <= 0"} 0`,
		`parley_bench_valid{bench="failover"} 1`,
	} {
		assert.Contains(t, text, want+"\n")
	}
	r := told()
	r.Name, r.Parts = "tab\t\u00fc \u200b\\ \xff", []bench.Phase{{Name: "a\nb\r"}}
	assert.Contains(t, written(t, "prometheus", r), "parley_bench_requests{bench=\"tab\t\u00fc \u200b\\\\ \ufffd\",phase=\"a\\nb\r\",outcome=\"ok\"} 0\n",
		"backslash, quote and line feed alone are escaped")
	seen := map[string]bool{}
	for line := range strings.Lines(text) {
		name, _, _ := strings.Cut(line, "} ")
		if !strings.HasPrefix(line, "#") {
			assert.False(t, seen[name], "twice: %s", line)
		}
		seen[name] = true
	}
}

// TestSchemas: those in docs are those of the code, and what is written and read keeps to them.
func TestSchemas(t *testing.T) {
	compiled := func(name string, write func() ([]byte, error)) *jsonschema.Schema {
		raw, err := write()
		require.NoError(t, err)
		path := "../docs/schemas/bench-" + name + ".json"
		kept, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, string(kept), string(raw), "write it anew: apitest bench schema %s > docs/schemas/bench-%s.json", name, name)
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(raw)))
		require.NoError(t, err)
		c := jsonschema.NewCompiler()
		require.NoError(t, c.AddResource(name, doc))
		s, err := c.Compile(name)
		require.NoError(t, err)
		return s
	}
	profiles, results := compiled("profile", bench.ProfileSchema), compiled("result", bench.ResultSchema)
	asYAML := func(text string) any {
		var v any
		require.NoError(t, yaml.Unmarshal([]byte(text), &v))
		raw, err := json.Marshal(v)
		require.NoError(t, err)
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(raw)))
		require.NoError(t, err)
		return doc
	}
	require.NoError(t, profiles.Validate(asYAML(wholeProfile)))
	require.NoError(t, profiles.Validate(asYAML("phases: [{name: a, duration: 5, from: 1, to: 2}]\nrequests: [{path: /a, check: {status: [200, 201]}}]\nexpect: [p99 < 5ms]\n")))
	require.Error(t, profiles.Validate(asYAML("raet: 5\n")))
	require.Error(t, profiles.Validate(asYAML("duration: long\n")))
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(written(t, "json", told())))
	require.NoError(t, err)
	require.NoError(t, results.Validate(doc))
}

func TestProbe(t *testing.T) {
	answers := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(answers.Close)
	require.NoError(t, bench.Probe(t.Context(), bench.Profile{}, answers.URL), "any answer will do")

	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	err := bench.Probe(t.Context(), bench.Profile{}, secure.URL)
	require.ErrorIs(t, err, bench.ErrNoAnswer)
	require.ErrorContains(t, err, "; give an address that its certificate names, and its authority in the profile's ca")

	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0") // it accepts, and says nothing
	require.NoError(t, err)
	began := time.Now()
	err = bench.Probe(t.Context(), bench.Profile{}, "http://"+l.Addr().String())
	require.ErrorContains(t, err, "does not answer: nothing came back within 4s; start the target, or give another address")
	assert.Less(t, time.Since(began), time.Minute)
	require.NoError(t, l.Close())
	require.ErrorContains(t, bench.Probe(t.Context(), bench.Profile{}, "http://"+l.Addr().String()), "connection refused")
}
