package bench_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/bench"
)

// target is a service that records the ids it executes; fault decides what else it does with one.
type target struct {
	*httptest.Server
	mu       sync.Mutex
	executed []string
}

func startTarget(t *testing.T, fault func(id string, w http.ResponseWriter, gone <-chan struct{}, execute func()) bool) *target {
	t.Helper()
	tg := &target{}
	tg.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		id := string(raw)
		if r.Method == http.MethodGet {
			id = r.URL.Query().Get("id")
		}
		execute := func() {
			tg.mu.Lock()
			defer tg.mu.Unlock()
			tg.executed = append(tg.executed, id)
		}
		if fault != nil && fault(id, w, r.Context().Done(), execute) {
			return
		}
		execute()
		w.Header().Set("X-Parley-Server", "server1")
		_, _ = w.Write([]byte("done"))
	}))
	t.Cleanup(tg.Close)
	return tg
}

func (tg *target) ids(context.Context) ([]string, error) {
	tg.mu.Lock()
	defer tg.mu.Unlock()
	return append([]string(nil), tg.executed...), nil
}

func post(rate float64, duration time.Duration) bench.Profile {
	return bench.Profile{
		Name: "test", Rate: rate, Duration: bench.Duration(duration), MaxScheduleLag: bench.Duration(time.Minute),
		Request: bench.Request{Method: "POST", Path: "/run", Body: "{{id}}"},
	}
}

// reset cuts the connection without a reply.
func reset(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		_ = conn.(*net.TCPConn).SetLinger(0)
		_ = conn.Close()
	}
}

func TestRunCountsEveryOutcome(t *testing.T) {
	tg := startTarget(t, func(id string, w http.ResponseWriter, gone <-chan struct{}, execute func()) bool {
		switch id {
		case "11": // refused, not executed
			w.WriteHeader(503)
		case "12": // executed, then failed
			execute()
			w.WriteHeader(500)
		case "13": // dies before it executes
			reset(w)
		case "14", "15": // executes, then dies
			execute()
			reset(w)
		case "16": // the balancer cannot tell
			w.Header().Set("X-Parley-Outcome", "unknown")
			w.WriteHeader(502)
		case "17": // acknowledged and forgotten
		case "18": // doubled
			execute()
			return false
		case "19": // executed, and no answer before the client has given up
			execute()
			<-gone
		case "20": // a redirect is no success, and is not followed
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(302)
		case "21": // a body that breaks off
			execute()
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("begun"))
			w.(http.Flusher).Flush()
			reset(w)
		default:
			return false
		}
		return true
	})
	p := post(100, time.Second)
	p.Warmup = bench.Duration(100 * time.Millisecond)
	p.Timeout = bench.Duration(5 * time.Second) // the others are answered by then
	res, err := bench.Run(t.Context(), p, bench.Options{Address: tg.URL, Executed: tg.ids})
	require.NoError(t, err)

	assert.Equal(t, bench.Counts{Sent: 10, OK: 10}, res.Warmup)
	assert.Equal(t, bench.Counts{Sent: 100, OK: 91, Failed: 3, Unknown: 6}, res.Counts)
	assert.Equal(t, &bench.Executed{
		Executed: 95, Lost: 3, LostFailed: 2, LostAcknowledged: 1, Doubled: 1, FailedExecuted: 1,
		UnknownExecuted: 4, UnknownNotExecuted: 2, LostIDs: []int{11, 17, 20}, DoubledIDs: []int{18},
		LostDue: []float64{0, 0.06, 0.09}, DoubledDue: []float64{0.07},
	}, res.Executed)
	assert.Equal(t, map[string]int{"200": 91, "302": 1, "500": 1, "502": 1, "503": 1}, res.Statuses)
	assert.Equal(t, int64(100), res.Response.Count)
	assert.Equal(t, []bench.Server{{Name: "server1", Replies: 90}}, res.Servers)
	late := res.Lag.Max / 1000 // a busy machine sends late, and then at a lower rate
	assert.LessOrEqual(t, res.AchievedRate, 105.0)
	assert.GreaterOrEqual(t, res.AchievedRate, 95/(1+late))
	assert.Empty(t, res.Invalid)
	sum := 0
	for _, b := range res.Series.Buckets {
		sum += b.Sent
	}
	assert.Equal(t, 100, sum)
	assert.Len(t, res.Series.Buckets, 10)
}

func TestRunAgainstNobody(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close())
	nothing := func(context.Context) ([]string, error) { return nil, nil }
	res, err := bench.Run(t.Context(), post(100, 200*time.Millisecond), bench.Options{Address: "http://" + address, Executed: nothing})
	require.NoError(t, err)
	assert.Equal(t, bench.Counts{Sent: 20, Failed: 20}, res.Counts)
	assert.Equal(t, 20, res.NeverSent)
	assert.Equal(t, 20, res.Executed.LostFailed)
	assert.Zero(t, res.Response.Count, "what was never sent has no latency")
	require.Len(t, res.Errors, 1)
	assert.Equal(t, 20, res.Errors[0].Count)
	assert.Contains(t, res.Errors[0].Text, "refused")
}

// TestRunNeverSendsAgain is about kept-alive connections that die under a request: net/http would send the GETs again.
func TestRunNeverSendsAgain(t *testing.T) {
	for _, method := range []string{"GET", "POST", "PUT", "DELETE"} {
		t.Run(method, func(t *testing.T) {
			tg := startTarget(t, func(id string, w http.ResponseWriter, gone <-chan struct{}, execute func()) bool {
				if strings.HasSuffix(id, "5") {
					execute()
					reset(w)
					return true
				}
				return false
			})
			p := post(200, 500*time.Millisecond)
			p.Request.Method = method
			if method == "GET" {
				p.Request.Body, p.Request.Path = "", "/run?id={{id}}"
			}
			p.Workers = 1 // one connection, so that each request goes out on one that was used before
			res, err := bench.Run(t.Context(), p, bench.Options{Address: tg.URL, Executed: tg.ids})
			require.NoError(t, err)
			assert.Equal(t, bench.Counts{Sent: 100, OK: 90, Unknown: 10}, res.Counts)
			assert.Equal(t, 10, res.Executed.UnknownExecuted)
			assert.Zero(t, res.Executed.Doubled)
		})
	}
}

// TestRunChargesStallFromDueTime freezes the target for half a second of a run of one and a half. A third of all
// requests wait evenly between 0 and 500 ms, so that p90 is 350 ms, p95 is 425 ms and p99 485 ms by arithmetic,
// however many workers there are, and more where the target drains its backlog slowly: its own log of completions
// says how much. With 4 workers the service time of nearly all requests is small: the figure which hides the stall.
func TestRunChargesStallFromDueTime(t *testing.T) {
	for name, row := range map[string]struct {
		workers int
		hides   bool
	}{"few workers": {4, true}, "default workers": {0, false}} {
		t.Run(name, func(t *testing.T) {
			thaw := make(chan struct{})
			var frozen sync.Once
			var mu sync.Mutex
			completed := make([]time.Time, 601)
			tg := startTarget(t, func(id string, _ http.ResponseWriter, _ <-chan struct{}, _ func()) bool {
				n, _ := strconv.Atoi(id)
				if n > 200 { // due from 0.5 s on
					frozen.Do(func() { time.AfterFunc(500*time.Millisecond, func() { close(thaw) }) })
					<-thaw
				}
				mu.Lock()
				completed[n] = time.Now()
				mu.Unlock()
				return false
			})
			p := post(400, 1500*time.Millisecond)
			p.Workers = row.workers
			res, err := bench.Run(t.Context(), p, bench.Options{Address: tg.URL, Executed: tg.ids})
			require.NoError(t, err)
			assert.Equal(t, bench.Counts{Sent: 600, OK: 600}, res.Counts)

			var truth []float64
			for i, at := range completed[1:] {
				truth = append(truth, at.Sub(res.Started.Add(time.Duration(i)*2500*time.Microsecond)).Seconds()*1000)
			}
			slices.Sort(truth)
			for _, q := range []struct{ arithmetic, log, measured float64 }{
				{350, truth[539], res.Response.P90}, {425, truth[569], res.Response.P95}, {485, truth[593], res.Response.P99},
			} {
				assert.GreaterOrEqual(t, q.measured, q.arithmetic-10)
				assert.GreaterOrEqual(t, q.measured, q.log-10)
				assert.Less(t, q.measured, q.log+5000)
			}
			if row.hides {
				assert.Less(t, res.Service.P95, res.Response.P95/2)
				assert.Greater(t, res.Lag.P95, res.Response.P95/2)
				assert.Positive(t, res.Held)
				least := slices.MinFunc(res.Series.Buckets, func(a, b bench.Bucket) int { return a.Achieved - b.Achieved })
				assert.Zero(t, least.Achieved, "nothing was sent while all workers waited")
				assert.InDelta(t, 40, least.Asked, 0.1, "and yet it was asked for")
			} else {
				assert.GreaterOrEqual(t, res.Service.P95, 300-res.Lag.Max, "what was sent late waited less")
				assert.Zero(t, res.Held)
			}
			assert.Empty(t, res.Invalid)
		})
	}
}

func TestRunSaysWhenTheGeneratorWasLate(t *testing.T) {
	tg := startTarget(t, nil)
	p := post(100, 200*time.Millisecond)
	p.MaxScheduleLag = bench.Duration(time.Nanosecond * 1000)
	res, err := bench.Run(t.Context(), p, bench.Options{Address: tg.URL})
	require.NoError(t, err)
	require.Len(t, res.Invalid, 1)
	assert.Contains(t, res.Invalid[0], "the load generator could not keep the schedule")
}

func TestRunEvents(t *testing.T) {
	var mu sync.Mutex
	up := true
	tg := startTarget(t, func(_ string, w http.ResponseWriter, _ <-chan struct{}, execute func()) bool {
		mu.Lock()
		defer mu.Unlock()
		execute()
		if up {
			w.Header().Set("X-Parley-Server", "server1")
		} else {
			w.Header().Set("X-Parley-Server", "server2")
		}
		return true
	})
	p := post(200, 2*time.Second)
	p.Events = []bench.Event{
		{At: bench.Duration(200 * time.Millisecond), Do: "kill", Server: "server1"},
		{At: bench.Duration(1200 * time.Millisecond), Do: "start", Server: "server1"},
		{At: bench.Duration(1250 * time.Millisecond), Do: "deploy", File: "a/b.star"},
	}
	var done []string
	var seen []string
	res, err := bench.Run(t.Context(), p, bench.Options{
		Address: tg.URL, Executed: tg.ids,
		Do: func(_ context.Context, e bench.Event) error {
			done = append(done, e.Label())
			mu.Lock()
			up = e.Do == "deploy" // the server gets traffic again a while after its start
			mu.Unlock()
			if e.Do == "deploy" {
				return errors.New("refused: b.star:1:1")
			}
			return nil
		},
		Progress: func(p bench.Progress) {
			if p.Event != nil {
				seen = append(seen, fmt.Sprint(p.Event.Label, " ", p.Ended))
			}
		},
	})
	require.NoError(t, err)
	assert.Equal(t, []string{"kill server1", "start server1", "deploy b.star"}, done)
	assert.Equal(t, []string{"kill server1 false", "kill server1 true", "start server1 false", "start server1 true", "deploy b.star false", "deploy b.star true"}, seen)
	require.Len(t, res.Events, 3)
	assert.GreaterOrEqual(t, res.Events[0].At, 0.2)
	assert.Nil(t, res.Events[0].TrafficAgain)
	require.NotNil(t, res.Events[1].TrafficAgain)
	assert.False(t, res.Events[1].UpAlready)
	// It gets traffic again with the deploy, which is due 50 ms after the start.
	assert.InDelta(t, res.Events[2].At-res.Events[1].At, *res.Events[1].TrafficAgain, 5)
	assert.GreaterOrEqual(t, *res.Events[1].TrafficAgain, res.Events[2].At-res.Events[1].At-0.001)
	assert.InDelta(t, res.Events[1].At-res.Events[0].At, *res.Events[1].TrafficAgainDown-*res.Events[1].TrafficAgain, 0.002)
	assert.Equal(t, "refused: b.star:1:1", res.Events[2].Error)
	assert.Equal(t, []string{`event "deploy b.star" at 1.25s: refused: b.star:1:1`}, res.Invalid)

	require.Len(t, res.Phases, 4)
	assert.Equal(t, []string{"start", "kill server1", "start server1", "deploy b.star"}, []string{res.Phases[0].Name, res.Phases[1].Name, res.Phases[2].Name, res.Phases[3].Name})
	assert.InDelta(t, res.Events[0].At*200, res.Phases[0].Sent, 2)
	assert.Equal(t, 400, res.Phases[0].Sent+res.Phases[1].Sent+res.Phases[2].Sent+res.Phases[3].Sent)
	assert.Equal(t, res.Phases[0].To, res.Phases[1].From)
	require.Len(t, res.Servers, 2)
	assert.Equal(t, 400, res.Servers[0].Replies+res.Servers[1].Replies)
}

// TestRunKilledServerComesBackByItself: a supervisor starts it again before the profile does, or without the profile.
func TestRunKilledServerComesBackByItself(t *testing.T) {
	start := bench.Event{At: bench.Duration(2500 * time.Millisecond), Do: "start", Server: "server1"} // long after
	for name, row := range map[string]struct {
		kind  string
		later []bench.Event
	}{
		"kill, then start": {"kill", []bench.Event{start}},
		"stop, then start": {"stop", []bench.Event{start}},
		"kill alone":       {"kill", nil},
	} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			server, downAt := "server1", 0
			again := math.MaxInt        // the lowest id that it answers when it is back
			late := make(chan struct{}) // holds a reply of the old process until it is gone
			tg := startTarget(t, func(text string, w http.ResponseWriter, _ <-chan struct{}, execute func()) bool {
				id, _ := strconv.Atoi(text)
				if id == 20 {
					w.Header().Set("X-Parley-Server", "server1")
					<-late
					return true
				}
				mu.Lock()
				defer mu.Unlock()
				if downAt > 0 && id > downAt+20 { // 0.1 s
					server = "server1"
				}
				if downAt > 0 && server == "server1" {
					again = min(again, id)
				}
				if downAt < 0 { // the balancer had sent it to the dead server, and says so
					downAt = id
					w.Header().Set("X-Parley-Server", "server1")
					w.Header().Set("X-Parley-Outcome", "unknown")
					w.WriteHeader(http.StatusBadGateway)
					return true
				}
				w.Header().Set("X-Parley-Server", server)
				execute()
				return true
			})
			p := post(200, 2800*time.Millisecond)
			p.Events = append([]bench.Event{{At: bench.Duration(200 * time.Millisecond), Do: row.kind, Server: "server1"}}, row.later...)
			res, err := bench.Run(t.Context(), p, bench.Options{Address: tg.URL, Executed: tg.ids, Do: func(_ context.Context, e bench.Event) error {
				mu.Lock()
				defer mu.Unlock()
				if e.Do == row.kind {
					server, downAt = "server2", -1
					time.AfterFunc(20*time.Millisecond, func() { close(late) })
				}
				return nil
			}})
			require.NoError(t, err)
			require.NotNil(t, res.Events[0].TrafficAgain)
			assert.Positive(t, *res.Events[0].TrafficAgain)
			assert.GreaterOrEqual(t, *res.Events[0].TrafficAgain, 0.005*float64(again-1)-res.Events[0].At-0.001, "no reply of the old process counts")
			assert.Less(t, *res.Events[0].TrafficAgain, 2.28)
			assert.Nil(t, res.Events[0].TrafficAgainDown)
			if row.later == nil {
				return
			}
			assert.True(t, res.Events[1].UpAlready)
			assert.Nil(t, res.Events[1].TrafficAgain)
			assert.Nil(t, res.Events[1].TrafficAgainDown)
		})
	}
}

// TestRunRestart: a planned restart drains first, so replies that come before it is done say nothing.
func TestRunRestart(t *testing.T) {
	tg := startTarget(t, nil)
	p := post(200, 500*time.Millisecond)
	p.Events = []bench.Event{{At: bench.Duration(100 * time.Millisecond), Do: "restart", Server: "server1"}}
	res, err := bench.Run(t.Context(), p, bench.Options{Address: tg.URL, Do: func(ctx context.Context, _ bench.Event) error {
		before, _ := tg.ids(ctx)
		<-time.After(30 * time.Millisecond)
		for {
			if now, _ := tg.ids(ctx); len(now) > len(before)+10 {
				return nil
			}
			select {
			case <-time.After(time.Millisecond):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}})
	require.NoError(t, err)
	require.NotNil(t, res.Events[0].TrafficAgain)
	assert.GreaterOrEqual(t, *res.Events[0].TrafficAgain, res.Events[0].Took/1000-0.001)
	assert.Greater(t, res.Events[0].Took, 20.0)
}

func TestRunExpectations(t *testing.T) {
	tg := startTarget(t, func(id string, w http.ResponseWriter, _ <-chan struct{}, _ func()) bool {
		if id == "3" || id == "4" {
			w.WriteHeader(503)
			return true
		}
		return false
	})
	one, zero := 1, 0
	p := post(100, 100*time.Millisecond)
	p.Log = &bench.Log{KVDBList: "ids"}
	p.Expect = bench.Threshold{Failed: &one, Lost: &zero, Doubled: &zero, Max: bench.Duration(time.Microsecond), P50: bench.Duration(time.Minute)}
	res, err := bench.Run(t.Context(), p, bench.Options{Address: tg.URL, Executed: tg.ids})
	require.NoError(t, err)
	require.Len(t, res.Unmet, 3)
	assert.Equal(t, []string{"failed is 2, at most 1 expected", "lost is 2, at most 0 expected"}, res.Unmet[:2])
	assert.Contains(t, res.Unmet[2], "max of response time is")

	res, err = bench.Run(t.Context(), p, bench.Options{Address: tg.URL})
	require.NoError(t, err)
	assert.Equal(t, []string{"what was executed could not be compared: nothing here reads ids"}, res.Invalid)
}

// TestRunInvalidGivesNoVerdictOnTheService: ids of an earlier run make lost and doubled say nothing.
func TestRunInvalidGivesNoVerdictOnTheService(t *testing.T) {
	tg := startTarget(t, nil)
	zero := 0
	p := post(100, 100*time.Millisecond)
	p.Log = &bench.Log{KVDBList: "ids"}
	p.Expect = bench.Threshold{Lost: &zero, Doubled: &zero}
	earlier := func(context.Context) ([]string, error) { return []string{"1", "1", "900"}, nil }
	res, err := bench.Run(t.Context(), p, bench.Options{Address: tg.URL, Executed: earlier})
	require.NoError(t, err)
	require.Len(t, res.Invalid, 1)
	assert.Contains(t, res.Invalid[0], "empty it before a run")
	assert.Positive(t, res.Executed.Lost)
	assert.Empty(t, res.Unmet)
}

func TestRunBrokenOff(t *testing.T) {
	tg := startTarget(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	p := post(100, time.Minute)
	p.Events = []bench.Event{{At: bench.Duration(50 * time.Millisecond), Do: "run", Run: "x"}, {At: bench.Duration(30 * time.Second), Do: "run", Run: "y"}}
	res, err := bench.Run(ctx, p, bench.Options{Address: tg.URL, Do: func(context.Context, bench.Event) error {
		cancel()
		return nil
	}})
	require.ErrorIs(t, err, context.Canceled)
	assert.Less(t, res.Sent, 3000)
	assert.Contains(t, res.Invalid[0], "of 6000 requests were sent")
	assert.Equal(t, "it never began: the run was broken off", res.Events[1].Error)
}

// TestRunGivesUp holds that a load which nothing could send in time ends, and says what was never sent.
func TestRunGivesUp(t *testing.T) {
	tg := startTarget(t, func(_ string, _ http.ResponseWriter, gone <-chan struct{}, _ func()) bool {
		<-gone
		return true
	})
	p := post(1000, 50*time.Millisecond)
	p.Workers, p.Timeout = 1, bench.Duration(100*time.Millisecond)
	res, err := bench.Run(t.Context(), p, bench.Options{Address: tg.URL, Patience: 300 * time.Millisecond})
	require.NoError(t, err)
	assert.Less(t, res.Sent, 50)
	assert.Equal(t, 50, res.Sent+res.Dropped)
	require.NotEmpty(t, res.Invalid)
	assert.Equal(t, "requests that were still to be sent 300ms after the load's end were given up; ask a lower rate, or allow more workers", res.Invalid[0])
}

// TestRunEndsAnEvent that does not end by itself.
func TestRunEndsAnEvent(t *testing.T) {
	tg := startTarget(t, nil)
	p := post(100, 50*time.Millisecond)
	p.Events = []bench.Event{{Do: "run", Run: "x"}}
	res, err := bench.Run(t.Context(), p, bench.Options{Address: tg.URL, Patience: 50 * time.Millisecond, Do: func(ctx context.Context, _ bench.Event) error {
		<-ctx.Done()
		return ctx.Err()
	}})
	require.NoError(t, err)
	assert.Equal(t, "it went on long after the load was over, and was broken off: context canceled", res.Events[0].Error)
	require.Len(t, res.Invalid, 1)
	assert.Contains(t, res.Invalid[0], `event "run x" at 0s: it went on`)
}

// TestRunBrokenOffBeforeTheLoad: a request of before waits for nobody who has gone.
func TestRunBrokenOffBeforeTheLoad(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	tg := startTarget(t, func(_ string, _ http.ResponseWriter, gone <-chan struct{}, _ func()) bool {
		cancel()
		<-gone
		return true
	})
	p := post(100, time.Second)
	p.Timeout, p.Before = bench.Duration(10*time.Minute), []bench.Request{{Path: "/login"}}
	res, err := bench.Run(ctx, p, bench.Options{Address: tg.URL})
	require.ErrorIs(t, err, context.Canceled)
	assert.Nil(t, res)
}

func TestRunRefusesWrongUse(t *testing.T) {
	for name, row := range map[string]struct {
		change  func(*bench.Profile)
		address string
		want    string
	}{
		"no rate":       {func(p *bench.Profile) { p.Rate = 0 }, "http://127.0.0.1:1", "rate must be more than 0"},
		"no do":         {func(p *bench.Profile) { p.Events = []bench.Event{{Do: "run", Run: "x"}} }, "http://127.0.0.1:1", "nothing here can do them"},
		"a password":    {func(*bench.Profile) {}, "http://ada:secret@127.0.0.1:1", "address http://127.0.0.1:1 has a user, a query or a fragment"},
		"a query":       {func(*bench.Profile) {}, "http://127.0.0.1:1/a?b", "has a user, a query or a fragment"},
		"no scheme":     {func(*bench.Profile) {}, "127.0.0.1:11223", "address"},
		"other scheme":  {func(*bench.Profile) {}, "ftp://127.0.0.1", `address "ftp://127.0.0.1" must be a URL such as`},
		"unknown event": {func(p *bench.Profile) { p.Events = []bench.Event{{Do: "explode"}} }, "http://127.0.0.1:1", `event "explode" is not known`},
	} {
		t.Run(name, func(t *testing.T) {
			p := post(10, time.Second)
			row.change(&p)
			_, err := bench.Run(t.Context(), p, bench.Options{Address: row.address})
			require.ErrorContains(t, err, row.want)
		})
	}
}

func TestClassify(t *testing.T) {
	says := http.Header{"X-Parley-Outcome": {"unknown"}}
	for name, row := range map[string]struct {
		status    int
		header    http.Header
		neverSent bool
		want      bench.Outcome
	}{
		"200":                      {200, nil, false, bench.OK},
		"204":                      {204, nil, false, bench.OK},
		"304":                      {304, nil, false, bench.Failed},
		"404":                      {404, nil, false, bench.Failed},
		"503":                      {503, nil, false, bench.Failed},
		"refused":                  {0, nil, true, bench.Failed},
		"died after it was sent":   {0, nil, false, bench.Unknown},
		"502 that says unknown":    {502, says, false, bench.Unknown},
		"200 that says unknown":    {200, says, false, bench.Unknown},
		"503 that says other":      {503, http.Header{"X-Parley-Outcome": {"refused"}}, false, bench.Failed},
		"error but nothing of it ": {0, http.Header{}, true, bench.Failed},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, row.want, bench.Classify(row.status, row.header, row.neverSent)) })
	}
}

// TestEnough holds that a load may end early, and then is one of that length.
func TestEnough(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	enough := make(chan struct{})
	r, err := bench.Run(t.Context(), bench.Profile{
		Rate: 100, Duration: bench.Duration(time.Hour), Workers: 8, MaxScheduleLag: bench.Duration(time.Minute), Request: bench.Request{Path: "/"},
		Events: []bench.Event{{At: bench.Duration(250 * time.Millisecond), Do: bench.EventRun, Run: "it"}},
	}, bench.Options{
		Address: server.URL, Enough: enough,
		Do: func(context.Context, bench.Event) error { close(enough); return nil },
	})
	require.NoError(t, err)
	assert.Empty(t, r.Invalid)
	assert.GreaterOrEqual(t, r.Sent, 20)
	assert.Less(t, r.Sent, 3000)
	assert.GreaterOrEqual(t, r.Duration, 0.25)
	assert.LessOrEqual(t, len(r.Series.Buckets), 1, "the width is that of an hour")
	assert.Equal(t, r.Sent, r.Series.Buckets[0].Sent)
}
