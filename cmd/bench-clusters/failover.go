package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/parley-run/parley/bench/figures"
	"github.com/parley-run/parley/fixtures"
)

const (
	failoverTarget = 500.0 // ms
	failoverLimit  = 10 * time.Second
)

// failover measures from the kill -9 of a server until the load-balancer gives it no more requests.
func failover(ctx context.Context, o options) (figures.Section, error) {
	s := figures.Section{Title: "kill -9 of a server, until the load-balancer counts it out"}
	for _, source := range []fixtures.Source{fixtures.Embedded, fixtures.Installed} {
		took, err := kills(ctx, o.rounds, source)
		if missing(err) {
			s.Notes = append(s.Notes, fmt.Sprintf("%s: not measured: %v", source, err))
			continue
		} else if err != nil {
			return s, err
		}
		what := map[fixtures.Source]string{fixtures.Embedded: "the embedded load-balancer", fixtures.Installed: "HAProxy"}[source]
		s.Figures = append(s.Figures, figures.Median("failover."+string(source), what, took, "ms").AtMost(failoverTarget))
	}
	s.Notes = append(s.Notes, "as `parley status` tells it, whose own process is in it")
	return s, nil
}

func kills(ctx context.Context, rounds int, balancer fixtures.Source) (took []float64, err error) {
	c, err := fixtures.Start(ctx, fixtures.Spec{Servers: 2, Balancer: fixtures.Part{Source: balancer}})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	for range rounds {
		began := time.Now()
		if err := c.Kill(ctx, 1); err != nil {
			return nil, err
		}
		if err := awaitDown(ctx, c, c.ServerName(1)); err != nil {
			return nil, err
		}
		took = append(took, figures.MS(time.Since(began)))
		if err := c.StartServer(ctx, 1); err != nil {
			return nil, err
		}
	}
	return took, nil
}

func awaitDown(ctx context.Context, c *fixtures.Cluster, name string) error {
	ctx, cancel := context.WithTimeout(ctx, failoverLimit)
	defer cancel()
	for {
		status, err := c.Status(ctx)
		if err != nil {
			return err
		}
		for _, s := range status.Servers {
			if s.Name == name && s.State == "down" {
				return nil
			}
		}
	}
}
