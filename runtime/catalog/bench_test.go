package catalog_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/catalog"
)

// file is an object of 1 KB, the size of a small service file, that differs by n.
func file(name string, n int) catalog.Object {
	spec := bytes.Repeat([]byte("x"), 1000)
	return catalog.Object{Kind: "service_file", Name: name, Spec: append(spec, fmt.Sprint(n)...)}
}

// filled is a store with 1,000 objects of 1 KB, and a second handle on its file.
func filled(b *testing.B) (store, other *catalog.Database, snapshot *catalog.Snapshot) {
	b.Helper()
	path := filepath.Join(b.TempDir(), "catalog.db")
	store, err := catalog.OpenSQLite(b.Context(), path)
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, store.Close()) })
	other, err = catalog.OpenSQLite(b.Context(), path)
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, other.Close()) })
	var c catalog.Change
	for i := range 1000 {
		c.Put = append(c.Put, file(fmt.Sprintf("file-%04d.star", i), 0))
	}
	commit(b, store, 0, c)
	snapshot, err = other.Load(b.Context(), nil)
	require.NoError(b, err)
	require.Len(b, snapshot.Objects, 1000)
	return store, other, snapshot
}

// timed reports the median and the 99th percentile of do, in milliseconds.
func timed(b *testing.B, do func(i int)) {
	b.Helper()
	var all []time.Duration
	i := 0
	for b.Loop() {
		start := time.Now()
		do(i)
		all = append(all, time.Since(start))
		i++
	}
	slices.Sort(all)
	b.ReportMetric(all[len(all)/2].Seconds()*1e3, "ms-p50")
	b.ReportMetric(all[len(all)*99/100].Seconds()*1e3, "ms-p99")
}

func BenchmarkCommit(b *testing.B) {
	store, _, snapshot := filled(b)
	version := snapshot.Version()
	timed(b, func(i int) {
		mark := fmt.Sprint(i)
		revision, err := store.Commit(b.Context(), version, mark, catalog.Change{Put: []catalog.Object{file("file-0500.star", i)}, By: "bench"})
		require.NoError(b, err)
		version = catalog.Version{Revision: revision, Mark: mark}
	})
}

func BenchmarkCommitThenLoadElsewhere(b *testing.B) {
	store, other, snapshot := filled(b)
	var loads []time.Duration
	timed(b, func(i int) {
		revision, err := store.Commit(b.Context(), snapshot.Version(), fmt.Sprint(i), catalog.Change{Put: []catalog.Object{file("file-0500.star", i)}})
		require.NoError(b, err)
		start := time.Now()
		snapshot, err = other.Load(b.Context(), snapshot)
		loads = append(loads, time.Since(start))
		require.NoError(b, err)
		require.Equal(b, revision, snapshot.Revision)
	})
	slices.Sort(loads)
	b.ReportMetric(loads[len(loads)/2].Seconds()*1e3, "load-ms-p50")
	b.ReportMetric(loads[len(loads)*99/100].Seconds()*1e3, "load-ms-p99")
}

func BenchmarkLoadAll(b *testing.B) {
	store, _, _ := filled(b)
	timed(b, func(int) {
		_, err := store.Load(b.Context(), nil)
		require.NoError(b, err)
	})
}

func BenchmarkVersion(b *testing.B) {
	store, _, _ := filled(b)
	timed(b, func(int) { versionOf(b, store) })
}

func BenchmarkSnapshotWith(b *testing.B) {
	_, _, snapshot := filled(b)
	timed(b, func(i int) {
		snapshot = snapshot.With(snapshot.Revision+1, catalog.Change{Put: []catalog.Object{file("file-0500.star", i)}})
	})
}
