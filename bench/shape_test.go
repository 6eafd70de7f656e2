package bench_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/bench"
)

// shaped is a profile of phases.
func shaped(t *testing.T, phases string) bench.Profile {
	t.Helper()
	p, err := bench.ParseProfile("p.yaml", []byte("request: {path: /a}\nphases:\n"+phases))
	require.NoError(t, err)
	return p
}

func TestShapes(t *testing.T) {
	for _, row := range []struct {
		name, phases string
		total        int
		hits         map[time.Duration]float64 // by then
		last         time.Duration
	}{
		{"constant", "  - {duration: 10s, rate: 5}\n", 50, map[time.Duration]float64{time.Second: 5, 10 * time.Second: 50}, 9800 * time.Millisecond},
		{"ramp up", "  - {duration: 10s, from: 0, to: 100}\n", 500, map[time.Duration]float64{5 * time.Second: 125, 10 * time.Second: 500}, 9989994995},
		{"ramp down", "  - {duration: 10s, from: 100, to: 0}\n", 500, map[time.Duration]float64{5 * time.Second: 375}, 9552786405},
		{"steps", "  - {duration: 3s, from: 10, to: 30, steps: 3}\n", 60, map[time.Duration]float64{time.Second: 10, 2 * time.Second: 30, 3 * time.Second: 60}, 2966666667},
		{"spike", "  - {duration: 10s, rate: 10, peak: 100, peak_for: 2s}\n", 280, map[time.Duration]float64{4 * time.Second: 40, 5 * time.Second: 140, 6 * time.Second: 240}, 9900 * time.Millisecond},
		{"sine", "  - {duration: 8s, rate: 100, swing: 100, period: 4s}\n", 800, map[time.Duration]float64{4 * time.Second: 400, 2 * time.Second: 200 + 400/math.Pi, 8 * time.Second: 800}, 7990 * time.Millisecond},
		{"phases", "  - {duration: 1s, rate: 10}\n  - {duration: 2s, from: 10, to: 20}\n  - {duration: 1s, rate: 20}\n", 60, map[time.Duration]float64{time.Second: 10, 3 * time.Second: 40, 4 * time.Second: 60}, 3950 * time.Millisecond},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := bench.NewSchedule(shaped(t, row.phases))
			assert.Equal(t, row.total, s.Total())
			for at, want := range row.hits {
				assert.InDelta(t, want, s.Hits(at), 0.01, "%s", at)
			}
			assert.Equal(t, time.Duration(0), s.Due(0))
			assert.InDelta(t, row.last.Seconds(), s.Due(s.Total()-1).Seconds(), 0.005)
			before := time.Duration(-1)
			for n := range s.Total() { // the inverse, and in order
				due := s.Due(n)
				require.GreaterOrEqual(t, due, before)
				before = due
				require.InDelta(t, n, s.Hits(due), 1e-3, "request %d", n)
			}
		})
	}
}

func TestReplayedTimings(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	write("log.csv", "time,path\n2026-05-01T10:00:00Z,/a\n2026-05-01T10:00:00.5Z,/b\n# a remark\n2026-05-01T10:00:00.5Z,/c\n2026-05-01T10:00:03Z,/d\n")
	write("p.yaml", "request: {path: /a}\nphases:\n  - {name: again, replay: log.csv, speed: 2}\n")
	p, err := bench.ReadProfile(filepath.Join(dir, "p.yaml"))
	require.NoError(t, err)
	s := bench.NewSchedule(p)
	require.Equal(t, 4, s.Total())
	assert.Equal(t, []time.Duration{0, 250 * time.Millisecond, 250 * time.Millisecond, 1500 * time.Millisecond},
		[]time.Duration{s.Due(0), s.Due(1), s.Due(2), s.Due(3)})

	for name, log := range map[string]string{"a byte order mark": "\ufeff1\n2\n3\n", "in quotes": "\"1\"\n\"2\",\"/a\"\n\"3\"\n", "a heading": "\ufefftime\n1\n2\n3\n"} {
		t.Run(name, func(t *testing.T) {
			write("log.csv", log)
			p, err := bench.ReadProfile(filepath.Join(dir, "p.yaml"))
			require.NoError(t, err)
			s := bench.NewSchedule(p)
			require.Equal(t, 3, s.Total(), "no time is lost")
			assert.Equal(t, time.Second, s.Due(2))
		})
	}

	for name, row := range map[string]struct{ log, want string }{
		"out of order":              {"2\n1\n", "log.csv:2:1: 1 comes after a later time"},
		"no time":                   {"1\nsoon\n", `log.csv:2:1: "soon" is neither seconds nor a time`},
		"empty":                     {"", "it holds no timings"},
		"a first time that is none": {"1s\n2\n", `log.csv:1:1: "1s" is neither seconds nor a time`},
	} {
		t.Run(name, func(t *testing.T) {
			write("log.csv", row.log)
			_, err := bench.ReadProfile(filepath.Join(dir, "p.yaml"))
			require.ErrorContains(t, err, "p.yaml:3:27: ")
			assert.ErrorContains(t, err, row.want)
		})
	}
}

// TestShards: together they send each request of the whole once, when the whole would.
func TestShards(t *testing.T) {
	p := shaped(t, "  - {duration: 3s, from: 5, to: 50}\n  - {duration: 1s, rate: 33}\n")
	p.Warmup = bench.Duration(time.Second)
	whole := bench.NewSchedule(p)
	for _, of := range []int{1, 2, 4, 7} {
		t.Run(fmt.Sprint(of), func(t *testing.T) {
			times := map[int]time.Duration{}
			measure := 0
			for shard := range of {
				s := whole.OfShard(shard, of)
				measure += s.Measure
				for seq := range s.Total() {
					times[s.Number(seq)] = s.Due(seq)
					assert.Equal(t, s.Number(seq) < whole.Warmup, seq < s.Warmup)
				}
			}
			assert.Equal(t, whole.Measure, measure)
			require.Len(t, times, whole.Total())
			for n := range whole.Total() {
				require.Equal(t, whole.Due(n), times[n])
			}
		})
	}
}

func TestPhaseFaults(t *testing.T) {
	for name, row := range map[string]struct{ phase, want string }{
		"none":              {"{name: a, duration: 1s}", "p.yaml:3:6: a: a phase has one of: rate; from and to; replay; users"},
		"two":               {"{name: a, duration: 1s, rate: 1, users: 2}", "a: a phase has one of"},
		"half a ramp":       {"{name: a, duration: 1s, from: 1}", "a: a ramp needs both from and to"},
		"swing too large":   {"{name: a, duration: 1s, rate: 5, swing: 6}", "p.yaml:3:45: a: swing 6 is more than the rate 5"},
		"peak too long":     {"{name: a, duration: 1s, rate: 5, peak: 6, peak_for: 1s}", "peak_for 1s is not shorter"},
		"steps of a rate":   {"{name: a, duration: 1s, rate: 5, steps: 6}", "steps goes with from and to"},
		"no duration":       {"{name: a, rate: 5}", "a: duration must be more than 0"},
		"nothing is sent":   {"{name: a, duration: 1s, from: 0, to: 0}", "nothing would be sent"},
		"one name twice":    {"{name: a, duration: 1s, rate: 1}\n  - {name: a, duration: 1s, rate: 1}", `p.yaml:4:12: two phases are called "a"`},
		"closed and open":   {"{name: a, duration: 1s, users: 1}\n  - {name: b, duration: 1s, rate: 1}", "a closed loop in all its phases or in none"},
		"no such timings":   {"{name: a, replay: none.txt}", "none.txt: no such file"},
		"an unknown key":    {"{name: a, duration: 1s, rate: 1, pear: 6}", `p.yaml:3:38: unknown field "pear"; did you mean "peak"; there are name, duration, rate`},
		"the wrong total":   {"{name: a, duration: 1s, rate: 1}\nduration: 2s", "p.yaml:4:11: duration is 2s and the phases take 1s"},
		"a rate beside it":  {"{name: a, duration: 1s, rate: 1}\nrate: 2", "leave out rate and users beside them"},
		"thinking, no user": {"{name: a, duration: 1s, rate: 1}\nthink: 2s", "p.yaml:4:8: think goes with users"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := bench.ParseProfile("p.yaml", []byte("request: {path: /a}\nphases:\n  - "+row.phase+"\n"))
			require.ErrorContains(t, err, row.want)
		})
	}
}
