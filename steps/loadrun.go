package steps

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parley-run/parley/bench"
	"github.com/parley-run/parley/steps/report"
)

// eventPattern is the row whose last parameter is a step of its own, done while the load runs.
const eventPattern = `{seconds} second(s) in, {step}`

// conditionPattern is likewise, done once something holds of the load.
const conditionPattern = `once "{condition}", {step}`

func loadRunSteps() []Step {
	declared := when(`I send {rate} request(s) per second for {seconds} second(s)`,
		"Declares a load of the request as it stands now: each is sent when it is due, whatever the replies take, and {{id}} in its path, "+
			"headers or body becomes its number, 1, 2, 3, ... Lines that say what happens meanwhile may follow; the next other line, or the scenario's end, runs it.",
		`I send 1000 requests per second for 20 seconds`, declareLoad)
	declared.plans = true
	event := when(eventPattern,
		"While the load declared before runs, that many seconds after its start: any step but those about loads. What fails then fails the scenario. "+
			"Events are done one after the other, in order of time.", `5 seconds in, server 1 is killed`, nil)
	once := when(conditionPattern,
		"As above, as soon as that has held of the answers of the last second, for as long as it says: p50 to p99.9, max, mean, error_rate, failed, unknown, wrong, rate. "+
			"Where it never comes to it, the scenario fails.", `once "p99 > 200ms for 2s", server 1 is killed`, nil)
	for _, one := range []*Step{&event, &once} {
		one.plans, one.Literal = true, true
		one.Do = func(context.Context, *World, Args) error { return errNoEvent }
	}
	return append([]Step{
		either(`request numbers are recorded in the Redis list "{key}"`,
			"Where the service under load appends the number of each request that it handles: lost and doubled requests are told by it. A load begins by emptying it.",
			`request numbers are recorded in the Redis list "bench:ids"`, recordIn),
		declared, event, once,
	}, loadShapeSteps()...)
}

// errNoEvent is never seen: a line binds an event's own step, and adds it in place of Do.
var errNoEvent = errors.New("an event was not bound to its step")

// loadRun is a load that a scenario declares, with what happens meanwhile, and what came of it.
type loadRun struct {
	profile bench.Profile
	address string
	list    string // Redis list of the numbers that the service handled; empty: none
	events  []loadEvent
	begun   bool
	result  *bench.Result // nil: it has not run
}

// loadEvent is a step that is done while a load runs.
type loadEvent struct {
	at   time.Duration
	when bench.Condition // in place of at, where it has a text
	text string
	line *Line
	err  error // how it ended
}

// said is how the feature says it.
func (e *loadEvent) said() string {
	if e.when.Text != "" {
		return fmt.Sprintf("once %q, %s: ", e.when.Text, e.text)
	}
	return fmt.Sprintf("%g seconds in, %s: ", e.at.Seconds(), e.text)
}

// loadLag is how late the generator may be, by itself, at the 99th percentile before a load counts for nothing. Answers
// are measured from when requests were due, so that lag makes them slower and hides nothing.
const loadLag = 10 * time.Second

// placeholder of a request's number, as bench knows it.
const numberMark = "{{id}}"

func recordIn(_ context.Context, w *World, a Args) error {
	w.recorded = a.Text(0)
	return nil
}

func declareLoad(ctx context.Context, w *World, a Args) error {
	rate, err := a.Float(0)
	if err != nil {
		return err
	}
	seconds, err := a.Float(1)
	if err != nil {
		return err
	}
	if rate <= 0 || seconds <= 0 {
		return fmt.Errorf("%s requests per second for %s seconds are no load: both must be more than 0", a.Text(0), a.Text(1))
	}
	return w.declare(ctx, func(p *bench.Profile) error {
		p.Rate, p.Duration = rate, bench.Duration(spanOf(seconds))
		return nil
	})
}

// ages is longer than any load may be, and than any number of seconds that a time.Duration cannot hold.
const ages = 100 * 366 * 24 * time.Hour

// spanOf is so many seconds.
func spanOf(seconds float64) time.Duration {
	if seconds > ages.Seconds() {
		return ages
	}
	return time.Duration(seconds * float64(time.Second))
}

// declare declares a load; shape says how much of it there is.
func (w *World) declare(ctx context.Context, shape func(*bench.Profile) error) error {
	if err := w.runLoad(ctx); err != nil { // another one that was declared before
		return err
	}
	if w.load != nil {
		w.load.stop()
		w.load = nil
	}
	req, err := w.request(ctx, 0)
	if err != nil {
		return err
	}
	l, err := newLoadRun(req)
	if err != nil {
		return err
	}
	if err := shape(&l.profile); err != nil {
		return err
	}
	l.profile.Name, l.profile.MaxScheduleLag = cmp.Or(l.profile.Name, "load"), bench.Duration(loadLag)
	if l.profile.Duration == 0 {
		for _, ph := range l.profile.Phases {
			l.profile.Duration += ph.Duration
		}
	}
	if l.list = w.recorded; l.list != "" && !l.numbered() {
		return fmt.Errorf("the request holds no %s, so what is in the Redis list %q cannot be compared with what was sent; put it into the path, a header or the body", numberMark, l.list)
	}
	w.loadRun = l
	return nil
}

func newLoadRun(req *http.Request) (*loadRun, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	l := &loadRun{address: req.URL.Scheme + "://" + req.URL.Host}
	l.profile = bench.Profile{
		Request: bench.Request{
			Method: req.Method, Path: strings.ReplaceAll(req.URL.RequestURI(), "%7B%7Bid%7D%7D", numberMark),
			Headers: map[string]string{}, Body: string(body),
		},
	}
	if req.Host != "" {
		l.profile.Request.Headers["Host"] = req.Host
	}
	for name, values := range req.Header {
		l.profile.Request.Headers[name] = strings.Join(values, ", ")
	}
	return l, nil
}

// numbered says whether all requests carry their number.
func (l *loadRun) numbered() bool {
	all := l.profile.Requests
	if len(all) == 0 {
		all = []bench.Request{l.profile.Request}
	}
	return !slices.ContainsFunc(all, func(r bench.Request) bool {
		texts := append([]string{r.Path, r.Body}, slices.Collect(maps.Values(r.Headers))...)
		return !slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(text, numberMark) })
	})
}

// bindEvent finds the step that an event does.
func (v *Vocabulary) bindEvent(text string) (*Line, error) {
	var fault error
	for _, kind := range []Kind{When, Given, Then} {
		l, err := v.Bind(kind, text)
		switch {
		case err == nil && l.m.row.Topic == loadTopic:
			return nil, &UnknownError{Text: text, Note: "this step is about loads itself, and cannot be done in the course of one"}
		case err == nil:
			return l, nil
		case fault == nil:
			fault = err
		}
	}
	return nil, fault
}

// errNoLoad is of an event without a load.
var errNoLoad = errors.New("no load was declared in which this could happen; declare one before: When I send 100 requests per second for 10 seconds")

// addEvent adds what happens so long after the load's start.
func (w *World) addEvent(a Args, do *Line) error {
	seconds, err := a.Float(0)
	if err != nil {
		return err
	}
	l := w.loadRun
	if l == nil || l.begun {
		return errNoLoad
	}
	at, whole := spanOf(seconds), l.profile.Duration.Std()
	if at >= whole {
		return fmt.Errorf("the load is over before this happens: it takes %s, and this is due %s in; let the load take longer", whole, at)
	}
	l.events = append(l.events, loadEvent{at: at, text: a.Text(1), line: do})
	return nil
}

// addConditional adds what happens once something holds of the load.
func (w *World) addConditional(a Args, do *Line) error {
	when, err := bench.ParseCondition(a.Text(0))
	if err != nil {
		return err
	}
	l := w.loadRun
	if l == nil || l.begun {
		return errNoLoad
	}
	l.events = append(l.events, loadEvent{when: when, text: a.Text(1), line: do})
	return nil
}

// runLoad runs the load that was declared, where one was and has not run yet.
func (w *World) runLoad(ctx context.Context) error {
	l := w.loadRun
	if l == nil || l.begun {
		return nil
	}
	l.begun = true
	slices.SortStableFunc(l.events, func(a, b loadEvent) int { return cmp.Compare(a.at, b.at) })
	options := bench.Options{Address: l.address, Do: func(ctx context.Context, of bench.Event) error {
		i, err := strconv.Atoi(of.Run) // they are done one at a time
		if err != nil {
			return err
		}
		e := &l.events[i]
		e.err = e.line.Run(ctx, w)
		return e.err
	}}
	for i, e := range l.events {
		l.profile.Events = append(l.profile.Events, bench.Event{Name: e.text, At: bench.Duration(e.at), When: e.when, Do: bench.EventRun, Run: strconv.Itoa(i)})
	}
	if l.list != "" {
		l.profile.Log = &bench.Log{KVDBList: l.list}
		if err := w.emptyRecord(ctx, l.list); err != nil {
			return err
		}
		options.Executed = func(ctx context.Context) ([]string, error) { return w.record(ctx, l.list) }
	}
	result, err := bench.Run(ctx, l.profile, options)
	if err != nil {
		return fmt.Errorf("the load: %w", err)
	}
	l.result = result
	return l.fault()
}

func (w *World) emptyRecord(ctx context.Context, list string) error {
	db, err := w.kvdb()
	if err != nil {
		return err
	}
	return db.Del(ctx, list).Err()
}

// record is the numbers that the service recorded.
func (w *World) record(ctx context.Context, list string) ([]string, error) {
	db, err := w.kvdb()
	if err != nil {
		return nil, err
	}
	return db.LRange(ctx, list, 0, -1).Result()
}

// fault is why the load as a whole proves nothing: an event failed or came too late, or it was not sent as declared.
func (l *loadRun) fault() error {
	for i, e := range l.events {
		what := e.said()
		var said *Failure
		switch began := l.result.Events[i].At; {
		case errors.As(e.err, &said):
			f := *said
			f.What, f.load = what+f.What, l
			return &f
		case e.err != nil:
			return l.failure(&Failure{What: what + e.err.Error()})
		case l.result.Events[i].Skipped != "":
			return l.failure(&Failure{What: what + "it never came to that", Hint: "ask for less, or let the load take longer"})
		case began >= l.result.Duration:
			return l.failure(&Failure{What: what + "it happened after the load was over", Hint: "what was to happen before it took too long; let the load take longer"})
		}
	}
	if len(l.result.Invalid) > 0 {
		return l.failure(&Failure{What: "the load proves nothing: " + strings.Join(l.result.Invalid, "; ")})
	}
	return nil
}

// failure completes what is wrong with the load by how it went.
func (l *loadRun) failure(f *Failure) *Failure {
	f.load = l
	f.Note = strings.TrimPrefix(f.Note+"; "+l.result.Summary(), "; ")
	return f
}

// timeline is how the load went, for reports.
func (l *loadRun) timeline(slow float64) []report.Moment {
	var out []report.Moment
	for _, m := range l.result.Timeline(slow) {
		row := report.Moment{When: m.When(), Sent: m.Sent, OK: m.OK, Failed: m.Failed, Unknown: m.Unknown, Notes: m.Notes, Bad: m.Bad}
		if m.Slowest > 0 {
			row.Slowest = bench.FormatMS(m.Slowest)
		}
		out = append(out, row)
	}
	return out
}
