package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/parley-run/parley/bench/figures"
	"github.com/parley-run/parley/fixtures"
)

// upTargets are the seconds in which a cluster of two servers is up, by its source.
func upTargets() map[fixtures.Source]float64 {
	return map[fixtures.Source]float64{fixtures.Embedded: 0.5, fixtures.Installed: 3, fixtures.Containers: 8}
}

// up measures from the call to two servers that are ready.
func up(ctx context.Context, o options) (figures.Section, error) {
	s := figures.Section{Title: "a cluster of 2 servers, from nothing until all of them are ready"}
	for _, name := range o.sources {
		source := fixtures.Source(name)
		target, known := upTargets()[source]
		if !known {
			return s, fmt.Errorf("--sources: %q is none of embedded, installed, containers", name)
		}
		var took, ended []float64
		for range o.rounds + 1 { // the first one makes images and warms the disk up
			began := time.Now()
			c, err := fixtures.Start(ctx, fixtures.Spec{Servers: 2, Source: source})
			if missing(err) {
				s.Notes = append(s.Notes, fmt.Sprintf("%s: not measured: %v", source, err))
				break
			} else if err != nil {
				return s, fmt.Errorf("%s: %w", source, err)
			}
			took = append(took, time.Since(began).Seconds())
			began = time.Now()
			if err := c.Close(); err != nil {
				return s, fmt.Errorf("%s: %w", source, err)
			}
			ended = append(ended, time.Since(began).Seconds())
		}
		if len(took) > 1 {
			s.Figures = append(s.Figures,
				figures.Median("up."+name, name, slices.Clone(took[1:]), "s").AtMost(target),
				figures.Median("up."+name+".closed", name+", until nothing is left of it", slices.Clone(ended[1:]), "s"))
		}
	}
	s.Notes = append(s.Notes, "the first cluster of each source is not counted")
	return s, nil
}
