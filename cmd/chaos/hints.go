package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"time"

	"github.com/parley-run/parley/fixtures"
)

// withoutHints is how long a deploy may take to be everywhere where no hint tells of it.
const withoutHints = 5 * time.Second

// hints is F7: the messages that tell servers of a new revision are lost, all of them; then they come twice, late, in any
// order, and with nonsense between them.
func hints() check {
	return check{
		name: "F7", title: "deploys while hints are lost, doubled and reordered", needs: "redis", prove: "one server is dead, and follows nothing",
		do: func(ctx context.Context, e *env) (_ *outcome, err error) {
			r, err := fixtures.StartRedis(ctx, fixtures.RedisSpec{})
			if err != nil {
				return nil, err
			}
			defer func() { err = errors.Join(err, r.Close()) }() //nolint:contextcheck // it is closed whatever ctx says
			c, err := e.start(ctx, fixtures.Spec{Redis: fixtures.Part{URL: r.URL()}})
			if err != nil {
				return nil, err
			}
			defer func() { err = endOf(c, err) }()
			n := e.times("F7", 20)
			o := &outcome{done: fmt.Sprintf("%d deploys, half without hints", n)}
			err = c.under(ctx, o, 200, time.Duration(n)*4*time.Second, func(ctx context.Context) error {
				if e.sabotage {
					if err := c.Kill(ctx, servers); err != nil {
						return err
					}
				}
				if err := c.kvdb.Do(ctx, "ACL", "SETUSER", "default", "-publish").Err(); err != nil {
					return err
				}
				if err := c.versions(ctx, o, n/2, nil); err != nil {
					return err
				}
				if err := c.kvdb.Do(ctx, "ACL", "SETUSER", "default", "+publish").Err(); err != nil {
					return err
				}
				return c.versions(ctx, o, n-n/2, c.muddle)
			})
			if err != nil {
				return o, err
			}
			o.nothingLost()
			return o, c.same(ctx, o)
		},
	}
}

// versions deploys n times, each another version than the one before, which all servers must then answer with.
func (c *cluster) versions(ctx context.Context, o *outcome, n int, after func(context.Context) error) error {
	for i := range n {
		v := 2 - i%2
		file, err := c.Sample(fmt.Sprintf("version/v%d/version.star", v))
		if err != nil {
			return err
		}
		began := time.Now()
		d, err := c.Deploy(ctx, file)
		if err != nil {
			return err
		}
		if took := time.Since(began); took > withoutHints {
			o.fault("a deploy was everywhere only after %s", took.Round(time.Millisecond))
		}
		if len(d.Servers) != servers {
			o.fault("a deploy reached %d of %d servers", len(d.Servers), servers)
			return nil
		}
		if after != nil {
			if err := after(ctx); err != nil {
				return err
			}
		}
		if err := c.allAt(ctx, o, fmt.Sprint(v), "after its deploy"); err != nil {
			return err
		}
	}
	return nil
}

// muddle repeats old hints, and invents some, in any order.
func (c *cluster) muddle(ctx context.Context) error {
	s, err := c.Status(ctx)
	if err != nil {
		return err
	}
	channel := "parley:" + filepath.Base(c.Dir()) + ":revision"
	heard, err := c.kvdb.PubSubNumSub(ctx, channel).Result()
	if err != nil {
		return err
	}
	if heard[channel] == 0 {
		return fmt.Errorf("nobody listens to %s: hints went another way", channel)
	}
	said := []any{s.Revision, s.Revision, s.Revision - 1, s.Revision - 2, 1, 0, -7, s.Revision + 1000, "nonsense", "", strings.Repeat("9", 40)}
	rand.Shuffle(len(said), func(i, j int) { said[i], said[j] = said[j], said[i] })
	for _, one := range said {
		if err := c.kvdb.Publish(ctx, channel, one).Err(); err != nil {
			return err
		}
	}
	return nil
}
