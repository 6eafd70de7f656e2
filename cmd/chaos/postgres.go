package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/parley-run/parley/fixtures"
)

// onPostgres starts a PostgreSQL and a cluster on it.
func (e *env) onPostgres(ctx context.Context) (*fixtures.Postgres, *cluster, error) {
	p, err := fixtures.StartPostgres(ctx, "")
	if err != nil {
		return nil, nil, err
	}
	c, err := e.start(ctx, fixtures.Spec{Database: fixtures.Part{URL: p.URL()}})
	if err != nil {
		return nil, nil, errors.Join(err, p.Close()) //nolint:contextcheck // it is closed whatever ctx says
	}
	return p, c, nil
}

// databaseRestarts is F6: PostgreSQL is restarted again and again, and stands still for a while.
func databaseRestarts() check {
	return check{
		name: "F6", title: "restarts and a stall of PostgreSQL", needs: "postgres", prove: "the servers stop with the database",
		do: func(ctx context.Context, e *env) (_ *outcome, err error) {
			p, c, err := e.onPostgres(ctx)
			if err != nil {
				return nil, err
			}
			defer func() { err = errors.Join(endOf(c, err), p.Close()) }() //nolint:contextcheck // it is closed whatever ctx says
			n, stall := e.times("F6", 10), e.lasting("stall", 30*time.Second)
			if e.sabotage {
				n, stall = 1, time.Second
			}
			o := &outcome{done: fmt.Sprintf("%d restarts, %s", n, stall)}
			err = c.under(ctx, o, 300, time.Duration(n)*3*time.Second+stall+10*time.Second, func(ctx context.Context) error {
				for i := range n {
					if e.sabotage {
						if err := errors.Join(c.Kill(ctx, 1), c.Kill(ctx, 2), c.Kill(ctx, 3)); err != nil {
							return err
						}
					}
					down := p.Stop
					if i%2 == 1 {
						down = p.Kill
					}
					if err := down(); err != nil {
						return err
					}
					if err := errors.Join(pause(ctx, 300*time.Millisecond), p.Start(ctx), pause(ctx, 300*time.Millisecond)); err != nil {
						return err
					}
				}
				if err := p.Pause(); err != nil { //nolint:contextcheck // it sends a signal
					return err
				}
				return errors.Join(pause(ctx, stall), p.Continue(), pause(ctx, time.Second)) //nolint:contextcheck // it sends a signal
			})
			if err != nil {
				return o, err
			}
			o.nothingLost()
			if e.sabotage {
				return o, nil
			}
			// What comes after is deployed everywhere.
			if err := c.deployWithin(ctx, 15*time.Second, "version/v2/version.star"); err != nil {
				o.fault("afterwards nothing can be deployed: %v", err)
			}
			return o, c.same(ctx, o)
		},
	}
}

// deployWithin deploys a sample, and tries again while it cannot: PostgreSQL may just be coming back.
func (c *cluster) deployWithin(ctx context.Context, d time.Duration, name string) error {
	deadline := time.Now().Add(d)
	for {
		err := c.deploySamples(ctx, name)
		if err == nil || time.Now().After(deadline) {
			return err
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}

// restored is F17: the database is an older backup all of a sudden. What serves goes on serving until an operator says
// that the backup is the truth.
func restored() check {
	return check{
		name: "F17", title: "a database restored from an older backup", needs: "postgres", prove: "an operator accepts the backup at once",
		do: func(ctx context.Context, e *env) (_ *outcome, err error) {
			p, c, err := e.onPostgres(ctx)
			if err != nil {
				return nil, err
			}
			defer func() { err = errors.Join(endOf(c, err), p.Close()) }() //nolint:contextcheck // it is closed whatever ctx says
			o := &outcome{done: "1 backup"}
			err = c.under(ctx, o, 200, 15*time.Second, func(ctx context.Context) error {
				if err := backUp(ctx, p.URL()); err != nil {
					return err
				}
				for _, v := range []string{"2", "3"} {
					if err := c.deploySamples(ctx, "version/v"+v+"/version.star"); err != nil {
						return err
					}
				}
				if err := restore(ctx, p.URL()); err != nil {
					return err
				}
				if e.sabotage {
					if err := c.accept(ctx); err != nil {
						return err
					}
				}
				return c.keepsServing(ctx, o, 4*time.Second)
			})
			if err != nil {
				return o, err
			}
			o.nothingLost()
			if e.sabotage {
				return o, nil
			}
			if err := c.accept(ctx); err != nil {
				return o, err
			}
			if err := c.same(ctx, o); err != nil {
				return o, err
			}
			return o, c.allAt(ctx, o, "1", "once it was accepted")
		},
	}
}

// backUp copies all tables into a schema of their own.
func backUp(ctx context.Context, url string) error {
	return onTables(ctx, url, "CREATE SCHEMA backup", "CREATE TABLE backup.%[1]s AS TABLE public.%[1]s")
}

// restore makes all tables what they were, in one transaction.
func restore(ctx context.Context, url string) error {
	return onTables(ctx, url, "SELECT 1", "DELETE FROM public.%[1]s", "INSERT INTO public.%[1]s SELECT * FROM backup.%[1]s")
}

func onTables(ctx context.Context, url, first string, each ...string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	rows, err := conn.Query(ctx, "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename LIKE ANY (ARRAY['cluster', 'object%', 'change%', 'audit'])")
	if err != nil {
		return err
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	if len(tables) < 3 {
		return fmt.Errorf("the catalog's tables are not found: only %v", tables)
	}
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // nothing to save where it was committed
	statements := []string{first}
	for _, s := range each {
		for _, t := range tables {
			statements = append(statements, fmt.Sprintf(s, t))
		}
	}
	for _, s := range statements {
		if _, err := tx.Exec(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return tx.Commit(ctx)
}

// accept is the operator's word.
func (c *cluster) accept(ctx context.Context) error {
	_, err := c.Parley(ctx, "catalog", "accept-restore")
	return err
}

// keepsServing holds that for a while all servers serve what they did, and that nothing can be deployed.
func (c *cluster) keepsServing(ctx context.Context, o *outcome, d time.Duration) error {
	refused := false
	for deadline := time.Now().Add(d); time.Now().Before(deadline); {
		if err := c.allAt(ctx, o, "3", "with an older database"); err != nil || len(o.faults) > 0 {
			return err
		}
		if err := pause(ctx, 300*time.Millisecond); err != nil {
			return err
		}
		if !refused && time.Until(deadline) < d/2 {
			refused = true
			if err := c.deploySamples(ctx, "record/v2/record.star"); err == nil {
				o.fault("a deploy on top of the older database was accepted")
			}
		}
	}
	return nil
}

// allAt holds what version all servers answer with.
func (c *cluster) allAt(ctx context.Context, o *outcome, version, when string) error {
	for s := range servers {
		if err := c.answers(ctx, o, s+1, version, when); err != nil {
			return err
		}
	}
	return nil
}

// answers holds what version server n answers with.
func (c *cluster) answers(ctx context.Context, o *outcome, n int, version, when string) error {
	got, err := c.version(ctx, n)
	if err != nil {
		return err
	}
	if !strings.Contains(got, version) {
		o.fault("%s, %s answers %s, not version %s", when, c.ServerName(n), strings.TrimSpace(got), version)
	}
	return nil
}
