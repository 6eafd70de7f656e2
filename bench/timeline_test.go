package bench_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/parley-run/parley/bench"
)

func TestTimeline(t *testing.T) {
	ok := func(n int) bench.Counts { return bench.Counts{Sent: n, OK: n} }
	r := &bench.Result{
		Rate: 10, Duration: 7, Warmup: bench.Counts{Sent: 10},
		Series: bench.Series{Width: 0.5, Buckets: []bench.Bucket{
			{From: 0, Counts: ok(5), Max: 1},
			{From: 0.5, Counts: ok(5), Max: 3},
			{From: 1, Counts: bench.Counts{Sent: 5, OK: 3, Failed: 1, Unknown: 1}, Max: 2},
			{From: 1.5, Counts: ok(5), Max: 2},
			{From: 2, Counts: ok(10), Max: 4},
			{From: 3, Counts: ok(10), Max: 9},
			{From: 4, Counts: ok(10), Max: 5},
			{From: 5, Counts: ok(10), Max: 70},
			{From: 6, Counts: ok(10), Max: 1},
		}},
		Events: []bench.EventResult{
			{Label: "kill server1", Due: 1, At: 1.002, Took: 12},
			{Label: "a deploy", Due: 6, At: 6.1, Took: 2500},
			{Label: "a stop", Due: 6.5, Error: "it never began\nfor a reason"},
		},
		Executed: &bench.Executed{Lost: 1, LostIDs: []int{22}, Doubled: 5, DoubledIDs: []int{23, 24, 25, 26, 27}},
	}
	assert.Equal(t, []bench.Moment{
		{From: 0, To: 1, Counts: ok(10), Slowest: 3},
		{From: 1, To: 2, Counts: bench.Counts{Sent: 10, OK: 8, Failed: 1, Unknown: 1}, Slowest: 2, Bad: true, Notes: []string{"kill server1", "lost: 22", "doubled: 23, 24, 25, ..."}},
		{From: 2, To: 5, Counts: ok(30), Slowest: 9},
		{From: 5, To: 6, Counts: ok(10), Slowest: 70, Bad: true},
		{From: 6, To: 7, Counts: ok(10), Slowest: 1, Bad: true, Notes: []string{"a deploy, done after 2500 ms", "a stop FAILED: it never began"}},
	}, r.Timeline(50))
	moments := r.Timeline(0)
	assert.Equal(t, "2 to 6 s", moments[2].When(), "nothing is too slow unless said")
	assert.Equal(t, "1 s", moments[1].When())
}

func TestSummary(t *testing.T) {
	r := &bench.Result{Counts: bench.Counts{Sent: 9, OK: 7, Failed: 1, Unknown: 1}, Response: bench.Latency{Max: 12.3}}
	assert.Equal(t, "9 sent, 7 ok, 1 failed, 1 unknown; slowest 12.3 ms", r.Summary())
	r.Executed = &bench.Executed{Lost: 2, Doubled: 3}
	assert.Equal(t, "9 sent, 7 ok, 1 failed, 1 unknown, 2 lost, 3 doubled; slowest 12.3 ms", r.Summary())
}
