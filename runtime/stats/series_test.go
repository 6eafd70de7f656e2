package stats_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/stats"
)

// minutes lets the clock pass n minutes, in each of which calls records something; it saves every 30 s.
func minutes(t *testing.T, c *clock, n int, calls func(minute int), all ...*stats.Stats) {
	t.Helper()
	for i := range n {
		calls(i)
		for range 2 {
			c.advance(30 * time.Second)
			for _, s := range all {
				require.NoError(t, s.Save(t.Context()))
			}
		}
	}
}

func at(place place, t *testing.T, c *clock, server string) *stats.Stats {
	t.Helper()
	s := place.open(t, server)
	s.Clock(c.now)
	return s
}

func times(c *clock, counter *stats.Counter, n int, took time.Duration, failed bool) {
	for range n {
		counter.Record(c.now(), took, failed)
	}
}

func report(t *testing.T, s *stats.Stats, kind stats.Kind, from, to time.Time) stats.Report {
	t.Helper()
	r, err := s.Report(t.Context(), stats.Query{Kind: kind, From: from, To: to})
	require.NoError(t, err)
	return r
}

// lines are the lines as name, usage, errors and mean.
func lines(r stats.Report) (out []string) {
	for _, l := range r.Lines {
		out = append(out, fmt.Sprintf("%s %d %d %.0f", l.Name, l.Usage, l.Errors, l.MeanMS))
	}
	return out
}

func testMinutesAreSummed(t *testing.T, place place) {
	c := &clock{time.Date(2026, 3, 4, 5, 50, 0, 0, time.UTC)}
	start := c.at
	one, two := at(place, t, c, "server1"), at(place, t, c, "server2")
	one.Service("never called")
	minutes(t, c, 20, func(i int) {
		times(c, one.Service("slow"), 1, 300*time.Millisecond, i%2 == 1)
		times(c, two.Service("slow"), 1, 100*time.Millisecond, false)
		times(c, one.Service("busy"), 8, 10*time.Millisecond, false)
		times(c, one.Service("parley.x"), 1, time.Second, false)
		times(c, one.Channel("C"), 9, 10*time.Millisecond, false)
		times(c, one.Outconn("O"), 2, 10*time.Millisecond, i == 0)
	}, one, two)

	r := report(t, one, stats.ServiceKind, start, c.at)
	assert.Equal(t, []string{"busy 160 0 10", "slow 40 10 200"}, lines(r))
	assert.EqualValues(t, 200, r.Usage, "TU")
	assert.InDelta(t, 160*10+40*200, r.TimeMS, 1e-6)
	assert.InDelta(t, (10+200)/2.0, r.MeanMS, 1e-6, "AM is the mean of the means")
	busy, slow := r.Lines[0], r.Lines[1]
	assert.InDelta(t, 80, busy.UsageShare, 1e-9, "U %%")
	assert.InDelta(t, 20, slow.UsageShare, 1e-9)
	assert.InDelta(t, 100*8000/9600.0, slow.TimeShare, 1e-9, "T %%")
	assert.InDelta(t, 160/1200.0, busy.Rate, 1e-9)
	assert.InDelta(t, 100, slow.MinMS, 1e-9)
	assert.InDelta(t, 300, slow.MaxMS, 1e-9)
	assert.InEpsilon(t, 100, slow.P50MS, 0.01)
	assert.InEpsilon(t, 300, slow.P95MS, 0.01)
	assert.EqualValues(t, 60, r.SlotSecs)
	require.Len(t, busy.UsageTrend, 21)
	assert.EqualValues(t, 8, busy.UsageTrend[3])
	assert.InDelta(t, 200, slow.MeanTrend[19], 1e-9)
	assert.Equal(t, "slow", r.Slowest()[0].Name)
	assert.Equal(t, "busy", r.MostUsed()[0].Name)

	assert.Equal(t, []string{"C 180 0 10"}, lines(report(t, two, stats.ChannelKind, start, c.at)), "another server tells it, too")
	assert.Equal(t, []string{"O 40 2 10"}, lines(report(t, one, stats.OutconnKind, start, c.at)))
	assert.Equal(t, []string{"server1 180 0 10"}, lines(report(t, one, stats.ServerKind, start, c.at)))
	assert.Equal(t, []string{"busy 40 0 10", "slow 10 2 200"}, lines(report(t, one, stats.ServiceKind, start.Add(10*time.Minute), start.Add(15*time.Minute))))
	half := report(t, one, stats.ServiceKind, start.Add(10*time.Minute+20*time.Second), start.Add(14*time.Minute+20*time.Second))
	assert.Equal(t, []string{"busy 40 0 10", "slow 10 2 200"}, lines(half), "whole minutes")
	assert.Equal(t, start.Add(10*time.Minute), half.From)
	assert.Equal(t, start.Add(15*time.Minute), half.To)
	assert.Empty(t, lines(report(t, one, stats.ServiceKind, start.Add(-time.Hour), start)))
	for _, days := range []int{1, 30, 365} {
		assert.Equal(t, []string{"busy 160 0 10", "slow 40 10 200"}, lines(report(t, one, stats.ServiceKind, start.AddDate(0, 0, -days), c.at)), days)
	}
	r, err := one.Report(t.Context(), stats.Query{Kind: stats.ServiceKind, From: start, To: c.at, Server: "server2", Internal: true})
	require.NoError(t, err)
	assert.Equal(t, []string{"slow 20 0 100"}, lines(r))
	r, err = one.Report(t.Context(), stats.Query{Kind: stats.ServiceKind, From: start, To: c.at, Internal: true})
	require.NoError(t, err)
	assert.Equal(t, []string{"busy 160 0 10", "parley.x 20 0 1000", "slow 40 10 200"}, lines(r))
}

func testSeriesGoOnAfterARestart(t *testing.T, place place) {
	c := newClock()
	start := c.at
	first := at(place, t, c, "server1")
	times(c, first.Service("a"), 3, time.Millisecond, false)
	require.NoError(t, first.Save(t.Context()))
	times(c, first.Service("a"), 5, time.Millisecond, true) // never saved: it is killed
	second := at(place, t, c, "server1")
	times(c, second.Service("a"), 4, 9*time.Millisecond, false)
	require.NoError(t, second.Save(t.Context()))
	require.NoError(t, second.Save(t.Context()))
	r := report(t, second, stats.ServiceKind, start, c.at.Add(time.Second))
	assert.Equal(t, []string{"a 7 0 6"}, lines(r))
	assert.InDelta(t, 1, r.Lines[0].MinMS, 1e-9)
	assert.InDelta(t, 9, r.Lines[0].MaxMS, 1e-9)
}

func testASeriesThatCannotBeSavedIsSavedLater(t *testing.T, place place) {
	c := newClock()
	start := c.at
	s := at(place, t, c, "server1")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for range 3 {
		times(c, s.Service("a"), 2, time.Millisecond, false)
		c.advance(time.Minute)
		require.Error(t, s.Save(gone))
	}
	require.NoError(t, s.Save(t.Context()))
	r := report(t, s, stats.ServiceKind, start, c.at)
	assert.Equal(t, []string{"a 6 0 1"}, lines(r))
	assert.EqualValues(t, []int64{2, 2, 2, 0}, r.Lines[0].UsageTrend, "each in its minute")
}

func testOldSpansAreDeleted(t *testing.T, place place) {
	c := &clock{time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)}
	start := c.at
	s := at(place, t, c, "server1")
	s.Configure(stats.Options{Minutes: 48 * time.Hour, Hours: 10 * 24 * time.Hour}, nil)
	for range 20 * 4 { // days of four calls
		require.NoError(t, s.Save(t.Context()))
		times(c, s.Service("a"), 1, time.Millisecond, false)
		c.advance(10 * time.Second)
		require.NoError(t, s.Save(t.Context()))
		c.advance(6*time.Hour - 10*time.Second)
	}
	before := report(t, s, stats.ServiceKind, start, c.at)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, s.Run(ctx))
	require.NoError(t, stats.Prune(t.Context(), s))
	for span, want := range map[int]int{60: 8, 3600: 42, 86400: 21} { // of the last two days, of the last ten, and all
		got, err := stats.Rows(t.Context(), s, span)
		require.NoError(t, err)
		assert.Equal(t, want, got, span)
	}
	assert.Equal(t, before.Lines, report(t, s, stats.ServiceKind, start, c.at).Lines, "days have all")
	old := report(t, s, stats.ServiceKind, start.AddDate(0, 0, 1), start.AddDate(0, 0, 1).Add(time.Hour))
	assert.Equal(t, []string{"a 4 0 1"}, lines(old), "of what is old only the day is known")
	assert.Equal(t, 24*time.Hour, old.To.Sub(old.From), "and the report says so")
}

func testRequestsAreKept(t *testing.T, place place) {
	c := newClock()
	s := at(place, t, c, "server1")
	s.Configure(stats.Options{}, func(_, field string) bool { return field == "token" })
	other := at(place, t, c, "server2")
	require.NoError(t, s.Watch(t.Context(), stats.Watch{Service: "*", SlowMS: 50}))
	require.NoError(t, s.Watch(t.Context(), stats.Watch{Service: "sampled", SlowMS: 20, Every: 2}))
	require.NoError(t, other.Save(t.Context()))
	assert.ElementsMatch(t, s.Watches(), other.Watches(), "every server knows it after its next save")

	n := 0
	call := func(name string, took time.Duration, err error) {
		n++
		h := stats.Wrap(service.HandlerFunc(func(_ context.Context, req *service.Request) (*service.Response, error) {
			c.advance(took)
			req.Input = service.ObjectOf("n", int64(n), "token", "t0p", "user", service.ObjectOf("name", "Ann", "pin", "1234"))
			req.Secrets = []string{"user.pin"}
			if err != nil {
				return nil, err
			}
			return &service.Response{Payload: []any{service.ObjectOf("token", "t1p", "ok", true)}}, nil
		}), s.Service(name), c.now)
		_, _ = h.Handle(t.Context(), &service.Request{CID: fmt.Sprint("cid", n), Channel: "C"})
	}
	call("a", 49*time.Millisecond, nil)
	call("a", 51*time.Millisecond, nil)
	call("a", 90*time.Millisecond, errors.New("the password is t2p"))
	call("sampled", time.Millisecond, nil)
	call("sampled", time.Millisecond, nil)
	call("sampled", 30*time.Millisecond, service.Errorf(service.Invalid, "no"))
	call("parley.internal", time.Second, nil)
	require.NoError(t, s.Save(t.Context()))

	kept := func(q stats.KeptQuery) (out []string) {
		q.From, q.To, q.N = c.at.Add(-time.Hour), c.at.Add(time.Second), 10
		all, err := other.Kept(t.Context(), q)
		require.NoError(t, err)
		for _, k := range all {
			out = append(out, fmt.Sprintf("%s %s %s %.0f %t %s %s", k.Service, k.CID, k.Server, k.MS, k.Failed, k.Request, k.Response))
		}
		return out
	}
	const asked = `{"n":%d,"token":"***","user":{"name":"Ann","pin":"***"}}`
	assert.Equal(t, []string{
		"a cid3 server1 90 true  ", "a cid2 server1 51 false  ", "sampled cid6 server1 30 true " + fmt.Sprintf(asked, 6) + " error: no",
	}, kept(stats.KeptQuery{Slow: true}))
	assert.Equal(t, []string{
		"sampled cid5 server1 1 false " + fmt.Sprintf(asked, 5) + ` [{"token":"***","ok":true}]`,
	}, kept(stats.KeptQuery{Service: "sampled"}))
	assert.Empty(t, kept(stats.KeptQuery{Slow: true, Service: "b"}))

	require.NoError(t, s.Watch(t.Context(), stats.Watch{Service: "*"}))
	call("a", time.Hour, nil)
	require.NoError(t, s.Save(t.Context()))
	assert.Empty(t, kept(stats.KeptQuery{Slow: true, Service: "a"}), "an hour later; and nothing more is kept")
}

func TestNothingIsCountedWhereStatisticsAreOff(t *testing.T) {
	s := stats.New(time.Now)
	s.Configure(stats.Options{Off: true}, nil)
	next := service.HandlerFunc(func(context.Context, *service.Request) (*service.Response, error) { return nil, nil })
	_, err := stats.Wrap(next, s.Service("a"), time.Now, s.Channel("c")).Handle(t.Context(), &service.Request{})
	require.NoError(t, err)
	assert.Empty(t, s.Snapshot())
}

// answer is an outgoing connection that answers so.
type answer struct {
	out any
	err error
}

func (a answer) Call(context.Context, string, []any, map[string]any) (any, error) {
	return a.out, a.err
}

type status int64

func (s status) Attr(name string) (any, bool) { return int64(s), name == "status_code" }
func (s status) AttrNames() []string          { return []string{"status_code"} }

func TestCallsOfOutconnsAreCounted(t *testing.T) {
	c := newClock()
	s := at(place{open: func(t testing.TB, server string) *stats.Stats { return open(t, t.TempDir()+"/stats.db", server) }}, t, c, "server1")
	for _, one := range []answer{{"text", nil}, {nil, errors.New("down")}, {status(200), nil}, {status(404), nil}, {status(500), nil}} {
		out, err := stats.Call(one, s.Outconn("O"), c.now).Call(t.Context(), "get", nil, nil)
		assert.Equal(t, one.out, out)
		assert.Equal(t, one.err, err)
	}
	require.NoError(t, s.Save(t.Context()))
	assert.Equal(t, []string{"O 5 2 0"}, lines(report(t, s, stats.OutconnKind, c.at, c.at.Add(time.Minute))))
}
