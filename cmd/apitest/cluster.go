package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/parley-run/parley/bench"
	"github.com/parley-run/parley/fixtures"
	"github.com/parley-run/parley/redisurl"
)

// loaded does a benchmark's events to a cluster.
type loaded struct {
	cluster *fixtures.Cluster
	samples bool // files of events are samples of fixtures, not of the file system
	links   []string
	reload  string // the shell command that makes the balancer read its configuration again
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

// Offers says why the cluster cannot do such an event: links are cut and slowed where `fixtures` put them, and a balancer of its
// own has no configuration that it could read again.
func (l *loaded) Offers(e bench.Event) error {
	switch e.Do {
	case bench.EventLatency, bench.EventCut, bench.EventStall, bench.EventMend:
		if l.cluster.Links() == nil || !slices.Contains(l.links, e.Link) {
			return fmt.Errorf("this cluster has no link %q that can be cut or slowed; start one that has: apitest bench run PROFILE --servers 2 --links %s", e.Link, e.Link)
		}
	case bench.EventReload:
		if l.reload == "" {
			return errors.New("nothing says how this cluster's balancer reads its configuration again; give --reload COMMAND")
		}
	}
	return nil
}

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
	case bench.EventLatency:
		return l.cluster.Links().Slow(e.Link, e.By.Std())
	case bench.EventCut:
		return l.cluster.Links().Cut(e.Link)
	case bench.EventStall:
		return l.cluster.Links().Stall(e.Link)
	case bench.EventMend:
		return l.cluster.Links().Mend(e.Link)
	case bench.EventReload:
		return runShell(ctx, l.reload, io.Discard)
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
