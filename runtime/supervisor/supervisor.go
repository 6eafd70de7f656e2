// Package supervisor is the process that runs a cluster on one machine: it holds the balancer and the embedded
// Redis, and starts each server as a process of its own. Servers share nothing with it but the cluster's folder
// and a pipe that tells them when it is gone, so that killing one server kills only that server.
package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-run/parley/runtime/folder"
	"github.com/parley-run/parley/runtime/service"
)

// Deps is what a Supervisor works with.
type Deps struct {
	Folder *folder.Folder
	Log    *slog.Logger // silent
	Names  service.Names

	// Serve is the admin API: it answers for services on l until ctx ends, and closes l.
	Serve func(ctx context.Context, l net.Listener, services []service.Service) error

	// Command starts a server: the program and its first arguments, which --dir DIR --name NAME follow. The
	// default is this program with the argument server.
	Command []string

	// Died is told of a server that ended by itself, before it is started again: a change to the catalog need not
	// wait for it. Default: nobody.
	Died func(ctx context.Context, server string, pid int)

	// Record lets the audit log know of a weight that user has set; "" is whoever has the cluster's token. It is called again
	// until it succeeds. Default: nobody is told.
	Record func(ctx context.Context, user, server string, weight int) error

	// NoRestart leaves a server that died as it is.
	NoRestart bool
}

// Supervisor runs one cluster, once.
type Supervisor struct {
	d          Deps
	front      front
	idempotent atomic.Pointer[[]string] // channels that the front knows to be so; nil: none
	weighing   sync.Mutex               // held while the weights' file is changed
	processes  []*process
	programs   *programs
	turn       chan struct{} // holds one token: whoever has it may replace servers
	ending     chan struct{} // closed when the servers are being stopped
	stopOnce   sync.Once
	stop       chan struct{}
}

// Info is what the file DIR/run/supervisor.json says while the cluster is up.
type Info struct {
	PID   int    `json:"pid"`
	Admin string `json:"admin"` // host:port of the admin API
}

// New prepares a Supervisor. Nothing is opened before Run.
func New(d Deps) (*Supervisor, error) {
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Names == (service.Names{}) {
		d.Names = service.ParleyNames()
	}
	if d.Died == nil {
		d.Died = func(context.Context, string, int) {}
	}
	if d.Record == nil {
		d.Record = func(context.Context, string, string, int) error { return nil }
	}
	if len(d.Command) == 0 {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		d.Command = []string{self, "server"}
	}
	s := &Supervisor{d: d, stop: make(chan struct{}), ending: make(chan struct{}), turn: make(chan struct{}, 1)}
	s.turn <- struct{}{}
	var err error
	if s.programs, err = readPrograms(d.Folder, d.Command, d.Log); err != nil {
		return nil, err
	}
	for _, one := range d.Folder.Cluster.Servers {
		s.processes = append(s.processes, newProcess(s, one))
	}
	weights, err := readWeights(d.Folder)
	if err != nil {
		return nil, err
	}
	s.front, err = newFront(d, weights)
	return s, err
}

// Stop makes Run stop everything in a planned way and return.
func (s *Supervisor) Stop() { s.stopOnce.Do(func() { close(s.stop) }) }

// Run runs the cluster until ctx ends, Stop is called, or a part of its own fails. It returns once all servers
// have stopped and the embedded Redis is saved. A second supervisor of the same folder is an error that names
// the first.
func (s *Supervisor) Run(ctx context.Context) (err error) {
	lock, err := lockFolder(s.d.Folder)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if err := s.front.Prepare(ctx); err != nil {
		return err
	}
	if err := s.checkPorts(ctx); err != nil {
		return err
	}
	if s.d.Folder.Cluster.Redis.URL == "" {
		redis, err := StartRedis(s.d.Folder.Cluster.Redis.Embedded, s.d.Folder.RedisFile(), s.d.Log) //nolint:contextcheck // it only reads a file
		if err != nil {
			return err
		}
		defer func() { //nolint:contextcheck // ctx has ended when it is saved
			if closeErr := redis.Close(); closeErr != nil {
				err = errors.Join(err, fmt.Errorf("embedded Redis is not saved: %w", closeErr))
			}
		}()
		return s.run(ctx)
	}
	return s.run(ctx)
}

// run runs everything but Redis, which outlives it.
func (s *Supervisor) run(ctx context.Context) error {
	var lc net.ListenConfig
	admin, err := lc.Listen(ctx, "tcp", s.d.Folder.Cluster.Supervisor.Admin)
	if err != nil {
		return err
	}
	var front net.Listener
	if s.d.Folder.Cluster.Balancer.Kind != folder.ExternalBalancer {
		if front, err = lc.Listen(ctx, "tcp", s.d.Folder.Cluster.Balancer.Address); err != nil {
			return errors.Join(err, admin.Close())
		}
	}

	// What serves outlives the servers: requests in flight come to their end through it.
	serving, endServing := context.WithCancel(context.WithoutCancel(ctx))
	defer endServing()
	var parts sync.WaitGroup
	failed := make(chan error, 2)
	part := func(name string, run func() error) {
		parts.Go(func() {
			if err := run(); err != nil {
				failed <- fmt.Errorf("%s: %w", name, err)
			}
		})
	}
	part("balancer", func() error { return s.front.Run(serving, front) })
	part("admin API", func() error { return s.d.Serve(serving, admin, s.Services()) })

	running, endRunning := context.WithCancel(ctx)
	defer endRunning()
	parts.Go(func() { s.followRoutes(running) })
	parts.Go(func() { s.followWeights(running) })
	var servers sync.WaitGroup
	for _, p := range s.processes {
		servers.Go(func() { p.tend(running) })
	}

	info, err := json.Marshal(Info{PID: os.Getpid(), Admin: s.d.Folder.Cluster.Supervisor.Admin})
	if err == nil {
		err = replaceFile(s.d.Folder.SupervisorFile(), append(info, '\n'))
	}
	if err == nil {
		s.d.Log.Info("cluster is up", "balancer", s.d.Folder.Cluster.Balancer.Address, "kind", s.front.Kind())
		select {
		case <-ctx.Done():
		case <-s.stop:
		case err = <-failed:
		}
	}
	if err != nil {
		s.d.Log.Error("cluster stops", "err", err)
	} else {
		s.d.Log.Info("cluster stops")
	}
	close(s.ending)
	endRunning()
	servers.Wait()
	endServing()
	parts.Wait()
	if removeErr := os.Remove(s.d.Folder.SupervisorFile()); removeErr != nil && !errors.Is(removeErr, os.ErrNotExist) {
		err = errors.Join(err, removeErr)
	}
	return err
}

// checkPorts is an error that names each port in use and what it is wanted for. Where a supervisor was killed,
// its servers may still be stopping: they are given a while.
func (s *Supervisor) checkPorts(ctx context.Context) error {
	patience := time.Duration(0)
	if _, err := os.Stat(s.d.Folder.SupervisorFile()); err == nil {
		patience = 30 * time.Second
	}
	start := time.Now()
	for {
		var err error
		for _, p := range s.d.Folder.Cluster.Ports() {
			if busy := p.CheckFree(ctx); busy != nil {
				err = errors.Join(err, fmt.Errorf("%w; change %s in cluster.yaml, or stop what uses it", busy, p.Key))
			}
		}
		if err == nil || time.Since(start) >= patience {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}
