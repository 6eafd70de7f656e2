package cluster

import (
	"context"
	"log/slog"
	"strconv"
)

// revisionChannel is where PostgreSQL's notifications of new revisions go. A database holds one cluster.
const revisionChannel = "parley_revision"

// PostgresHints carry hints by PostgreSQL's NOTIFY and LISTEN, in the database of the servers' table.
type PostgresHints struct {
	table *Table
	log   *slog.Logger
}

// NewPostgresHints carries hints through the database of table, which OpenPostgres opened.
func NewPostgresHints(table *Table, log *slog.Logger) *PostgresHints {
	return &PostgresHints{table: table, log: log}
}

// Publish implements Hints.
func (h *PostgresHints) Publish(ctx context.Context, revision int64) error {
	return fault("notify the servers", h.table.db.Notify(ctx, revisionChannel, strconv.FormatInt(revision, 10)))
}

// Subscribe implements Hints, on a connection of its own, which is made again for as long as it takes.
func (h *PostgresHints) Subscribe(ctx context.Context) <-chan int64 {
	out := make(chan int64, 1)
	go func() { // ends with ctx
		defer close(out)
		h.table.db.Listen(ctx, revisionChannel, func(payload string) {
			revision, err := strconv.ParseInt(payload, 10, 64)
			if err != nil {
				h.log.Warn("hint ignored: no revision", "channel", revisionChannel, "err", err)
				return
			}
			latest(out, revision)
		}, func(err error) {
			h.log.Warn("no hints come: this server follows by polling", "err", err)
		})
	}()
	return out
}
