package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/parley-run/parley/fixtures"
)

// rolling is F11: all servers are restarted, one after the other.
func rolling() check {
	return check{
		name: "F11", title: "a rolling restart", prove: "servers are killed and started, not drained",
		do: func(ctx context.Context, e *env) (_ *outcome, err error) {
			c, err := e.start(ctx, fixtures.Spec{})
			if err != nil {
				return nil, err
			}
			defer func() { err = endOf(c, err) }()
			n := e.times("F11", 1)
			o := &outcome{done: fmt.Sprintf("%d times %d servers", n, servers)}
			err = c.under(ctx, o, e.rate("rate", 1000), time.Duration(n)*10*time.Second, func(ctx context.Context) error {
				for range n {
					if !e.sabotage {
						if err := c.RestartRolling(ctx); err != nil {
							return err
						}
						continue
					}
					for s := range servers {
						if err := c.Kill(ctx, s+1); err != nil {
							return err
						}
					}
					for s := range servers {
						if err := c.StartServer(ctx, s+1); err != nil {
							return err
						}
					}
				}
				return nil
			})
			if err != nil {
				return o, err
			}
			o.nothingLost()
			return o, c.same(ctx, o)
		},
	}
}

// upgrades is the other half of F11: from one program to the next and back.
func upgrades() check {
	return check{
		name: "F11u", title: "a rolling upgrade from N to N+1 and back to N", prove: "the new program is put in by a stop of all servers",
		do: func(ctx context.Context, e *env) (_ *outcome, err error) {
			c, err := e.start(ctx, fixtures.Spec{})
			if err != nil {
				return nil, err
			}
			defer func() { err = endOf(c, err) }()
			next := filepath.Join(filepath.Dir(c.Dir()), "parley-next")
			if err := copyProgram(e.binary, next); err != nil {
				return nil, err
			}
			n := e.times("F11u", 1)
			o := &outcome{done: fmt.Sprintf("%d times there and back", n)}
			err = c.under(ctx, o, e.rate("rate", 1000), time.Duration(n)*25*time.Second, func(ctx context.Context) error {
				for range n {
					for _, program := range []string{next, e.binary} {
						if err := c.to(ctx, program, e.sabotage); err != nil {
							return err
						}
					}
				}
				return nil
			})
			if err != nil {
				return o, err
			}
			o.nothingLost()
			return o, c.same(ctx, o)
		},
	}
}

func (c *cluster) to(ctx context.Context, program string, sabotage bool) error {
	if !sabotage {
		return c.Upgrade(ctx, program)
	}
	for s := range servers {
		if err := c.StopServer(ctx, s+1); err != nil {
			return err
		}
	}
	if err := pause(ctx, 3*time.Second); err != nil { // longer than the load-balancer lets requests wait
		return err
	}
	for s := range servers {
		if err := c.StartServer(ctx, s+1); err != nil {
			return err
		}
	}
	return nil
}

// copyProgram makes another file of the same program: to the supervisor it is another one.
func copyProgram(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // only read
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if closed := out.Close(); err == nil {
		err = closed
	}
	return err
}
