package stats_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/stats"
)

func points(t *testing.T, s *stats.Stats, name string, from, to time.Time, most int) stats.SeriesOut {
	t.Helper()
	out, err := s.Points(t.Context(), stats.Query{Kind: stats.ServiceKind, From: from, To: to}, name, most)
	require.NoError(t, err)
	return out
}

// shown are points as minutes since start, usage, errors and mean; those without a request are left out.
func shown(out stats.SeriesOut, start time.Time) (texts []string) {
	for _, p := range out.Points {
		if p.Usage > 0 {
			texts = append(texts, fmt.Sprintf("%.0f: %d %d %.0f", p.At.Sub(start).Minutes(), p.Usage, p.Errors, p.MeanMS))
		}
	}
	return texts
}

func testPoints(t *testing.T, place place) {
	c := &clock{time.Date(2026, 3, 4, 5, 50, 0, 0, time.UTC)}
	start := c.at
	one, two := at(place, t, c, "server1"), at(place, t, c, "server2")
	minutes(t, c, 20, func(i int) {
		if i%4 == 0 {
			times(c, one.Service("slow"), 1, 300*time.Millisecond, i == 8)
			times(c, two.Service("slow"), 1, 100*time.Millisecond, false)
		}
		times(c, one.Service("busy"), 2, 10*time.Millisecond, false)
		times(c, one.Service("parley.x"), 1, time.Second, false)
	}, one, two)

	out := points(t, one, "slow", start, c.at, 120)
	assert.EqualValues(t, 60, out.SlotSeconds)
	require.Len(t, out.Points, 20, "minutes without a request are there too")
	assert.Equal(t, []string{"0: 2 0 200", "4: 2 0 200", "8: 2 1 200", "12: 2 0 200", "16: 2 0 200"}, shown(out, start))
	assert.InDelta(t, 300, out.Points[0].P99MS, 3)
	assert.InDelta(t, 2.0/60, out.Points[0].Rate, 0.001)
	assert.Equal(t, stats.Point{At: start.Add(time.Minute)}, out.Points[1])

	all := points(t, one, "", start, c.at, 7)
	assert.EqualValues(t, 300, all.SlotSeconds, "made longer until 7 are enough")
	assert.Equal(t, []string{"0: 14 0 64", "5: 12 1 42", "10: 12 0 42", "15: 12 0 42"}, shown(all, start))
	assert.Empty(t, shown(points(t, one, "nobody", start, c.at, 7), start))

	alone, err := one.Points(t.Context(), stats.Query{Kind: stats.ServiceKind, From: start, To: c.at, Server: "server2"}, "slow", 120)
	require.NoError(t, err)
	assert.Equal(t, "0: 1 0 100", shown(alone, start)[0])

	year := points(t, one, "slow", c.at.Add(-365*24*time.Hour), c.at, 120)
	assert.EqualValues(t, 7*86400, year.SlotSeconds)
	require.LessOrEqual(t, len(year.Points), 120)
	assert.EqualValues(t, 10, year.Points[len(year.Points)-1].Usage)

	later := points(t, one, "slow", start, c.at.Add(30*24*time.Hour), 3000)
	assert.False(t, later.Points[len(later.Points)-1].At.After(c.at), "no points of what is to come")
}

// testTheClockJumps sets the clock 3 hours ahead, and back again: nothing is lost, and nothing is where the clock never was.
func testTheClockJumps(t *testing.T, place place) {
	c := &clock{time.Date(2026, 3, 4, 5, 0, 20, 0, time.UTC)}
	start := c.at.Truncate(time.Minute)
	s := at(place, t, c, "server1")
	step := func(n int, jump time.Duration) {
		c.advance(20 * time.Second)
		times(c, s.Service("a"), n, time.Millisecond, false)
		require.NoError(t, s.Save(t.Context()))
		c.advance(jump)
	}
	step(1, 3*time.Hour)
	step(2, 0)
	step(4, -3*time.Hour)
	step(8, 0)
	step(16, time.Minute)
	assert.Equal(t, []string{"a 25 0 1"}, lines(report(t, s, stats.ServiceKind, start.Add(-time.Hour), start.Add(24*time.Hour))), "what is to come is not told")
	c.advance(4 * time.Hour)
	assert.Equal(t, []string{"a 31 0 1"}, lines(report(t, s, stats.ServiceKind, start.Add(-time.Hour), start.Add(24*time.Hour))))
	out := points(t, s, "a", start, start.Add(6*time.Hour), 1000)
	assert.Equal(t, []string{"0: 1 0 1", "1: 24 0 1", "181: 6 0 1"}, shown(out, start))
}

func testPointsAfterMinutesWereDeleted(t *testing.T, place place) {
	c := &clock{time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC)}
	start := c.at
	s := at(place, t, c, "server1")
	minutes(t, c, 120, func(int) { times(c, s.Service("a"), 1, time.Millisecond, false) }, s)
	c.advance(8 * 24 * time.Hour)
	require.NoError(t, stats.Prune(t.Context(), s))
	out := points(t, s, "a", start, start.Add(2*time.Hour), 120)
	assert.EqualValues(t, 3600, out.SlotSeconds, "of that time hours are kept")
	assert.Equal(t, []string{"0: 60 0 1", "60: 60 0 1"}, shown(out, start))
}
