package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/bench"
)

// oneServer is a cluster with server1 and what its service recorded.
type oneServer struct{ ids []string }

func (*oneServer) Address() string                                  { return "http://127.0.0.1:11223" }
func (*oneServer) Offers(context.Context, bench.Event) error        { return nil }
func (*oneServer) Do(context.Context, bench.Event) error            { return nil }
func (c *oneServer) List(context.Context, string) ([]string, error) { return c.ids, nil }

func (*oneServer) Prepare(context.Context, []bench.Event) (func() error, error) {
	return func() error { return nil }, nil
}

func (*oneServer) Number(server string) (int, error) {
	if server != "server1" {
		return 0, errors.New("the cluster has no server " + server)
	}
	return 1, nil
}

func TestBenchOptionsAddress(t *testing.T) {
	none := errors.New("no cluster in this folder")
	kill := []bench.Event{{Do: bench.EventKill, Server: "server1"}}
	for name, row := range map[string]struct {
		address string
		events  []bench.Event
		open    error
		want    string
		fault   string
	}{
		"of the cluster":               {want: "http://127.0.0.1:11223"},
		"given":                        {address: "https://example.com", open: none, want: "https://example.com"},
		"given, with events":           {address: "http://127.0.0.1:2", events: kill, want: "http://127.0.0.1:2"},
		"without a scheme":             {address: "127.0.0.1:1", open: none, want: "http://127.0.0.1:1"},
		"a name without a scheme":      {address: "localhost:1", open: none, want: "http://localhost:1"},
		"neither":                      {open: none, fault: "give --address URL, or --dir of a cluster: no cluster in this folder"},
		"given, no cluster to kill in": {address: "127.0.0.1:1", events: kill, open: none, fault: "needs a cluster for its events"},
	} {
		t.Run(name, func(t *testing.T) {
			open := func(_ context.Context, dir string) (Cluster, error) {
				assert.Equal(t, "bank", dir)
				return &oneServer{}, row.open
			}
			o, _, err := benchOptions(t.Context(), bench.Profile{Name: "p", Events: row.events}, row.address, "bank", open, io.Discard, false)
			if row.fault != "" {
				require.ErrorContains(t, err, row.fault)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, row.want, o.Address)
		})
	}
}

func TestBenchOptionsFindsFaultsBeforeTheRun(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "there.star"), nil, 0o600))
	for name, row := range map[string]struct {
		event bench.Event
		ids   []string
		fault string
	}{
		"all is there":   {event: bench.Event{Do: bench.EventDeploy, File: "there.star"}},
		"no such file":   {event: bench.Event{Do: bench.EventDeploy, File: "none.star"}, fault: "none.star: no such file"},
		"no such server": {event: bench.Event{Do: bench.EventStop, Server: "server9"}, fault: `event "stop server9" at 0s: the cluster has no server server9`},
		"a service":      {event: bench.Event{Do: bench.EventUndeploy, File: "tutorial.get-client"}},
		"an old record": {
			event: bench.Event{Do: bench.EventKill, Server: "server1"}, ids: []string{"1", "2"},
			fault: "bench:ids holds 2 elements of an earlier run; empty it: parley kvdb del bench:ids",
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := bench.Profile{Name: "p", Events: []bench.Event{row.event}, Log: &bench.Log{KVDBList: "bench:ids"}}
			filesBeside(filepath.Join(dir, "load.yaml"), p.Events)
			open := func(context.Context, string) (Cluster, error) { return &oneServer{ids: row.ids}, nil }
			_, _, err := benchOptions(t.Context(), p, "", "", open, io.Discard, false)
			if row.fault == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, row.fault)
		})
	}
}
