package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/parley-run/parley/bench/figures"
	"github.com/parley-run/parley/fixtures"
)

const (
	servers        = 3
	hintedTarget   = 100.0  // ms, p99
	unhintedTarget = 3000.0 // ms, p99
	askEvery       = time.Millisecond
)

const channel = "channel_rest:\n  - {name: Version, service: version, url_path: /bench/version}\n"

func version(n int) string {
	return fmt.Sprintf("def handle(self):\n    self.response.payload = {\"version\": \"v%d.\"}\n", n)
}

// deploys measures from the start of `parley deploy` to the first reply of the new version on every server.
func deploys(ctx context.Context, o options) (s figures.Section, err error) {
	s.Title = fmt.Sprintf("`parley deploy FILE`, from its start to the first reply of the new version on all of %d servers, PostgreSQL and Redis", servers)
	in := fixtures.Part{Source: fixtures.Installed}
	c, err := fixtures.Start(ctx, fixtures.Spec{Servers: servers, Database: in, Redis: in})
	if missing(err) {
		s.Notes = []string{fmt.Sprintf("not measured: %v", err)}
		return s, nil
	} else if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	d := &deployer{cluster: c, client: &http.Client{Timeout: 10 * time.Second}}
	if err := d.prepare(ctx); err != nil {
		return s, err
	}
	hinted, err := d.several(ctx, o.deploys)
	if err != nil {
		return s, err
	}
	redis, err := c.Store(fixtures.LinkRedis)
	if err != nil {
		return s, err
	}
	if err := redis.Stop(); err != nil {
		return s, err
	}
	unhinted, err := d.several(ctx, max(o.deploys/10, 1))
	if err != nil {
		return s, fmt.Errorf("without Redis: %w", err)
	}
	s.Figures = []figures.Figure{
		figures.Median("deploy.hinted", "with hints, median", hinted, "ms"),
		figures.Of("deploy.hinted_p99", "with hints, p99", figures.Quantile(hinted, 0.99), "ms").AtMost(hintedTarget),
		figures.Median("deploy.unhinted", "without (Redis is stopped), median", unhinted, "ms"),
		figures.Of("deploy.unhinted_p99", "without, p99", figures.Quantile(unhinted, 0.99), "ms").AtMost(unhintedTarget),
	}
	s.Notes = []string{fmt.Sprintf("each server is asked for its version again %s after each reply; the command's own process is in it", askEvery)}
	return s, nil
}

// deployer deploys versions of a service and watches the servers.
type deployer struct {
	cluster *fixtures.Cluster
	client  *http.Client
	last    int
}

func (d *deployer) prepare(ctx context.Context) error {
	definitions, err := d.cluster.Put("version.yaml", []byte(channel))
	if err != nil {
		return err
	}
	if _, err := d.once(ctx, false); err != nil {
		return err
	}
	if err := d.cluster.Import(ctx, nil, definitions); err != nil {
		return err
	}
	_, err = d.several(ctx, 5)
	return err
}

func (d *deployer) several(ctx context.Context, n int) ([]float64, error) {
	var took []float64
	for range n {
		one, err := d.once(ctx, true)
		if err != nil {
			return nil, err
		}
		took = append(took, figures.MS(one))
	}
	return took, nil
}

// once deploys the next version, and says how long it took until every server answered with it.
func (d *deployer) once(ctx context.Context, watch bool) (time.Duration, error) {
	d.last++
	file, err := d.cluster.Put("version.star", []byte(version(d.last)))
	if err != nil {
		return 0, err
	}
	group, ctx := errgroup.WithContext(ctx)
	seen := make([]time.Duration, servers)
	began := time.Now()
	group.Go(func() error {
		_, err := d.cluster.Deploy(ctx, file)
		return err
	})
	for i := range seen {
		group.Go(func() error {
			defer func() { seen[i] = time.Since(began) }()
			if !watch {
				return nil
			}
			return d.await(ctx, d.cluster.ServerAddress(i+1)+"/bench/version", fmt.Sprintf("v%d.", d.last))
		})
	}
	err = group.Wait()
	return max(seen[0], seen[1], seen[2]), err
}

func (d *deployer) await(ctx context.Context, url, want string) error {
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			return err
		}
		resp, err := d.client.Do(req)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			return err
		}
		if strings.Contains(string(body), want) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(askEvery):
		}
	}
}
