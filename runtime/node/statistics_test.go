package node_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/folder"
)

const statsStar = `
def outer(self):
    self.response.payload = self.invoke("stats.inner", {"password": "t0p-secret", "n": 1})

def inner(self):
    reply = self.outgoing.plain_http.get("CRM").conn.get(self.cid)
    self.response.payload = {"status": reply.status_code, "api_key": "t1p-secret"}

service(name = "stats.outer", handle = outer)
service(name = "stats.inner", handle = inner)
`

const statsYAML = `
channel_rest:
  - {name: Outer, service: stats.outer, url_path: /outer}
outgoing_rest:
  - {name: CRM, host: "%s", url_path: /crm}
`

// ranks is what parley.stats.slowest gives, as far as it is looked at.
type ranks struct {
	AllUsage int64 `json:"all_usage"`
	Items    []struct {
		Name       string
		Usage      int64
		Errors     int64
		UsageShare float64 `json:"usage_share"`
	}
}

func (r ranks) names() (out []string) {
	for _, one := range r.Items {
		out = append(out, one.Name)
	}
	return out
}

// statsGround is two servers with a channel, two services and a back end, whose requests are collected.
func statsGround(t *testing.T, changes ...func(*folder.Cluster)) (g *ground, received func() []*http.Request) {
	t.Helper()
	var mu sync.Mutex
	var got []*http.Request
	crm := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, r)
		if len(got) == 3 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(crm.Close)
	g = newGround(t)
	for _, change := range changes {
		change(&g.folder.Cluster)
	}
	g.run("server1")
	g.run("server2")
	require.NoError(t, g.deploy("server1", "stats.star", statsStar))
	require.NoError(t, g.define(fmt.Sprintf(statsYAML, crm.URL)))
	require.Eventually(t, func() bool { return g.revision("server2") == g.revision("server1") }, time.Minute, 20*time.Millisecond)
	return g, func() []*http.Request {
		mu.Lock()
		defer mu.Unlock()
		return got
	}
}

func TestStatisticsOfATime(t *testing.T) {
	g, _ := statsGround(t)
	require.NoError(t, g.call("server2", "parley.stats.watch", map[string]any{"service": "stats.inner", "slow_ms": 1, "every": 1}, nil))
	for _, server := range []string{"server1", "server1", "server2", "server2"} {
		status, _, body := g.ask(server, "/outer")
		require.Equal(t, http.StatusOK, status, body)
	}
	for _, row := range []struct {
		kind string
		want map[string][2]int64
	}{
		{"service", map[string][2]int64{"stats.outer": {4, 0}, "stats.inner": {4, 0}}},
		{"channel", map[string][2]int64{"Outer": {4, 0}}},
		{"outconn", map[string][2]int64{"CRM": {4, 1}}},
		{"server", map[string][2]int64{"server1": {2, 0}, "server2": {2, 0}}},
	} {
		var out ranks
		require.NoError(t, g.call("server1", "parley.stats.slowest", map[string]any{"last": "hour", "kind": row.kind}, &out))
		got := map[string][2]int64{}
		for _, one := range out.Items {
			got[one.Name] = [2]int64{one.Usage, one.Errors}
		}
		assert.Equal(t, row.want, got, "%s, of both servers at once", row.kind)
	}
	var out ranks
	require.NoError(t, g.call("server1", "parley.stats.most-used", map[string]any{"internal": true, "n": 100}, &out))
	assert.Contains(t, out.names(), "parley.stats.slowest")
	require.NoError(t, g.call("server1", "parley.stats.summary", map[string]any{"name": "stats.inner"}, &out))
	assert.Equal(t, []string{"stats.inner"}, out.names())
	assert.InDelta(t, 50, out.Items[0].UsageShare, 1e-9)

	var plotted struct {
		SlotSeconds int64 `json:"slot_seconds"`
		Points      []struct {
			Usage int64
			P95MS float64 `json:"p95_ms"`
		}
	}
	require.NoError(t, g.call("server1", "parley.stats.series", map[string]any{"name": "stats.inner", "live": true}, &plotted))
	assert.EqualValues(t, 60, plotted.SlotSeconds)
	require.Len(t, plotted.Points, 61)
	var usage int64
	for _, p := range plotted.Points {
		usage += p.Usage
		assert.Equal(t, p.Usage > 0, p.P95MS > 0)
	}
	assert.EqualValues(t, 4, usage)

	var kept []struct{ CID, Server, Channel, Request, Response string }
	require.NoError(t, g.call("server1", "parley.stats.samples", map[string]any{"service": "stats.inner"}, &kept))
	require.Len(t, kept, 4)
	for _, one := range kept {
		assert.JSONEq(t, `{"password": "***", "n": 1}`, one.Request)
		assert.Contains(t, one.Response, `"api_key":"***"`)
		assert.Equal(t, "invoke:stats.outer", one.Channel)
	}
	assert.NotContains(t, g.logs.String(), "t0p-secret")
}

func TestTimesThatCannotBeMeant(t *testing.T) {
	g := newGround(t)
	g.run("server1")
	for _, row := range []struct {
		service string
		in      map[string]any
		want    string
	}{
		{"slowest", map[string]any{"last": "fortnight"}, `last: expected minute, hour, day, week, month or year, not "fortnight"`},
		{"slowest", map[string]any{"to": "2026-01-01T00:00:00Z"}, "to is given without from"},
		{"slowest", map[string]any{"last": "day", "from": "2026-01-01T00:00:00Z"}, "last and from are both given"},
		{"slowest", map[string]any{"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, "from is not before to: 2026-01-02T00:00:00Z, 2026-01-01T00:00:00Z"},
		{"most-used", map[string]any{"kind": "chanel"}, `expected one of service, channel, outconn, server, not "chanel"; did you mean "channel"?`},
		{"summary", map[string]any{"from": "0001-01-01T00:00:00Z"}, "not between the years 1970 and 9999"},
		{"compare", map[string]any{"other_from": "2026-01-02T00:00:00Z"}, "of the other time one end is missing"},
		{"watch", map[string]any{"service": "a", "every": -1}, "every: expected 0 to 1000000000, not -1"},
		{"watch", map[string]any{"service": ""}, "service: expected the name of a service, or * for all"},
	} {
		require.ErrorContains(t, g.call("server1", "parley.stats."+row.service, row.in, nil), row.want)
	}
	var out ranks
	require.NoError(t, g.call("server1", "parley.stats.slowest", map[string]any{"from": "1990-01-01T00:00:00Z", "to": "2000-01-01T00:00:00Z"}, &out))
	assert.Empty(t, out.Items)
}

func TestATraceGoesThroughServices(t *testing.T) {
	g, received := statsGround(t)
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	_, header, _ := g.ask("server1", "/outer", "Traceparent", "00-"+trace+"-00f067aa0ba902b7-01", "Tracestate", "vendor=1")
	_, other, _ := g.ask("server1", "/outer")
	got := received()
	require.Len(t, got, 2)
	assert.Regexp(t, "^00-"+trace+"-[0-9a-f]{16}-01$", got[0].Header.Get("Traceparent"))
	assert.Equal(t, "vendor=1", got[0].Header.Get("Tracestate"))
	assert.Equal(t, header.Get("X-Parley-CID"), got[0].Header.Get("X-Parley-CID"))
	assert.Regexp(t, "^00-00000000"+other.Get("X-Parley-CID")+"-[0-9a-f]{16}-01$", got[1].Header.Get("Traceparent"), "a trace that begins here has the CID in its ID")
	assert.Empty(t, got[1].Header.Get("Tracestate"))
}

func TestMetricsAreForThoseWhoMayAsk(t *testing.T) {
	g, _ := statsGround(t)
	status, _, body := g.ask("server1", "/outer")
	require.Equal(t, http.StatusOK, status, body)
	s, err := g.folder.Server("server1")
	require.NoError(t, err)
	token, err := g.folder.Token()
	require.NoError(t, err)
	for _, row := range []struct {
		token  string
		status int
		want   string
	}{
		{token, http.StatusOK, `parley_channel_requests_total{channel="Outer",server="server1",outcome="ok"} 1`},
		{"wrong", http.StatusUnauthorized, "the token or the password is missing or wrong"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Admin+"/metrics", http.NoBody)
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+row.token)
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		text, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		assert.Equal(t, row.status, res.StatusCode)
		assert.Contains(t, string(text), row.want)
	}
}
