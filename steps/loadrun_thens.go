package steps

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/parley-run/parley/bench"
)

// loadTopic is the topic of steps about loads.
const loadTopic = "load"

func loadRunThens() []Step {
	of := func(check func(*loadRun, Args) error) func(context.Context, *World, Args) error {
		return func(_ context.Context, w *World, a Args) error {
			l, err := w.ranLoad()
			if err != nil {
				return err
			}
			return check(l, a)
		}
	}
	most := func(what string, n func(*bench.Result) int) func(context.Context, *World, Args) error {
		return of(func(l *loadRun, a Args) error {
			limit, err := a.Int(0)
			if err != nil {
				return err
			}
			return l.atMost(what, limit, n(l.result))
		})
	}
	failed := func(r *bench.Result) int { return r.Failed }
	unknown := func(r *bench.Result) int { return r.Unknown }
	return []Step{
		then(`every request was answered`, "Each of the load got a status of 2xx: none failed, and of none the outcome is unknown.",
			`every request was answered`, of(func(l *loadRun, _ Args) error {
				return l.atMost("requests were not answered", 0, l.result.Failed+l.result.Unknown)
			})),
		then(`at most {count} request(s) failed`, "Got a definite no: another status than 2xx, or a connection that was refused.",
			`at most 3 requests failed`, most("requests failed", failed)),
		then(`no request has an unknown outcome`, "None was sent and then got no answer, or one that says that it may have been handled.",
			`no request has an unknown outcome`, of(func(l *loadRun, _ Args) error {
				return l.atMost("requests have an unknown outcome", 0, l.result.Unknown)
			})),
		then(`at most {count} request(s) have an unknown outcome`, "As above. A server that is killed leaves what it was handling so.",
			`at most 50 requests have an unknown outcome`, most("requests have an unknown outcome", unknown)),
		then(`no request was lost`, "Each was handled, by the numbers that the service recorded, but for those whose sender knows that the outcome is unknown.",
			`no request was lost`, of((*loadRun).noneLost)),
		then(`no request was doubled`, "None was handled twice, by the numbers that the service recorded.", `no request was doubled`, of((*loadRun).noneDoubled)),
		then(`the slowest answer took less than {seconds} second(s)`, "From when its request was due.", `the slowest answer took less than 1 second`,
			of(func(l *loadRun, a Args) error {
				return l.faster("the slowest answer", l.result.Response.Max, a.Text(0))
			})),
		then(`{percent} percent of the answers took less than {seconds} second(s)`, "From when their requests were due: 50, 90, 95, 99 or 99.9 percent.",
			`99 percent of the answers took less than 0.25 seconds`, of((*loadRun).percentile)),
		then(`the load keeps to "{expectation}"`, "An expectation as profiles of `apitest bench` have them, of all answers or of one request or phase of a profile.",
			`the load keeps to "p95 < 200ms"`, assertKeepsTo),
		then(`server {n} answered at least {count} request(s)`, "Of the load.", `server 2 answered at least 100 requests`, assertServerAnswered),
		then(`every server answered at least {count} request(s)`, "Of the load.", `every server answered at least 100 requests`, assertEveryAnswered),
		then(`at least {count} request(s) got status "{status}"`, "Of the load.", `at least 10 requests got status "503"`, of((*loadRun).statusAtLeast)),
		then(`at most {count} request(s) got status "{status}"`, "Of the load.", `at most 0 requests got status "500"`, of((*loadRun).statusAtMost)),
	}
}

// ranLoad is the load that was declared and has run.
func (w *World) ranLoad() (*loadRun, error) {
	if w.loadRun == nil || w.loadRun.result == nil {
		return nil, errors.New("there was no load; declare one with: When I send 100 requests per second for 10 seconds")
	}
	return w.loadRun, nil
}

func (l *loadRun) atMost(what string, most, got int) error {
	if got <= most {
		return nil
	}
	return l.failure(&Failure{What: what, Expected: fmt.Sprintf("at most %d of %d", most, l.result.Sent), Got: fmt.Sprint(got) + l.errors()})
}

func (l *loadRun) atLeast(what string, least, got int) error {
	if got >= least {
		return nil
	}
	return l.failure(&Failure{What: "too few " + what, Expected: fmt.Sprintf("at least %d of %d", least, l.result.Sent), Got: fmt.Sprint(got) + l.errors()})
}

// errors are the most frequent errors that senders met, below one another.
func (l *loadRun) errors() string {
	var b strings.Builder
	for i, e := range l.result.Errors {
		if i == shownFailures {
			break
		}
		fmt.Fprintf(&b, "\n%d times: %s", e.Count, e.Text)
	}
	return b.String()
}

// executed is what the service recorded, compared with what was sent.
func (l *loadRun) executed() (*bench.Executed, error) {
	if l.result.Executed == nil {
		return nil, fmt.Errorf("what was lost or doubled cannot be told: nothing says what the service handled; put %s into the request and say, before the load: "+
			`Given request numbers are recorded in the Redis list "bench:ids"`, numberMark)
	}
	return l.result.Executed, nil
}

func (l *loadRun) noneLost(Args) error {
	e, err := l.executed()
	if err != nil || e.Lost == 0 {
		return err
	}
	return l.failure(&Failure{
		What: "requests were lost", Expected: "0",
		Got: fmt.Sprintf("%d: %d were answered and never handled, %d failed and were never handled; the first: %s%s",
			e.Lost, e.LostAcknowledged, e.LostFailed, numbers(e.LostIDs), l.errors()),
	})
}

func (l *loadRun) noneDoubled(Args) error {
	e, err := l.executed()
	if err != nil || e.Doubled == 0 {
		return err
	}
	return l.failure(&Failure{
		What: "requests were handled more than once", Expected: "0",
		Got: fmt.Sprintf("%d; the first: %s", e.Doubled, numbers(e.DoubledIDs)),
	})
}

func numbers(ids []int) string {
	list := make([]string, min(len(ids), 10))
	for i := range list {
		list[i] = strconv.Itoa(ids[i])
	}
	return strings.Join(list, ", ")
}

func (l *loadRun) faster(what string, ms float64, limit string) error {
	seconds, err := strconv.ParseFloat(limit, 64)
	if err != nil {
		return err
	}
	if l.result.Response.Count == 0 {
		return l.failure(&Failure{What: "no request was answered"})
	}
	if ms < seconds*1000 {
		return nil
	}
	return l.failure(&Failure{What: what + " took too long", Expected: "less than " + bench.FormatMS(seconds*1000), Got: bench.FormatMS(ms), slow: seconds * 1000})
}

func (l *loadRun) percentile(a Args) error {
	r := l.result.Response
	known := map[string]float64{"50": r.P50, "90": r.P90, "95": r.P95, "99": r.P99, "99.9": r.P999}
	ms, there := known[a.Text(0)]
	if !there {
		return fmt.Errorf("%s percent are not measured; there are 50, 90, 95, 99 and 99.9", a.Text(0))
	}
	return l.faster(a.Text(0)+" percent of the answers", ms, a.Text(1))
}

func assertServerAnswered(_ context.Context, w *World, a Args) error {
	n, err := a.Int(0)
	if err != nil {
		return err
	}
	return w.serversAnswered([]int{n}, a.Text(1))
}

func assertEveryAnswered(_ context.Context, w *World, a Args) error {
	all, err := w.serversOf("every server")
	if err != nil {
		return err
	}
	return w.serversAnswered(all, a.Text(0))
}

func (w *World) serversAnswered(servers []int, least string) error {
	l, err := w.ranLoad()
	if err != nil {
		return err
	}
	c, err := w.cluster()
	if err != nil {
		return err
	}
	want, err := strconv.Atoi(least)
	if err != nil {
		return fmt.Errorf("%q is not a whole number", least)
	}
	var shares []string
	for _, s := range l.result.Servers {
		shares = append(shares, fmt.Sprintf("%s %d", s.Name, s.Replies))
	}
	for _, n := range servers {
		name, got := c.ServerName(n), 0
		if name == "" {
			return fmt.Errorf("there is no server %d: the cluster has servers 1 to %d", n, c.Servers())
		}
		if i := slices.IndexFunc(l.result.Servers, func(s bench.Server) bool { return s.Name == name }); i >= 0 {
			got = l.result.Servers[i].Replies
		}
		if got < want {
			return l.failure(&Failure{What: name + " answered too few requests", Expected: fmt.Sprintf("at least %d", want), Got: strings.Join(shares, ", ")})
		}
	}
	return nil
}

func (l *loadRun) status(a Args, compare func(want, got int, what string) error) error {
	want, err := a.Int(0)
	if err != nil {
		return err
	}
	status := strings.TrimSpace(a.Text(1))
	if n, err := strconv.Atoi(status); err != nil || n < 100 || n > 999 {
		return fmt.Errorf("%q is no status; write a number such as 503", a.Text(1))
	}
	return compare(want, l.result.Statuses[status], "requests got status "+status)
}

func (l *loadRun) statusAtLeast(a Args) error {
	return l.status(a, func(want, got int, what string) error { return l.atLeast(what, want, got) })
}

func (l *loadRun) statusAtMost(a Args) error {
	return l.status(a, func(want, got int, what string) error { return l.atMost(what, want, got) })
}
