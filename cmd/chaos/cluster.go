package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/parley-run/parley/bench"
	"github.com/parley-run/parley/fixtures"
	"github.com/parley-run/parley/runtime/admin"
)

const (
	servers  = 3
	recorded = "bench:ids" // where the sample service appends the number of each request
	settle   = time.Second // of load before a fault and after it
)

// cluster is one under test: with the sample service that records, and a service whose versions can be told apart.
type cluster struct {
	*fixtures.Cluster
	kvdb    *redis.Client
	token   string
	admins  []string       // of the servers' admin APIs, host:port
	traffic *bench.Traffic // of the load that runs
}

// definitions are the channels of the sample services.
const definitions = `channel_rest:
  - {name: Record, service: bench.record, url_path: /bench/record, method: POST, data_format: json}
  - {name: Version, service: demo.version, url_path: /demo/version, data_format: json}
`

// start starts a cluster; the caller must end it.
func (e *env) start(ctx context.Context, spec fixtures.Spec) (_ *cluster, err error) {
	spec.Binary = e.binary
	if spec.Servers == 0 {
		spec.Servers = servers
	}
	started, err := fixtures.Start(ctx, spec)
	if err != nil {
		return nil, err
	}
	c := &cluster{Cluster: started}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.end())
		}
	}()
	raw, err := os.ReadFile(filepath.Join(started.Dir(), "admin.token"))
	if err != nil {
		return nil, err
	}
	c.token = strings.TrimSpace(string(raw))
	o, err := redis.ParseURL(started.KVDB())
	if err != nil {
		return nil, err
	}
	c.kvdb = redis.NewClient(o)
	status, err := started.Status(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range status.Servers {
		c.admins = append(c.admins, s.Admin)
	}
	file, err := started.Put("chaos.yaml", []byte(definitions))
	if err != nil {
		return nil, err
	}
	if err := started.Import(ctx, nil, file); err != nil {
		return nil, err
	}
	return c, c.deploySamples(ctx, "record/v1/record.star", "version/v1/version.star")
}

func (c *cluster) end() error {
	var err error
	if c.kvdb != nil {
		err = c.kvdb.Close()
	}
	return errors.Join(err, c.Close())
}

func (c *cluster) deploySamples(ctx context.Context, names ...string) error {
	for _, name := range names {
		file, err := c.Sample(name)
		if err != nil {
			return err
		}
		if _, err := c.Deploy(ctx, file); err != nil {
			return err
		}
	}
	return nil
}

// call invokes an internal service of server n.
func (c *cluster) call(ctx context.Context, n int, name string, in, out any) error {
	client := admin.NewClient(c.admins[n-1], c.token)
	defer client.CloseIdle()
	return client.Call(ctx, name, in, out)
}

// under sends rate requests a second while do runs, from a while before it until a while after, and keeps the outcome in o.
// The load is planned for most, and ends earlier where do does.
func (c *cluster) under(ctx context.Context, o *outcome, rate float64, most time.Duration, do func(ctx context.Context) error) error {
	if err := c.kvdb.Del(ctx, recorded).Err(); err != nil {
		return err
	}
	var done error
	enough := make(chan struct{})
	c.traffic = &bench.Traffic{}
	result, err := bench.Run(ctx, bench.Profile{
		Name: "load", Rate: rate, Duration: bench.Duration(most), Timeout: bench.Duration(10 * time.Second), MaxScheduleLag: bench.Duration(time.Minute),
		Request: bench.Request{Path: "/bench/record", Headers: map[string]string{"Content-Type": "application/json"}, Body: `{"id":{{id}}}`},
		Events:  []bench.Event{{Name: "the fault", At: bench.Duration(settle), Do: bench.EventRun, Run: "the fault"}},
		Log:     &bench.Log{KVDBList: recorded},
	}, bench.Options{
		Address: c.Address(),
		Do: func(ctx context.Context, _ bench.Event) error {
			done = do(ctx)
			time.AfterFunc(settle, func() { close(enough) })
			return done
		},
		Enough:   enough,
		Traffic:  c.traffic,
		Executed: func(ctx context.Context) ([]string, error) { return c.kvdb.LRange(ctx, recorded, 0, -1).Result() },
	})
	if err != nil {
		return err
	}
	o.result = result
	if done != nil {
		return done
	}
	if e := result.Events[0]; e.At+e.Took/1000 > result.Duration {
		o.fault("the load of %gs was over before the fault was, after %.1f s: ask for less, or free the machine", result.Duration, e.At+e.Took/1000)
	}
	return nil
}

// evenly does step n times within d, and as fast as it can where that is too short.
func evenly(ctx context.Context, n int, d time.Duration, step func(i int) error) error {
	began := time.Now()
	for i := range n {
		timer := time.NewTimer(time.Until(began.Add(d * time.Duration(i) / time.Duration(n))))
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
		if err := step(i); err != nil {
			return fmt.Errorf("%d of %d: %w", i+1, n, err)
		}
	}
	return nil
}

// same holds that all servers are up, at one revision with one content, and nothing is quarantined.
func (c *cluster) same(ctx context.Context, o *outcome) error {
	deadline := time.Now().Add(10 * time.Second)
	for {
		s, err := c.Status(ctx)
		if err != nil {
			return err
		}
		var off []string
		for _, one := range s.Servers {
			if one.State != "up" || one.Revision != s.Revision || one.Hash != s.Servers[0].Hash || len(one.Quarantined) > 0 {
				off = append(off, fmt.Sprintf("%s is %s, at revision %d of %d with content %s, quarantined %v", one.Name, one.State, one.Revision, s.Revision, one.Hash, one.Quarantined))
			}
		}
		if len(off) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			o.fault("the servers differ: %s", strings.Join(off, "; "))
			return nil
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
