package steps

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

func loadSteps() []Step {
	return []Step{
		when(`I send {rate} request(s) per second in the background`, "Sends the request as it stands now so often, until the scenario or a step ends it.",
			`I send 200 requests per second in the background`, startLoad),
		when(`the background requests stop`, "Ends them, and waits for the replies that are still to come.", `the background requests stop`, stopLoad),
		then(`no request failed`, "Ends the background requests: some were sent, and each got a status below 400. Of a load that was declared: none got a definite no.",
			`no request failed`, assertNoneFailed),
		then(`at least {count} request(s) were answered`, "Of those sent in the background, so far, with a status below 400; of a load that was declared, with 2xx.",
			`at least 100 requests were answered`, assertAnswered),
	}
}

// load sends one request again and again, at a fixed rate whatever the replies take.
type load struct {
	cancel context.CancelFunc
	done   chan struct{}

	mu     sync.Mutex
	sent   int
	good   int
	failed int
	first  []string // what the first failures said
}

const (
	shownFailures = 3
	loadTimeout   = 10 * time.Second // of one request
	loadConns     = 256              // connections kept open
)

func startLoad(ctx context.Context, w *World, a Args) error {
	rate, err := a.Float(0)
	if err != nil || rate <= 0 {
		return fmt.Errorf("%q is no rate", a.Text(0))
	}
	if w.load != nil {
		w.load.stop()
	}
	if _, err := w.request(ctx, 0); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	l := &load{cancel: cancel, done: make(chan struct{})}
	w.load, w.loadRun = l, nil
	transport := &http.Transport{MaxIdleConns: loadConns, MaxIdleConnsPerHost: loadConns}
	client := &http.Client{Transport: transport, Timeout: loadTimeout}
	// Requests end by themselves, and where the run is interrupted: only the sending of new ones ends with ctx.
	still, end := context.WithCancel(context.WithoutCancel(ctx))
	hurry, build, limit := w.suite.hurry, w.snapshot(), w.suite.largest()
	go func() {
		defer close(l.done)
		defer transport.CloseIdleConnections()
		sent := make(chan struct{})
		var watch sync.WaitGroup
		watch.Go(func() {
			select {
			case <-hurry:
			case <-sent:
			}
			end()
		})
		defer watch.Wait()
		defer close(sent)
		l.run(ctx, rate, func() {
			req, err := build(still)
			if err != nil {
				l.count(err)
				return
			}
			e, err := exchange(client, req, limit)
			if err == nil && e.Status >= http.StatusBadRequest {
				err = fmt.Errorf("%s %s: %s: %s", e.Method, e.URL, statusText(e.Status), e.Body)
			}
			l.count(err)
		})
	}()
	return nil
}

// snapshot makes the request as it stands now, whatever later steps say.
func (w *World) snapshot() func(context.Context) (*http.Request, error) {
	now := *w
	now.header = w.header.Clone()
	now.payload = payload{given: w.payload.given, raw: w.payload.bytes()}
	return func(ctx context.Context) (*http.Request, error) { return now.request(ctx, 0) }
}

func (l *load) run(ctx context.Context, rate float64, send func()) {
	var requests sync.WaitGroup
	defer requests.Wait()
	began := time.Now()
	for n := 0; ; n++ {
		due := began.Add(time.Duration(float64(n) / rate * float64(time.Second)))
		if n > 0 && wait(ctx, time.Until(due)) != nil { // the first is sent even where the load is stopped at once
			return
		}
		requests.Go(send)
	}
}

func (l *load) count(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent++
	if err == nil {
		l.good++
		return
	}
	l.failed++
	if len(l.first) < shownFailures {
		l.first = append(l.first, time.Now().Format("15:04:05.000 ")+err.Error())
	}
}

func (l *load) stop() {
	l.cancel()
	<-l.done
}

func (w *World) loaded() (*load, error) {
	if w.load == nil {
		return nil, errors.New("no requests were sent in the background; send some with: When I send 200 requests per second in the background")
	}
	return w.load, nil
}

func stopLoad(_ context.Context, w *World, _ Args) error {
	l, err := w.loaded()
	if err == nil {
		l.stop()
	}
	return err
}

func assertNoneFailed(_ context.Context, w *World, _ Args) error {
	if w.loadRun != nil {
		return w.loadRun.atMost("requests failed", 0, w.loadRun.result.Failed)
	}
	l, err := w.loaded()
	if err != nil {
		return err
	}
	l.stop()
	if l.sent == 0 {
		return failf("no request was sent in the background yet, so none could fail")
	}
	if l.failed > 0 {
		f := &Failure{What: "requests failed", Expected: fmt.Sprintf("0 of %d", l.sent), Got: fmt.Sprintf("%d of %d; the first:", l.failed, l.sent)}
		for _, said := range l.first {
			f.Got += "\n" + said
		}
		return f
	}
	return nil
}

func assertAnswered(_ context.Context, w *World, a Args) error {
	want, err := a.Int(0)
	if err != nil {
		return err
	}
	if want == 0 {
		return assertsNothing("at least 0 requests are always answered")
	}
	if w.loadRun != nil {
		return w.loadRun.atLeast("requests were answered", want, w.loadRun.result.OK)
	}
	l, err := w.loaded()
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.good < want {
		return &Failure{What: "fewer requests were answered", Expected: fmt.Sprintf("at least %d", want), Got: fmt.Sprintf("%d, and %d failed", l.good, l.failed)}
	}
	return nil
}
