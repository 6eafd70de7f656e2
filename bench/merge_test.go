package bench_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
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

	for name, row := range map[string]struct {
		list []*bench.Result
		want string
	}{
		"one":       {shards[:1], "two shards or more"},
		"not all":   {shards[:3], "there are 3 results: give those of all shards"},
		"one twice": {[]*bench.Result{shards[0], shards[1], shards[2], shards[0]}, "two results of shard 1/4"},
		"no shard":  {[]*bench.Result{whole, shards[1]}, "result 1 is no shard"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := bench.Merge(row.list, expect)
			require.ErrorContains(t, err, row.want)
		})
	}
}
