package catalog_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/catalog"
)

func testVersions(t *testing.T, open opener) {
	s := open()
	s.KeepVersions("k")
	key := catalog.Key{Kind: "k", Name: "a"}
	at := func(revision int64) string {
		o, err := s.ObjectAt(t.Context(), key, revision)
		if err != nil {
			require.ErrorIs(t, err, catalog.ErrNoVersion)
			return ""
		}
		return string(o.Spec)
	}
	commit(t, s, 0, catalog.Change{By: "anna", Put: []catalog.Object{object("k", "a", "1"), object("other", "a", "1")}})
	commit(t, s, 1, catalog.Change{By: "bob", Put: []catalog.Object{object("k", "a", "2"), object("other", "a", "2")}})
	commit(t, s, 2, catalog.Change{By: "carl", Put: []catalog.Object{object("k", "b", "1")}})
	first, second := string(object("k", "a", "1").Spec), string(object("k", "a", "2").Spec)
	assert.Equal(t, []string{first, second, "", ""}, []string{at(1), at(2), at(3), at(99)})
	_, err := s.ObjectAt(t.Context(), catalog.Key{Kind: "other", Name: "a"}, 1)
	require.ErrorIs(t, err, catalog.ErrNoVersion, "of that kind none are kept")

	commit(t, s, 3, catalog.Change{By: "dora", Delete: []catalog.Key{key}})
	all, err := s.Versions(t.Context(), key, 10)
	require.NoError(t, err)
	var told []string
	for _, v := range all {
		told = append(told, fmt.Sprintf("%d %s %s kept=%t current=%t", v.Revision, v.Action, v.Who, v.Kept, v.Current))
	}
	assert.Equal(t, []string{"4 delete dora kept=false current=false", "2 put bob kept=true current=false", "1 put anna kept=true current=false"}, told)
	assert.Equal(t, second, at(2), "one that is gone can come back")

	for i := range 40 {
		commit(t, s, int64(4+i), catalog.Change{By: "eve", Put: []catalog.Object{object("k", "a", fmt.Sprint("v", i))}})
	}
	all, err = s.Versions(t.Context(), key, 100)
	require.NoError(t, err)
	kept := 0
	for _, v := range all {
		if v.Kept {
			kept++
		}
	}
	assert.Equal(t, 31, kept, "thirty former ones, and what serves")
	assert.True(t, all[0].Current)
	assert.Empty(t, at(1))
	one, err := s.Versions(t.Context(), key, 1)
	require.NoError(t, err)
	assert.Len(t, one, 1)
}
