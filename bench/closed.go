package bench

import (
	"context"
	"sync"
	"time"
)

// closedLoop is users each of whom sends a request, waits for its reply, thinks, and sends the next.
type closedLoop struct {
	send   *sender
	phases []PhaseSpec
	think  time.Duration
	zero   time.Time // when the measured part begins: before, as many as in the first phase
	until  time.Time
	out    *outbox
	stop   <-chan struct{} // closed: no more

	mu   sync.Mutex
	next int // number of the next request
}

// run begins all users, and closes done when the last has its last reply.
func (l *closedLoop) run(ctx context.Context, done chan<- struct{}) {
	ctx, stop := context.WithCancel(ctx)
	most := 0
	for _, ph := range l.phases {
		most = max(most, ph.Users)
	}
	var group sync.WaitGroup
	for i := range most {
		group.Go(func() { l.user(ctx, i) })
	}
	go func() {
		defer close(done)
		defer stop()
		group.Wait()
	}()
}

func (l *closedLoop) user(ctx context.Context, i int) {
	keep := &captured{before: &l.send.kept}
	w := newWorker(l.send)
	defer w.way.close()
	timer := time.NewTimer(0)
	defer timer.Stop()
	pause := func(d time.Duration) bool {
		timer.Reset(d)
		select {
		case <-timer.C:
			return true
		case <-l.stop:
		case <-ctx.Done():
		}
		return false
	}
	for turn := 0; ; turn++ {
		if !pause(l.absent(i, time.Now())) || !time.Now().Before(l.until) {
			return
		}
		h := w.once(ctx, l.number(), l.send.order[turn%len(l.send.order)], keep, func() {})
		l.out.put(&h)
		if l.think > 0 && !pause(l.think) || ctx.Err() != nil {
			return
		}
	}
}

// absent is how long that user has still no part in the load. Those of the first phase take part in the warm-up.
func (l *closedLoop) absent(user int, now time.Time) time.Duration {
	from := now
	at := l.zero
	for _, ph := range l.phases {
		end := at.Add(ph.Duration.Std())
		if user < ph.Users && now.Before(end) {
			return max(0, from.Sub(now))
		}
		from, at = end, end
	}
	return max(0, l.until.Sub(now))
}

// number is the next request's.
func (l *closedLoop) number() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next++
	return l.next - 1
}
