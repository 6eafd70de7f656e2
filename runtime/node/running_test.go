package node

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/channel"
	"github.com/parley-run/parley/runtime/cluster"
	"github.com/parley-run/parley/runtime/database"
	"github.com/parley-run/parley/runtime/folder"
	"github.com/parley-run/parley/runtime/service"
)

// fakeRunner fails, or runs until it is stopped.
type fakeRunner struct {
	fails error
	runs  atomic.Int64 // how many Runs have begun
	cause atomic.Value // of the end of the last Run's context
}

func (r *fakeRunner) Run(ctx context.Context) error {
	r.runs.Add(1)
	if r.fails != nil {
		return r.fails
	}
	<-ctx.Done()
	r.cause.Store(context.Cause(ctx).Error())
	return nil
}

func (r *fakeRunner) Wait()           {}
func (r *fakeRunner) Exclusive() bool { return true }

var _ channel.Runner = (*fakeRunner)(nil)

// nodeOnLeases is as much of a server as its runners need.
func nodeOnLeases(t *testing.T, name, path string) *Node {
	t.Helper()
	db, err := database.OpenFile(t.Context(), path, database.Options{Durable: true, Tables: []string{"catalog", "leases"}})
	require.NoError(t, err)
	n := &Node{server: folder.Server{Name: name}, log: slog.New(slog.DiscardHandler), leases: cluster.NewLeases(db), runners: newRunners(t.Context())}
	close(n.runners.ready)
	t.Cleanup(func() {
		n.runners.stop()
		assert.True(t, n.runners.wait(context.Background()))
		require.NoError(t, db.Close())
	})
	return n
}

func (n *Node) runFake(runner *fakeRunner, chain service.HandlerFunc) *running {
	o := &catalog.Object{Kind: "channel_fake", Name: "Fake"}
	r := n.newRunning(o, true)
	r.runner = runner
	s := &state{node: n, snapshot: catalog.NewSnapshot(1, []*catalog.Object{o}), channels: map[catalog.Key]*boundChannel{
		o.Key(): {object: o, config: active{}, running: r, chains: []service.Handler{chain}},
	}}
	s.users.Store(1)
	n.current.Store(s)
	n.runners.take(s)
	return r
}

type active struct{}

func (active) Common() channel.Base { return channel.Base{IsActive: true} }

// A server that has the lease and cannot run the channel lets another have it.
func TestRunnerThatCannotRunGivesWay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "leases.db")
	first, second := nodeOnLeases(t, "server1", path), nodeOnLeases(t, "server2", path)
	first.runners.giveWay = 50 * time.Millisecond
	lacks, has := &fakeRunner{fails: errors.New("no such folder")}, &fakeRunner{}
	one := first.runFake(lacks, nil)
	require.Eventually(t, func() bool { return lacks.runs.Load() > 1 }, time.Minute, time.Millisecond)
	two := second.runFake(has, nil)
	require.Eventually(t, func() bool { return has.runs.Load() == 1 }, time.Minute, time.Millisecond)
	assert.Equal(t, runs, two.stands().State)
	require.Eventually(t, func() bool { return one.stands().State == waitsForLease }, time.Minute, time.Millisecond)
	assert.Equal(t, Standing{Kind: "channel_fake", Name: "Fake", State: waitsForLease}, one.stands())

	require.NoError(t, second.leases.Release(t.Context(), leaseOf(t, second)))
	require.Eventually(t, func() bool { return has.cause.Load() != nil }, time.Minute, time.Millisecond)
	assert.Equal(t, context.Canceled.Error(), has.cause.Load(), "a lease that is lost is no planned end")
	second.runners.stop()
	require.Eventually(t, func() bool {
		s := one.stands()
		return s.State == failing && s.Problem == "no such folder"
	}, time.Minute, time.Millisecond, "the first is tried again")
}

func leaseOf(t *testing.T, n *Node) cluster.Lease {
	t.Helper()
	all, err := n.leases.All(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 1)
	return all[0]
}

func TestRunnersHandler(t *testing.T) {
	n := nodeOnLeases(t, "server1", filepath.Join(t.TempDir(), "leases.db"))
	fake := &fakeRunner{}
	entered := make(chan struct{})
	r := n.runFake(fake, func(ctx context.Context, req *service.Request) (*service.Response, error) {
		switch req.CID {
		case "panics":
			panic("oh")
		case "waits":
			close(entered)
			<-ctx.Done()
			return nil, service.Errorf(service.Timeout, "it did not answer")
		}
		return &service.Response{Raw: []byte("ok")}, nil
	})
	h := r.handler(0)
	res, err := h.Handle(t.Context(), &service.Request{CID: "good"})
	require.NoError(t, err)
	assert.Equal(t, "ok", string(res.Raw))
	_, err = h.Handle(t.Context(), &service.Request{CID: "panics"})
	require.ErrorContains(t, err, "panic: oh")
	ended := make(chan error, 1)
	go func() {
		_, err := h.Handle(context.WithoutCancel(t.Context()), &service.Request{CID: "waits"})
		ended <- err
	}()
	<-entered
	n.runners.giveUp()
	err = <-ended
	require.ErrorIs(t, err, context.Canceled, "the server has given up on it, whatever the service made of that")
	assert.Contains(t, err.Error(), "it did not answer")
	assert.Equal(t, []int64{3, 2}, []int64{r.stands().Handled, r.stands().Failed})
}
