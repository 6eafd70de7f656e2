package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"

	"github.com/parley-run/parley/bench"
	"github.com/parley-run/parley/fixtures"
	"github.com/parley-run/parley/redisurl"
)

// loaded does a benchmark's events to a cluster.
type loaded struct {
	cluster *fixtures.Cluster
	samples bool // files of events are samples of fixtures, not of the file system
}

// openCluster finds the cluster that a user has started: by its folder, else PARLEY_DIR, else the current folder.
func openCluster(ctx context.Context, dir string) (Cluster, error) {
	binary, err := fixtures.Binary()
	if err != nil {
		return nil, err
	}
	if dir == "" {
		dir = os.Getenv("PARLEY_DIR")
	}
	if dir == "" {
		dir = "."
	}
	c, err := fixtures.Open(ctx, binary, absolute(dir))
	if err != nil {
		return nil, err
	}
	return &loaded{cluster: c}, nil
}

// Address is the URL of the balancer.
func (l *loaded) Address() string { return l.cluster.Address() }

// Number is the number of the server of that name.
func (l *loaded) Number(server string) (int, error) { return l.cluster.Number(server) }

// Do does one event.
func (l *loaded) Do(ctx context.Context, e bench.Event) error {
	switch e.Do {
	case bench.EventDeploy:
		file, err := l.file(e.File)
		if err != nil {
			return err
		}
		_, err = l.cluster.Deploy(ctx, file)
		return err
	case bench.EventUndeploy:
		_, err := l.cluster.Undeploy(ctx, e.File)
		return err
	}
	n, err := l.cluster.Number(e.Server)
	if err != nil {
		return err
	}
	switch e.Do {
	case bench.EventKill:
		return l.cluster.Kill(ctx, n)
	case bench.EventStop:
		return l.cluster.StopServer(ctx, n)
	case bench.EventStart:
		return l.cluster.StartServer(ctx, n)
	case bench.EventRestart:
		return l.cluster.Restart(ctx, n)
	case bench.EventPause:
		return l.cluster.Pause(ctx, n)
	case bench.EventResume:
		return l.cluster.Resume(ctx, n)
	case bench.EventDrain:
		return l.cluster.Drain(ctx, n)
	case bench.EventUndrain:
		return l.cluster.Undrain(ctx, n)
	}
	return fmt.Errorf("event %q is not known", e.Do)
}

func (l *loaded) file(name string) (string, error) {
	if !l.samples {
		return name, nil
	}
	text, err := fs.ReadFile(fixtures.Samples(), name)
	if err != nil {
		return "", err
	}
	return l.cluster.Put(name, text)
}

// List is the elements of a Redis list of the cluster's KVDB.
func (l *loaded) List(ctx context.Context, key string) ([]string, error) {
	target, err := redisurl.Parse(l.cluster.KVDB())
	if err != nil {
		return nil, err
	}
	db, err := target.Open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	return db.LRange(ctx, key, 0, -1).Result()
}
