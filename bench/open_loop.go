package bench

import (
	"context"
	"sync"
	"time"
)

// openLoop sends each request when it is due, whatever became of those before it.
//
// One worker has the lead: it waits until the next request is due, sends it, passes the lead on, and only then waits for its
// reply. So nobody stands between the clock and the wire, and each request wakes one goroutine for the clock and one for its reply.
// Where all workers wait for the target nobody has the lead, and the first who is free takes it.
type openLoop struct {
	send     *sender
	schedule Schedule
	began    time.Time // when request 0 of the whole is due
	most     int       // workers
	out      *outbox
	alarm    *alarm
	stop     <-chan struct{} // closed: no more

	// These two belong to the worker with the lead.
	next    int
	holding bool

	mu      sync.Mutex
	idle    []*worker // last in, first out: the rest may go in time
	workers int
	vacant  bool // all workers wait for the target
	over    bool
	group   sync.WaitGroup
}

// retire is after how long without anything to do a worker goes, with its connection: those of a stall stay for a while, since
// closing and dialling them again would be load of our own.
const retire = 10 * time.Second

// From a few workers on, a load that is late gets the next few in a row only where nobody becomes free within a nap: it gives up the
// processor for replies to be read, and for a target on the same machine to write them. Else a machine with other work, where
// thousands of requests may fall due before this process runs again, would see thousands of connections.
const (
	few    = 64
	inARow = 4
	nap    = 50 * time.Microsecond
)

// run begins the load, and closes done when the last reply is in.
func (l *openLoop) run(ctx context.Context, done chan<- struct{}) {
	l.alarm = newAlarm()
	l.workers = 1
	l.start(ctx)
	go func() {
		defer close(done)
		defer l.alarm.close()
		l.group.Wait()
	}()
}

// start begins a worker, which has the lead.
func (l *openLoop) start(ctx context.Context) {
	w := newWorker(l.send)
	l.group.Go(func() {
		defer w.way.close()
		passed := false
		pass := func() {
			if !passed {
				passed = true
				l.pass(ctx)
			}
		}
		for lead, fresh := true, true; lead; lead, fresh = l.rest(w), false {
			if fresh && !l.needed(ctx) {
				return
			}
			seq, held, ok := l.wait(ctx)
			if !ok {
				l.end()
				return
			}
			passed = false
			if !w.way.ready() { // to connect may take its time
				pass()
			}
			h := w.once(ctx, seq, l.send.pick(l.schedule.Number(seq)), &l.send.kept, pass)
			pass()
			h.held = held
			l.out.put(&h)
		}
	})
}

// needed says whether one more worker, which has the lead, is needed; if not, another one has got the lead.
func (l *openLoop) needed(ctx context.Context) bool {
	l.mu.Lock()
	many := l.workers > few && l.workers%inARow == 0
	l.mu.Unlock()
	if !many || l.next >= l.schedule.Total() || l.stopped(ctx) || time.Until(l.began.Add(l.schedule.Due(l.next))) > 0 {
		return true
	}
	l.alarm.sleep(nap)
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.idle)
	if n == 0 {
		return true
	}
	l.workers--
	w := l.idle[n-1]
	l.idle[n-1], l.idle = nil, l.idle[:n-1]
	w.lead <- true
	return false
}

// wait is until the next request is due, which is then the caller's; held: it was late because all workers waited for the target.
// Not ok: there is none.
func (l *openLoop) wait(ctx context.Context) (seq int, held, ok bool) {
	if l.next >= l.schedule.Total() {
		return 0, false, false
	}
	due := l.began.Add(l.schedule.Due(l.next))
	left := time.Until(due)
	if left > 0 {
		l.holding = false
	}
	for ; left > 0; left = time.Until(due) {
		if left > longWait {
			select {
			case <-time.After(left - longWait/2):
			case <-l.stop:
			case <-ctx.Done():
			}
		} else {
			l.alarm.sleep(left)
		}
		if l.stopped(ctx) {
			return 0, false, false
		}
	}
	if l.stopped(ctx) {
		return 0, false, false
	}
	l.next++
	return l.next - 1, l.holding, true
}

// longWait is how long the end of a run may have to wait for a request that is not due yet.
const longWait = 100 * time.Millisecond

func (l *openLoop) stopped(ctx context.Context) bool {
	select {
	case <-l.stop:
		return true
	default:
		return ctx.Err() != nil
	}
}

// pass gives the lead to a worker that has nothing to do, or to a new one, where there may be one more.
func (l *openLoop) pass(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch n := len(l.idle); {
	case l.over:
	case n > 0:
		w := l.idle[n-1]
		l.idle[n-1], l.idle = nil, l.idle[:n-1]
		w.lead <- true
		if n > 1 && time.Since(l.idle[0].idle) > retire {
			l.idle[0].lead <- false
			l.workers--
			l.idle[0], l.idle = nil, l.idle[1:]
		}
	case l.workers < l.most:
		l.workers++
		l.start(ctx)
	default:
		l.vacant, l.holding = true, true
	}
}

// rest is until the worker has the lead; false: it is to end.
func (l *openLoop) rest(w *worker) bool {
	l.mu.Lock()
	switch {
	case l.over:
		l.mu.Unlock()
		return false
	case l.vacant:
		l.vacant = false
		l.mu.Unlock()
		return true
	}
	w.idle = time.Now()
	l.idle = append(l.idle, w)
	l.mu.Unlock()
	return <-w.lead
}

// end is that no more is sent.
func (l *openLoop) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	for _, w := range l.idle {
		w.lead <- false
	}
	l.idle = nil
}
