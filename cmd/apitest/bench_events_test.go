package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/bench"
	"github.com/parley-run/parley/fixtures"
)

const asksCRM = `def handle(self):
    self.outgoing.plain_http.get("CRM").conn.send(self.cid, {"id": 1})
    self.response.payload = {"asked": True}

service(name = "asks", handle = handle)
`

// TestBenchEventsOnACluster does to a cluster that somebody else has started what can be done to any, and leaves it as it was.
func TestBenchEventsOnACluster(t *testing.T) {
	binary, err := fixtures.Binary()
	if err != nil {
		t.Skip(err)
	}
	ctx := t.Context()
	crm, err := fixtures.StartHTTPMock(ctx, "CRM", "crm.yaml", []byte("stubs:\n  - {method: POST, path: /, status: 200, json: {ok: true}}\n"))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, crm.Close()) })
	cluster := fixtures.New(t, fixtures.Spec{Servers: 2, Binary: binary})
	definitions, err := cluster.Put("crm.yaml", []byte("channel_rest:\n  - {name: Asks, service: asks, url_path: /asks, method: POST, data_format: json}\n"+
		"outgoing_rest:\n  - {name: CRM, host: \""+crm.URL()+"\", url_path: /, data_format: json, timeout: 30}\n"))
	require.NoError(t, err)
	require.NoError(t, cluster.Import(ctx, nil, definitions))
	service, err := cluster.Put("asks.star", []byte(asksCRM))
	require.NoError(t, err)
	_, err = cluster.Deploy(ctx, service)
	require.NoError(t, err)
	host := func() string {
		out, err := cluster.Parley(context.WithoutCancel(ctx), "outconns", "get", "CRM", "--output", "json")
		require.NoError(t, err)
		var of struct {
			Config struct {
				Host string `json:"host"`
			} `json:"config"`
		}
		require.NoError(t, json.Unmarshal(out, &of))
		return of.Config.Host
	}

	profile := filepath.Join(t.TempDir(), "load.yaml")
	meanwhile := filepath.Join(t.TempDir(), "host")
	require.NoError(t, os.WriteFile(profile, []byte(`
rate: 20
duration: 4s
timeout: 30s
max_schedule_lag: 1m
request: {path: /asks, headers: {Content-Type: application/json}, body: '{}'}
events:
  - {at: 500ms, do: latency 300ms on outconn CRM}
  - {at: 1500ms, run: "'`+binary+`' outconns get CRM --dir '`+cluster.Dir()+`' --output json > `+meanwhile+`", name: look}
  - {at: 2s, do: mend outconn CRM}
  - {at: 2500ms, do: pause server2}
  - {at: 2600ms, do: resume server2}
expect: [failed == 0]
`), 0o600))
	out, code, err := called(t, "bench", "run", profile, "--dir", cluster.Dir(), "--format", "json")
	require.NoError(t, err, out)
	assert.Zero(t, code)
	var r bench.Result
	require.NoError(t, json.Unmarshal([]byte(out), &r))
	slow := func(name string) float64 {
		for _, p := range r.Phases {
			if p.Name == name {
				return p.Service.P50
			}
		}
		t.Fatalf("no time after %q: %+v", name, r.Phases)
		return 0
	}
	assert.GreaterOrEqual(t, slow("latency 300ms on outconn CRM"), 295.0)
	assert.Less(t, r.Events[4].Took, 1900.0, "who lets a server go on does not ask it first: that takes 2 s")
	said, err := os.ReadFile(meanwhile)
	require.NoError(t, err)
	assert.NotContains(t, string(said), crm.URL(), "the definition names the proxy meanwhile")
	assert.Equal(t, crm.URL(), host())

	for _, row := range []struct{ name, event, want string }{
		{"no such outconn", "latency 200ms on outconn CMR", `there is no "CMR" among the outgoing connections`},
		{"a link that it has not", "cut redis", `has no link "redis"`},
		{"nothing to reload", "reload haproxy", "the embedded balancer has no configuration that it could read again"},
	} {
		t.Run(row.name, func(t *testing.T) {
			path := profileFile(t, strings.Replace(steady, "expect:", "events: [{at: 0, do: "+row.event+"}]\nexpect:", 1))
			_, code, err := called(t, "bench", "run", path, "--dir", cluster.Dir())
			assert.Equal(t, exitUsage, code)
			require.ErrorContains(t, err, row.want)
			assert.Equal(t, crm.URL(), host())
		})
	}
}
