package cluster

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"
)

// sure is how long after it asked for a lease of ttl its holder may believe that it has it. The database counts ttl from
// when it was asked, which was later; the sixth that is kept back is for clocks that do not run alike, for the rounding
// of times to milliseconds, and for what the holder is in the midst of.
func sure(ttl time.Duration) time.Duration { return ttl - ttl/6 }

// held is the context of a lease's holder. It has ended at the time until, by this process's own steady clock, whether or
// not a timer got to run by then: on a busy machine that may be later.
type held struct {
	context.Context //nolint:containedctx // it is one
	lose            context.CancelFunc
	until           atomic.Pointer[time.Time]
	timer           *time.Timer
}

func newHeld(ctx context.Context, until time.Time) *held {
	h := &held{}
	h.Context, h.lose = context.WithCancel(ctx)
	h.until.Store(&until)
	h.timer = time.AfterFunc(time.Until(until), func() { _ = h.Err() })
	return h
}

// Err implements context.Context.
func (h *held) Err() error {
	if !time.Now().Before(*h.until.Load()) {
		h.lose()
	}
	return h.Context.Err()
}

// renew moves the end. What has ended stays so.
func (h *held) renew(until time.Time) {
	h.until.Store(&until)
	h.timer.Reset(time.Until(until))
}

func (h *held) end() {
	h.timer.Stop()
	h.lose()
}

// Hold runs do while holder has the lease of that name, each time that it gets it, until ctx ends. do's context ends
// when the lease is lost, or may be: when it could not be renewed for five sixths of ttl. Its Err knows that at once, its
// Done as soon as the machine gets to it. do must then return; what it still writes meets the token. When do returns by
// itself, the lease is released and taken again at the next turn, a third of ttl later.
func (l *Leases) Hold(ctx context.Context, name, holder string, ttl time.Duration, log *slog.Logger, do func(context.Context, Lease)) {
	ticks := time.NewTicker(ttl / 3)
	defer ticks.Stop()
	failing := false
	for {
		asked := time.Now() // before the database's clock starts: the lease ends here no later than there
		limited, cancel := context.WithTimeout(ctx, ttl/3)
		lease, err := l.Take(limited, name, holder, ttl)
		cancel()
		switch {
		case err == nil:
			failing = false
			log.Info("lease taken", "lease", name, "token", lease.Token)
			l.hold(ctx, lease, asked, ttl, ticks.C, log, do)
		case ctx.Err() == nil && !errors.Is(err, ErrHeld) && !failing:
			failing = true
			log.Warn("lease not taken", "lease", name, "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
	}
}

// hold runs do and renews until it has returned.
func (l *Leases) hold(ctx context.Context, lease Lease, asked time.Time, ttl time.Duration, turns <-chan time.Time, log *slog.Logger, do func(context.Context, Lease)) {
	h := newHeld(ctx, asked.Add(sure(ttl)))
	defer h.end()
	ended := make(chan struct{})
	go func() { //nolint:contextcheck // h is ctx's
		defer close(ended)
		do(h, lease)
	}()
	for {
		select {
		case <-ended:
			l.letGo(ctx, lease, log)
			return
		case <-h.Done():
			if ctx.Err() == nil {
				log.Warn("lease not renewed in time: it may be another's", "lease", lease.Name, "token", lease.Token)
			}
			<-ended
			l.letGo(ctx, lease, log)
			return
		case <-turns:
			if err := l.renew(h, lease, ttl); errors.Is(err, ErrLost) { //nolint:contextcheck // h is ctx's
				log.Warn("lease lost", "lease", lease.Name, "token", lease.Token)
				h.lose()
				<-ended
				return
			}
		}
	}
}

// letGo releases what do has done with, so that nobody waits for its end.
func (l *Leases) letGo(ctx context.Context, lease Lease, log *slog.Logger) {
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
	defer cancel()
	if err := l.Release(end, lease); err != nil {
		log.Warn("lease not released: it expires", "lease", lease.Name, "err", err)
	}
}

// renew renews lease once. Another try follows where the database does not answer this one.
func (l *Leases) renew(h *held, lease Lease, ttl time.Duration) error {
	asked := time.Now()
	limited, cancel := context.WithTimeout(h, ttl/3)
	defer cancel()
	_, err := l.Renew(limited, lease, ttl)
	if err == nil {
		h.renew(asked.Add(sure(ttl)))
	}
	return err
}
