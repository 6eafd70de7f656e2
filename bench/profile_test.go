package bench_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/bench"
)

const wholeProfile = `
name: failover
rate: 500
duration: 10s
warmup: 1.5
timeout: 2s
request:
  method: post
  path: /tutorial/first-service
  headers: {Content-Type: application/json}
  body: '{"cust_id":{{id}},"cust_type":"A"}'
events:
  - {at: 2s, do: deploy, file: services/v2.star}
  - {at: 4s, do: kill, server: server1}
  - {at: 6s, do: start, server: server1}
  - {at: 7, run: echo hello}
executed:
  kvdb_list: bench:ids
expect: {lost: 0, p99: 250ms}
`

func TestParseProfile(t *testing.T) {
	p, err := bench.ParseProfile("failover.yaml", []byte(wholeProfile))
	require.NoError(t, err)
	zero := 0
	assert.Equal(t, bench.Profile{
		Name: "failover", Rate: 500, Duration: bench.Duration(10 * time.Second), Warmup: bench.Duration(1500 * time.Millisecond),
		Timeout: bench.Duration(2 * time.Second), Workers: 1000, MaxScheduleLag: bench.Duration(50 * time.Millisecond),
		Request: bench.Request{
			Method: "POST", Path: "/tutorial/first-service", Headers: map[string]string{"Content-Type": "application/json"},
			Body: `{"cust_id":{{id}},"cust_type":"A"}`,
		},
		Events: []bench.Event{
			{At: bench.Duration(2 * time.Second), Do: "deploy", File: "services/v2.star"},
			{At: bench.Duration(4 * time.Second), Do: "kill", Server: "server1"},
			{At: bench.Duration(6 * time.Second), Do: "start", Server: "server1"},
			{At: bench.Duration(7 * time.Second), Do: "run", Run: "echo hello"},
		},
		Log:    &bench.Log{KVDBList: "bench:ids"},
		Expect: bench.Threshold{Lost: &zero, P99: bench.Duration(250 * time.Millisecond)},
	}, p)
	assert.Equal(t, []string{"deploy v2.star", "kill server1", "start server1", "run echo hello"},
		[]string{p.Events[0].Label(), p.Events[1].Label(), p.Events[2].Label(), p.Events[3].Label()})
}

func TestParseProfileFaults(t *testing.T) {
	const head = "rate: 10\nduration: 2s\nrequest: {path: /a}\n"
	for name, row := range map[string]struct{ yaml, want string }{
		"unknown field":        {head + "durration: 1s\n", "p.yaml:4:1: unknown field \"durration\""},
		"unknown event field":  {head + "events:\n  - {at: 1s, do: kill, sever: a}\n", "p.yaml:5:24: unknown field \"sever\""},
		"repeated":             {head + "rate: 5\n", "p.yaml:4:1: mapping key \"rate\" already defined"},
		"wrong type":           {"rate: fast\n", "p.yaml:1:7: \"fast\" is no number, such as 500 or 0.5"},
		"a path that is none":  {"rate: 1\nduration: 1s\nrequest: {path: /%zz}\n", "p.yaml:3:17: request path \"/%zz\": invalid URL escape \"%zz\""},
		"a million users":      {"users: 1000000\nduration: 1s\nrequest: {path: /a}\n", "p.yaml:1:8: users must be 1 to 100000"},
		"a rate with a unit":   {"rate: 5/s\n", "p.yaml:1:7: \"5/s\" is no number"},
		"half a worker":        {head + "workers: 1.5\n", "p.yaml:4:10: \"1.5\" is no whole number"},
		"a list":               {"[1, 2]\n", "p.yaml:1:1: expected a group of keys with values here, not a list"},
		"one of several":       {head + "events: kill server1\n", "p.yaml:4:9: expected a list here, not a value"},
		"one step":             {"phases: [{duration: 1s, from: 1, to: 9, steps: 1}]\nrequest: {path: /a}\n", "p.yaml:1:48: phase 1: steps must be 2 or more"},
		"no such authority":    {head + "ca: none.pem\n", "p.yaml:4:5: open none.pem"},
		"no limit":             {head + "expect: error_rate < NaN\n", "p.yaml:4:22: \"NaN\" is no number"},
		"ages in one phase":    {"phases: [{duration: 2000000h, rate: 0.001}, {duration: 2000000h, rate: 0.001}]\nrequest: {path: /a}\n", "p.yaml:1:21: phase 1: duration is 2000000h0m0s; at most 8784h0m0s is allowed"},
		"ages in all phases":   {"phases: [{duration: 8000h, rate: 0.001}, {duration: 8000h, rate: 0.001}]\nrequest: {path: /a}\n", "p.yaml:1:9: the phases take 16000h0m0s; at most 8784h0m0s is allowed"},
		"ages":                 {"rate: 0.001\nduration: 9000h\nrequest: {path: /a}\n", "p.yaml:2:11: duration is 9000h0m0s; at most 8784h0m0s is allowed"},
		"ages of warm-up":      {"phases: [{duration: 1s, rate: 1}]\nwarmup: 9000h\nrequest: {path: /a}\n", "p.yaml:2:9: warmup is 9000h0m0s; at most 8784h0m0s is allowed"},
		"too many to warm up":  {"phases: [{duration: 1s, rate: 1000000}]\nwarmup: 1h\nrequest: {path: /a}\n", "p.yaml:1:9: with the warm-up all phases are up to 3601000000 requests; at most 1000000000 are allowed"},
		"more than one reads":  {"rate: 1e300\nduration: 1s\nrequest: {path: /a}\n", "p.yaml:1:7: rate times duration is 1e+300 requests; at most 1000000000 are allowed"},
		"a million steps":      {"phases: [{duration: 1s, from: 1, to: 9, steps: 1000000}]\nrequest: {path: /a}\n", "p.yaml:1:48: phase 1: steps must be at most 10000; a ramp has from and to alone"},
		"nothing to feed":      {head + "feeders: [{}]\n", "p.yaml:4:11: a feeder needs csv, the file of its rows"},
		"what cannot hold":     {head + "expect: {failed: -1}\n", "p.yaml:4:18: failed is at most -1: that can never hold"},
		"an event of nothing":  {head + "events: [{at: 1s}]\n", "p.yaml:4:11: an event needs do, such as do: kill server1, or run, a shell command"},
		"events in a ring":     {head + "events:\n  - {name: a, after: b, run: x}\n  - {name: b, after: a, run: x}\n", `p.yaml:5:22: event "a" never comes: "a", "b" wait for one another`},
		"no request":           {"rate: 1\nduration: 1s\n", "p.yaml:1:1: a request needs a path, such as path: /orders"},
		"braces left open":     {"rate: 1\nduration: 1s\nrequest: {path: \"/{{id}\"}\n", `p.yaml:3:17: request path "/{{id}" has a {{ that nothing fills`},
		"a method of letters":  {"rate: 1\nduration: 1s\nrequest: {path: /a, method: GËT}\n", `p.yaml:3:29: "GËT" is not an HTTP method`},
		"no value of JSON":     {"rate: 1\nduration: 1s\nrequest: {path: /a, check: {json: {/a: .nan}}}\n", "p.yaml:3:36: JSON has no such value"},
		"no rate":              {"duration: 2s\nrequest: {path: /a}\n", "p.yaml:1:1: rate must be more than 0"},
		"negative rate":        {"rate: -1\nduration: 2s\nrequest: {path: /a}\n", "p.yaml:1:7: rate must be more than 0"},
		"not a number":         {"rate: .nan\nduration: 2s\nrequest: {path: /a}\n", "p.yaml:1:7: rate must be more than 0"},
		"no duration":          {"rate: 1\nrequest: {path: /a}\n", "p.yaml:1:1: duration must be more than 0"},
		"bad duration":         {"rate: 1\nduration: long\n", "p.yaml:2:11: \"long\" is not a time span"},
		"too many":             {"rate: 1000000\nduration: 1h\nrequest: {path: /a}\n", "p.yaml:1:7: rate times duration is 3600000000 requests"},
		"path":                 {"rate: 1\nduration: 1s\nrequest: {path: a}\n", "p.yaml:3:17: request path \"a\" must begin with /"},
		"unknown event":        {head + "events:\n  - {at: 1s, do: explode}\n", "p.yaml:5:18: event \"explode\" is not known; there are deploy, "},
		"event without server": {head + "events:\n  - {at: 1s, do: kill}\n", "p.yaml:5:6: event \"kill\" needs server"},
		"event with file":      {head + "events:\n  - {at: 1s, do: kill, server: a, file: b}\n", "p.yaml:5:41: event \"kill\" takes no file"},
		"event too late":       {head + "events:\n  - {at: 2s, run: x}\n", "p.yaml:5:10: event at 2s is past the load's duration of 2s"},
		"events out of order":  {head + "events:\n  - {at: 1s, run: x}\n  - {at: 0.5, run: x}\n", "p.yaml:6:10: event at 500ms comes after one at 1s"},
		"lost without record":  {head + "expect: {lost: 0}\n", "p.yaml:4:10: lost and doubled can be told only with executed"},
		"record without key":   {head + "executed: {kvdb_list: \"\"}\n", "p.yaml:4:12: executed needs kvdb_list"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := bench.ParseProfile("p.yaml", []byte(row.yaml))
			require.Error(t, err)
			assert.Contains(t, err.Error(), row.want)
		})
	}
	_, err := bench.ParseProfile("p.yaml", []byte("rate: .nan\nduration: 2s\nrequest: {path: /a}\n"))
	require.EqualError(t, err, "p.yaml:1:7: rate must be more than 0 requests a second", "one fault is told once")
}

func TestDefaultWorkers(t *testing.T) {
	for name, row := range map[string]struct {
		rate    float64
		timeout time.Duration
		want    int
	}{
		"what falls due within the timeout": {500, 5 * time.Second, 2500},
		"no fewer than 64":                  {1, time.Second, 64},
		"no more than 8192":                 {100_000, 5 * time.Second, 8192},
		"no rate":                           {0, 0, 64},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, row.want, bench.DefaultWorkers(row.rate, row.timeout)) })
	}
}

func TestSchedule(t *testing.T) {
	for name, row := range map[string]struct {
		rate             float64
		duration, warmup time.Duration
		measure, warm    int
		zero, last       time.Duration
	}{
		"whole":        {500, 10 * time.Second, 2 * time.Second, 5000, 1000, 2 * time.Second, 11998 * time.Millisecond},
		"no warm-up":   {4, time.Second, 0, 4, 0, 0, 750 * time.Millisecond},
		"fraction":     {0.5, 4 * time.Second, 0, 2, 0, 0, 2 * time.Second},
		"thirds":       {3, time.Second, time.Second, 3, 3, time.Second, 1666666667},
		"at least one": {0.1, time.Second, 0, 1, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := bench.NewSchedule(bench.Profile{Rate: row.rate, Duration: bench.Duration(row.duration), Warmup: bench.Duration(row.warmup)})
			assert.Equal(t, row.measure, s.Measure)
			assert.Equal(t, row.warm, s.Warmup)
			assert.Equal(t, row.zero, s.Zero())
			assert.Equal(t, row.last, s.Due(s.Total()-1))
			assert.Equal(t, time.Duration(0), s.Due(0))
		})
	}
	// No drift: due times come from the number, not from adding up steps.
	s := bench.NewSchedule(bench.Profile{Rate: 7, Duration: bench.Duration(2 * time.Hour)})
	assert.Equal(t, time.Hour, s.Due(7*3600))
}
