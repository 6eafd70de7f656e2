package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/parley-run/parley/bench/figures"
	"github.com/parley-run/parley/fixtures"
)

const (
	deploys       = 200
	cliDeploys    = 10
	pollEvery     = 300 * time.Microsecond
	between       = 5 * time.Millisecond
	deployServers = 2
	oneTarget     = 5.0  // ms, median, on the server that was asked
	bothTarget    = 30.0 // ms, p99, on both
	versionPath   = "/bench/version"
)

// versionChannel exposes the service that answers with the file's version.
const versionChannel = `channel_rest:
  - name: Version
    service: bench.version
    url_path: ` + versionPath + `
    data_format: json
`

// withVersion is the tutorial's file with a service that says which version of the file answers.
func withVersion(tutorial string, n int) string {
	return tutorial + fmt.Sprintf(`
def version(self):
    self.response.payload = {"version": "v%d"}

service(name = "bench.version", handle = version)
`, n)
}

func isVersion(body []byte, n int) bool {
	return strings.Contains(string(body), fmt.Sprintf(`"v%d"`, n))
}

// deploy measures from the call of a deployment to the first reply of the new version.
func deploy(ctx context.Context, o options) (s figures.Section, err error) {
	b, err := serveBackEnds(ctx) // nothing calls them here
	if err != nil {
		return s, err
	}
	cluster, err := o.tutorialCluster(ctx, deployServers, b)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, cluster.Close()) }()
	d, err := newDeployer(ctx, cluster)
	if err != nil {
		return s, err
	}
	defer d.close()
	if err := d.prepare(ctx); err != nil {
		return s, err
	}
	var one, both, calls []float64
	for n := 1; n <= deploys; n++ {
		took, err := d.once(ctx, n)
		if err != nil {
			return s, fmt.Errorf("version %d: %w", n, err)
		}
		one = append(one, figures.MS(took.first))
		both = append(both, figures.MS(max(took.first, took.second)))
		calls = append(calls, figures.MS(took.call))
	}
	commands, err := d.commands(ctx)
	if err != nil {
		return s, err
	}
	flush, err := flushTime(o.dir)
	if err != nil {
		return s, err
	}
	s.Title = fmt.Sprintf("the tutorial's file, %d versions, from the call on server 1 to the first reply of the new version", deploys)
	s.Figures = []figures.Figure{
		figures.Median("deploy.one_median", "on the server that was asked", one, "ms").AtMost(oneTarget),
		figures.Of("deploy.one_p99", "on the server that was asked, p99", figures.Quantile(one, 0.99), "ms"),
		figures.Median("deploy.both_median", "on both servers", both, "ms"),
		figures.Of("deploy.both_p99", "on both servers, p99", figures.Quantile(both, 0.99), "ms").AtMost(bothTarget),
		figures.Median("deploy.call", "until the call returns: both servers have said so", calls, "ms"),
		figures.Median("deploy.command", "`parley deploy FILE`, the whole process", commands, "ms"),
		figures.Median("deploy.flush", "a write and fsync of 4 KB on this disk, for comparison", flush, "ms"),
	}
	s.Notes = []string{fmt.Sprintf("each server is asked for its version again %d us after each reply", pollEvery.Microseconds())}
	return s, nil
}

// deployer deploys versions of the tutorial's file and watches both servers.
type deployer struct {
	cluster  *fixtures.Cluster
	api      *api
	tutorial string
	watchers [deployServers]*wire
}

func newDeployer(ctx context.Context, cluster *fixtures.Cluster) (*deployer, error) {
	tutorial, err := tutorialSource()
	if err != nil {
		return nil, err
	}
	a, err := newAPI(ctx, cluster, 1)
	if err != nil {
		return nil, err
	}
	d := &deployer{cluster: cluster, api: a, tutorial: tutorial}
	for i := range d.watchers {
		address := hostPort(cluster.ServerAddress(i + 1))
		if d.watchers[i], err = dial(ctx, address, requestOf(http.MethodGet, address, versionPath, "")); err != nil {
			d.close()
			return nil, err
		}
	}
	return d, nil
}

func (d *deployer) close() {
	d.api.close()
	for _, w := range d.watchers {
		if w != nil {
			w.close()
		}
	}
}

// prepare deploys a first version and its channel, and a few more to warm up.
func (d *deployer) prepare(ctx context.Context) error {
	channel, err := d.cluster.Put("version.yaml", []byte(versionChannel))
	if err != nil {
		return err
	}
	if err := d.api.deploy(ctx, sourceFile{tutorialFile, withVersion(d.tutorial, 0)}); err != nil {
		return err
	}
	if err := d.cluster.Import(ctx, nil, channel); err != nil {
		return err
	}
	for n := -5; n < 0; n++ {
		if _, err := d.once(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// times are how long one deployment took, from the call: to the first reply of the new version on each
// server, and to the call's return.
type times struct{ first, second, call time.Duration }

func (d *deployer) once(ctx context.Context, n int) (times, error) {
	time.Sleep(between) // what the last deployment left to do is done
	var t times
	group, ctx := errgroup.WithContext(ctx)
	began := time.Now()
	group.Go(func() error {
		err := d.api.deploy(ctx, sourceFile{tutorialFile, withVersion(d.tutorial, n)})
		t.call = time.Since(began)
		return err
	})
	for i, seen := range []*time.Duration{&t.first, &t.second} {
		group.Go(func() error {
			err := waitForVersion(ctx, d.watchers[i], n)
			*seen = time.Since(began)
			return err
		})
	}
	return t, group.Wait()
}

func waitForVersion(ctx context.Context, w *wire, n int) error {
	for ctx.Err() == nil {
		status, body, err := w.roundTrip()
		switch {
		case err != nil:
			return err
		case status != http.StatusOK && status != http.StatusNotFound: // its channel may not be there yet
			return fmt.Errorf("status %d: %.300s", status, body)
		case isVersion(body, n):
			return nil
		}
		time.Sleep(pollEvery)
	}
	return ctx.Err()
}

// commands is how long `parley deploy` takes as a process, in ms.
func (d *deployer) commands(ctx context.Context) ([]float64, error) {
	var took []float64
	for n := range cliDeploys {
		file, err := d.cluster.Put(tutorialFile, []byte(withVersion(d.tutorial, deploys+1+n)))
		if err != nil {
			return nil, err
		}
		began := time.Now()
		if _, err := d.cluster.Deploy(ctx, file); err != nil {
			return nil, err
		}
		took = append(took, figures.MS(time.Since(began)))
	}
	return took, nil
}

// flushTime is what the disk alone takes to keep 4 KB, in ms: no deployment that is saved can be faster.
func flushTime(dir string) (took []float64, err error) {
	f, err := os.CreateTemp(dir, "flush-*")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(filepath.Clean(f.Name()))) }()
	page := make([]byte, 4096)
	for range 50 {
		began := time.Now()
		if _, err := f.Write(page); err != nil {
			return nil, err
		}
		if err := f.Sync(); err != nil {
			return nil, err
		}
		took = append(took, figures.MS(time.Since(began)))
	}
	return took, nil
}
