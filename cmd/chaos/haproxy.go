package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/parley-run/parley/fixtures"
)

// behindHAProxy starts a cluster whose supervisor runs HAProxy.
func (e *env) behindHAProxy(ctx context.Context) (*cluster, error) {
	return e.start(ctx, fixtures.Spec{Balancer: fixtures.Part{Source: fixtures.Installed}})
}

// reloads is F14: HAProxy's configuration is loaded anew, again and again.
func reloads() check {
	return check{
		name: "F14", title: "reloads of HAProxy", needs: "haproxy", prove: "HAProxy is killed and started, not reloaded",
		do: func(ctx context.Context, e *env) (_ *outcome, err error) {
			c, err := e.behindHAProxy(ctx)
			if err != nil {
				return nil, err
			}
			defer func() { err = endOf(c, err) }()
			n := e.times("F14", 20)
			if e.sabotage {
				n = min(n, 3)
			}
			o := &outcome{done: fmt.Sprintf("%d reloads", n)}
			window := time.Duration(n) * 300 * time.Millisecond
			err = c.under(ctx, o, e.rate("rate", 1000), 3*window+10*time.Second, func(ctx context.Context) error {
				return evenly(ctx, n, window, func(int) error {
					if e.sabotage {
						_, err := c.killHAProxy(ctx)
						return err
					}
					_, err := c.Parley(ctx, "haproxy", "reload")
					return err
				})
			})
			if err != nil {
				return o, err
			}
			o.nothingLost()
			return o, c.same(ctx, o)
		},
	}
}

// haproxyKilled is the other half of F14: what was under way may be of unknown outcome, and nothing else is.
func haproxyKilled() check {
	return check{
		name: "F14k", title: "kill -9 of HAProxy", needs: "haproxy", prove: "one number is recorded twice, and one not at all",
		do: func(ctx context.Context, e *env) (_ *outcome, err error) {
			c, err := e.behindHAProxy(ctx)
			if err != nil {
				return nil, err
			}
			defer func() { err = endOf(c, err) }()
			n, inFlight := e.times("F14k", 1), 0
			o := &outcome{}
			err = c.under(ctx, o, e.rate("rate", 1000), time.Duration(n)*10*time.Second, func(ctx context.Context) error {
				err := evenly(ctx, n, time.Duration(n)*time.Second, func(int) error {
					met, err := c.killHAProxy(ctx)
					inFlight += met
					return err
				})
				if err == nil && e.sabotage {
					err = c.forge(ctx)
				}
				return err
			})
			o.done = fmt.Sprintf("%d kills, %d in flight", n, inFlight)
			if err != nil {
				return o, err
			}
			o.balancerKilledOnly(inFlight)
			return o, c.same(ctx, o)
		},
	}
}

// killHAProxy kills all processes of HAProxy, counts the requests that were under way until they were gone, and waits until
// another serves.
func (c *cluster) killHAProxy(ctx context.Context) (int, error) {
	pid, err := c.haproxyPID()
	if err != nil {
		return 0, err
	}
	count := c.traffic.Count()
	if err := syscall.Kill(-pid, syscall.SIGKILL); err != nil { // its group: the one that holds HAProxy and the one that serves
		return 0, err
	}
	gone := func() bool { // or what is left of it waits for somebody to ask how it ended
		now, err := c.haproxyPID()
		return syscall.Kill(-pid, 0) != nil || err == nil && now != pid
	}
	if err := until(ctx, gone); err != nil {
		return 0, fmt.Errorf("HAProxy, process %d, does not end: %w", pid, err)
	}
	met := count()
	err = until(ctx, func() bool {
		now, err := c.haproxyPID()
		return err == nil && now != pid
	})
	if err != nil {
		return 0, fmt.Errorf("HAProxy is not started again: %w", err)
	}
	return met, nil
}

// haproxyPID is the process that holds the cluster's HAProxy: the log of the supervisor names it.
func (c *cluster) haproxyPID() (int, error) {
	raw, err := os.ReadFile(filepath.Join(c.Dir(), "logs", "supervisor.log"))
	if err != nil {
		return 0, err
	}
	text := string(raw)
	last := strings.LastIndex(text, `msg="haproxy serves"`)
	if last < 0 {
		return 0, errors.New("the supervisor's log names no HAProxy")
	}
	_, after, _ := strings.Cut(text[last:], "pid=")
	number, _, _ := strings.Cut(after, " ")
	return strconv.Atoi(number)
}
