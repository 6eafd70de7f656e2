package bench_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/bench"
)

// TestFourShardsAreOneRun sends one load as a whole and in four shards side by side, each saved and read again.
func TestFourShardsAreOneRun(t *testing.T) {
	const text = "name: load\nwarmup: 100ms\nmax_schedule_lag: 1m\nphases: [{name: up, duration: 500ms, from: 50, to: 350}, {name: on, duration: 300ms, rate: 200}]\n" +
		"requests: [{name: a, path: /run, body: '{{id}}', weight: 3}, {name: b, path: /run, body: '{{id}}'}]\nexecuted: {kvdb_list: ids}\n"
	expect := bench.Threshold{}
	for _, one := range []string{"lost == 0", "p99 < 1m", "error_rate of b == 0", "sent in up == 100"} {
		term, err := bench.ParseTerm(one)
		require.NoError(t, err)
		expect.Terms = append(expect.Terms, term)
	}
	run := func(tg *target, shard, of int, at time.Time, wait *sync.WaitGroup) *bench.Result {
		p, err := bench.ParseProfile("p.yaml", []byte(text))
		require.NoError(t, err)
		res, err := bench.Run(t.Context(), p, bench.Options{Address: tg.URL, Shard: shard, Of: of, StartAt: at, Executed: func(ctx context.Context) ([]string, error) {
			wait.Done()
			wait.Wait() // the others' last requests are none of ours
			return tg.ids(ctx)
		}})
		require.NoError(t, err)
		require.Empty(t, res.Invalid)
		return res
	}
	var one, four sync.WaitGroup
	one.Add(1)
	four.Add(4)
	whole := run(startTarget(t, nil), 0, 0, time.Time{}, &one)

	tg := startTarget(t, nil)
	shards := make([]*bench.Result, 4)
	at := time.Now().Add(3 * time.Second) // for all to be there by then
	var group sync.WaitGroup
	for i := range shards {
		group.Go(func() { shards[i] = run(tg, i, 4, at, &four) })
	}
	group.Wait()
	dir := t.TempDir()
	var times int64
	for i, r := range shards {
		assert.WithinDuration(t, at, r.Started.Add(-100*time.Millisecond), 20*time.Millisecond)
		times += r.Response.Count
		assert.Empty(t, r.Verdicts, "expectations are of the whole")
		path := filepath.Join(dir, "r.json")
		var b bytes.Buffer
		require.NoError(t, r.WriteJSON(&b))
		require.NoError(t, os.WriteFile(path, b.Bytes(), 0o600))
		var err error
		shards[i], err = bench.ReadResult(path)
		require.NoError(t, err)
	}
	merged, err := bench.Merge(shards, expect)
	require.NoError(t, err)

	assert.Equal(t, whole.Counts, merged.Counts)
	assert.Equal(t, whole.Warmup, merged.Warmup)
	assert.Equal(t, whole.Executed, merged.Executed)
	assert.Equal(t, whole.Statuses, merged.Statuses)
	assert.Equal(t, 4, merged.Merged)
	assert.Equal(t, times, merged.Response.Count)
	most := 0.0
	for _, r := range shards {
		most = max(most, r.Response.Max)
	}
	assert.Equal(t, most, merged.Response.Max)
	require.Len(t, merged.Parts, 2)
	for i := range whole.Parts {
		assert.Equal(t, whole.Parts[i].Counts, merged.Parts[i].Counts)
		assert.Equal(t, whole.Requests[i].Counts, merged.Requests[i].Counts)
		assert.Equal(t, whole.Parts[i].Response.Count, merged.Parts[i].Response.Count)
	}
	require.Len(t, merged.Series.Buckets, len(whole.Series.Buckets))
	for i, b := range whole.Series.Buckets {
		assert.Equal(t, b.Counts, merged.Series.Buckets[i].Counts)
		assert.InDelta(t, b.Asked, merged.Series.Buckets[i].Asked, 0.21)
		achieved := 0
		for _, r := range shards {
			achieved += r.Series.Buckets[i].Achieved
		}
		assert.Equal(t, achieved, merged.Series.Buckets[i].Achieved)
		assert.GreaterOrEqual(t, merged.Series.Buckets[i].P95, merged.Series.Buckets[i].P50)
		assert.GreaterOrEqual(t, merged.Series.Buckets[i].P99, merged.Series.Buckets[i].P95)
	}
	assert.Empty(t, merged.Unmet)
	assert.Len(t, merged.Verdicts, 4)

	broken := func(change func(*bench.Result)) []*bench.Result {
		list := slices.Clone(shards)
		one, hist := *shards[1], *shards[1].Histograms
		one.Histograms = &hist
		change(&one)
		list[1] = &one
		return list
	}
	merged, err = bench.Merge(broken(func(r *bench.Result) { r.Events = []bench.EventResult{{Label: "kill server1"}} }), bench.Threshold{})
	require.NoError(t, err)
	assert.Equal(t, []bench.EventResult{{Label: "kill server1"}}, merged.Events, "of the shard that has some")
	_, err = bench.Merge(broken(func(r *bench.Result) { r.Phases, r.Histograms.Phases = nil, nil }), bench.Threshold{})
	require.NoError(t, err, "what one has not, none has")

	for name, row := range map[string]struct {
		list []*bench.Result
		want string
	}{
		"no such shard":       {broken(func(r *bench.Result) { r.Shard = "7/4" }), `result 2 is of shard "7/4": there is no such shard`},
		"no number":           {broken(func(r *bench.Result) { r.Shard = "2/4x" }), `result 2 is of shard "2/4x": there is no such shard`},
		"parts without times": {broken(func(r *bench.Result) { r.Histograms.Parts = nil }), "result 2 has not a histogram for each of its phases and requests: it is damaged"},
		"phases without":      {broken(func(r *bench.Result) { r.Histograms.Phases = nil }), "result 2 has not a histogram for each of its phases and requests: it is damaged"},
		"other times":         {broken(func(r *bench.Result) { r.Histograms.Response = shards[0].Histograms.Lag + "x" }), "cannot be read"},
		"fewer times":         {broken(func(r *bench.Result) { r.Histograms.Response = "" }), "the histograms of response time hold"},
		"one":                 {shards[:1], "two shards or more"},
		"not all":             {shards[:3], "there are 3 results: give those of all shards"},
		"one twice":           {[]*bench.Result{shards[0], shards[1], shards[2], shards[0]}, "two results of shard 1/4"},
		"no shard":            {[]*bench.Result{whole, shards[1]}, "result 1 is no shard"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := bench.Merge(row.list, expect)
			require.ErrorContains(t, err, row.want)
		})
	}
}

func TestReadResultRefuses(t *testing.T) {
	for name, row := range map[string]struct{ text, want string }{
		"half a file":         {`{"sent": 3`, "it is no result of a benchmark: unexpected end of JSON input"},
		"nothing sent":        {`{"duration_s": 1}`, "it says nothing of requests sent"},
		"less than nothing":   {`{"duration_s": 1, "sent": -5, "ok": -5}`, "it is damaged: -5 requests sent are not -5 ok, 0 failed, 0 unknown and 0 wrong"},
		"a sum that is wrong": {`{"duration_s": 1, "sent": 5, "ok": 4}`, "it is damaged: 5 requests sent are not 4 ok, 0 failed, 0 unknown and 0 wrong"},
		"a series of others":  {`{"duration_s": 1, "sent": 5, "ok": 5, "series": {"width_s": 1, "buckets": [{"sent": 4, "ok": 4}]}}`, "its series holds 4 requests, and 5 were sent"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "r.json")
			require.NoError(t, os.WriteFile(path, []byte(row.text), 0o600))
			_, err := bench.ReadResult(path)
			require.ErrorContains(t, err, row.want)
		})
	}
}
