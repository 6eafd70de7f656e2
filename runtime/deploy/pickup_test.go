package deploy_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
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
	"github.com/parley-run/parley/runtime/deploy"
	"github.com/parley-run/parley/runtime/service"
)

// bench is a pickup folder, its catalog and its log.
type bench struct {
	*shelf
	t       *testing.T
	dir     string
	handled string
	log     locked.Buffer
	pickup  deploy.Pickup
	stop    func()
}

func newBench(t *testing.T) *bench {
	root := t.TempDir()
	b := &bench{shelf: newShelf(), t: t, dir: filepath.Join(root, "incoming", "services"), handled: filepath.Join(root, "handled.json")}
	b.pickup = deploy.Pickup{
		Dir: b.dir, HandledFile: b.handled, Server: "server1", Catalog: b.shelf,
		Log: slog.New(slog.NewTextHandler(&b.log, nil)), Settle: 50 * time.Millisecond, Rescan: 100 * time.Millisecond, Removal: 100 * time.Millisecond, Hold: time.Second,
	}
	require.NoError(t, os.MkdirAll(b.dir, 0o755))
	return b
}

// start runs the pickup until stop, or the test's end.
func (b *bench) start() {
	ctx, cancel := context.WithCancel(b.t.Context())
	done := make(chan error, 1)
	go func() { done <- b.pickup.Run(ctx) }()
	b.stop = sync.OnceFunc(func() {
		cancel()
		assert.NoError(b.t, <-done)
	})
	b.t.Cleanup(b.stop)
}

func (b *bench) write(name, source string) {
	b.t.Helper()
	require.NoError(b.t, os.WriteFile(filepath.Join(b.dir, name), []byte(source), 0o644))
}

func (b *bench) remove(name string) {
	b.t.Helper()
	require.NoError(b.t, os.Remove(filepath.Join(b.dir, name)))
}

func (b *bench) rename(from, to string) {
	b.t.Helper()
	require.NoError(b.t, os.Rename(filepath.Join(b.dir, from), filepath.Join(b.dir, to)))
}

func (b *bench) eventually(what string, is func() bool) {
	b.t.Helper()
	require.Eventually(b.t, is, time.Minute, time.Millisecond, "%s\nchanges %q\nlog:\n%s", what, b.made(), &b.log)
}

func (b *bench) serves(name, source string) {
	b.t.Helper()
	b.eventually(fmt.Sprintf("%s should be %q", name, source), func() bool { return b.source(name) == source })
}

func (b *bench) logs(text string) {
	b.t.Helper()
	b.eventually("the log should say "+text, func() bool { return strings.Contains(b.log.String(), text) })
}

// quiet waits until everything that was done to the folder before has been seen and handled: a file that
// settles after it is.
func (b *bench) quiet() {
	b.t.Helper()
	name := fmt.Sprintf("mark%d.star", time.Now().UnixNano())
	for range 2 {
		source := "mark " + time.Now().String()
		b.write(name, source)
		b.serves(name, source)
	}
}

func (b *bench) remembered() map[string]struct{ SHA256, Refused string } {
	raw, err := os.ReadFile(b.handled)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	assert.NoError(b.t, err)
	var l struct {
		Files map[string]struct{ SHA256, Refused string }
	}
	assert.NoError(b.t, json.Unmarshal(raw, &l))
	return l.Files
}

func TestPickupDeploys(t *testing.T) {
	b := newBench(t)
	b.write("before.star", "service before")
	b.start()
	b.serves("before.star", "service before")
	b.write("a.star", "service a")
	b.serves("a.star", "service a")
	b.write("a.star", "service a v2")
	b.serves("a.star", "service a v2")
	b.logs(`msg=deployed file=a.star revision=4 ms=`)
	assert.Equal(t, []string{"put before.star", "put a.star", "put a.star"}, b.made())
}

func TestPickupByHintsAlone(t *testing.T) {
	b := newBench(t)
	b.pickup.Rescan = time.Hour
	b.write("first.star", "service first")
	b.start()
	b.serves("first.star", "service first")
	b.write("a.star", "service a")
	b.serves("a.star", "service a")
}

func TestPickupByRescanAlone(t *testing.T) {
	b := newBench(t)
	// A link to a folder: what happens behind it gives no hints of the folder that holds the link.
	real := filepath.Join(t.TempDir(), "a.star")
	require.NoError(t, os.WriteFile(real, []byte("service a"), 0o644))
	require.NoError(t, os.Symlink(real, filepath.Join(b.dir, "a.star")))
	b.start()
	b.serves("a.star", "service a")
	require.NoError(t, os.WriteFile(real, []byte("service a v2"), 0o644))
	b.serves("a.star", "service a v2")
}

func TestPickupWaitsForSlowWriters(t *testing.T) {
	b := newBench(t)
	b.pickup.Settle = time.Second
	b.start()
	f, err := os.Create(filepath.Join(b.dir, "slow.star"))
	require.NoError(t, err)
	tick := time.NewTicker(40 * time.Millisecond)
	defer tick.Stop()
	want := ""
	for i := range 60 { // 2.4 s in pieces: far longer than it takes to settle
		piece := fmt.Sprintf("service s%d\n", i)
		want += piece
		_, err = f.WriteString(piece)
		require.NoError(t, err)
		<-tick.C
	}
	require.NoError(t, f.Close())
	b.serves("slow.star", want)
	assert.Equal(t, []string{"put slow.star"}, b.made(), "no part of it was ever deployed")
}

func TestPickupTakesRenamedFilesAtOnce(t *testing.T) {
	b := newBench(t)
	b.pickup.Settle = time.Hour
	b.start()
	// Its hidden name has to be seen once; nothing says when that was, so begin again until it was.
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); b.source("a.star") == ""; <-tick.C {
		require.True(t, time.Now().Before(end), "a renamed file should not have to settle")
		b.write(".a.star.tmp", "service a "+time.Now().String())
		<-tick.C
		b.rename(".a.star.tmp", "a.star")
	}
}

func TestPickupTakesFilesMovedIn(t *testing.T) {
	b := newBench(t)
	b.start()
	outside := filepath.Join(filepath.Dir(b.handled), "a.star")
	require.NoError(t, os.WriteFile(outside, []byte("service a"), 0o644))
	require.NoError(t, os.Rename(outside, filepath.Join(b.dir, "a.star")))
	b.serves("a.star", "service a")
}

func TestPickupAndEditors(t *testing.T) {
	b := newBench(t)
	b.pickup.Removal = 5 * time.Second
	b.start()
	b.write("a.star", "service a v1")
	b.serves("a.star", "service a v1")
	for i := 2; i < 6; i++ {
		// As vim: a swap file, the old version to a backup, the new one written, the backup removed.
		source := fmt.Sprintf("service a v%d", i)
		b.write(".a.star.swp", "x")
		b.rename("a.star", "a.star~")
		b.write("a.star", source)
		b.remove("a.star~")
		b.remove(".a.star.swp")
		b.serves("a.star", source)
	}
	// As others: a temporary file that takes the place of the old one.
	b.write("a.star.tmp", "service a v6")
	b.rename("a.star.tmp", "a.star")
	b.serves("a.star", "service a v6")
	assert.NotContains(t, b.log.String(), "undeployed")
	assert.Len(t, b.Current().Objects, 1)
}

func TestPickupIgnores(t *testing.T) {
	b := newBench(t)
	require.NoError(t, os.Mkdir(filepath.Join(b.dir, "folder.star"), 0o755))
	for _, name := range []string{".hidden.star", "a.star~", "a.star.swp", "a.star.tmp", "#a.star#", "a.py", "README"} {
		b.write(name, "service a")
	}
	b.start()
	b.quiet()
	assert.Len(t, b.Current().Objects, 1, "the mark alone")
	assert.NotContains(t, b.log.String(), "ERROR")
}

func TestPickupDeploysTogetherWhatAppearsTogether(t *testing.T) {
	b := newBench(t)
	b.write("a.star", "load b.star")
	b.write("b.star", "load c.star")
	b.write("c.star", "service c")
	b.start()
	b.serves("c.star", "service c")
	assert.Equal(t, []string{"put a.star, put b.star, put c.star"}, b.made())
}

func TestPickupFindsTheBadOneAmongMany(t *testing.T) {
	tests := []struct {
		name     string
		nameless bool
		needs    string // of file i: a file that it loads
	}{
		{name: "told which, all needing one another", needs: "load f%02d.star"},
		{name: "not told which", nameless: true, needs: "# %d"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			b.nameless = tt.nameless
			for i := range 64 {
				b.write(fmt.Sprintf("f%02d.star", i), fmt.Sprintf("service s%d "+tt.needs, i, 63-i))
			}
			b.write("f99.star", "broken")
			b.start()
			b.logs("f99.star:1:1: broken")
			b.quiet()
			assert.Len(t, b.Current().Objects, 65)
			assert.Empty(t, b.source("f99.star"))
			assert.Equal(t, 1, strings.Count(b.log.String(), "level=ERROR"), &b.log)
			assert.Less(t, b.tried(), 25)
		})
	}
}

// TestPickupHoldsTornFilesBack writes a deployed file anew in pieces, each of which settles.
func TestPickupHoldsTornFilesBack(t *testing.T) {
	b := newBench(t)
	b.pickup.Hold = time.Hour
	b.start()
	b.write("k.star", "service k v1 service l")
	b.serves("k.star", "service k v1 service l")
	b.write("k.star", "")
	b.logs("an empty service file is not deployed")
	b.write("k.star", "helper service l")
	b.logs(`file=k.star services=k for=1h0m0s`)
	assert.Equal(t, "service k v1 service l", b.source("k.star"), "the old version keeps serving")
	b.write("k.star", "helper service l service k v2")
	b.serves("k.star", "helper service l service k v2")
	assert.Equal(t, []string{"put k.star", "put k.star"}, b.made())

	b.write("new.star", " \n")
	b.quiet()
	b.logs("not deployed\" file=new.star")
	assert.Empty(t, b.source("new.star"))
}

func TestPickupTakesAServiceAwayWhenTheFileHasBeenStill(t *testing.T) {
	b := newBench(t)
	b.pickup.Hold = 300 * time.Millisecond
	b.start()
	b.write("k.star", "service k service l")
	b.serves("k.star", "service k service l")
	start := time.Now()
	b.write("k.star", "service l")
	b.serves("k.star", "service l")
	assert.GreaterOrEqual(t, time.Since(start), 250*time.Millisecond)
	b.logs(`level=WARN msg="services are not declared any more" file=k.star services=k revision=3`)
}

func TestPickupMovesAServiceAtOnce(t *testing.T) {
	b := newBench(t)
	b.pickup.Hold = time.Hour
	b.write("k.star", "service k service l")
	b.write("other.star", "service other")
	b.start()
	b.serves("k.star", "service k service l")
	b.write("k.star", "service k")
	b.logs("held back")
	b.write("other.star", "service other service l")
	b.serves("k.star", "service k")
	b.serves("other.star", "service other service l")
}

func TestPickupRefusalThenFix(t *testing.T) {
	b := newBench(t)
	b.start()
	b.write("a.star", "service a v1")
	b.serves("a.star", "service a v1")
	b.write("a.star", "broken")
	b.logs(`level=ERROR msg=refused file=a.star err="a.star:1:1: broken"`)
	assert.Equal(t, "service a v1", b.source("a.star"), "the old version keeps serving")
	b.eventually("the refusal should be remembered", func() bool { return b.remembered()["a.star"].Refused == "a.star:1:1: broken" })

	// Refused once: neither later scans nor a restart try it, or say so, again.
	b.stop()
	b.start()
	b.quiet()
	assert.Equal(t, 1, strings.Count(b.log.String(), "msg=refused"))

	b.write("a.star", "service a v2")
	b.serves("a.star", "service a v2")
	b.eventually("the refusal should be forgotten", func() bool { return b.remembered()["a.star"].Refused == "" })
}

func TestPickupTriesRefusedFilesAgainWithNewOnes(t *testing.T) {
	b := newBench(t)
	b.start()
	b.write("a.star", "service a load lib.star")
	b.logs("no file lib.star")
	b.write("lib.star", "service lib")
	b.serves("a.star", "service a load lib.star")

	// Each is refused alone: b gives up a service that a takes over, but a comes first.
	b.write("a.star", "service a service lib load lib.star")
	b.logs("is declared by")
	b.write("lib.star", "service other")
	b.serves("lib.star", "service other")
	b.serves("a.star", "service a service lib load lib.star")
}

func TestPickupLeavesRefusedFilesWhereOthersDeployedSince(t *testing.T) {
	b := newBench(t)
	b.start()
	b.write("a.star", "service a load lib.star")
	b.logs("no file lib.star")
	b.put("a.star", "service a newer")
	b.write("lib.star", "service lib")
	b.serves("lib.star", "service lib")
	b.quiet()
	assert.Equal(t, "service a newer", b.source("a.star"))
}

func TestPickupRestart(t *testing.T) {
	b := newBench(t)
	b.write("a.star", "service a v1")
	b.write("b.star", "service b")
	b.start()
	b.serves("a.star", "service a v1")
	b.serves("b.star", "service b")
	b.stop()

	b.put("a.star", "service a newer")
	b.remove("b.star")
	b.start()
	b.quiet()
	assert.Equal(t, "service a newer", b.source("a.star"), "an old file in the folder rolls nothing back")
	assert.Equal(t, "service b", b.source("b.star"), "a file that is missing at the start is not removed")
	b.stop()

	b.write("a.star", "service a changed while stopped")
	b.start()
	b.serves("a.star", "service a changed while stopped")
}

func TestPickupKnowsWhatIsDeployedAlready(t *testing.T) {
	b := newBench(t)
	b.put("a.star", "service a")
	b.write("a.star", "service a")
	b.start()
	b.logs(`msg="already deployed" file=a.star`)
	assert.Empty(t, b.made())
	b.remove("a.star")
	b.serves("a.star", "")
}

func TestPickupRemoval(t *testing.T) {
	b := newBench(t)
	b.start()
	b.write("lib.star", "service lib")
	b.write("a.star", "service a load lib.star")
	b.write("other.star", "service other")
	b.serves("a.star", "service a load lib.star")
	b.serves("other.star", "service other")

	b.put("other.star", "service other newer")
	b.remove("other.star")
	b.remove("a.star")
	b.remove("lib.star")
	b.serves("lib.star", "")
	b.serves("a.star", "")
	b.logs("msg=undeployed file=a.star revision=")
	assert.Equal(t, "service other newer", b.source("other.star"), "others deployed it meanwhile")
	b.eventually("removed files should be forgotten", func() bool { left := b.remembered(); return left != nil && len(left) == 0 })

	b.write("a.star", "service a")
	b.serves("a.star", "service a")
}

func TestPickupRemovalThatOthersNeedIsRefused(t *testing.T) {
	b := newBench(t)
	b.start()
	b.write("lib.star", "service lib")
	b.serves("lib.star", "service lib")
	b.put("a.star", "load lib.star")
	b.remove("lib.star")
	b.logs(`msg="cannot undeploy a removed file" file=lib.star err="a.star:1:6: no file lib.star"`)
	b.quiet()
	assert.Equal(t, "service lib", b.source("lib.star"))
	assert.Equal(t, 1, strings.Count(b.log.String(), "cannot undeploy"))
}

func TestPickupRenameIsOneChange(t *testing.T) {
	b := newBench(t)
	b.start()
	b.write("a.star", "service a")
	b.serves("a.star", "service a")
	b.rename("a.star", "b.star")
	b.serves("b.star", "service a")
	assert.Equal(t, []string{"put a.star", "delete a.star, put b.star"}, b.made(), "at no moment is the service gone")
}

func TestPickupFolderThatGoesUndeploysNothing(t *testing.T) {
	tests := []struct {
		name string
		seen string // what the log says before another folder takes its place
	}{
		{"for a while", "pickup folder cannot be read"},
		{"at once", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			b.start()
			b.write("a.star", "service a")
			b.serves("a.star", "service a")

			other := b.dir + ".other"
			require.NoError(t, os.Mkdir(other, 0o755))
			require.NoError(t, os.Rename(b.dir, b.dir+".aside"))
			b.logs(tt.seen)
			require.NoError(t, os.Rename(other, b.dir))
			b.quiet()
			assert.Equal(t, "service a", b.source("a.star"), "another, empty folder in its place removes nothing")
			assert.NotContains(t, b.log.String(), "undeployed")
		})
	}
}

func TestPickupTriesAgainWhenTheStoreIsLocked(t *testing.T) {
	tests := []struct {
		name string
		err  error
	}{
		{"store", errors.New("database is locked")},
		{"unavailable", &service.Error{Code: service.Unavailable, Message: "database is locked"}},
		{"too many changes", &service.Error{Code: service.Conflict, Message: "database is locked"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			b.lock(tt.err)
			b.start()
			b.write("a.star", "service a")
			b.eventually("it should be tried again", func() bool { return b.tried() >= 3 })
			assert.Equal(t, 1, strings.Count(b.log.String(), "will try again"), "said once")
			assert.NoFileExists(t, b.handled, "not remembered")
			b.lock(nil)
			b.serves("a.star", "service a")

			b.lock(tt.err)
			tried := b.tried()
			b.remove("a.star")
			b.eventually("its removal should be tried again", func() bool { return b.tried() >= tried+3 })
			b.lock(nil)
			b.serves("a.star", "")
		})
	}
}

func TestPickupRefusesFilesThatCannotBeServices(t *testing.T) {
	b := newBench(t)
	b.write("a b.star", "service a")
	b.write("big.star", strings.Repeat("#", deploy.MaxSize+10))
	b.write("latin.star", "x\n\xe9")
	b.start()
	b.logs("latin.star:2:1: not UTF-8")
	b.logs("big.star:1:1: the file has")
	b.logs("a b.star")
	b.quiet()
	assert.Equal(t, 3, strings.Count(b.log.String(), "msg=refused"))
}

func TestPickupDamagedMemory(t *testing.T) {
	b := newBench(t)
	require.NoError(t, os.WriteFile(b.handled, []byte(`{"files":`), 0o600))
	err := b.pickup.Run(t.Context())
	assert.ErrorContains(t, err, "handled.json is damaged; remove it to have every file of the pickup folder deployed again")
}

var _ deploy.Server = (*shelf)(nil)
