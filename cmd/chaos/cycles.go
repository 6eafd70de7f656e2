package main

import (
	"context"
	"fmt"
	"time"

	"github.com/parley-run/parley/fixtures"
	"github.com/parley-run/parley/runtime/admin"
)

const (
	warmCycles  = 30      // before the first look: pools and caches fill
	heapMay     = 2 << 20 // bytes by which the heap may differ
	calmTime    = 15 * time.Second
	cycleSource = "# %d\nTABLE = [%d + i for i in range(2000)]\n\ndef handle(self):\n    self.response.payload = {\"n\": TABLE[0]}\n\nservice(name = \"%s\", handle = handle)\n"
)

// memory is what parley.server.memory says.
type memory struct {
	Heap       int64 `json:"heap"`
	Goroutines int   `json:"goroutines"`
}

// cycles is F3: a service is deployed and taken away again and again, and leaves nothing behind.
func cycles() check {
	return check{
		name: "F3", title: "cycles of deploy and undeploy leave no memory behind", prove: "services are deployed under new names, and not taken away",
		do: func(ctx context.Context, e *env) (_ *outcome, err error) {
			c, err := e.start(ctx, fixtures.Spec{})
			if err != nil {
				return nil, err
			}
			defer func() { err = endOf(c, err) }()
			n := e.times("F3", 500)
			o := &outcome{}
			if err := c.cycle(ctx, false, 0, warmCycles); err != nil {
				return nil, err
			}
			before, err := c.memories(ctx, nil)
			if err != nil {
				return nil, err
			}
			if err := c.cycle(ctx, e.sabotage, warmCycles, n*scale(e)); err != nil {
				return nil, err
			}
			after, err := c.memories(ctx, before)
			if err != nil {
				return nil, err
			}
			var most int64
			for i := range before {
				grew := after[i].Heap - before[i].Heap
				most = max(most, grew)
				if grew > heapMay {
					o.fault("%s: the heap grew by %d KiB, from %d KiB", c.ServerName(i+1), grew>>10, before[i].Heap>>10)
				}
				if after[i].Goroutines > before[i].Goroutines {
					o.fault("%s: %d goroutines more, %d at first", c.ServerName(i+1), after[i].Goroutines-before[i].Goroutines, before[i].Goroutines)
				}
			}
			o.done = fmt.Sprintf("%d cycles, heap %+d KiB at most", n, most>>10)
			return o, c.same(ctx, o)
		},
	}
}

// scale makes what is left behind under --prove more than the check tolerates.
func scale(e *env) int {
	if e.sabotage {
		return 10
	}
	return 1
}

// cycle deploys and undeploys n times over the admin API of one server, which waits for the others.
func (c *cluster) cycle(ctx context.Context, keep bool, from, n int) error {
	client := admin.NewClient(c.admins[0], c.token)
	defer client.CloseIdle()
	for i := from; i < from+n; i++ {
		name := "chaos.cycle"
		if keep {
			name = fmt.Sprintf("chaos.cycle-%d", i)
		}
		file := map[string]any{"name": name + ".star", "source": fmt.Sprintf(cycleSource, i, i, name)}
		if err := client.Call(ctx, "parley.service.deploy", map[string]any{"files": []any{file}}, nil); err != nil {
			return fmt.Errorf("deploy %d: %w", i, err)
		}
		if keep {
			continue
		}
		if err := client.Call(ctx, "parley.service.undeploy", map[string]any{"names": []string{name}}, nil); err != nil {
			return fmt.Errorf("undeploy %d: %w", i, err)
		}
	}
	return nil
}

// memories are those of all servers. Goroutines end a little after what they were for: where there are more than in
// before, it looks again for a while.
func (c *cluster) memories(ctx context.Context, before []memory) ([]memory, error) {
	deadline := time.Now().Add(calmTime)
	for {
		all, more := make([]memory, servers), false
		for i := range all {
			if err := c.call(ctx, i+1, "parley.server.memory", struct{}{}, &all[i]); err != nil {
				return nil, err
			}
			more = more || before != nil && (all[i].Goroutines > before[i].Goroutines || all[i].Heap > before[i].Heap+heapMay)
		}
		if before == nil && time.Until(deadline) > calmTime-time.Second {
			if err := pause(ctx, time.Second); err != nil { // what the last requests left ends by itself
				return nil, err
			}
			continue
		}
		if !more || time.Now().After(deadline) {
			return all, nil
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return nil, err
		}
	}
}
