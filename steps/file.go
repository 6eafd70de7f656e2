package steps

import (
	"context"
	"errors"
	"hash/fnv"
	"sync"
	"time"

	"github.com/parley-run/parley/fixtures"
	"github.com/parley-run/parley/redisurl"
)

// File is one feature file while its scenarios run: it holds what they share, a cluster and mocks, which take long to
// start, and under PerFeature all that was said.
type File struct {
	path     string
	suite    *Suite
	cluster  *fixtures.Cluster
	spec     fixtures.Spec      // of the cluster
	down     map[string]*outage // by part of the cluster: what steps did to it
	backEnds *fixtures.BackEnds
	named    map[string]string // what definitions may name, beside the addresses of the mocks
	imported map[string]string // text of the definitions that the cluster has, by file
	redis    *redisurl.Client

	mu      sync.Mutex
	running int    // scenarios
	shared  *World // of all scenarios; nil until the first begins, and with state per scenario
}

// File makes what the scenarios of a feature file share. Close it after the last of them.
func (s *Suite) File(path string) *File {
	return &File{path: path, suite: s, imported: map[string]string{}, named: map[string]string{}}
}

// Begin gives the world in which a scenario runs, from its first step to End.
func (f *File) Begin(ctx context.Context, scenario string) (*World, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.running == 0 && f.backEnds != nil {
		// Mocks behave as at their start and have received nothing.
		if err := f.backEnds.Reset(ctx); err != nil {
			return nil, err
		}
	}
	f.running++
	if f.shared != nil {
		return f.shared, nil
	}
	w := newWorld(f, f.suite.random(f.path, scenario))
	if f.suite.options.State == PerFeature {
		f.shared = w
	}
	return w, nil
}

// Close ends what the file's scenarios started.
func (f *File) Close() error {
	var err error
	if f.shared != nil {
		err = f.shared.close()
		f.shared = nil
	}
	err = errors.Join(err, f.closeCluster())
	if f.backEnds != nil {
		err = errors.Join(err, f.backEnds.Close())
		f.backEnds = nil
	}
	return err
}

// ensureCluster gives a cluster of that many servers with all of them up: the one that an earlier scenario
// left, else a new one.
func (f *File) ensureCluster(ctx context.Context, servers int) (*fixtures.Cluster, error) {
	spec := f.suite.options.Spec
	spec.Servers = servers
	return f.ensureClusterOf(ctx, spec)
}

func (f *File) startCluster(ctx context.Context, spec fixtures.Spec) (*fixtures.Cluster, error) {
	began := time.Now()
	c, err := fixtures.Start(ctx, spec)
	if err != nil {
		return nil, err
	}
	f.suite.options.Log("a cluster of %d is up after %s", spec.Servers, time.Since(began).Round(time.Millisecond))
	f.cluster, f.spec, f.imported = c, spec, map[string]string{}
	return c, nil
}

func (f *File) ensureBackEnds(ctx context.Context) (*fixtures.BackEnds, error) {
	if f.backEnds != nil {
		return f.backEnds, nil
	}
	b, err := fixtures.StartBackEnds(ctx)
	if err != nil {
		return nil, err
	}
	f.backEnds = b
	return b, nil
}

// kvdb is a client of the cluster's Redis.
func (f *File) kvdb() (*redisurl.Client, error) {
	if f.redis != nil {
		return f.redis, nil
	}
	if f.cluster == nil {
		return nil, errors.New("there is no cluster, so no Redis; name one with: Given Redis \"redis://127.0.0.1:6379/0\", or start a cluster with: Given a cluster of 2 servers")
	}
	db, err := openRedis(f.cluster.KVDB())
	if err != nil {
		return nil, err
	}
	f.redis = db
	return f.redis, nil
}

func (f *File) closeCluster() error {
	var err error
	if f.redis != nil {
		err = f.redis.Close()
		f.redis = nil
	}
	if f.cluster != nil {
		end := f.cluster.Close
		if f.suite.hasty() {
			end = f.cluster.CloseNow
		}
		err = errors.Join(err, end())
		f.cluster = nil
	}
	f.down = nil
	return err
}

func hashOf(text string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text)) // a hash does not fail
	return h.Sum64()
}
