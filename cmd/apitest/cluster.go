package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

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

// onOutconn begins the name of the link before an outgoing connection's peer: any cluster has it, as its definition says where the
// peer is.
const onOutconn = "outconn "

// Offers says why the cluster cannot do such an event: other links are cut and slowed where `fixtures` put them, and the embedded
// balancer has no configuration that it could read again.
func (l *loaded) Offers(ctx context.Context, e bench.Event) error {
	switch e.Do {
	case bench.EventLatency, bench.EventCut, bench.EventStall, bench.EventMend:
		if strings.HasPrefix(e.Link, onOutconn) {
			return nil
		}
		if l.cluster.Links() == nil || !slices.Contains(l.links, e.Link) {
			example := e.Link
			if !slices.Contains([]string{fixtures.LinkDatabase, fixtures.LinkRedis, fixtures.LinkBalancer}, example) {
				example = fixtures.LinkBalancer
			}
			return fmt.Errorf("this cluster has no link %q that can be cut or slowed; there are outconn NAME, and of a cluster that is started for the run those of --links: "+
				"apitest bench run PROFILE --source installed --links %s", e.Link, example)
		}
	case bench.EventReload:
		if l.reload == "" {
			if err := l.cluster.Reloads(ctx); err != nil {
				return fmt.Errorf("%w; or say how, with --reload COMMAND", err)
			}
		}
	}
	return nil
}

// undoTime bounds what a run leaves as it was, also where it was interrupted.
const undoTime = 10 * time.Second

// Prepare puts links before the peers of the outgoing connections that events name.
func (l *loaded) Prepare(ctx context.Context, events []bench.Event) (undo func() error, err error) {
	undo = func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
		defer cancel()
		return l.cluster.UnlinkOutconns(ctx)
	}
	done := map[string]bool{}
	for _, e := range events {
		name, is := strings.CutPrefix(e.Link, onOutconn)
		if !is || done[name] {
			continue
		}
		done[name] = true
		if err := l.cluster.LinkOutconn(ctx, name); err != nil {
			return undo, fmt.Errorf("event %q: %w", e.Label(), err)
		}
	}
	return undo, nil
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
		if l.reload == "" {
			return l.cluster.ReloadBalancer(ctx)
		}
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
