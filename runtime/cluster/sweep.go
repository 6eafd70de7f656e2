package cluster

import (
	"context"
	"log/slog"
	"time"

	"github.com/parley-run/parley/runtime/database"
)

const (
	sweepEvery  = time.Minute
	forgetAfter = time.Hour // that a server has been silent: nobody expects it back
)

// Sweep forgets servers that have been silent for an hour, until ctx ends: those of machines and containers that are gone
// have nobody else who does. One server of a cluster sweeps, under lease; the servers' table must be in the leases'
// database.
func (l *Leases) Sweep(ctx context.Context, lease Lease, log *slog.Logger) {
	ticks := time.NewTicker(sweepEvery)
	defer ticks.Stop()
	for {
		if n, err := l.sweep(ctx, lease); err != nil && ctx.Err() == nil {
			log.Warn("servers that are gone are not forgotten", "err", err)
		} else if n > 0 {
			log.Info("servers that are gone are forgotten", "servers", n)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
	}
}

func (l *Leases) sweep(ctx context.Context, lease Lease) (n int64, err error) {
	err = l.Write(ctx, lease, func(ctx context.Context, tx database.Conn) error {
		gone, err := tx.ExecContext(ctx, "DELETE FROM servers WHERE seen_at < "+l.db.Now+" - $1", forgetAfter.Milliseconds())
		if err != nil {
			return err
		}
		n, err = gone.RowsAffected()
		return err
	})
	return n, err
}
