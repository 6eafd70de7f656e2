package main

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/parley-run/parley/fixtures"
)

// kills are of servers, one after the other, which are started again: what was under way may be of unknown outcome, and
// nothing else is.
func kills() check {
	return check{
		name: "kill", title: "kill -9 of servers in turn", prove: "one number is recorded twice, and one not at all",
		do: func(ctx context.Context, e *env) (_ *outcome, err error) {
			c, err := e.start(ctx, fixtures.Spec{})
			if err != nil {
				return nil, err
			}
			defer func() { err = endOf(c, err) }()
			n, inFlight := e.times("kill", 3), 0
			o := &outcome{}
			err = c.under(ctx, o, e.rate("rate", 1000), time.Duration(n)*4*time.Second+3*time.Second, func(ctx context.Context) error {
				for i := range n {
					met, err := c.killCounting(ctx, i%servers+1)
					if err != nil {
						return err
					}
					inFlight += met
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
			o.done = fmt.Sprintf("%d kills, %d in flight", n, inFlight)
			if err != nil {
				return o, err
			}
			o.killedOnly(inFlight)
			return o, c.same(ctx, o)
		},
	}
}

// killCounting kills server n, and counts the requests that were under way, through whichever server, from the kill until the
// process was gone. It returns when the supervisor has seen that.
func (c *cluster) killCounting(ctx context.Context, n int) (int, error) {
	s, err := c.Status(ctx)
	if err != nil {
		return 0, err
	}
	pid := s.Servers[n-1].PID
	if pid == 0 {
		return 0, fmt.Errorf("%s does not run", c.ServerName(n))
	}
	count := c.traffic.Count()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return 0, err
	}
	if err := until(ctx, func() bool { return syscall.Kill(pid, 0) != nil }); err != nil {
		return 0, fmt.Errorf("%s, process %d, does not end: %w", c.ServerName(n), pid, err)
	}
	met := count()
	return met, until(ctx, func() bool {
		s, err = c.Status(ctx)
		return err == nil && s.Servers[n-1].PID != pid
	})
}

// until waits a while for something to hold.
func until(ctx context.Context, holds func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for !holds() {
		if err := pause(ctx, time.Millisecond); err != nil {
			return err
		}
	}
	return nil
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
