package steps

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/parley-run/parley/fixtures"
)

func statisticsSteps() []Step {
	return []Step{
		either(`requests of service "{name}" that take {n} ms or longer are kept`, "By parley stats watch: their CIDs are among the slow requests. All servers know it at once.",
			`requests of service "demo.slow" that take 50 ms or longer are kept`, watchSlow),
		either(`one of {n} request(s) of service "{name}" is kept`, "By parley stats watch: with what was asked and answered, secrets masked.",
			`one of 2 requests of service "demo.pay" is kept`, watchEvery),
		then(`the last {period} has {n} request(s) of {counted} "{name}"`,
			"Over all servers: of a service, channel, outconn or server; in the last minute, hour, day, week, month or year.",
			`the last hour has 3 requests of channel "Demo"`, assertCounted),
		then(`the last {period} has {n} failed request(s) of {counted} "{name}"`, "As the step before, of requests that failed.",
			`the last hour has 1 failed request of service "demo.pay"`, assertFailed),
		then(`service "{name}" is the slowest of the last {period}`, "By the mean of its times.", `service "demo.slow" is the slowest of the last hour`, assertFirst("slowest")),
		then(`service "{name}" is the most used of the last {period}`, "By the number of its requests.", `service "demo.pay" is the most used of the last day`, assertFirst("most used")),
		then(`the last request is among the slow requests of service "{name}"`, "By the CID that its reply has.",
			`the last request is among the slow requests of service "demo.slow"`, assertSlow),
		then(`what was kept of service "{name}" is {n} request(s)`, "With what was asked and answered.", `what was kept of service "demo.pay" is 2 requests`, assertSamples),
		then(`what was kept of service "{name}" contains "{text}"`, "The text occurs in what was asked or answered.",
			`what was kept of service "demo.pay" contains "***"`, assertKept(true)),
		then(`what was kept of service "{name}" does not contain "{text}"`, "The text occurs in nothing of it.",
			`what was kept of service "demo.pay" does not contain "1234"`, assertKept(false)),
	}
}

func watchSlow(ctx context.Context, w *World, a Args) error {
	c, err := w.cluster()
	if err != nil {
		return err
	}
	n, err := a.Int(1)
	if err != nil {
		return err
	}
	return c.WatchSlow(ctx, a.Text(0), time.Duration(n)*time.Millisecond)
}

func watchEvery(ctx context.Context, w *World, a Args) error {
	c, err := w.cluster()
	if err != nil {
		return err
	}
	n, err := a.Int(0)
	if err != nil {
		return err
	}
	return c.WatchEvery(ctx, a.Text(1), n)
}

// counted is what the statistics say of one thing; nothing, where it was never called.
func (w *World) counted(ctx context.Context, kind, name, period string) (fixtures.TimeStats, error) {
	c, err := w.cluster()
	if err != nil {
		return fixtures.TimeStats{}, err
	}
	all, err := c.MostUsed(ctx, period, kind)
	if err != nil {
		return fixtures.TimeStats{}, err
	}
	for _, one := range all {
		if one.Name == name {
			return one, nil
		}
	}
	return fixtures.TimeStats{Name: name}, nil
}

func assertCounted(ctx context.Context, w *World, a Args) error {
	return w.assertCount(ctx, a, "requests", func(s fixtures.TimeStats) int64 { return s.Usage })
}

func assertFailed(ctx context.Context, w *World, a Args) error {
	return w.assertCount(ctx, a, "failed requests", func(s fixtures.TimeStats) int64 { return s.Errors })
}

func (w *World) assertCount(ctx context.Context, a Args, what string, of func(fixtures.TimeStats) int64) error {
	want, err := a.Int(1)
	if err != nil {
		return err
	}
	got, err := w.counted(ctx, a.Text(2), a.Text(3), a.Text(0))
	if err != nil {
		return err
	}
	if of(got) != int64(want) {
		return differs(fmt.Sprintf("another number of %s of %s %q was counted", what, a.Text(2), a.Text(3)), int64(want), of(got))
	}
	return nil
}

func assertFirst(by string) func(context.Context, *World, Args) error {
	return func(ctx context.Context, w *World, a Args) error {
		c, err := w.cluster()
		if err != nil {
			return err
		}
		ask := c.Slowest
		if by == "most used" {
			ask = c.MostUsed
		}
		all, err := ask(ctx, a.Text(1), "service")
		if err != nil {
			return err
		}
		if len(all) == 0 {
			return failf("no service was called in the last %s", a.Text(1))
		}
		if all[0].Name != a.Text(0) {
			return differs("another service is the "+by, plain(a.Text(0)), plain(all[0].Name))
		}
		return nil
	}
}

func assertSlow(ctx context.Context, w *World, a Args) error {
	c, err := w.cluster()
	if err != nil {
		return err
	}
	if w.reply == nil {
		return errors.New("nothing was sent yet; send a request with: When the URL is invoked")
	}
	cid, err := w.reply.headerOf("X-Parley-CID")
	if err != nil {
		return err
	}
	all, err := c.SlowRequests(ctx, a.Text(0))
	if err != nil {
		return err
	}
	var cids []string
	for _, one := range all {
		if one.CID == cid {
			return nil
		}
		cids = append(cids, one.CID)
	}
	return failf("the request %s is not among the slow ones; there are %s", cid, show(texts(cids)))
}

func assertSamples(ctx context.Context, w *World, a Args) error {
	c, err := w.cluster()
	if err != nil {
		return err
	}
	want, err := a.Int(1)
	if err != nil {
		return err
	}
	all, err := c.Samples(ctx, a.Text(0))
	if err != nil {
		return err
	}
	if len(all) != want {
		return differs(fmt.Sprintf("another number of requests of service %q was kept", a.Text(0)), int64(want), int64(len(all)))
	}
	return nil
}

func assertKept(want bool) func(context.Context, *World, Args) error {
	return func(ctx context.Context, w *World, a Args) error {
		c, err := w.cluster()
		if err != nil {
			return err
		}
		all, err := c.Samples(ctx, a.Text(0))
		if err != nil {
			return err
		}
		if len(all) == 0 {
			return failf("nothing was kept of service %q", a.Text(0))
		}
		for _, one := range all {
			for _, text := range []string{one.Request, one.Response} {
				switch found := strings.Contains(text, a.Text(1)); {
				case found && want:
					return nil
				case found:
					return failf("what was kept of service %q contains it: %s", a.Text(0), text)
				}
			}
		}
		if want {
			return failf("what was kept of service %q does not contain it; the last one is %s -> %s", a.Text(0), all[0].Request, all[0].Response)
		}
		return nil
	}
}
