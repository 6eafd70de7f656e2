package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/parley-run/parley/bench"
)

// benchOptions finds where the load goes, who does the events and who reads what was executed. What it has prepared for the events
// undo takes back.
func benchOptions(ctx context.Context, p bench.Profile, address, dir string, open func(context.Context, string) (Cluster, error), log io.Writer, shard bool) (o bench.Options, undo func() error, err error) {
	undo = func() error { return nil }
	o = bench.Options{Address: address, Progress: newProgress(log)}
	if address != "" && !strings.Contains(address, "://") {
		o.Address = "http://" + address
	}
	cluster, err := benchCluster(ctx, p, address, dir, open)
	if err != nil {
		return o, undo, err
	}
	if address == "" {
		o.Address = cluster.Address()
	}
	if err := checkBench(ctx, p, cluster, shard); err != nil {
		return o, undo, err
	}
	if cluster != nil {
		if undo, err = cluster.Prepare(ctx, p.Events); err != nil {
			return o, undo, errors.Join(err, undo())
		}
	}
	o.Do = func(ctx context.Context, e bench.Event) error {
		if e.Do == bench.EventRun {
			return runShell(ctx, e.Run, log)
		}
		return cluster.Do(ctx, e)
	}
	if p.Log != nil {
		o.Executed = func(ctx context.Context) ([]string, error) { return cluster.List(ctx, p.Log.KVDBList) }
	}
	return o, undo, nil
}

// benchCluster is the cluster that the profile needs, or nil where the address is all that it needs.
func benchCluster(ctx context.Context, p bench.Profile, address, dir string, open func(context.Context, string) (Cluster, error)) (Cluster, error) {
	onCluster := func(e bench.Event) bool { return e.Do != bench.EventRun }
	needs := p.Log != nil || slices.ContainsFunc(p.Events, onCluster)
	switch {
	case address != "" && !needs:
		return nil, nil
	case open == nil && address == "":
		return nil, errors.New("give --address URL")
	case open == nil:
		return nil, fmt.Errorf("profile %q needs a cluster for its events or its record of what was executed, and there is none here", p.Name)
	}
	cluster, err := open(ctx, dir)
	switch {
	case err != nil && address == "":
		return nil, fmt.Errorf("give --address URL, or --dir of a cluster: %w", err)
	case err != nil:
		return nil, fmt.Errorf("profile %q needs a cluster for its events or its record of what was executed; give --dir: %w", p.Name, err)
	}
	return cluster, nil
}

// filesBeside makes the files that events deploy those beside the profile.
func filesBeside(profile string, events []bench.Event) {
	for i, e := range events {
		if e.Do == bench.EventDeploy && !filepath.IsAbs(e.File) {
			events[i].File = filepath.Join(filepath.Dir(profile), e.File)
		}
	}
}

// checkBench finds, before the first request, what would make the run invalid.
func checkBench(ctx context.Context, p bench.Profile, cluster Cluster, shard bool) error {
	var faults []error
	for _, e := range p.Events {
		if e.Do == bench.EventRun {
			continue
		}
		err := cluster.Offers(ctx, e)
		switch {
		case err != nil:
		case e.Server != "":
			_, err = cluster.Number(e.Server)
		case e.Do == bench.EventDeploy:
			_, err = os.Stat(e.File)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("event %q at %s: %w", e.Label(), e.At, err))
		}
	}
	if p.Log == nil || shard {
		return errors.Join(faults...)
	}
	key := p.Log.KVDBList
	switch ids, err := cluster.List(ctx, key); {
	case err != nil:
		faults = append(faults, fmt.Errorf("read %s, where the service records ids: %w", key, err))
	case len(ids) > 0:
		faults = append(faults, fmt.Errorf("%s holds %d elements of an earlier run; empty it: parley kvdb del %s", key, len(ids), key))
	}
	return errors.Join(faults...)
}
