package main

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/parley-run/parley/bench"
	"github.com/parley-run/parley/fixtures"
)

func TestVerdict(t *testing.T) {
	load := func(c bench.Counts, e bench.Executed) *bench.Result { return &bench.Result{Counts: c, Executed: &e} }
	fine := func() *outcome { return &outcome{result: load(bench.Counts{Sent: 9, OK: 9}, bench.Executed{})} }
	lost := func() *outcome {
		return &outcome{result: load(bench.Counts{Sent: 9, OK: 7, Failed: 1, Unknown: 1}, bench.Executed{Lost: 1, Doubled: 2})}
	}
	postgres := fmt.Errorf("starting: %w", fixtures.ErrNoPostgres)
	for _, row := range []struct {
		name    string
		outcome *outcome
		err     error
		require string
		prove   bool
		verdict string
		bad     bool
		counts  []string
	}{
		{"all is well", fine(), nil, "", false, "kept", false, []string{"9", "0", "0", "0"}},
		{"something was lost", lost(), nil, "", false, "BROKEN", true, []string{"9", "1", "1", "2"}},
		{"no load", &outcome{}, nil, "", false, "kept", false, []string{"-", "-", "-", "-"}},
		{"it could not be done", fine(), errors.New("no disk"), "", false, "could not be done", true, []string{"9", "0", "0", "0"}},
		{"nothing is installed", nil, postgres, "", false, "skipped", false, []string{"-", "-", "-", "-"}},
		{"nothing is installed, and it must be", nil, postgres, "redis,postgres", false, "could not be done", true, []string{"-", "-", "-", "-"}},
		{"the safeguard is out, and it shows", lost(), nil, "", true, "noticed", false, []string{"9", "1", "1", "2"}},
		{"the safeguard is out, and nobody notices", fine(), nil, "", true, "NOT NOTICED", true, []string{"9", "0", "0", "0"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Setenv("PARLEY_REQUIRE", row.require)
			if row.outcome != nil && row.outcome.result != nil {
				row.outcome.nothingLost()
			}
			got := newLine(check{name: "F0", needs: "postgres"}, "it", row.outcome, row.err, time.Second, row.prove)
			assert.Equal(t, row.verdict, got.verdict)
			assert.Equal(t, row.bad, got.bad)
			assert.Equal(t, row.counts, got.counts)
			assert.Equal(t, row.bad, (&table{rows: []line{got}}).bad())
		})
	}
}

func TestNothingLostNamesEachSort(t *testing.T) {
	o := &outcome{result: &bench.Result{
		Counts: bench.Counts{Sent: 9, OK: 7, Failed: 1, Unknown: 1}, Executed: &bench.Executed{Lost: 3, Doubled: 2},
		Errors: []bench.ErrorCount{{Text: "503 Service Unavailable", Count: 1}}, Invalid: []string{"it was late"},
	}}
	o.nothingLost()
	assert.Equal(t, []string{
		"the load proves nothing: it was late", "1 requests failed: 503 Service Unavailable", "1 requests of unknown outcome: 503 Service Unavailable",
		"3 requests lost: 503 Service Unavailable", "2 requests doubled: 503 Service Unavailable",
	}, o.faults)
}

func TestKilledOnlyHoldsWhatWasUnderWay(t *testing.T) {
	killed := func(c bench.Counts, e bench.Executed) *outcome {
		return &outcome{result: &bench.Result{Counts: c, Executed: &e}}
	}
	for _, row := range []struct {
		name    string
		outcome *outcome
		want    []string
	}{
		{"as many as were under way", killed(bench.Counts{Sent: 9, OK: 6, Unknown: 3}, bench.Executed{}), nil},
		{"more than were under way", killed(bench.Counts{Sent: 9, OK: 5, Unknown: 4}, bench.Executed{}), []string{"4 requests of unknown outcome: more than the 3 that were under way"}},
		{"one was lost", killed(bench.Counts{Sent: 9, OK: 9}, bench.Executed{Lost: 1}), []string{"0 requests failed, 1 were lost, 0 doubled"}},
		{"one was doubled", killed(bench.Counts{Sent: 9, OK: 9}, bench.Executed{Doubled: 1}), []string{"0 requests failed, 0 were lost, 1 doubled"}},
		{"one failed", killed(bench.Counts{Sent: 9, OK: 8, Failed: 1}, bench.Executed{}), []string{"1 requests failed, 0 were lost, 0 doubled"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			row.outcome.killedOnly(3)
			assert.Equal(t, row.want, row.outcome.faults)
		})
	}
}

func TestBalancerKilledOnlyCountsWhatWasNotSentApart(t *testing.T) {
	killed := func(unknown, unsent, lost int) *outcome {
		return &outcome{done: "1 kills", result: &bench.Result{
			Counts: bench.Counts{Sent: 9, OK: 9 - unknown - unsent, Failed: unsent, Unknown: unknown}, Executed: &bench.Executed{Lost: lost}, NeverSent: unsent,
		}}
	}
	o := killed(2, 1, 1)
	o.balancerKilledOnly(3)
	assert.Empty(t, o.faults)
	row := newLine(check{name: "F0"}, "it", o, nil, 0, false)
	assert.Equal(t, "1 kills, 1 not sent", row.done)
	assert.Equal(t, []string{"9", "0", "2", "0"}, row.counts)
	o = killed(2, 2, 2)
	o.balancerKilledOnly(3)
	assert.Equal(t, []string{"4 requests of unknown outcome: more than the 3 that were under way"}, o.faults)
	o = killed(0, 1, 2)
	o.balancerKilledOnly(3)
	assert.Equal(t, []string{"0 requests failed, 1 were lost, 0 doubled"}, o.faults)
}

func TestTable(t *testing.T) {
	all := &table{rows: []line{
		{name: "F1", what: "deploys", done: "100", verdict: "kept", counts: []string{"9", "0", "0", "0"}, took: 1500 * time.Millisecond},
		{name: "F6", what: "restarts", verdict: "BROKEN", bad: true, counts: []string{"-", "-", "-", "-"}, faults: []string{"a", "b"}},
	}}
	assert.Equal(t, `    fault     done  sent  lost  unknown  doubled  verdict  seconds  
F1  deploys   100      9     0        0        0  kept         1.5  
F6  restarts           -     -        -        -  BROKEN       0.0  
`, all.text())
	assert.Equal(t, "|  | fault | done | sent | lost | unknown | doubled | verdict | seconds |\n| --- | --- | --- | ---: | ---: | ---: | ---: | --- | ---: |\n"+
		"| F1 | deploys | 100 | 9 | 0 | 0 | 0 | kept | 1.5 |\n| F6 | restarts |  | - | - | - | - | BROKEN | 0.0 |\n\n- F6: a\n- F6: b", all.markdown())
}

func TestCounts(t *testing.T) {
	e := &env{counts: map[string]string{"F1": "7", "rate": "2.5", "stall": "3s", "F2": "none"}}
	assert.Equal(t, 7, e.times("F1", 100))
	assert.Equal(t, 50, e.times("F2", 50))
	assert.InDelta(t, 2.5, e.rate("rate", 1000), 0)
	assert.Equal(t, 3*time.Second, e.lasting("stall", time.Minute))
	e.sabotage = true
	assert.Equal(t, 20, e.times("F3", 500), "a few are enough to prove a check")
	assert.Equal(t, 7, e.times("F1", 100))
}

func TestEveryCheckCanBeProved(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range checks() {
		assert.False(t, seen[c.name], c.name)
		seen[c.name] = true
		assert.NotEmpty(t, c.title, c.name)
		assert.NotEmpty(t, c.prove, c.name)
		assert.NotNil(t, c.do, c.name)
	}
	_, err := choose([]string{"F99"})
	assert.ErrorContains(t, err, "--only F99: there is no such check")
}
