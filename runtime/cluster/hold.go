package cluster

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// Hold runs do while holder has the lease of that name, each time that it gets it, until ctx ends. do's context ends
// when the lease is lost, or may be: when it could not be renewed for ttl. do must then return; what it still writes
// meets the token. When do returns by itself, the lease is released and taken again at the next turn, a third of ttl later.
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
	held, lose := context.WithCancel(ctx)
	defer lose()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		do(held, lease)
	}()
	expires := asked.Add(ttl)
	expiry := time.NewTimer(time.Until(expires))
	defer expiry.Stop()
	for {
		select {
		case <-ended:
			end, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
			defer cancel()
			if err := l.Release(end, lease); err != nil {
				log.Warn("lease not released: it expires", "lease", lease.Name, "err", err)
			}
			return
		case <-expiry.C:
			log.Warn("lease not renewed in time: it may be another's", "lease", lease.Name, "token", lease.Token)
			lose()
			<-ended
			return
		case <-turns:
			asked := time.Now()
			limited, cancel := context.WithDeadline(ctx, expires)
			_, err := l.Renew(limited, lease, ttl)
			cancel()
			switch {
			case err == nil:
				expires = asked.Add(ttl)
				expiry.Reset(time.Until(expires))
			case errors.Is(err, ErrLost):
				log.Warn("lease lost", "lease", lease.Name, "token", lease.Token)
				lose()
				<-ended
				return
			}
		}
	}
}
