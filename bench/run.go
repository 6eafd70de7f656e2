package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// Options is what a run needs beside its profile.
type Options struct {
	// Address is the target's URL, such as "http://127.0.0.1:11223".
	Address string
	// Do does one event and returns when it is done. Called from one goroutine. Needed where the profile has events.
	Do func(ctx context.Context, e Event) error
	// Executed gives the ids that the service recorded, each as often as it was executed, in any order. Called once,
	// after the last reply. The record must have been empty before the run: ids begin at 1 in each. nil: not compared.
	Executed func(ctx context.Context) ([]string, error)
	// Enough ends the load when it is closed, as if its duration had passed then. May be nil.
	Enough <-chan struct{}
	// Traffic, where it is not nil, counts the requests while they go, for what happens meanwhile.
	Traffic *Traffic
	// Progress is told how it goes, once a second and at each event's beginning and end, from one goroutine. It must
	// return quickly. May be nil.
	Progress func(Progress)
}

// Progress is how a run goes.
type Progress struct {
	At    time.Duration // from the start of the measured part; negative while warming up
	Total int           // requests that will be sent in the measured part
	Counts
	Event *EventResult // the event that begins or ended, or nil
	Ended bool         // it has ended
}

// Run puts the profile's load on the address and blocks until the last reply is in and what was executed has been
// compared. It fails when the profile is wrong or what was executed cannot be read; a target that is down is a result.
// When ctx ends it breaks off, and gives what it has with ctx's error.
func Run(ctx context.Context, p Profile, o Options) (*Result, error) {
	p = p.withDefaults()
	if err := p.check(); err != nil {
		return nil, err
	}
	if len(p.Events) > 0 && o.Do == nil {
		return nil, fmt.Errorf("profile %q has events, and nothing here can do them", p.Name)
	}
	schedule := NewSchedule(p)
	send, err := newSender(p, o.Address, schedule.Total())
	if err != nil {
		return nil, fmt.Errorf("profile %q: %w", p.Name, err)
	}
	defer send.transport.CloseIdleConnections()
	if o.Traffic != nil {
		send.traffic = o.Traffic
	}
	rec, broken := attack(ctx, p, o, schedule, send)
	if rec.ended > 0 {
		p.Duration, schedule.Measure = Duration(rec.ended), rec.total.Sent
		rec.trim()
	}
	result := rec.result(p, o.Address)
	if broken == nil && o.Executed != nil {
		result.Executed, err = readExecuted(ctx, p, o, rec)
		if err != nil {
			return result, fmt.Errorf("profile %q: read what was executed: %w", p.Name, err)
		}
	}
	result.judge(p, latency(rec.ownLag), schedule.Measure)
	if broken != nil {
		return result, fmt.Errorf("profile %q: broken off: %w", p.Name, broken)
	}
	return result, nil
}

func (p *Profile) check() error {
	var faults []error
	for _, f := range p.faults() {
		faults = append(faults, fmt.Errorf("profile %q: %s", p.Name, f.message))
	}
	return errors.Join(faults...)
}

// attack sends everything and does the events; the error is ctx's when that ended it early.
func attack(ctx context.Context, p Profile, o Options, schedule Schedule, send *sender) (*recorder, error) {
	began := make(chan time.Time, 1)
	pace := &pacer{schedule: schedule, workers: int64(p.Workers), traffic: send.traffic, began: began, held: newBitmap(schedule.Total())}
	attacker := vegeta.NewAttacker(
		vegeta.Client(send.client(ctx)),
		vegeta.Workers(uint64(min(p.Workers, 64))),
		vegeta.MaxWorkers(uint64(p.Workers)),
		vegeta.MaxBody(0), // replies are read to their end and not kept
	)
	results := attacker.Attack(send.targeter(), pace, 0, "")
	rec := newRecorder(schedule, p.Duration.Std(), <-began, send.neverSent, pace.held)
	for _, e := range p.Events {
		rec.timeline = append(rec.timeline, &happening{event: e})
	}
	tell := make(chan news)
	go runEvents(ctx, p.Events, rec.zero, o.Do, tell)

	progress := func(h *happening, ended bool) {
		if o.Progress == nil {
			return
		}
		now := Progress{At: time.Since(rec.zero), Total: schedule.Measure, Counts: rec.total, Ended: ended}
		if h != nil {
			event := h.result(rec.zero)
			if !ended {
				event.Error = ""
			}
			now.Event = &event
		}
		o.Progress(now)
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	over, enough := ctx.Done(), o.Enough
	for results != nil || tell != nil {
		select {
		case hit, open := <-results:
			if !open {
				results = nil
				continue
			}
			rec.add(hit)
		case n, open := <-tell:
			if !open {
				tell = nil
				continue
			}
			progress(rec.event(n), n.ended)
		case <-tick.C:
			progress(nil, false)
		case <-enough:
			attacker.Stop()
			rec.ended, enough = min(max(time.Since(rec.zero), rec.width), p.Duration.Std()), nil
		case <-over:
			attacker.Stop()
			over = nil
		}
	}
	progress(nil, false)
	if over == nil {
		return rec, context.Cause(ctx)
	}
	return rec, nil
}

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
	if err != nil {
		return nil, err
	}
	return compare(rec.outcomes, rec.schedule.Warmup+1, recorded), nil
}
