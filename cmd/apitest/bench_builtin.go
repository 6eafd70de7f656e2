package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/parley-run/parley/bench"
	"github.com/parley-run/parley/fixtures"
)

//go:embed profiles
var builtIn embed.FS

// recordService is what the built-in profiles call.
const recordService = "bench.record"

const (
	recordChannel = "channel_rest:\n  - {name: Record, service: " + recordService + ", url_path: /bench/record, method: POST, data_format: json}\n"
	delayedOutgo  = "outgoing_rest:\n  - {name: Bench back end, host: \"${BENCH_ADDRESS}\", url_path: /, data_format: json, pool_size: 1000}\n"
)

// builtInNames are the profiles that need no file.
func builtInNames() []string { return []string{"failover", "hot-deploy", statistics} }

const statistics = "statistics" // the one whose services measure themselves

// isBuiltIn says whether the argument names a profile of ours and no file.
func isBuiltIn(name string) bool {
	if !slices.Contains(builtInNames(), name) {
		return false
	}
	_, err := os.Stat(name)
	return err != nil
}

func builtInProfile(name string) (bench.Profile, error) {
	raw, err := builtIn.ReadFile("profiles/" + name + ".yaml")
	if err != nil {
		return bench.Profile{}, err
	}
	return bench.ParseProfile(name, raw)
}

// runBuiltIn starts a cluster, runs the profile against it, asks it for what it saw itself, and ends it.
func runBuiltIn(ctx context.Context, name string, f *benchFlags, log io.Writer) (res *bench.Result, err error) {
	p, err := builtInProfile(name)
	if err != nil {
		return nil, err
	}
	binary, err := fixtures.Binary()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	cluster, err := fixtures.Start(ctx, fixtures.Spec{Servers: f.servers, Source: fixtures.Source(f.source), Links: f.links, Binary: binary})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, cluster.Close()) }()
	_, _ = fmt.Fprintf(log, "a cluster of %d servers (%s) is up after %.1f s\n", cluster.Servers(), f.source, time.Since(began).Seconds())
	l := &loaded{cluster: cluster, samples: true}
	stop, err := deployRecord(ctx, l, name == statistics)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	before, err := counted(ctx, cluster)
	if err != nil {
		return nil, err
	}
	o := bench.Options{
		Address: cluster.Address(), Do: l.Do, Down: l.Down,
		Executed: func(ctx context.Context) ([]string, error) { return l.List(ctx, p.Log.KVDBList) },
		Progress: newProgress(log),
	}
	res, err = bench.Run(ctx, p, o)
	if err != nil || res == nil {
		return res, err
	}
	res.Log = clusterLog(cluster, res.Started, res.Duration)
	return res, ownStatistics(ctx, l, res, before, name == statistics)
}

// deployRecord deploys the service that the built-in profiles call: one that takes its time with a back end, which the caller must
// stop, or one that only writes ids down.
func deployRecord(ctx context.Context, l *loaded, slow bool) (stop func() error, err error) {
	text, env, stop := recordChannel, map[string]string{}, func() error { return nil }
	service := func() (string, error) { return l.file("record/v1/record.star") }
	if slow {
		text += delayedOutgo
		service = func() (string, error) {
			raw, err := builtIn.ReadFile("profiles/timed.star")
			if err != nil {
				return "", err
			}
			return l.cluster.Put("timed.star", raw)
		}
		if env["BENCH_ADDRESS"], stop, err = startDelayed(ctx); err != nil {
			return nil, err
		}
	}
	deploy := func() error {
		definitions, err := l.cluster.Put("bench.yaml", []byte(text))
		if err != nil {
			return err
		}
		if err := l.cluster.Import(ctx, env, definitions); err != nil {
			return err
		}
		file, err := service()
		if err != nil {
			return err
		}
		_, err = l.cluster.Deploy(ctx, file)
		return err
	}
	if err := deploy(); err != nil {
		return nil, errors.Join(err, stop())
	}
	return stop, nil
}

// counted is what the servers' statistics say of the service.
func counted(ctx context.Context, c *fixtures.Cluster) (fixtures.ServiceStats, error) {
	all, err := c.Stats(ctx)
	if err != nil {
		return fixtures.ServiceStats{}, err
	}
	for _, s := range all {
		if s.Service == recordService {
			return s, nil
		}
	}
	return fixtures.ServiceStats{Service: recordService}, nil
}

// ownStatistics puts what the servers counted beside what was sent. Where that must agree, it is one more expectation, as is that
// their percentiles are those of what the services measured: also the requests of the warm-up were served.
func ownStatistics(ctx context.Context, l *loaded, res *bench.Result, before fixtures.ServiceStats, must bool) error {
	want := int64(res.Sent+res.Warmup.Sent) + before.Count
	now, err := counted(ctx, l.cluster)
	var times []time.Duration
	// What a client no longer waited for may still be running.
	for until := time.Now().Add(lateTime); must && err == nil; now, err = counted(ctx, l.cluster) {
		if times, err = measured(l.cluster); err != nil {
			return fmt.Errorf("read what the services measured: %w", err)
		}
		if now.Count >= want && int64(len(times)) == now.Count-before.Count || time.Now().After(until) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("ask the servers for their statistics: %w", err)
	}
	of := bench.ServiceCount{
		Service: now.Service, Requests: now.Count - before.Count, Errors: now.Errors - before.Errors,
		Mean: now.MeanMS, P50: now.P50MS, P95: now.P95MS, P99: now.P99MS, Max: now.MaxMS,
	}
	if must {
		own := exact(times)
		of.Itself = &own
		res.Expect(fmt.Sprintf("the servers count %d requests of %s", want-before.Count, recordService), fmt.Sprint(of.Requests), now.Count == want)
		agree(res, of)
	}
	res.Services = append(res.Services, of)
	return nil
}

// lateTime is how long after a load its last requests may be counted.
const lateTime = 5 * time.Second

// Down says whether the balancer gives the server no requests.
func (l *loaded) Down(ctx context.Context, server string) (bool, error) {
	n, err := l.cluster.Number(server)
	if err != nil {
		return false, err
	}
	in, err := l.cluster.InTraffic(ctx, n)
	return !in, err
}
