package catalog_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/fixtures"
	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/service"
)

// builder is a Builder to which an object whose spec is "bad" is a fault.
type builder struct {
	mu        sync.Mutex
	serves    *catalog.Snapshot
	open      int  // built and neither activated nor discarded
	ended     int  // activated or discarded
	broken    bool // Build fails whatever it gets
	onBuild   func(next *catalog.Snapshot)
	revisions []int64 // activated, in their order
}

func (b *builder) Build(_ context.Context, prev, next *catalog.Snapshot, strict bool) (catalog.Next, catalog.Report, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.onBuild != nil {
		b.onBuild(next)
	}
	if b.broken {
		return nil, catalog.Report{}, errors.New("builder is broken")
	}
	if prev != b.serves {
		return nil, catalog.Report{}, errors.New("prev is not what serves")
	}
	report := catalog.Report{Quarantined: map[catalog.Key]error{}}
	for _, o := range next.Objects {
		if string(o.Spec) == "bad" {
			report.Quarantined[o.Key()] = errors.New("its spec is bad")
		}
	}
	if strict && len(report.Quarantined) > 0 {
		return nil, report, fmt.Errorf("strict: %v", report.Quarantined)
	}
	b.open++
	return &built{b: b, snapshot: next}, report, nil
}

type built struct {
	b        *builder
	snapshot *catalog.Snapshot
	done     bool
}

func (n *built) end() {
	if n.done {
		panic("Activate or Discard was called twice")
	}
	n.done = true
	n.b.open--
	n.b.ended++
}

func (n *built) Activate() {
	n.b.mu.Lock()
	defer n.b.mu.Unlock()
	n.end()
	n.b.serves = n.snapshot
	n.b.revisions = append(n.b.revisions, n.snapshot.Revision)
}

func (n *built) Discard() {
	n.b.mu.Lock()
	defer n.b.mu.Unlock()
	n.end()
}

func silent() *slog.Logger { return slog.New(slog.DiscardHandler) }

// server is a Live, started, over store.
func server(t *testing.T, store catalog.Store) (*catalog.Live, *builder) {
	t.Helper()
	b := &builder{}
	live := catalog.NewLive(store, b, silent())
	require.NoError(t, live.Start(t.Context()))
	t.Cleanup(func() {
		assert.Zero(t, b.open, "built states that were neither activated nor discarded")
		assert.Same(t, b.serves, live.Current())
	})
	return live, b
}

func put(objects ...catalog.Object) catalog.Change {
	return catalog.Change{Put: objects, By: "test"}
}

func apply(t *testing.T, l *catalog.Live, c catalog.Change) int64 {
	t.Helper()
	revision, err := l.Apply(t.Context(), c)
	require.NoError(t, err)
	return revision
}

// committing is a Commit.
type committing func(ctx context.Context, from catalog.Version, mark string, c catalog.Change) (int64, error)

// faulty is a store whose next Commit, or Load, goes wrong.
type faulty struct {
	catalog.Store
	commit committing
	load   func() error
}

func (f *faulty) Commit(ctx context.Context, from catalog.Version, mark string, c catalog.Change) (int64, error) {
	if do := f.commit; do != nil {
		f.commit = nil
		return do(ctx, from, mark, c)
	}
	return f.Store.Commit(ctx, from, mark, c)
}

func (f *faulty) Has(ctx context.Context, v catalog.Version) (bool, error) {
	if f.load != nil {
		if err := f.load(); err != nil {
			return false, err
		}
	}
	return f.Store.Has(ctx, v)
}

func (f *faulty) Load(ctx context.Context, prev *catalog.Snapshot) (*catalog.Snapshot, error) {
	if f.load != nil {
		if err := f.load(); err != nil {
			return nil, err
		}
	}
	return f.Store.Load(ctx, prev)
}

// testLive holds what a server runs to its contract, over any Store.
func testLive(t *testing.T, fresh freshStore) {
	t.Helper()
	for _, row := range []struct {
		name string
		test func(*testing.T, freshStore)
	}{
		{"apply serves and saves", testApplyServesAndSaves},
		{"apply of nothing new keeps the revision", testApplyOfNothingNewKeepsTheRevision},
		{"apply does not keep the caller's bytes", testApplyDoesNotKeepTheCallersBytes},
		{"apply that fails leaves everything", testApplyThatFailsLeavesEverything},
		{"apply follows the truth of an unclear commit", testApplyFollowsTheTruthOfAnUnclearCommit},
		{"apply serves what it saved though its caller has gone", testApplyServesWhatItSavedThoughItsCallerHasGone},
		{"apply gives up when others always come first", testApplyGivesUpWhenOthersAlwaysComeFirst},
		{"apply from many servers leaves no gap", testApplyFromManyServersLeavesNoGap},
		{"follow serves what others changed", testFollowServesWhatOthersChanged},
		{"follow refuses an older store", testFollowRefusesAnOlderStore},
		{"follow quarantines and apply goes on", testFollowQuarantinesAndApplyGoesOn},
		{"start reports what does not run", testStartReportsWhatDoesNotRun},
	} {
		t.Run(row.name, func(t *testing.T) { row.test(t, fresh) })
	}
}

func TestLiveOnSQLite(t *testing.T) { testLive(t, freshSQLite) }

func TestLiveOnPostgres(t *testing.T) { testLive(t, freshPostgres(fixtures.NewPostgres(t))) }

func testApplyServesAndSaves(t *testing.T, fresh freshStore) {
	store := fresh(t)()
	live, b := server(t, store)
	assert.EqualValues(t, 1, apply(t, live, put(object("k", "a", "1"))))
	assert.EqualValues(t, 2, apply(t, live, catalog.Change{Put: []catalog.Object{object("k", "b", "2")}, Delete: []catalog.Key{{Kind: "k", Name: "a"}}}))
	assert.Equal(t, map[catalog.Key]string{{"k", "b"}: "2"}, contents(live.Current()))
	assert.Equal(t, []int64{0, 1, 2}, b.revisions)
	saved := load(t, store, nil)
	assert.Equal(t, saved.Hash, live.Current().Hash)
	assert.Equal(t, saved.Revision, live.Current().Revision)
}

func testApplyOfNothingNewKeepsTheRevision(t *testing.T, fresh freshStore) {
	open := fresh(t)
	live, b := server(t, open())
	other, _ := server(t, open())
	apply(t, live, put(object("k", "a", "1"), object("k", "b", "1")))
	for name, c := range map[string]catalog.Change{
		"empty":           {},
		"the same":        put(object("k", "a", "1"), object("k", "b", "1")),
		"one of the same": put(object("k", "b", "1")),
		"nothing to go":   {Delete: []catalog.Key{{Kind: "k", Name: "none"}}},
	} {
		assert.EqualValues(t, 1, apply(t, live, c), name)
	}
	assert.Equal(t, []int64{0, 1}, b.revisions)

	assert.EqualValues(t, 2, apply(t, live, put(object("k", "a", "2"), object("k", "b", "1"))))
	assert.EqualValues(t, 1, live.Current().Get("k", "b").Revision, "only what differs is put")

	assert.EqualValues(t, 3, apply(t, other, put(object("k", "a", "3"))))
	assert.EqualValues(t, 4, apply(t, live, put(object("k", "a", "2"))), "the same as here, but not as the newest revision")
	assert.Equal(t, "2", string(live.Current().Get("k", "a").Spec))
}

func testApplyDoesNotKeepTheCallersBytes(t *testing.T, fresh freshStore) {
	live, _ := server(t, fresh(t)())
	mine := object("k", "a", "1")
	apply(t, live, put(mine))
	mine.Spec[0] = '9'
	assert.Equal(t, "1", string(live.Current().Get("k", "a").Spec))
}

func testApplyThatFailsLeavesEverything(t *testing.T, fresh freshStore) {
	for _, row := range []struct {
		name, says string
		change     catalog.Change
		sabotage   func(*faulty, *builder, context.CancelFunc)
	}{
		{"a fault in the change", "its spec is bad", put(object("k", "new", "bad")), nil},
		{"an object without a name", "no name", put(object("k", "", "1")), nil},
		{"a builder that fails", "builder is broken", put(object("k", "new", "1")), func(_ *faulty, b *builder, _ context.CancelFunc) { b.broken = true }},
		{"a caller that goes during the build", "context canceled", put(object("k", "new", "1")), func(_ *faulty, b *builder, cancel context.CancelFunc) {
			b.onBuild = func(*catalog.Snapshot) { cancel() }
		}},
		{"a full disk", "disk is full", put(object("k", "new", "1")), func(f *faulty, _ *builder, _ context.CancelFunc) {
			f.commit = func(context.Context, catalog.Version, string, catalog.Change) (int64, error) {
				return 0, errors.New("disk is full")
			}
		}},
		{"a store that is gone", "whether the change was saved is not known", put(object("k", "new", "1")), func(f *faulty, _ *builder, _ context.CancelFunc) {
			f.commit = func(context.Context, catalog.Version, string, catalog.Change) (int64, error) {
				f.load = func() error { return errors.New("no connection") }
				return 0, errors.New("the outcome is unknown")
			}
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			store := &faulty{Store: fresh(t)()}
			live, b := server(t, store)
			apply(t, live, put(object("k", "old", "1")))
			before := live.Current()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if row.sabotage != nil {
				row.sabotage(store, b, cancel)
			}
			_, err := live.Apply(ctx, row.change)
			require.ErrorContains(t, err, row.says)
			assert.Same(t, before, live.Current())
			assert.Equal(t, []int64{0, 1}, b.revisions)
			assert.Equal(t, before.Hash, load(t, store.Store, nil).Hash)

			*b = builder{serves: b.serves, revisions: b.revisions}
			store.load = nil
			assert.EqualValues(t, 2, apply(t, live, put(object("k", "new", "1"))), "the next change works")
		})
	}
}

func testApplyFollowsTheTruthOfAnUnclearCommit(t *testing.T, fresh freshStore) {
	lost := errors.New("connection lost")
	for _, row := range []struct {
		name   string
		commit func(t *testing.T, s catalog.Store, mine func()) // what happens, behind the error
		fails  bool
		serves int64
	}{
		{"it was saved", func(_ *testing.T, _ catalog.Store, mine func()) { mine() }, false, 1},
		{"it was saved and another followed", func(t *testing.T, s catalog.Store, mine func()) {
			mine()
			commit(t, s, 1, put(object("k", "other", "1")))
		}, false, 2},
		{"it was not saved", func(*testing.T, catalog.Store, func()) {}, true, 0},
		{"another came first", func(t *testing.T, s catalog.Store, _ func()) {
			commit(t, s, 0, put(object("k", "other", "1")))
		}, true, 0},
		{"another with the same content came first", func(t *testing.T, s catalog.Store, _ func()) {
			commit(t, s, 0, put(object("k", "mine", "1")))
		}, true, 0},
		{"it was saved and undone by another", func(t *testing.T, s catalog.Store, mine func()) {
			mine()
			commit(t, s, 1, catalog.Change{Delete: []catalog.Key{{Kind: "k", Name: "mine"}}})
		}, false, 2},
	} {
		t.Run(row.name, func(t *testing.T) {
			store := &faulty{Store: fresh(t)()}
			live, _ := server(t, store)
			store.commit = func(ctx context.Context, from catalog.Version, mark string, c catalog.Change) (int64, error) {
				row.commit(t, store.Store, func() {
					_, err := store.Store.Commit(ctx, from, mark, c)
					require.NoError(t, err)
				})
				return 0, lost
			}
			revision, err := live.Apply(t.Context(), put(object("k", "mine", "1")))
			if row.fails {
				require.ErrorIs(t, err, lost)
			} else {
				require.NoError(t, err)
				assert.EqualValues(t, 1, revision)
			}
			assert.Equal(t, row.serves, live.Current().Revision)
			_, err = live.Follow(t.Context())
			require.NoError(t, err)
			assert.Equal(t, load(t, store.Store, nil).Hash, live.Current().Hash)
		})
	}
}

func testApplyServesWhatItSavedThoughItsCallerHasGone(t *testing.T, fresh freshStore) {
	store := &faulty{Store: fresh(t)()}
	live, _ := server(t, store)
	ctx, cancel := context.WithCancel(t.Context())
	store.commit = func(ctx context.Context, from catalog.Version, mark string, c catalog.Change) (int64, error) {
		defer cancel()
		return store.Store.Commit(ctx, from, mark, c)
	}
	revision, err := live.Apply(ctx, put(object("k", "a", "1")))
	require.NoError(t, err)
	assert.EqualValues(t, 1, revision)
	assert.EqualValues(t, 1, live.Current().Revision)
}

func testApplyGivesUpWhenOthersAlwaysComeFirst(t *testing.T, fresh freshStore) {
	store := &faulty{Store: fresh(t)()}
	live, _ := server(t, store)
	var first committing
	first = func(context.Context, catalog.Version, string, catalog.Change) (int64, error) {
		store.commit = first
		return 0, catalog.ErrRevision
	}
	store.commit = first
	_, err := live.Apply(t.Context(), put(object("k", "a", "1")))
	require.ErrorIs(t, err, catalog.ErrRevision)
	assert.Equal(t, service.Conflict, service.AsError(err).Code)
	assert.Contains(t, service.AsError(err).Error(), "20 times meanwhile; try again")
}

func testApplyFromManyServersLeavesNoGap(t *testing.T, fresh freshStore) {
	const servers, changes = 3, 50
	open := fresh(t)
	var (
		mu    sync.Mutex
		seen  = map[int64]string{}
		all   sync.WaitGroup
		lives [servers]*catalog.Live
	)
	for s := range servers {
		lives[s], _ = server(t, open())
		for i := range changes {
			all.Go(func() {
				name := fmt.Sprintf("object-%d-%d", s, i)
				revision, err := lives[s].Apply(t.Context(), put(object("k", name, name), object("k", "shared", name)))
				mu.Lock()
				defer mu.Unlock()
				if assert.NoError(t, err) {
					assert.Empty(t, seen[revision], "revision %d is of two changes", revision)
					seen[revision] = name
				}
			})
		}
	}
	all.Wait()
	require.Len(t, seen, servers*changes)
	for revision := int64(1); revision <= servers*changes; revision++ {
		require.NotEmpty(t, seen[revision], "a gap at revision %d", revision)
	}
	for _, live := range lives {
		_, err := live.Follow(t.Context())
		require.NoError(t, err)
		assert.EqualValues(t, servers*changes, live.Current().Revision)
		assert.Equal(t, lives[0].Current().Hash, live.Current().Hash)
		assert.Equal(t, seen[servers*changes], string(live.Current().Get("k", "shared").Spec))
		assert.Len(t, live.Current().Objects, servers*changes+1)
	}
}

func testFollowServesWhatOthersChanged(t *testing.T, fresh freshStore) {
	open := fresh(t)
	a, _ := server(t, open())
	b, _ := server(t, open())
	changed, err := b.Follow(t.Context())
	require.NoError(t, err)
	assert.False(t, changed)
	apply(t, a, put(object("k", "a", "1")))
	apply(t, a, put(object("k", "b", "1")))
	changed, err = b.Follow(t.Context())
	require.NoError(t, err)
	assert.True(t, changed)
	assert.Equal(t, a.Current().Hash, b.Current().Hash)
	assert.EqualValues(t, 2, b.Current().Revision)
	third, _ := server(t, open())
	assert.Equal(t, a.Current().Hash, third.Current().Hash, "a server that starts later has it too")
}

func testFollowRefusesAnOlderStore(t *testing.T, fresh freshStore) {
	store := fresh(t)()
	live, b := server(t, store)
	apply(t, live, put(object("k", "a", "1")))
	_, err := store.DB().ExecContext(t.Context(), "UPDATE cluster SET revision = 0")
	require.NoError(t, err)
	changed, err := live.Follow(t.Context())
	require.ErrorIs(t, err, catalog.ErrRestored)
	assert.ErrorContains(t, err, "at revision 0, this server at 1")
	assert.False(t, changed)
	_, err = live.Apply(t.Context(), put(object("k", "b", "1")))
	require.ErrorIs(t, err, catalog.ErrRestored)
	assert.Equal(t, []int64{0, 1}, b.revisions)
}

func testFollowQuarantinesAndApplyGoesOn(t *testing.T, fresh freshStore) {
	store := fresh(t)()
	live, _ := server(t, store)
	bad, key := object("k", "a", "bad"), catalog.Key{Kind: "k", Name: "a"}
	commit(t, store, 0, put(bad, object("k", "b", "1")))
	_, err := live.Follow(t.Context())
	require.NoError(t, err)
	require.Len(t, live.Faults(), 1)
	assert.EqualValues(t, 1, live.Faults()[0].Since)
	assert.EqualError(t, live.Quarantined()[key], "its spec is bad")

	assert.EqualValues(t, 2, apply(t, live, put(object("k", "b", "2"))), "another object may change")
	require.Len(t, live.Faults(), 1)
	assert.EqualValues(t, 1, live.Faults()[0].Since, "it is not new")

	_, err = live.Apply(t.Context(), put(object("k", "c", "bad")))
	require.EqualError(t, err, "its spec is bad")
	_, err = live.Apply(t.Context(), put(bad))
	require.EqualError(t, err, "its spec is bad", "what does not run is tried again when it is put again")
	assert.EqualValues(t, 2, live.Current().Revision)

	assert.EqualValues(t, 3, apply(t, live, put(object("k", "a", "good"))))
	assert.Empty(t, live.Quarantined())
}

func testStartReportsWhatDoesNotRun(t *testing.T, fresh freshStore) {
	store := fresh(t)()
	commit(t, store, 0, put(object("k", "a", "bad"), object("k", "b", "1")))
	live := catalog.NewLive(store, &builder{}, silent())
	assert.Zero(t, live.Current().Revision)
	require.NoError(t, live.Start(t.Context()))
	assert.Len(t, live.Quarantined(), 1)
	assert.EqualValues(t, 1, live.Current().Revision)
}

func TestSnapshotHashIsOfTheContent(t *testing.T) {
	empty := catalog.NewSnapshot(0, nil)
	one := empty.With(1, put(object("k", "a", "1"), object("k", "b", "2")))
	assert.Equal(t, one.Hash, catalog.NewSnapshot(7, []*catalog.Object{{Kind: "k", Name: "b", Spec: []byte("2")}, {Kind: "k", Name: "a", Spec: []byte("1"), Revision: 5}}).Hash)
	assert.Equal(t, empty.Hash, one.With(2, catalog.Change{Delete: []catalog.Key{{Kind: "k", Name: "a"}, {Kind: "k", Name: "b"}}}).Hash)
	for name, other := range map[string]catalog.Object{
		"spec": object("k", "a", "2"), "name": object("k", "a1", ""), "kind": object("ka", "1", ""), "empty": object("k", "a", ""),
	} {
		assert.NotEqual(t, empty.With(1, put(object("k", "a", "1"))).Hash, empty.With(1, put(other)).Hash, name)
	}
}
