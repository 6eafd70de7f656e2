package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/parley-run/parley/fixtures"
)

const (
	wayBetween = "database"
	silentTime = 6 * time.Second // after which the others do not wait for a server
)

// cutOff is F8: one of three machines loses its way to the database, which swallows all that is sent, and gets it back.
func cutOff() check {
	return check{
		name: "F8", title: "a server cut off from the database, and back", needs: "postgres", prove: "the server that is cut off is stopped",
		do: func(ctx context.Context, e *env) (_ *outcome, err error) {
			m, err := e.machines(ctx)
			if err != nil {
				return nil, err
			}
			defer func() { err = errors.Join(err, m.end()) }() //nolint:contextcheck // it is ended whatever ctx says
			away, cut := m.all[1], e.lasting("cut", time.Minute)
			if e.sabotage {
				cut = silentTime + 2*time.Second
			}
			o := &outcome{done: "cut off for " + cut.String()}
			err = away.under(ctx, o, e.rate("F8rate", 200), cut+40*time.Second, func(ctx context.Context) error {
				began := time.Now()
				if err := m.links.Stall(wayBetween); err != nil {
					return err
				}
				if e.sabotage {
					if err := away.StopServer(ctx, 1); err != nil {
						return err
					}
				}
				if err := pause(ctx, silentTime+time.Second); err != nil {
					return err
				}
				if err := m.all[0].deploySamples(ctx, "version/v2/version.star"); err != nil {
					return err
				}
				if err := pause(ctx, cut-time.Since(began)); err != nil || e.sabotage {
					return err
				}
				if err := m.answer(ctx, o, "while it is cut off", "2", "1", "2"); err != nil {
					return err
				}
				if err := m.links.Mend(wayBetween); err != nil { //nolint:contextcheck // it carries nothing
					return err
				}
				return m.together(ctx, o)
			})
			if err != nil {
				return o, err
			}
			o.nothingLost()
			if e.sabotage {
				return o, nil
			}
			if err := away.deploySamples(ctx, "version/v3/version.star"); err != nil {
				o.fault("the server that was cut off cannot deploy: %v", err)
			}
			return o, m.answer(ctx, o, "when it is back", "3", "3", "3")
		},
	}
}

// machines are three clusters of a server each that share a PostgreSQL, as machines do. The way of the second to it can be cut.
type machines struct {
	db    *fixtures.Postgres
	links *fixtures.Links
	all   []*cluster
}

func (e *env) machines(ctx context.Context) (_ *machines, err error) {
	m := &machines{links: fixtures.NewLinks()}
	if m.db, err = fixtures.StartPostgres(ctx, ""); err != nil {
		return nil, err
	}
	defer func() { //nolint:contextcheck // it is ended whatever ctx says
		if err != nil {
			err = errors.Join(err, m.end())
		}
	}()
	for i := range servers {
		where, err := url.Parse(m.db.URL())
		if err != nil {
			return nil, err
		}
		if i == 1 {
			if where.Host, err = m.links.Add(wayBetween, where.Host); err != nil {
				return nil, err
			}
		}
		c, err := e.start(ctx, fixtures.Spec{Servers: 1, Names: []string{fmt.Sprintf("machine%d", i+1)}, Database: fixtures.Part{URL: where.String()}})
		if err != nil {
			return nil, err
		}
		m.all = append(m.all, c)
	}
	return m, nil
}

func (m *machines) end() error {
	var faults []error
	for _, c := range m.all {
		faults = append(faults, c.end())
	}
	return errors.Join(append(faults, m.links.Close(), m.db.Close())...)
}

// answer holds which versions the machines answer with, in turn.
func (m *machines) answer(ctx context.Context, o *outcome, when string, versions ...string) error {
	for i, c := range m.all {
		if err := c.answers(ctx, o, 1, versions[i], when); err != nil {
			return err
		}
	}
	return nil
}

// together waits until all serve the same.
func (m *machines) together(ctx context.Context, o *outcome) error {
	began := time.Now()
	var seen []string
	err := until(ctx, func() bool {
		seen = nil
		same := true
		for _, c := range m.all {
			var info struct {
				Revision int64
				Hash     string
			}
			if err := c.call(ctx, 1, "parley.server.info", struct{}{}, &info); err != nil {
				return false
			}
			seen = append(seen, fmt.Sprintf("%d %s", info.Revision, info.Hash))
			same = same && seen[0] == seen[len(seen)-1]
		}
		return same
	})
	if err != nil && ctx.Err() == nil {
		o.fault("%s after the way was whole again the machines differ: %q", time.Since(began).Round(time.Second), seen)
		return nil
	}
	return err
}
