package supervisor

import (
	"context"
	"time"
)

// repeat does something again and again until ctx ends. What is wrong goes to warn once, until it is something else.
func repeat(ctx context.Context, every time.Duration, do func(context.Context) error, warn func(error)) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	said := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := ""
		if err := do(ctx); err != nil && ctx.Err() == nil {
			if now = err.Error(); now != said {
				warn(err)
			}
		}
		said = now
	}
}
