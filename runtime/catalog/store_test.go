package catalog_test

import (
	"context"
	"crypto/rand"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/service"
)

// opener opens one more handle on the same store, as another process would.
type opener func() *catalog.Database

// freshStore gives a new, empty store each time.
type freshStore = func(t testing.TB) opener

// testStore holds every Store to its contract.
func testStore(t *testing.T, fresh freshStore) {
	t.Helper()
	for _, row := range []struct {
		name string
		test func(*testing.T, opener)
	}{
		{"an empty store is at revision 0", testEmpty},
		{"what is put is loaded, by every handle", testPut},
		{"any text and bytes come back as they were", testContent},
		{"a load after another shares what did not change", testLoadAfter},
		{"a load after any earlier one equals a load of everything", testLoadAfterAny},
		{"a commit from another revision is refused", testStaleCommit},
		{"a change that Check refuses is not saved", testInvalid},
		{"of many commits from one revision one wins", testRace},
		{"a commit whose caller has gone saves nothing", testGone},
		{"each change is in the history", testHistory},
		{"former versions are kept", testVersions},
		{"a commit on another history is refused", testOtherHistory},
		{"a store remembers which changes made it", testHas},
		{"a load on top of what the store does not go on from is refused", testRestored},
		{"what an operator accepted is loaded on top of anything", testAccept},
		{"programs that know no marks take part", testUnmarked},
		{"the audit log says who wrote what", testAudit},
		{"what is done to the audit log behind its back is found", testTampered},
		{"rows of programs that do not chain are covered by the next", testUnchained},
	} {
		t.Run(row.name, func(t *testing.T) { row.test(t, fresh(t)) })
	}
}

func object(kind, name, spec string) catalog.Object {
	return catalog.Object{Kind: kind, Name: name, Spec: []byte(spec)}
}

// commit commits c, which must succeed, if the store is at revision from.
func commit(t testing.TB, s catalog.Store, from int64, c catalog.Change) int64 {
	t.Helper()
	revision, err := tryCommit(t, s, from, c)
	require.NoError(t, err)
	return revision
}

func tryCommit(t testing.TB, s catalog.Store, from int64, c catalog.Change) (int64, error) {
	t.Helper()
	return s.Commit(t.Context(), catalog.Version{Revision: from, Mark: versionOf(t, s).Mark}, rand.Text(), c)
}

func versionOf(t testing.TB, s catalog.Store) catalog.Version {
	t.Helper()
	v, err := s.Version(t.Context())
	require.NoError(t, err)
	return v
}

func load(t testing.TB, s catalog.Store, prev *catalog.Snapshot) *catalog.Snapshot {
	t.Helper()
	snapshot, err := s.Load(t.Context(), prev)
	require.NoError(t, err)
	return snapshot
}

// contents is s as text, for comparing.
func contents(s *catalog.Snapshot) map[catalog.Key]string {
	out := map[catalog.Key]string{}
	for _, o := range s.Objects {
		out[o.Key()] = string(o.Spec)
	}
	return out
}

func testEmpty(t *testing.T, open opener) {
	s := open()
	assert.Equal(t, catalog.Version{}, versionOf(t, s))
	snapshot := load(t, s, nil)
	assert.Zero(t, snapshot.Revision)
	assert.Empty(t, snapshot.Objects)
	assert.Equal(t, catalog.NewSnapshot(0, nil).Hash, snapshot.Hash)
}

func testPut(t *testing.T, open opener) {
	a, b := open(), open()
	assert.EqualValues(t, 1, commit(t, a, 0, catalog.Change{Put: []catalog.Object{object("k", "b", "1"), object("k", "a", "2"), object("j", "z", "3")}}))
	assert.EqualValues(t, 2, commit(t, b, 1, catalog.Change{Put: []catalog.Object{object("k", "b", "4")}, Delete: []catalog.Key{{Kind: "k", Name: "a"}, {Kind: "no", Name: "such"}}}))
	for _, s := range []catalog.Store{a, b} {
		assert.EqualValues(t, 2, versionOf(t, s).Revision)
		snapshot := load(t, s, nil)
		assert.Equal(t, versionOf(t, s), snapshot.Version())
		require.Len(t, snapshot.Objects, 2)
		assert.Equal(t, catalog.Key{Kind: "j", Name: "z"}, snapshot.Objects[0].Key())
		assert.EqualValues(t, 1, snapshot.Objects[0].Revision)
		assert.Equal(t, "4", string(snapshot.Get("k", "b").Spec))
		assert.EqualValues(t, 2, snapshot.Get("k", "b").Revision)
		assert.Nil(t, snapshot.Get("k", "a"))
	}
}

func testContent(t *testing.T, open opener) {
	a, b := open(), open()
	put := []catalog.Object{
		object("k", "żółć \"'; DROP TABLE objects; --", "\x00\xff binary"), object("k", "empty", ""),
		object("k", "large", strings.Repeat("0123456789abcdef", 1<<17)), object("K", "empty", "case counts"),
	}
	commit(t, a, 0, catalog.Change{Put: put, By: "o'brien"})
	got := load(t, b, nil)
	require.Len(t, got.Objects, len(put))
	for _, o := range put {
		assert.Equal(t, string(o.Spec), string(got.Get(o.Kind, o.Name).Spec), o.Name)
	}
	assert.Equal(t, catalog.NewSnapshot(0, nil).With(1, catalog.Change{Put: put}).Hash, got.Hash)
}

func testLoadAfter(t *testing.T, open opener) {
	a, b := open(), open()
	commit(t, a, 0, catalog.Change{Put: []catalog.Object{object("k", "same", "1"), object("k", "changed", "1"), object("k", "gone", "1"), object("k", "back", "1")}})
	before := load(t, b, nil)
	assert.Same(t, before, load(t, b, before), "nothing changed")
	commit(t, a, 1, catalog.Change{
		Put:    []catalog.Object{object("k", "changed", "2"), object("k", "new", "2"), object("k", "brief", "2")},
		Delete: []catalog.Key{{Kind: "k", Name: "gone"}, {Kind: "k", Name: "back"}},
	})
	commit(t, a, 2, catalog.Change{Put: []catalog.Object{object("k", "back", "3")}, Delete: []catalog.Key{{Kind: "k", Name: "brief"}}})
	after := load(t, b, before)
	assert.Equal(t, map[catalog.Key]string{{"k", "same"}: "1", {"k", "changed"}: "2", {"k", "new"}: "2", {"k", "back"}: "3"}, contents(after))
	assert.Same(t, before.Get("k", "same"), after.Get("k", "same"))
	assert.Equal(t, "1", string(before.Get("k", "changed").Spec), "a snapshot never changes")
	assert.Equal(t, load(t, a, nil).Hash, after.Hash)
}

func testLoadAfterAny(t *testing.T, open opener) {
	a, b := open(), open()
	snapshots := []*catalog.Snapshot{load(t, b, nil)}
	for i := range 12 {
		c := catalog.Change{Put: []catalog.Object{object("k", string(rune('a'+i%5)), strings.Repeat("x", i))}}
		if i%2 == 1 {
			c = catalog.Change{Delete: []catalog.Key{{Kind: "k", Name: string(rune('a' + i*3%5))}}}
		}
		commit(t, a, int64(i), c)
		snapshots = append(snapshots, load(t, b, nil))
	}
	whole := snapshots[len(snapshots)-1]
	for _, before := range snapshots {
		got := load(t, b, before)
		assert.Equal(t, whole.Hash, got.Hash, "from revision %d", before.Revision)
		assert.Equal(t, whole.Revision, got.Revision)
	}
}

func testStaleCommit(t *testing.T, open opener) {
	a, b := open(), open()
	commit(t, a, 0, catalog.Change{Put: []catalog.Object{object("k", "a", "1")}})
	for _, from := range []int64{0, 2, -1} {
		_, err := tryCommit(t, b, from, catalog.Change{Put: []catalog.Object{object("k", "a", "lost")}})
		require.ErrorIs(t, err, catalog.ErrRevision, "from %d", from)
	}
	assert.Equal(t, "1", string(load(t, b, nil).Get("k", "a").Spec))
}

func testInvalid(t *testing.T, open opener) {
	s := open()
	good := object("k", "good", "1")
	for _, row := range []struct {
		name, says string
		change     catalog.Change
	}{
		{"no kind", `named "a" has no kind`, catalog.Change{Put: []catalog.Object{good, object("", "a", "1")}}},
		{"no name", `kind "k" has no name`, catalog.Change{Put: []catalog.Object{good, object("k", "", "1")}}},
		{"delete without a name", "has no name", catalog.Change{Put: []catalog.Object{good}, Delete: []catalog.Key{{Kind: "k"}}}},
		{"twice", "k good is changed twice", catalog.Change{Put: []catalog.Object{good, good}}},
		{"put and deleted", "k good is changed twice", catalog.Change{Put: []catalog.Object{good}, Delete: []catalog.Key{good.Key()}}},
		{"zero byte", "without zero bytes", catalog.Change{Put: []catalog.Object{good, object("k", "a\x00b", "1")}}},
		{"no UTF-8", "UTF-8", catalog.Change{Put: []catalog.Object{good, object("k", "\xff", "1")}}},
		{"author", "author", catalog.Change{Put: []catalog.Object{good}, By: "\xff"}},
	} {
		_, err := tryCommit(t, s, 0, row.change)
		require.ErrorContains(t, err, row.says, row.name)
		assert.Equal(t, service.Invalid, service.AsError(err).Code, row.name)
	}
	assert.Empty(t, load(t, s, nil).Objects)
	assert.Zero(t, load(t, s, nil).Revision)
}

func testRace(t *testing.T, open opener) {
	const contenders = 8
	results := make([]error, contenders)
	var all sync.WaitGroup
	for i := range contenders {
		s := open()
		all.Go(func() {
			_, results[i] = s.Commit(t.Context(), catalog.Version{}, rand.Text(), catalog.Change{Put: []catalog.Object{object("k", "a", string(rune('0'+i)))}})
		})
	}
	all.Wait()
	winner := -1
	for i, err := range results {
		if err == nil {
			assert.Equal(t, -1, winner, "two winners")
			winner = i
			continue
		}
		assert.ErrorIs(t, err, catalog.ErrRevision)
	}
	require.NotEqual(t, -1, winner)
	snapshot := load(t, open(), nil)
	assert.EqualValues(t, 1, snapshot.Revision)
	assert.Equal(t, string(rune('0'+winner)), string(snapshot.Get("k", "a").Spec))
}

func testGone(t *testing.T, open opener) {
	s := open()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Commit(ctx, catalog.Version{}, "mark", catalog.Change{Put: []catalog.Object{object("k", "a", "1")}})
	require.ErrorIs(t, err, context.Canceled)
	assert.EqualValues(t, 1, commit(t, s, 0, catalog.Change{Put: []catalog.Object{object("k", "a", "2")}}), "the store goes on")
}
