package steps

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/parley-run/parley/fixtures"
)

// clusterFaultSteps are what may happen to a cluster.
func clusterFaultSteps() []Step {
	server := func(words, doc string, do func(*fixtures.Cluster, context.Context, int) error) Step {
		return either("server {n} "+words, doc, "server 2 "+words, onNumber(do))
	}
	link := func(words, doc, example string, do func(*fixtures.Links, string, Args) error) Step {
		return either("the link between {mock} and {mock} "+words, doc, "the link between servers and the database "+example, onLink(do))
	}
	return []Step{
		server("is paused", "It stands still: its connections stay open, and nothing answers.", (*fixtures.Cluster).Pause),
		server("is resumed", "It is paused no more.", (*fixtures.Cluster).Resume),
		server("is drained", "The balancer gives it no new requests.", (*fixtures.Cluster).Drain),
		server("takes requests again", "It is drained no more.", (*fixtures.Cluster).Undrain),
		server("is cut off", "Nothing goes through its links, and nothing is refused. Of servers in containers whose links can be cut.",
			func(c *fixtures.Cluster, _ context.Context, n int) error { return c.CutOff(n) }),
		either("all links are whole again", "Whatever was done to them.", "all links are whole again", mendAll),
		either("the disk of server {n} is full", "Of a cluster whose test cluster file gives its servers a disk.", "the disk of server 1 is full", onNumber((*fixtures.Cluster).FillDisk)),
		either("the disk of server {n} has room again", "It is full no more.", "the disk of server 1 has room again", onNumber((*fixtures.Cluster).FreeDisk)),
		link("is cut", "Connections end and new ones are refused. One side is the servers, the other the database, Redis, the balancer, the back ends or one of them.", "is cut",
			func(l *fixtures.Links, name string, _ Args) error { return l.Cut(name) }),
		link("stalls", "Nothing goes through, and nothing is refused.", "stalls",
			func(l *fixtures.Links, name string, _ Args) error { return l.Stall(name) }),
		link("is slowed by {n} ms", "What goes there and back takes so much longer.", "is slowed by 200 ms",
			func(l *fixtures.Links, name string, a Args) error {
				ms, err := a.Float(2)
				if err != nil {
					return err
				}
				return l.Slow(name, time.Duration(ms*float64(time.Millisecond)))
			}),
		link("is whole again", "Whatever was done to it.", "is whole again",
			func(l *fixtures.Links, name string, _ Args) error { return l.Mend(name) }),
	}
}

func onNumber(do func(*fixtures.Cluster, context.Context, int) error) func(context.Context, *World, Args) error {
	return func(ctx context.Context, w *World, a Args) error {
		c, err := w.cluster()
		if err != nil {
			return err
		}
		n, err := a.Int(0)
		if err != nil {
			return err
		}
		return do(c, ctx, n)
	}
}

func onLink(do func(*fixtures.Links, string, Args) error) func(context.Context, *World, Args) error {
	return func(_ context.Context, w *World, a Args) error {
		c, err := w.cluster()
		if err != nil {
			return err
		}
		name, err := linkNamed(a.Text(0), a.Text(1))
		if err != nil {
			return err
		}
		return do(c.Links(), name, a)
	}
}

// linkNamed is the link between two parts, one of which is the servers.
func linkNamed(a, b string) (string, error) {
	plain := func(name string) string {
		name = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(name)), "the ")
		switch name = strings.TrimSuffix(name, " system"); name {
		case "postgresql":
			return fixtures.LinkDatabase
		case "haproxy", "load-balancer":
			return fixtures.LinkBalancer
		case "back-ends", "mocks":
			return fixtures.LinkBackEnds
		}
		return name
	}
	a, b = plain(a), plain(b)
	switch {
	case a == "servers":
		return b, nil
	case b == "servers":
		return a, nil
	}
	return "", fmt.Errorf("a link is between the servers and something else, not between %s and %s", a, b)
}

func mendAll(_ context.Context, w *World, _ Args) error {
	c, err := w.cluster()
	if err != nil {
		return err
	}
	return c.MendAll()
}
