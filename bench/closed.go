package bench

import (
	"context"
	"io"
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

	mu   sync.Mutex
	next int // number of the next request
}

// run begins all users, and closes the channel when the last has its last reply.
func (l *closedLoop) run(ctx context.Context, results chan<- hit, enough <-chan struct{}) {
	ctx, stop := context.WithCancel(ctx)
	most := 0
	for _, ph := range l.phases {
		most = max(most, ph.Users)
	}
	var group sync.WaitGroup
	for i := range most {
		group.Go(func() { l.user(ctx, i, results, enough) })
	}
	go func() {
		defer close(results)
		defer stop()
		group.Wait()
	}()
}

func (l *closedLoop) user(ctx context.Context, i int, results chan<- hit, enough <-chan struct{}) {
	keep := &captured{before: &l.send.kept}
	timer := time.NewTimer(0)
	defer timer.Stop()
	pause := func(d time.Duration) bool {
		timer.Reset(d)
		select {
		case <-timer.C:
			return true
		case <-enough:
		case <-ctx.Done():
		}
		return false
	}
	for turn := 0; ; turn++ {
		if !pause(l.absent(i, time.Now())) || !time.Now().Before(l.until) {
			return
		}
		results <- l.once(ctx, l.send.order[turn%len(l.send.order)], keep)
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

// once sends one request and reads its reply.
func (l *closedLoop) once(ctx context.Context, which int, keep *captured) hit {
	l.mu.Lock()
	h := hit{seq: l.next, which: which, sent: time.Now()}
	l.next++
	l.mu.Unlock()
	l.send.traffic.begun.Add(1)
	defer l.send.traffic.ended.Add(1)
	res, sent, err := l.send.send(ctx, l.send.requests[which], values{h.seq + 1, l.send.feeders, keep})
	h.neverSent = !sent
	if err == nil {
		_, err = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
	}
	h.took = time.Since(h.sent)
	if err != nil {
		h.err = err.Error()
		return h
	}
	h.code, h.header = res.StatusCode, res.Header
	if h.code < 200 || h.code >= 400 {
		h.err = res.Status
	}
	return h
}
