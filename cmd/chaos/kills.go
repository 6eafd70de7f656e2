package main

import (
	"context"
	"fmt"
	"time"

	"github.com/parley-run/parley/fixtures"
)

// handling bounds how many requests a server that is killed may have been handling.
const handling = 100

// kills are of servers, one after the other, which are started again: what they were handling may be of unknown outcome,
// and nothing else is.
func kills() check {
	return check{
		name: "kill", title: "kill -9 of servers in turn", prove: "one number is recorded twice, and one not at all",
		do: func(ctx context.Context, e *env) (_ *outcome, err error) {
			c, err := e.start(ctx, fixtures.Spec{})
			if err != nil {
				return nil, err
			}
			defer func() { err = endOf(c, err) }()
			n := e.times("kill", 3)
			o := &outcome{done: fmt.Sprintf("%d kills", n)}
			err = c.under(ctx, o, e.rate("rate", 1000), time.Duration(n)*4*time.Second+3*time.Second, func(ctx context.Context) error {
				for i := range n {
					if err := c.Kill(ctx, i%servers+1); err != nil {
						return err
					}
					if err := pause(ctx, 500*time.Millisecond); err != nil {
						return err
					}
					if err := c.StartServer(ctx, i%servers+1); err != nil {
						return err
					}
				}
				if e.sabotage {
					return c.forge(ctx)
				}
				return nil
			})
			if err != nil {
				return o, err
			}
			r := o.result
			for _, why := range r.Invalid {
				o.fault("the load proves nothing: %s", why)
			}
			if r.Failed > 0 || r.Executed.Lost > 0 || r.Executed.Doubled > 0 {
				o.fault("%d requests failed, %d were lost, %d doubled%s", r.Failed, r.Executed.Lost, r.Executed.Doubled, firstErrors(r))
			}
			if r.Unknown > n*handling {
				o.fault("%d requests of unknown outcome: more than %d servers can have been handling", r.Unknown, n)
			}
			return o, c.same(ctx, o)
		},
	}
}

// forge makes the service's record wrong.
func (c *cluster) forge(ctx context.Context) error {
	last, err := c.kvdb.RPop(ctx, recorded).Result()
	if err != nil {
		return err
	}
	again, err := c.kvdb.LIndex(ctx, recorded, 0).Result()
	if err != nil {
		return err
	}
	if last == again {
		return fmt.Errorf("the record holds %s alone", last)
	}
	return c.kvdb.RPush(ctx, recorded, again).Err()
}
