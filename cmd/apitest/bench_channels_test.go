package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/bench"
	"github.com/parley-run/parley/fixtures"
	"github.com/parley-run/parley/internal/freeport"
)

const takes = `def take(self):
    """Takes an order."""
    self.kvdb.conn.rpush("bench:" + self.request.input.list, str(self.request.input.id))
    self.response.payload = {"taken": self.request.input.id}

service("orders.take", take, simple_io = SimpleIO(input = ["id", "list"], output = ["taken"]))
`

const channels = `channel_rest:
  - {name: Orders REST, service: orders.take, url_path: /orders, method: POST, data_format: json}
channel_soap:
  - {name: Orders SOAP, url_path: /soap, namespace: "urn:example:orders", operations: {Take: orders.take}}
channel_json_rpc:
  - {name: Orders JSON-RPC, url_path: /rpc, methods: {order.take: orders.take}}
channel_zmq:
  - {name: Orders ZeroMQ, service: orders.take, address: "tcp://%s"}
  - {name: Orders published, service: orders.take, address: "tcp://%s", socket_type: SUB, sub_key: orders}
channel_file:
  - {name: Orders files, service: orders.take, pickup_from: %q, patterns: "*.json", data_format: json}
`

// TestBenchEveryChannel puts a load on a cluster of two servers over each kind of channel: each message is executed once.
func TestBenchEveryChannel(t *testing.T) {
	binary, err := fixtures.Binary()
	if err != nil {
		t.Skip(err)
	}
	pulls, err := freeport.Address(t.Context())
	require.NoError(t, err)
	subscribes, err := freeport.Address(t.Context())
	require.NoError(t, err)
	incoming := t.TempDir()
	cluster, err := fixtures.Start(t.Context(), fixtures.Spec{Servers: 2, Binary: binary})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, cluster.Close()) })
	service, err := cluster.Put("take.star", []byte(takes))
	require.NoError(t, err)
	_, err = cluster.Deploy(t.Context(), service)
	require.NoError(t, err)
	definitions, err := cluster.Put("channels.yaml", fmt.Appendf(nil, channels, pulls, subscribes, incoming))
	require.NoError(t, err)
	require.NoError(t, cluster.Import(t.Context(), nil, definitions))

	for _, row := range []struct{ name, request, more, address string }{
		{"REST", `
  path: /orders
  headers: {Content-Type: application/json}
  body: '{"id":{{id}},"list":"REST"}'
  check: {body_contains: taken}`, "", ""},
		{"SOAP", `
  path: /soap
  headers: {Content-Type: text/xml}
  body: '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><Take xmlns="urn:example:orders"><id>{{id}}</id><list>SOAP</list></Take></s:Body></s:Envelope>'
  check: {body_contains: TakeResponse}`, "", ""},
		{"JSON-RPC", `
  path: /rpc
  headers: {Content-Type: application/json}
  body: '{"jsonrpc":"2.0","method":"order.take","params":{"id":{{id}},"list":"JSON-RPC"},"id":{{id}}}'
  check: {json: {/jsonrpc: "2.0"}, body_contains: taken}`, "", ""},
		{"ZeroMQ", `
  body: '{"id":{{id}},"list":"ZeroMQ"}'`, "protocol: zeromq", "tcp://" + pulls},
		{"ZeroMQ-SUB", `
  path: /orders
  body: '{"id":{{id}},"list":"ZeroMQ-SUB"}'`, "protocol: zeromq-pub", "tcp://" + subscribes},
		{"files", `
  path: /order-{{id}}.json
  body: '{"id":{{id}},"list":"files"}'`, "protocol: file", "file://" + filepath.ToSlash(incoming)},
	} {
		t.Run(row.name, func(t *testing.T) {
			text := "name: " + row.name + "\nrate: 100\nduration: 500ms\nmax_schedule_lag: 1m\n" + row.more +
				"\nrequest:" + row.request + "\nexecuted: {kvdb_list: 'bench:" + row.name + "'}\nexpect: [failed == 0, unknown == 0, wrong == 0, lost == 0, doubled == 0]\n"
			args := []string{"bench", "run", profileFile(t, text), "--dir", cluster.Dir(), "--format", "json"}
			if row.address != "" {
				args = append(args, "--address", row.address)
			}
			out, code, err := called(t, args...)
			require.NoError(t, err, out)
			assert.Zero(t, code)
			var r bench.Result
			require.NoError(t, json.Unmarshal([]byte(out), &r))
			assert.Equal(t, bench.Counts{Sent: 50, OK: 50}, r.Counts)
			assert.Equal(t, 50, r.Executed.Executed)
		})
	}
	require.EventuallyWithT(t, func(t *assert.CollectT) { // a file is moved when its service has ended
		left, err := os.ReadDir(filepath.Join(incoming, "done"))
		require.NoError(t, err)
		assert.Len(t, left, 50, "the channel has handled every file")
	}, time.Minute, 20*time.Millisecond)
}
