package node_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/folder"
	"github.com/parley-run/parley/runtime/node"
	"github.com/parley-run/parley/runtime/service"
)

// sentryEvent is an event's payload, as far as it is looked at.
type sentryEvent struct {
	EventID     string `json:"event_id"`
	Timestamp   time.Time
	Platform    string
	Level       string
	Transaction string
	ServerName  string `json:"server_name"`
	Release     string
	Environment string
	Tags        map[string]string
	Exception   struct {
		Values []struct {
			Type, Value string
			Stacktrace  *struct {
				Frames []struct {
					Filename, Function string
					Lineno             int
					InApp              bool `json:"in_app"`
				}
			}
		}
	}
	Contexts struct {
		Trace struct {
			TraceID string `json:"trace_id"`
			SpanID  string `json:"span_id"`
		}
	}
}

// envelope reads an envelope as https://develop.sentry.dev/sdk/data-model/envelopes/ has it, and holds it to that. It gives the event
// and the other items by type.
func envelope(t *testing.T, one sent) (e sentryEvent, others map[string]json.RawMessage) {
	t.Helper()
	assert.Equal(t, "/api/42/envelope/", one.path)
	assert.Equal(t, "application/x-sentry-envelope", one.header.Get("Content-Type"))
	auth, ok := strings.CutPrefix(one.header.Get("X-Sentry-Auth"), "Sentry ")
	require.True(t, ok)
	said := map[string]string{}
	for pair := range strings.SplitSeq(auth, ",") {
		name, value, found := strings.Cut(strings.TrimSpace(pair), "=")
		require.True(t, found, auth)
		said[name] = value
	}
	assert.Equal(t, "7", said["sentry_version"])
	assert.Equal(t, "public", said["sentry_key"])
	assert.Regexp(t, `^parley/.+`, said["sentry_client"])

	line, rest, ok := bytes.Cut(one.body, []byte("\n"))
	require.True(t, ok)
	var header struct {
		EventID string    `json:"event_id"`
		SentAt  time.Time `json:"sent_at"`
	}
	require.NoError(t, json.Unmarshal(line, &header))
	require.Regexp(t, "^[0-9a-f]{32}$", header.EventID)
	assert.WithinDuration(t, time.Now(), header.SentAt, time.Minute)
	others = map[string]json.RawMessage{}
	events := 0
	for len(rest) > 0 {
		line, rest, ok = bytes.Cut(rest, []byte("\n"))
		require.True(t, ok)
		var item struct {
			Type   string
			Length *int
		}
		require.NoError(t, json.Unmarshal(line, &item))
		require.NotNil(t, item.Length)
		require.Greater(t, len(rest), *item.Length, "its length and a line break")
		require.Equal(t, byte('\n'), rest[*item.Length])
		payload := rest[:*item.Length]
		rest = rest[*item.Length+1:]
		if item.Type != "event" {
			others[item.Type] = payload
			continue
		}
		events++
		require.NoError(t, json.Unmarshal(payload, &e))
	}
	require.Equal(t, 1, events)
	assert.Equal(t, header.EventID, e.EventID)
	assert.WithinDuration(t, time.Now(), e.Timestamp, time.Minute)
	assert.Equal(t, "other", e.Platform)
	assert.Equal(t, "error", e.Level)
	for name, value := range e.Tags {
		assert.Regexp(t, regexp.MustCompile(`^[a-zA-Z0-9_.:-]{1,32}$`), name)
		assert.Regexp(t, regexp.MustCompile(`^[^\n]{1,200}$`), value)
	}
	assert.Regexp(t, "^[0-9a-f]{32}$", e.Contexts.Trace.TraceID)
	assert.Regexp(t, "^[0-9a-f]{16}$", e.Contexts.Trace.SpanID)
	require.Len(t, e.Exception.Values, 1)
	return e, others
}

const failingStar = `
def divide(self, n):
    return 1 // n

def broken(self):
    self.response.payload = divide(self, 0)

def around(self):
    self.invoke("fails.broken", {})

def refuses(self):
    error(400, "not like this")

service(name = "fails.broken", handle = broken)
service(name = "fails.around", handle = around)
service(name = "fails.refuses", handle = refuses)
`

const failingYAML = `
channel_rest:
  - {name: Broken, service: fails.broken, url_path: /broken}
  - {name: Around, service: fails.around, url_path: /around}
  - {name: Refuses, service: fails.refuses, url_path: /refuses}
  - {name: Panics, service: go.panics, url_path: /panics}
`

func TestSentryIsToldOfErrors(t *testing.T) {
	sentry := newElsewhere(t, nil)
	t.Setenv("TEST_SENTRY_DSN", strings.Replace(sentry.URL, "http://", "http://public:sec-ret@", 1)+"/42")
	g := newGround(t)
	g.folder.Cluster.Export.Sentry = folder.Sentry{DSN: "env:TEST_SENTRY_DSN", Environment: "staging", Release: "bank@1.2"}
	g.run("server1", service.Service{Name: "go.panics", Handler: service.HandlerFunc(func(context.Context, *service.Request) (*service.Response, error) {
		panic("a bug")
	})})
	require.NoError(t, g.deploy("server1", "fails.star", failingStar))
	require.NoError(t, g.define(failingYAML))
	for _, path := range []string{"/refuses", "/broken", "/around", "/panics"} {
		g.ask("server1", path)
	}
	require.Eventually(t, func() bool { return len(sentry.received()) == 3 }, time.Minute, 20*time.Millisecond)
	byTag := map[string]sentryEvent{}
	for _, one := range sentry.received() {
		e, others := envelope(t, one)
		assert.Empty(t, others)
		byTag[e.Tags["channel"]] = e
	}
	broken := byTag["Broken"]
	assert.Equal(t, "fails.broken", broken.Transaction)
	assert.Equal(t, "server1", broken.ServerName)
	assert.Equal(t, "bank@1.2", broken.Release)
	assert.Equal(t, "staging", broken.Environment)
	assert.Equal(t, "00000000"+broken.Tags["cid"], broken.Contexts.Trace.TraceID)
	assert.Contains(t, broken.Exception.Values[0].Value, "division by zero")
	require.NotNil(t, broken.Exception.Values[0].Stacktrace)
	var places []string
	for _, f := range broken.Exception.Values[0].Stacktrace.Frames {
		places = append(places, fmt.Sprintf("%s:%d %s %v", f.Filename, f.Lineno, f.Function, f.InApp))
	}
	assert.Equal(t, []string{"fails.star:6 broken true", "fails.star:3 divide true"}, places, "the outermost call first")
	assert.Equal(t, "fails.broken", byTag["invoke:fails.around"].Transaction, "of the service that failed, and of who called it not again")
	panics := byTag["Panics"]
	assert.Equal(t, "panic", panics.Exception.Values[0].Type)
	assert.Equal(t, "a bug", panics.Exception.Values[0].Value)
	frames := panics.Exception.Values[0].Stacktrace.Frames
	assert.Contains(t, frames[len(frames)-1].Function, "TestSentryIsToldOfErrors")
	assert.NotContains(t, g.logs.String(), "sec-ret")
	require.Eventually(t, func() bool { // it counts when it has read the answer
		return strings.Contains(metrics(t, g), "parley_export_sent_total{exporter=\"sentry\",server=\"server1\"} 3\n")
	}, time.Minute, 20*time.Millisecond)
	var told []struct {
		Server, Name string
		Sent         int
		LastError    string `json:"last_error"`
	}
	require.NoError(t, g.call("server1", "parley.stats.exports", struct{}{}, &told))
	require.Len(t, told, 1)
	assert.Equal(t, "server1 sentry 3 ", fmt.Sprint(told[0].Server, " ", told[0].Name, " ", told[0].Sent, " ", told[0].LastError))
}

func TestExportsThatCannotBeOpened(t *testing.T) {
	for _, row := range []struct {
		name   string
		export folder.Export
		env    [2]string
		want   string
	}{
		{"no such variable", folder.Export{Sentry: folder.Sentry{DSN: "env:NOT_SET_ANYWHERE"}}, [2]string{}, "export of cluster.yaml: sentry.dsn: the environment variable NOT_SET_ANYWHERE"},
		{"no DSN", folder.Export{}, [2]string{"SENTRY_DSN", "https://sec-ret@/"}, "the DSN of Sentry: expected one such as https://KEY@o1.ingest.sentry.io/42"},
		{"no key", folder.Export{NewRelic: folder.NewRelic{Key: "sec-ret\n2"}}, [2]string{}, "the key of New Relic is empty, or has characters that no header takes"},
		{"no URL", folder.Export{}, [2]string{"OTEL_EXPORTER_OTLP_ENDPOINT", "collector"}, "expected the URL of an OTLP/HTTP receiver"},
		{"no ratio", folder.Export{Traces: folder.Traces{Endpoint: "http://127.0.0.1:1"}}, [2]string{"OTEL_TRACES_SAMPLER_ARG", "often"}, "OTEL_TRACES_SAMPLER_ARG: expected a number from 0 to 1"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if row.env[0] != "" {
				t.Setenv(row.env[0], row.env[1])
			}
			g := newGround(t)
			g.folder.Cluster.Export = row.export
			_, err := node.New(t.Context(), node.Config{Folder: g.folder, Server: "server1", Log: slog.New(slog.DiscardHandler)})
			require.ErrorContains(t, err, row.want)
			assert.NotContains(t, err.Error(), "sec-ret")
		})
	}
}

func TestSentryAsksForSilence(t *testing.T) {
	sentry := newElsewhere(t, func(w http.ResponseWriter, n int) {
		if n == 2 {
			w.Header().Set("X-Sentry-Rate-Limits", "3:error;default:organization, 2700:transaction:project")
			w.WriteHeader(http.StatusTooManyRequests)
		}
	})
	t.Setenv("SENTRY_DSN", strings.Replace(sentry.URL, "http://", "http://public@", 1)+"/42")
	g := newGround(t)
	g.run("server1")
	require.NoError(t, g.deploy("server1", "fails.star", failingStar))
	require.NoError(t, g.define(strings.Replace(failingYAML, "  - {name: Panics, service: go.panics, url_path: /panics}\n", "", 1)))
	g.ask("server1", "/broken")
	require.Eventually(t, func() bool { return len(sentry.received()) == 1 }, time.Minute, 20*time.Millisecond)
	g.ask("server1", "/broken")
	require.Eventually(t, func() bool { return len(sentry.received()) == 2 }, time.Minute, 20*time.Millisecond)
	var others map[string]json.RawMessage
	dropped := 0
	require.Eventually(t, func() bool { // in the seconds of silence they are dropped, and then Sentry hears how many
		if len(sentry.received()) == 2 {
			g.ask("server1", "/broken")
			dropped++
			return false
		}
		_, others = envelope(t, sentry.received()[2])
		return true
	}, time.Minute, 100*time.Millisecond)
	var report struct {
		DiscardedEvents []struct {
			Reason, Category string
			Quantity         int
		} `json:"discarded_events"`
	}
	require.NoError(t, json.Unmarshal(others["client_report"], &report))
	require.Len(t, report.DiscardedEvents, 1)
	assert.Equal(t, "error", report.DiscardedEvents[0].Category)
	assert.Greater(t, report.DiscardedEvents[0].Quantity, 1, "the one that was refused, and others")
	assert.LessOrEqual(t, report.DiscardedEvents[0].Quantity, dropped+1)
	assert.Regexp(t, `parley_export_failed_total{exporter="sentry",server="server1"} 1\n`, metrics(t, g))
}
