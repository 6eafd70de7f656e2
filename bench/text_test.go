package bench_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/bench"
)

func failover() *bench.Result {
	again, down := 0.412, 2.413
	return &bench.Result{
		Name: "failover", Address: "http://127.0.0.1:11223", Request: "POST /tutorial/first-service", Rate: 500, Duration: 10, Workers: 2500,
		Counts: bench.Counts{Sent: 5000, OK: 4996, Failed: 2, Unknown: 2}, NeverSent: 1, AchievedRate: 499.9,
		Executed: &bench.Executed{Executed: 4998, Lost: 2, LostFailed: 1, LostAcknowledged: 1, Doubled: 1, UnknownExecuted: 1, UnknownNotExecuted: 1, FailedExecuted: 1, LostIDs: []int{7, 9}, DoubledIDs: []int{8}},
		Response: bench.Latency{Count: 5000, Mean: 2.5, P50: 2.1, P90: 3, P95: 4.25, P99: 12.34, P999: 250.4, Max: 12_000},
		Service:  bench.Latency{Count: 5000, Mean: 2, P50: 0.9, P90: 2, P95: 3, P99: 10, P999: 240, Max: 11_999},
		Events: []bench.EventResult{
			{Label: "kill server1", Due: 4, At: 4.001, Took: 0.8},
			{Label: "start server1", Due: 6, At: 6, Took: 321, TrafficAgain: &again, TrafficAgainDown: &down},
		},
		Servers: []bench.Server{{Name: "server1", Replies: 2000}, {Name: "server2", Replies: 2998}},
		Errors:  []bench.ErrorCount{{Text: "503 Service Unavailable", Count: 1}},
		Unmet:   []string{"lost is 2, at most 0 expected"},
	}
}

func ExampleResult_WriteText() {
	_ = failover().WriteText(os.Stdout)
	// Output:
	// failover: 500 requests/s for 10s, POST /tutorial/first-service at http://127.0.0.1:11223
	//
	//   sent           5000   499.9/s
	//   ok             4996
	//   failed            2   of which 1 were never sent: the connection was refused
	//   unknown           2   executed 1, not executed 1
	//   lost              2   never executed, and "unknown" was not said: failed 1, acknowledged 1
	//   doubled           1   executed more than once
	//   of the failed, 1 were executed all the same
	//   lost ids: 7 9
	//   doubled ids: 8
	//
	//                     mean      p50      p90      p95      p99   p99.9     max
	//   response time  2.50 ms  2.10 ms  3.00 ms  4.25 ms  12.3 ms  250 ms  12.0 s
	//    service time  2.00 ms   900 µs  2.00 ms  3.00 ms  10.0 ms  240 ms  12.0 s
	//    schedule lag        0        0        0        0        0       0       0
	//   response time counts from when a request was due, service time from when it was sent
	//
	// events
	//       due       at    took
	//   4.000 s  4.001 s  800 µs  kill server1
	//   6.000 s  6.000 s  321 ms  start server1: traffic again 0.412 s after, 2.413 s after it went down
	//
	// replies by server
	//   server1      2000
	//   server2      2998
	//
	// errors
	//        1  503 Service Unavailable
	//
	// NOT MET  lost is 2, at most 0 expected
}

func TestNotesOfAnEventInTheirOrder(t *testing.T) {
	detected, again := 0.06, 0.25
	r := &bench.Result{Events: []bench.EventResult{
		{Label: "kill server1", Detected: &detected, TrafficAgain: &again, Impact: &bench.Impact{Bad: 2, Recovery: 0.05, Recovered: true}},
		{Label: "kill server2", Impact: &bench.Impact{Bad: 1, Recovery: 0.024, Recovered: true}},
		{Label: "stop server2", Impact: &bench.Impact{Bad: 1}},
		{Label: "deploy a.star", Error: "no such file"},
	}}
	var text strings.Builder
	require.NoError(t, r.WriteText(&text))
	assert.Contains(t, text.String(), "kill server1: out of traffic 0.060 s after; traffic again 0.250 s after; 2 requests went wrong, the last was due 0.050 s after\n")
	assert.Contains(t, text.String(), "kill server2: 1 request went wrong, it was due 0.024 s after\n")
	assert.Contains(t, text.String(), "stop server2: 1 request went wrong, until the end\n")
	assert.Contains(t, text.String(), "deploy a.star: FAILED: no such file\n")
}

func TestEventsOfAServerThatWasUpAlready(t *testing.T) {
	again := 0.25
	r := &bench.Result{Events: []bench.EventResult{
		{Label: "kill server2", TrafficAgain: &again}, {Label: "start server2", UpAlready: true},
	}}
	var text, asJSON strings.Builder
	require.NoError(t, r.WriteText(&text))
	assert.Contains(t, text.String(), "kill server2: traffic again 0.250 s after\n")
	assert.Contains(t, text.String(), "start server2: it was up already\n")
	require.NoError(t, r.WriteJSON(&asJSON))
	assert.Contains(t, asJSON.String(), `"traffic_again_s": 0.25`)
	assert.Contains(t, asJSON.String(), `"up_already": true`)
}

func TestWriteJSONNames(t *testing.T) {
	var b strings.Builder
	require.NoError(t, failover().WriteJSON(&b))
	var got map[string]any
	require.NoError(t, json.Unmarshal([]byte(b.String()), &got))
	for _, name := range []string{"name", "address", "sent", "ok", "failed", "unknown", "never_sent", "executed", "response_time", "service_time", "schedule_lag", "events", "phases", "servers", "series", "unmet"} {
		assert.Contains(t, got, name)
	}
	assert.Equal(t, 12.34, got["response_time"].(map[string]any)["p99_ms"])
	assert.Equal(t, 2.0, got["executed"].(map[string]any)["lost"])
	assert.Equal(t, 0.412, got["events"].([]any)[1].(map[string]any)["traffic_again_s"])
}

// TestTextIsHarmless: what a target says of itself is nothing that a terminal would obey.
func TestTextIsHarmless(t *testing.T) {
	r := failover()
	r.Name, r.Servers = "a\x1b[2Jb\u00fc", []bench.Server{{Name: "s\x1b]0;x\a\r", Replies: 1}}
	var b strings.Builder
	require.NoError(t, r.WriteText(&b))
	assert.Contains(t, b.String(), "a\ufffd[2Jb\u00fc")
	assert.NotContains(t, b.String(), "\x1b")
	assert.NotContains(t, b.String(), "\r")
}
