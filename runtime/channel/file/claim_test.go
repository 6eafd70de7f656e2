package file_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/channel"
	"github.com/parley-run/parley/runtime/service"
)

// A file whose handling ends with its server is begun again by the next one, and not for ever.
func TestFileThatWasBrokenOff(t *testing.T) {
	entered := make(chan struct{}, 1)
	var good atomic.Bool
	u := newUnder(t, `,"attempts":3`, func(ctx context.Context, _ *service.Request) (*service.Response, error) {
		if good.Load() {
			return nil, nil
		}
		entered <- struct{}{}
		<-ctx.Done()
		return nil, &service.Error{Code: service.Timeout, Message: "it did not answer", Err: errors.New("place")}
	})
	for _, name := range []string{"again.csv", "poison.csv"} {
		good.Store(false)
		u.drop(name, name)
		tries := 2
		if name == "poison.csv" {
			tries = 3
		}
		for range tries {
			u.run()
			<-entered
			assert.Empty(t, u.files(""), "it is out of the folder while it is handled")
			u.end(errors.New("the lease is lost"))
			assert.Len(t, u.claimed(), 1)
		}
		good.Store(true)
		u.run()
		u.eventually("it is moved away", func() bool { return len(u.claimed()) == 0 })
		u.end(channel.ErrStopped)
	}
	assert.Equal(t, []string{"again.csv"}, u.files("done"))
	assert.Equal(t, []string{"poison.csv", "poison.csv.error"}, u.files("failed"))
	assert.Contains(t, u.read("failed/poison.csv.error"), "it was begun 3 times, and each time the server ended or lost the channel")
	assert.Len(t, u.got(), 6)
	left, err := os.ReadDir(filepath.Join(u.dir, ".parley", "channel-Orders%2Fin"))
	require.NoError(t, err)
	assert.Empty(t, left)
}

// A planned end waits for the file that is being handled, and begins none.
func TestPlannedEnd(t *testing.T) {
	entered, release := make(chan struct{}, 9), make(chan struct{})
	u := newUnder(t, "", func(ctx context.Context, _ *service.Request) (*service.Response, error) {
		entered <- struct{}{}
		<-release
		return nil, ctx.Err()
	})
	u.drop("a.csv", "1")
	u.drop("b.csv", "2")
	u.run()
	<-entered
	u.stop(channel.ErrStopped)
	close(release)
	<-u.done
	assert.Equal(t, []string{"a.csv"}, u.files("done"))
	assert.Equal(t, []string{"b.csv"}, u.files(""))
	assert.Len(t, u.got(), 1)
}

// A file that was handled and cannot be moved away is not handled again.
func TestFileThatCannotBeMovedAway(t *testing.T) {
	var u *under
	u = newUnder(t, "", func(context.Context, *service.Request) (*service.Response, error) {
		done := filepath.Join(u.dir, "done")
		assert.NoError(t, os.Rename(done, filepath.Join(u.dir, ".away")))
		assert.NoError(t, os.WriteFile(done, nil, 0o600))
		return nil, nil
	})
	u.drop("a.csv", "1")
	u.run()
	u.eventually("it says so", func() bool {
		return u.log.Count(`cannot move "a.csv", which was handled, to `) == 1 && u.log.Count("run ended: ") > 2
	})
	require.NoError(t, os.Remove(filepath.Join(u.dir, "done")))
	u.eventually("it is moved then", func() bool { return len(u.files("done")) == 1 })
	assert.Equal(t, []string{"1"}, u.got())
	assert.Empty(t, u.claimed())
}

// Several at one folder, which a lease keeps from being, still do not handle a file twice.
func TestClaimsAreAtomic(t *testing.T) {
	u := newUnder(t, "", nil)
	var all []*under
	for range 4 {
		one := &under{t: t, dir: u.dir, spec: u.spec}
		all = append(all, one.run())
	}
	for _, one := range all {
		one.eventually("it has begun", func() bool { _, err := os.Stat(filepath.Join(u.dir, "failed")); return err == nil })
	}
	for i := range 200 {
		u.drop(fmt.Sprintf("%03d.csv", i), fmt.Sprint(i))
	}
	u.eventually("all are handled", func() bool { return len(u.files("done")) == 200 })
	times := map[string]int{}
	for _, one := range all {
		for _, content := range one.got() {
			times[content]++
		}
	}
	for i := range 200 {
		assert.Equal(t, 1, times[fmt.Sprint(i)], i)
	}
}

func TestFoldersThatCannotBeUsed(t *testing.T) {
	t.Run("no pickup folder", func(t *testing.T) {
		u := newUnder(t, "", nil)
		require.NoError(t, os.Remove(u.dir))
		u.run()
		u.eventually("it says so", func() bool { return u.log.Count("pickup_from: ") > 1 })
		assert.Positive(t, u.log.Count("create or mount it"))
		require.NoError(t, os.Mkdir(u.dir, 0o700))
		u.drop("a.csv", "1")
		u.eventually("it goes on when it is there", func() bool { return len(u.files("done")) == 1 })
	})
	t.Run("done is a file", func(t *testing.T) {
		u := newUnder(t, "", nil)
		require.NoError(t, os.WriteFile(filepath.Join(u.dir, "done"), nil, 0o600))
		u.drop("a.csv", "1")
		u.run()
		u.eventually("it says so", func() bool { return u.log.Count("move_processed_to: ") > 1 })
		assert.Empty(t, u.got(), "nothing is handled that could not be moved away")
		assert.Equal(t, []string{"a.csv", "done"}, u.files(""))
	})
	t.Run("another file system", func(t *testing.T) {
		other, err := os.MkdirTemp("/dev/shm", "parley-*")
		if err != nil {
			t.Skip("this machine has no second file system to write to: ", err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(other) })
		u := newUnder(t, fmt.Sprintf(`,"move_failed_to":%q`, other), nil).run()
		u.drop("a.csv", "1")
		u.eventually("it says so, or it is one file system", func() bool { return u.log.Count("is on another file system than") > 0 || len(u.got()) > 0 })
		if len(u.got()) == 0 {
			assert.Equal(t, []string{"a.csv"}, u.files(""))
		}
	})
}
