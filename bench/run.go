package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Options is what a run needs beside its profile.
type Options struct {
	// Address is the target's URL, such as "http://127.0.0.1:11223".
	Address string
	// Do does one event and returns when it is done. Called from one goroutine. Needed where the profile has events.
	Do func(ctx context.Context, e Event) error
	// Down says whether the balancer gives that server no requests. Asked again and again after a kill or stop, from a
	// goroutine of its own, until it does. May be nil.
	Down func(ctx context.Context, server string) (bool, error)
	// Executed gives the ids that the service recorded, each as often as it was executed, in any order. Called once,
	// after the last reply, or again and again for a while where nobody answers. The record must have been empty before the run: ids begin at 1 in each. nil: not compared.
	Executed func(ctx context.Context) ([]string, error)
	// Shard of Of, from 0: send only every Of-th request of the whole, beginning with that one. Of 0 or 1: all.
	Shard, Of int
	// StartAt is when the schedule begins, so that shards begin together; zero: at once. It must be to come.
	StartAt time.Time
	// Enough ends the load when it is closed, as if its duration had passed then. May be nil.
	Enough <-chan struct{}
	// Patience is how long after the load's end requests are still sent that should have gone before, and how long after the last
	// reply an event may go on; default: as long as the load takes, but at least a minute.
	Patience time.Duration
	// Traffic, where it is not nil, counts the requests while they go, for what happens meanwhile.
	Traffic *Traffic
	// Sample is given each request of the measured part when it is over, from one goroutine, in any order. It must return
	// quickly. May be nil.
	Sample func(Sample)
	// Progress is told how it goes, once a second and at each event's beginning and end, from one goroutine. It must
	// return quickly. May be nil.
	Progress func(Progress)
}

// Sample is one request that is over.
type Sample struct {
	ID        int
	Due, Sent time.Time
	End       time.Time // of its reply
	Outcome   Outcome
}

// Progress is how a run goes.
type Progress struct {
	At    time.Duration // from the start of the measured part; negative while warming up
	Total int           // requests that will be sent in the measured part
	Counts
	Last  Counts       // of the replies of the last second
	Times Latency      // their response times
	Event *EventResult // the event that begins or ended, or nil
	Ended bool         // it has ended
}

// Run puts the profile's load on the address and blocks until the last reply is in and what was executed has been
// compared. It fails when the profile is wrong or what was executed cannot be read; a target that is down is a result.
// When ctx ends it breaks off, and gives what it has with ctx's error.
func Run(ctx context.Context, p Profile, o Options) (*Result, error) {
	var unread []error
	p.load(func(_, message string) { unread = append(unread, fmt.Errorf("profile %q: %s", p.Name, message)) })
	if unread != nil {
		return nil, errors.Join(unread...)
	}
	p = p.withDefaults()
	if err := p.check(); err != nil {
		return nil, err
	}
	if o.Patience == 0 {
		o.Patience = max(p.Duration.Std(), time.Minute)
	}
	if err := o.check(p); err != nil {
		return nil, err
	}
	schedule := Schedule{}
	if !p.closed() {
		schedule = NewSchedule(p)
	}
	if o.Of > 1 {
		whole := schedule.Measure
		if schedule = schedule.OfShard(o.Shard, o.Of); schedule.Measure < 1 {
			return nil, fmt.Errorf("profile %q: nothing is left for shard %d of %d: the whole load is %d requests", p.Name, o.Shard+1, o.Of, whole)
		}
	}
	send, err := newSender(p, o.Address, schedule)
	if err != nil {
		return nil, fmt.Errorf("profile %q: %w", p.Name, err)
	}
	defer send.close()
	if o.Traffic != nil {
		send.traffic = o.Traffic
	}
	defer context.AfterFunc(ctx, send.cut)()
	if err := send.prepare(ctx, p.Before); err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("broken off before the load: %w", context.Cause(ctx))
		}
		return nil, fmt.Errorf("profile %q: %w", p.Name, err)
	}
	meter := startMeter()
	rec, broken := attack(ctx, p, o, schedule, send)
	generator := meter.read(rec.total.Sent + rec.warmup.Sent)
	if rec.ended > 0 {
		p.Duration, schedule.Measure = Duration(rec.ended), rec.total.Sent
		rec.trim()
	}
	if p.closed() {
		schedule.Warmup, schedule.Measure = rec.warmup.Sent, rec.total.Sent
		rec.schedule = schedule
	}
	result := rec.result(p, o.Address)
	result.Generator = generator
	if o.Of > 1 {
		result.Shard = fmt.Sprintf("%d/%d", o.Shard+1, o.Of)
	}
	if broken == nil && o.Executed != nil {
		result.Executed, err = readExecuted(ctx, p, o, rec)
		if err != nil {
			return result, fmt.Errorf("profile %q: read what was executed: %w", p.Name, err)
		}
	}
	if result.Dropped = max(0, schedule.Measure-result.Sent); rec.givenUp && result.Dropped > 0 {
		result.Invalid = append(result.Invalid, fmt.Sprintf("requests that were still to be sent %s after the load's end were given up; ask a lower rate, or allow more workers", o.Patience))
	}
	if o.Of > 1 {
		p.Expect = Threshold{} // of the whole: who merges the shards holds it against the profile
	}
	result.judge(p, latency(rec.ownLag), schedule.Measure)
	if broken != nil {
		if p.closed() {
			result.Invalid = append(result.Invalid, "it was broken off")
		}
		return result, fmt.Errorf("profile %q: broken off: %w", p.Name, broken)
	}
	return result, nil
}

func (o *Options) check(p Profile) error {
	switch {
	case len(p.Events) > 0 && o.Do == nil:
		return fmt.Errorf("profile %q has events, and nothing here can do them", p.Name)
	case o.Of < 0 || o.Shard < 0 || o.Shard >= max(1, o.Of):
		return fmt.Errorf("there is no shard %d of %d", o.Shard+1, o.Of)
	case o.Of > 1 && p.closed():
		return fmt.Errorf("profile %q is a closed loop, and that has no schedule to split: give each machine its users", p.Name)
	case !o.StartAt.IsZero() && time.Until(o.StartAt) < 0:
		return fmt.Errorf("the load was to start at %s, and that is over", o.StartAt.Format(time.RFC3339))
	}
	return nil
}

func (p *Profile) check() error {
	var faults []error
	for _, f := range p.faults() {
		faults = append(faults, fmt.Errorf("profile %q: %s", p.Name, f.message))
	}
	return errors.Join(faults...)
}

// load is a load on its way.
type load struct {
	out  outbox
	done chan struct{} // closed when the last reply is in
	stop func()        // sends no more
}

// begin starts the load.
func begin(ctx context.Context, p Profile, o Options, schedule Schedule, send *sender) (*recorder, *load) {
	enough := make(chan struct{})
	out := &load{done: make(chan struct{}), stop: sync.OnceFunc(func() { close(enough) })}
	began := time.Now()
	if !o.StartAt.IsZero() {
		began = o.StartAt
	}
	if p.closed() {
		sleepUntil(ctx, began)
		loop := &closedLoop{send: send, phases: p.specs(), think: p.Think.Std(), zero: began.Add(p.Warmup.Std()), out: &out.out, stop: enough}
		loop.until = loop.zero.Add(p.Duration.Std())
		rec := newRecorder(schedule, p, send, began)
		rec.zero = loop.zero
		loop.run(ctx, out.done)
		return rec, out
	}
	loop := &openLoop{send: send, schedule: schedule, began: began, most: p.Workers, out: &out.out, stop: enough}
	loop.run(ctx, out.done)
	return newRecorder(schedule, p, send, began), out
}

// takeEvery is how often what workers have done is taken in.
const takeEvery = 10 * time.Millisecond

// attack sends everything and does the events; the error is ctx's when that ended it early.
func attack(ctx context.Context, p Profile, o Options, schedule Schedule, send *sender) (*recorder, error) {
	rec, from := begin(ctx, p, o, schedule, send)
	rec.sample = o.Sample
	for _, e := range p.Events {
		rec.timeline = append(rec.timeline, &happening{event: e})
	}
	events := newScript(p.Events, rec.zero, o)
	eventsUntil, endEvents := context.WithCancelCause(ctx)
	defer endEvents(nil)
	go events.run(eventsUntil)
	tell := events.tell
	waiting := map[int]*watch{}
	for i, e := range p.Events {
		if e.When.Text != "" {
			waiting[i] = &watch{condition: e.When}
		}
	}

	progress := func(h *happening, ended bool) {
		if o.Progress == nil {
			return
		}
		now := Progress{At: time.Since(rec.zero), Total: schedule.Measure, Counts: rec.total, Ended: ended}
		now.Last, now.Times = rec.live.last(time.Now())
		if h != nil {
			event := h.result(rec.zero)
			if !ended {
				event.Error = ""
			}
			now.Event = &event
		}
		o.Progress(now)
	}
	tick, look := time.NewTicker(time.Second), time.NewTicker(liveStep)
	defer tick.Stop()
	defer look.Stop()
	if len(waiting) == 0 {
		look.Stop()
	}
	var hits []hit
	take := func() {
		hits = from.out.take(hits[:0])
		for i := range hits {
			rec.add(&hits[i])
		}
	}
	flush := time.NewTicker(takeEvery)
	defer flush.Stop()
	over, enough, done := ctx.Done(), o.Enough, from.done
	late := time.NewTimer(time.Until(rec.zero.Add(p.Duration.Std() + o.Patience)))
	defer late.Stop()
	for done != nil || tell != nil {
		select {
		case <-flush.C:
			take()
		case <-done:
			take()
			done = nil
			close(events.over)
			defer time.AfterFunc(o.Patience, func() { endEvents(errTooLong) }).Stop()
		case n, open := <-tell:
			if !open {
				tell = nil
				continue
			}
			h := rec.event(n)
			if n.ended {
				events.release(h.event.Label())
			}
			if !n.detected && n.skipped == "" {
				progress(h, n.ended)
			}
		case <-tick.C:
			take()
			progress(nil, false)
		case now := <-look.C:
			events.watch(rec, waiting, now)
		case <-late.C:
			if done != nil {
				from.stop()
				rec.givenUp = true
			}
		case <-enough:
			from.stop()
			rec.ended, enough = min(max(time.Since(rec.zero), rec.width), p.Duration.Std()), nil
		case <-over:
			from.stop()
			over = nil
		}
	}
	progress(nil, false)
	if over == nil {
		return rec, context.Cause(ctx)
	}
	return rec, nil
}

// release lets those events come that wait for the end of the one of that name.
func (s *script) release(name string) {
	for i := range s.events {
		if s.events[i].After == name {
			s.trigger(i)
		}
	}
}

// watch lets those events come whose condition has held for long enough.
func (s *script) watch(rec *recorder, waiting map[int]*watch, now time.Time) {
	if now.Before(rec.zero) || len(waiting) == 0 {
		return
	}
	counts, times := rec.live.last(now)
	for i, w := range waiting {
		if w.met(counts, times, now) {
			s.trigger(i)
			delete(waiting, i)
		}
	}
}

// trigger is called by the goroutine that records alone.
func (s *script) trigger(i int) {
	select {
	case <-s.triggers[i]:
	default:
		close(s.triggers[i])
	}
}

// silentSettle is how long it may take until what nobody answers has been executed.
const silentSettle = 10 * time.Second

// readExecuted waits until what may still be running has had its time, then compares.
func readExecuted(ctx context.Context, p Profile, o Options, rec *recorder) (*Executed, error) {
	settle := p.Settle.Std()
	if settle == 0 && rec.total.Unknown > 0 {
		settle = 500 * time.Millisecond
	}
	timer := time.NewTimer(settle)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	recorded, err := o.Executed(ctx)
	for until := time.Now().Add(silentSettle); err == nil && silent(p.Protocol) && len(recorded) < rec.total.OK+rec.warmup.OK && time.Now().Before(until); {
		if !sleepUntil(ctx, time.Now().Add(100*time.Millisecond)) {
			return nil, context.Cause(ctx)
		}
		recorded, err = o.Executed(ctx)
	}
	if err != nil {
		return nil, err
	}
	s := rec.schedule
	ids := sentIDs{first: s.Warmup, count: s.Measure, outcome: rec.outcomeOf, schedule: s, whole: s.wholeWarmup + s.wholeMeasure}
	out := compare(ids, recorded)
	out.LostDue, out.DoubledDue = rec.dues(out.LostIDs), rec.dues(out.DoubledIDs)
	return out, nil
}

// dues is when the requests of those ids were due, in seconds from the start of the measured part; of a closed loop it is not
// known.
func (r *recorder) dues(ids []int) []float64 {
	if r.closed {
		return nil
	}
	var out []float64
	for _, id := range ids {
		seq := id - 1
		if r.schedule.Of > 1 {
			seq /= r.schedule.Of
		}
		out = append(out, seconds(r.schedule.Due(seq)-r.schedule.Zero()))
	}
	return out
}
