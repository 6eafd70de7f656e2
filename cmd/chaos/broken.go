package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/parley-run/parley/fixtures"
)

// failing is a file that is deployed well and fails at each request: what a refusal keeps from serving.
const failing = "def handle(self):\n    fail(\"at each request\")\nservice(name = \"bench.record\", handle = handle)\n"

// broken is F2: deploys that must be refused, of the service under load.
func broken() check {
	return check{
		name: "F2", title: "deploys that cannot run", prove: "what is deployed compiles, and fails at each request",
		do: func(ctx context.Context, e *env) (_ *outcome, err error) {
			c, err := e.start(ctx, fixtures.Spec{})
			if err != nil {
				return nil, err
			}
			defer func() { err = endOf(c, err) }()
			n := e.times("F2", 50)
			o := &outcome{done: fmt.Sprintf("%d refused", n)}
			before, err := c.Status(ctx)
			if err != nil {
				return nil, err
			}
			window := max(3*time.Second, time.Duration(n)*200*time.Millisecond)
			err = c.under(ctx, o, e.rate("F2rate", 300), window*2+2*settle, func(ctx context.Context) error {
				return evenly(ctx, n, window, func(i int) error { return c.refuse(ctx, e, o, i) })
			})
			if err != nil {
				return o, err
			}
			o.nothingLost()
			after, err := c.Status(ctx)
			if err != nil {
				return o, err
			}
			if after.Revision != before.Revision {
				o.fault("the catalog was at revision %d, and is at %d", before.Revision, after.Revision)
			}
			return o, c.same(ctx, o)
		},
	}
}

// refuse deploys a file that must be refused, with its place.
func (c *cluster) refuse(ctx context.Context, e *env, o *outcome, i int) error {
	source, says := wrong(i)
	if e.sabotage {
		source = failing
	}
	file, err := c.Put("record.star", []byte(source))
	if err != nil {
		return err
	}
	_, err = c.Deploy(ctx, file)
	said, refused := fixtures.Refused(err)
	switch {
	case err == nil:
		o.fault("deploy %d was not refused:\n%.80s", i, source)
	case !refused:
		return err
	case !strings.Contains(said, says):
		o.fault("deploy %d was refused with %q, expected %q in it", i, strings.TrimSpace(said), says)
	}
	return nil
}
