package main

import (
	"context"
	"fmt"
	"time"

	"github.com/parley-run/parley/fixtures"
)

// deploys is F1: versions of the service under load, one after the other, behind HAProxy.
func deploys() check {
	return check{
		name: "F1", title: "hot deploys of the service under load, behind HAProxy", needs: "haproxy", prove: "each deploy takes the service away first",
		do: func(ctx context.Context, e *env) (*outcome, error) {
			return e.deploy(ctx, fixtures.Spec{Balancer: fixtures.Part{Source: fixtures.Installed}}, e.times("F1", 100))
		},
	}
}

// embeddedDeploys is F1 where nothing is installed.
func embeddedDeploys() check {
	return check{
		name: "F1e", title: "the same, with the embedded load-balancer", prove: "each deploy takes the service away first",
		do: func(ctx context.Context, e *env) (*outcome, error) {
			return e.deploy(ctx, fixtures.Spec{}, e.times("F1e", 20))
		},
	}
}

// deploy deploys n times to a cluster of that spec, under load.
func (e *env) deploy(ctx context.Context, spec fixtures.Spec, n int) (_ *outcome, err error) {
	c, err := e.start(ctx, spec)
	if err != nil {
		return nil, err
	}
	defer func() { err = endOf(c, err) }()
	o := &outcome{done: fmt.Sprintf("%d deploys", n)}
	window := max(3*time.Second, time.Duration(n)*150*time.Millisecond)
	slow := 0
	err = c.under(ctx, o, e.rate("rate", 1000), window*3/2+2*settle, func(ctx context.Context) error {
		return evenly(ctx, n, window, func(i int) error {
			if e.sabotage {
				if _, err := c.Undeploy(ctx, "bench.record"); err != nil {
					return err
				}
			}
			file, err := c.Sample(fmt.Sprintf("record/v%d/record.star", 2-i%2))
			if err != nil {
				return err
			}
			d, err := c.Deploy(ctx, file)
			if err != nil {
				return err
			}
			if len(d.Servers) != servers {
				slow++
			}
			return nil
		})
	})
	if err != nil {
		return o, err
	}
	o.nothingLost()
	if slow > 0 {
		o.fault("%d deploys did not reach all %d servers", slow, servers)
	}
	return o, c.same(ctx, o)
}

// endOf ends the cluster; what went wrong before comes first.
func endOf(c *cluster, err error) error {
	if ended := c.end(); err == nil {
		return ended
	}
	return err
}

// wrong are files that cannot be deployed, each with what the refusal must say. The number keeps each apart from the last.
func wrong(i int) (source, says string) {
	const end = "\nservice(name = \"bench.record\", handle = handle)\n"
	kinds := []struct{ source, says string }{
		{"def handle(self):\n    self.response.payload = {\"version\" 3}\n" + end, ":2:"},
		{"def handle(self):\n    respond({\"version\": 3})\n" + end, ":2:"},
		{"def handle(self):\n    pass\nN = [x for x in range(1 << 40)]\n" + end, ":3:"},
		{"def handle(self):\n    pass\nfail(\"at the top level\")\n" + end, ":3:"},
		{"def handle(self):\n    pass\nx = 1 // 0\n" + end, ":3:"},
		{"load(\"no-such-file.star\", \"x\")\ndef handle(self):\n    pass\n" + end, "no-such-file.star"},
		{"def other(self):\n    pass\nservice(name = \"bench.record\", handle = handle)\n", ":3:"},
		{"service(name = \"demo.version\", handle = lambda self: None)\n", "demo.version"},
		{"\x00\xff binary", ":1:"},
		{"def handle(self):\n    pass\nA = " + "(" + "1" + end, ":"},
	}
	k := kinds[i%len(kinds)]
	return fmt.Sprintf("%s# %d\n", k.source, i), k.says
}
