package catalog_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/internal/locked"
	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/service"
)

// away is a store that can be away.
type away struct {
	catalog.Store
	mu   sync.Mutex
	gone bool
}

func (a *away) set(gone bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.gone = gone
}

func (a *away) err() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.gone {
		return &service.Error{Code: service.Unavailable, Message: "catalog: the database is away"}
	}
	return nil
}

func (a *away) Load(ctx context.Context, prev *catalog.Snapshot) (*catalog.Snapshot, error) {
	if err := a.err(); err != nil {
		return nil, err
	}
	return a.Store.Load(ctx, prev)
}

func (a *away) Version(ctx context.Context) (catalog.Version, error) {
	if err := a.err(); err != nil {
		return catalog.Version{}, err
	}
	return a.Store.Version(ctx)
}

func (a *away) Commit(ctx context.Context, from catalog.Version, mark string, c catalog.Change) (int64, error) {
	if err := a.err(); err != nil {
		return 0, errors.Join(catalog.ErrUnsaved, err)
	}
	return a.Store.Commit(ctx, from, mark, c)
}

// keeping is a server that keeps its catalog in a file. stop ends it as planned.
func keeping(t *testing.T, store catalog.Store, path string, log *slog.Logger) (live *catalog.Live, stop func(), err error) {
	t.Helper()
	live = catalog.NewLive(store, &builder{}, log)
	live.KeepIn(path)
	if err = live.Start(t.Context()); err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { live.Keep(ctx) })
	stop = sync.OnceFunc(func() { cancel(); done.Wait() })
	t.Cleanup(stop)
	return live, stop, nil
}

func TestStartWithoutTheStore(t *testing.T) {
	for _, row := range []struct {
		name   string
		damage func(t *testing.T, path string)
		says   string // "": it starts
	}{
		{"with a good file", func(*testing.T, string) {}, ""},
		{
			"with none", func(t *testing.T, path string) { require.NoError(t, os.Remove(path)) },
			"catalog: the database is away, and no catalog was kept on this machine's disk yet; this server starts when the database is back; servers that run serve on",
		},
		{"with one that was cut off", func(t *testing.T, path string) { require.NoError(t, os.Truncate(path, 50)) }, "FILE: the file is damaged: unexpected end of JSON input"},
		{"with an empty one", func(t *testing.T, path string) { require.NoError(t, os.Truncate(path, 0)) }, "FILE: the file is damaged"},
		{"with one that was changed", func(t *testing.T, path string) {
			raw, err := os.ReadFile(path)
			require.NoError(t, err)
			changed := bytes.Replace(raw, []byte(`"spec":"b2xk"`), []byte(`"spec":"bmV3"`), 1)
			require.NotEqual(t, raw, changed)
			require.NoError(t, os.WriteFile(path, changed, 0o600))
		}, "FILE: its content is not what was written: the file is damaged"},
		{"with one of a later form", func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(path, []byte(`{"format": 9}`), 0o600))
		}, "FILE: its form is version 9 and this program knows 1"},
	} {
		t.Run(row.name, func(t *testing.T) {
			store := &away{Store: freshSQLite(t)()}
			path := filepath.Join(t.TempDir(), "catalog.snapshot")
			first, stop, err := keeping(t, store, path, silent())
			require.NoError(t, err)
			apply(t, first, put(object("k", "a", "old"), object("k", "b", "bad but not now")))
			stop()
			info, err := os.Stat(path)
			require.NoError(t, err)
			assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "definitions hold secrets")

			row.damage(t, path)
			store.set(true)
			second, _, err := keeping(t, store, path, silent())
			if row.says != "" {
				require.ErrorContains(t, err, strings.Replace(row.says, "FILE", path, 1))
				assert.Equal(t, service.Unavailable, service.AsError(err).Code)
				store.set(false)
				second, stop, err = keeping(t, store, path, silent())
				require.NoError(t, err, "the store alone is enough")
				stop()
				store.set(true)
				_, _, err = keeping(t, store, path, silent())
				require.NoError(t, err, "and the file is a good one again")
			} else {
				require.NoError(t, err)
				require.ErrorContains(t, second.Problem(), "the database is away")
				_, err = second.Apply(t.Context(), put(object("k", "a", "new")))
				assert.Equal(t, service.Unavailable, service.AsError(err).Code)
			}
			assert.Equal(t, first.Current().Hash, second.Current().Hash)
			store.set(false)
			commit(t, store.Store, 1, put(object("k", "c", "1")))
			_, err = second.Follow(t.Context())
			require.NoError(t, err)
			require.NoError(t, second.Problem())
			assert.NotNil(t, second.Current().Get("k", "c"), "it follows when the store is back")
		})
	}
}

// TestStartServesOnWhatARestoreTookBack starts a server whose store was restored meanwhile.
func TestStartServesOnWhatARestoreTookBack(t *testing.T) {
	store := freshSQLite(t)()
	path := filepath.Join(t.TempDir(), "catalog.snapshot")
	first, stop, err := keeping(t, store, path, silent())
	require.NoError(t, err)
	for _, name := range []string{"1", "2", "3"} {
		apply(t, first, put(object("k", name, "x")))
	}
	stop()
	restore(t, store, 2)
	second, _, err := keeping(t, store, path, silent())
	require.NoError(t, err)
	assert.EqualValues(t, 3, second.Current().Revision)
	require.ErrorIs(t, second.Problem(), catalog.ErrRestored)
	_, err = second.Apply(t.Context(), put(object("k", "4", "x")))
	require.ErrorIs(t, err, catalog.ErrRestored)
	revision, err := second.AcceptRestore(t.Context(), 0, "anna")
	require.NoError(t, err)
	assert.EqualValues(t, 4, revision)
	assert.Nil(t, second.Current().Get("k", "3"), "it is given up")
	require.NoError(t, second.Problem())
}

// TestStartMendsWhatDiffers lets a server keep other content than the store's at the same revision.
func TestStartMendsWhatDiffers(t *testing.T) {
	store := freshSQLite(t)()
	path := filepath.Join(t.TempDir(), "catalog.snapshot")
	first, stop, err := keeping(t, store, path, silent())
	require.NoError(t, err)
	apply(t, first, put(object("k", "a", "1")))
	stop()
	_, err = store.DB().ExecContext(t.Context(), "UPDATE objects SET spec = 'by hand'")
	require.NoError(t, err)
	second, _, err := keeping(t, store, path, silent())
	require.NoError(t, err)
	assert.Equal(t, "by hand", string(second.Current().Get("k", "a").Spec))
}

func TestAFileThatCannotBeKeptIsLogged(t *testing.T) {
	var log locked.Buffer
	path := filepath.Join(t.TempDir(), "no such folder", "catalog.snapshot")
	live, _, err := keeping(t, freshSQLite(t)(), path, slog.New(slog.NewTextHandler(&log, nil)))
	require.NoError(t, err)
	assert.EqualValues(t, 1, apply(t, live, put(object("k", "a", "1"))), "it serves all the same")
	require.Eventually(t, func() bool {
		return strings.Contains(log.String(), "the catalog is not kept on this machine's disk") && strings.Contains(log.String(), path)
	}, time.Minute, time.Millisecond)
}
