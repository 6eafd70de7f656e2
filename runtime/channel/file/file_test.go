package file_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/internal/locked"
	"github.com/parley-run/parley/runtime/channel"
	"github.com/parley-run/parley/runtime/channel/file"
	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/service"
)

const patience = time.Minute

// under is a channel under test, its folder and what its service got.
type under struct {
	t      testing.TB
	dir    string
	spec   string
	handle service.HandlerFunc
	stop   context.CancelCauseFunc
	done   chan struct{}

	log locked.Buffer

	mu   sync.Mutex
	reqs []*service.Request
}

// got is the content of the files that reached the service, in their order.
func (u *under) got() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	var out []string
	for _, r := range u.reqs {
		out = append(out, string(r.Raw))
	}
	return out
}

func (u *under) eventually(what string, ok func() bool) {
	u.t.Helper()
	if !assert.Eventually(u.t, ok, patience, time.Millisecond, what) {
		u.t.Fatalf("%s; files %q; log:\n%s", what, u.files(""), u.log.String())
	}
}

// newUnder is a channel in a folder of its own; more are keys of its config.
func newUnder(t testing.TB, more string, handle service.HandlerFunc) *under {
	t.Helper()
	u := &under{t: t, dir: t.TempDir(), handle: handle}
	u.spec = fmt.Sprintf(`{"service":"orders","pickup_from":%q,"poll":"5ms","settle":"1ms"%s}`, u.dir, more)
	return u
}

// run runs the channel as the node does: again and again.
func (u *under) run() *under {
	u.t.Helper()
	config, err := file.Kind().Parse([]byte(u.spec))
	require.NoError(u.t, err)
	built, err := file.Kind().New(config, channel.Deps{
		Name: "Orders/in", Names: service.ParleyNames(), Log: slog.New(slog.NewTextHandler(&u.log, nil)),
		Handle: service.HandlerFunc(func(ctx context.Context, req *service.Request) (*service.Response, error) {
			u.mu.Lock()
			u.reqs = append(u.reqs, req)
			u.mu.Unlock()
			if u.handle != nil {
				return u.handle(ctx, req)
			}
			return &service.Response{}, nil
		}),
	})
	require.NoError(u.t, err)
	runner := built.(channel.Runner)
	require.True(u.t, runner.Exclusive())
	ctx, stop := context.WithCancelCause(context.Background())
	done := make(chan struct{})
	u.stop, u.done = stop, done
	go func() {
		defer close(done)
		defer runner.Wait()
		for ctx.Err() == nil {
			if err := runner.Run(ctx); err != nil {
				_, _ = fmt.Fprintf(&u.log, "run ended: %v\n", err)
				<-time.After(5 * time.Millisecond)
			}
		}
	}()
	u.t.Cleanup(func() {
		stop(errors.New("over"))
		<-done
	})
	return u
}

func (u *under) end(cause error) {
	u.stop(cause)
	<-u.done
}

// drop puts a file into the folder as a careful sender does: under a hidden name first.
func (u *under) drop(name, content string) {
	u.t.Helper()
	hidden := filepath.Join(u.dir, ".upload-"+name)
	require.NoError(u.t, os.WriteFile(hidden, []byte(content), 0o600))
	require.NoError(u.t, os.Rename(hidden, filepath.Join(u.dir, name)))
}

// files are the names in a folder below the channel's, without hidden ones.
func (u *under) files(sub string) []string {
	entries, _ := os.ReadDir(filepath.Join(u.dir, sub))
	var out []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && !e.IsDir() {
			out = append(out, e.Name())
		}
	}
	return out
}

// claimed are the files in the channel's own folder.
func (u *under) claimed() []string {
	found, err := filepath.Glob(filepath.Join(u.dir, ".parley", "channel-Orders%2Fin", "*", "*"))
	require.NoError(u.t, err)
	return found
}

func (u *under) read(path string) string {
	u.t.Helper()
	raw, err := os.ReadFile(filepath.Join(u.dir, path))
	require.NoError(u.t, err)
	return string(raw)
}

func TestCheckFindsAllFaults(t *testing.T) {
	for _, row := range []struct{ name, spec, path, says string }{
		{"no service", `{"pickup_from":"/in"}`, "service", "missing"},
		{"no folder", `{"service":"s"}`, "pickup_from", "missing"},
		{"relative", `{"service":"s","pickup_from":"in"}`, "pickup_from", "absolute"},
		{"relative done", `{"service":"s","pickup_from":"/in","move_processed_to":"done"}`, "move_processed_to", "absolute"},
		{"done is pickup", `{"service":"s","pickup_from":"/in","move_processed_to":"/x/../in/"}`, "move_processed_to", "taken again"},
		{"failed is pickup", `{"service":"s","pickup_from":"/in","move_failed_to":"/in"}`, "move_failed_to", "taken again"},
		{"pattern", `{"service":"s","pickup_from":"/in","patterns":"[a"}`, "patterns", "no pattern"},
		{"path", `{"service":"s","pickup_from":"/in","patterns":["a/*"]}`, "patterns", "no pattern"},
		{"no pattern", `{"service":"s","pickup_from":"/in","patterns":[]}`, "patterns", "one at least"},
		{"order", `{"service":"s","pickup_from":"/in","order":"size"}`, "order", "name or time"},
		{"poll", `{"service":"s","pickup_from":"/in","poll":0}`, "poll", "more than 0"},
		{"settle", `{"service":"s","pickup_from":"/in","settle":-1}`, "settle", "negative"},
		{"timeout", `{"service":"s","pickup_from":"/in","timeout":0}`, "timeout", "more than 0"},
		{"size", `{"service":"s","pickup_from":"/in","max_size":0}`, "max_size", "more than 0"},
		{"attempts", `{"service":"s","pickup_from":"/in","attempts":0}`, "attempts", "1 at least"},
		{"security", `{"service":"s","pickup_from":"/in","security":"Partners"}`, "security", "no credentials"},
		{"unknown", `{"service":"s","pickup_from":"/in","pattern":"*"}`, "pattern", "patterns"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := file.Kind().Parse([]byte(row.spec))
			var faults kind.Faults
			require.ErrorAs(t, err, &faults)
			require.Len(t, faults, 1)
			assert.Equal(t, row.path, faults[0].Path)
			assert.Contains(t, faults[0].Message, row.says)
		})
	}
}

func TestFilesGoToTheServiceAndAreMovedAway(t *testing.T) {
	for _, row := range []struct {
		order string
		want  []string
	}{
		{"name", []string{"the first", "", "the last"}},
		{"time", []string{"the last", "the first", ""}},
	} {
		u := newUnder(t, fmt.Sprintf(`,"order":%q,"patterns":["*.csv","order-?.txt"]`, row.order), nil)
		u.drop("c.csv", "the last")
		u.drop("a.csv", "the first")
		u.drop("order-1.txt", "")
		u.drop("order-10.txt", "not taken")
		u.drop(".hidden.csv", "not taken")
		hour := time.Now().Add(-time.Hour)
		require.NoError(t, os.Chtimes(filepath.Join(u.dir, "c.csv"), hour, hour))
		require.NoError(t, os.Chtimes(filepath.Join(u.dir, "a.csv"), hour.Add(time.Second), hour.Add(time.Second)))
		require.NoError(t, os.Rename(filepath.Join(u.dir, "order-1.txt"), filepath.Join(u.dir, "b.csv")))
		u.run()
		u.eventually("all are moved away", func() bool { return len(u.files("done")) == 3 })
		assert.Equal(t, row.want, u.got(), row.order)
		assert.Equal(t, []string{"order-10.txt"}, u.files(""))
		assert.Equal(t, "the first", u.read("done/a.csv"))
		assert.Empty(t, u.claimed())
		first := u.reqs[slices.Index(row.want, "the first")]
		at := filepath.Join(u.dir, "a.csv")
		assert.Equal(t, map[string][]string{"file_name": {"a.csv"}, "file_path": {at}}, first.Params)
		assert.Equal(t, at, first.Path)
		assert.Equal(t, "Orders/in", first.Channel)
		assert.Equal(t, 1, u.log.Count("cid="+first.CID+" file=a.csv bytes=9"))
	}
}

func TestNameThatIsTakenStays(t *testing.T) {
	u := newUnder(t, "", nil).run()
	for i := range 3 {
		u.drop("a.csv", fmt.Sprint("content ", i))
		u.eventually("it is moved away", func() bool { return len(u.files("done")) == i+1 })
	}
	names := u.files("done")
	assert.Regexp(t, `^a-\d{8}T\d{6}\.\d{6}\.csv$`, names[0])
	assert.Equal(t, "a.csv", names[2])
	assert.Equal(t, []string{"content 1", "content 2", "content 0"},
		[]string{u.read("done/" + names[0]), u.read("done/" + names[1]), u.read("done/a.csv")})
}

func TestFailedFilesAreKeptWithTheReason(t *testing.T) {
	u := newUnder(t, `,"timeout":"1s","max_size":20`, func(ctx context.Context, req *service.Request) (*service.Response, error) {
		switch string(req.Raw) {
		case "bad":
			return nil, &service.Error{Code: service.Invalid, Message: "no such customer", Fix: "send a known one", Err: errors.New("deep cause")}
		case "broken":
			return nil, errors.New("secret cause")
		case "slow":
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return nil, nil
	})
	u.drop("a.csv", "bad")
	u.drop("b.csv", "broken")
	u.drop("c.csv", "slow")
	u.drop("d.csv", strings.Repeat("x", 21))
	u.drop("e.csv", strings.Repeat("x", 20))
	u.run()
	u.eventually("the last is handled", func() bool { return len(u.files("done")) == 1 })
	assert.Equal(t, []string{"e.csv"}, u.files("done"))
	assert.Equal(t, []string{"a.csv", "a.csv.error", "b.csv", "b.csv.error", "c.csv", "c.csv.error", "d.csv", "d.csv.error"}, u.files("failed"))
	assert.Equal(t, "bad", u.read("failed/a.csv"))
	u.mu.Lock() // nothing but this and the file system orders what was written and what is read here
	first := u.reqs[0]
	u.mu.Unlock()
	assert.Regexp(t, `^cid: `+first.CID+`
time: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ
channel: Orders/in
service: orders
file: "a.csv"
error: no such customer; send a known one
$`, u.read("failed/a.csv.error"))
	assert.Contains(t, u.read("failed/b.csv.error"), "error: internal error\n")
	assert.Equal(t, 1, u.log.Count("secret cause"), "in the log alone")
	assert.Contains(t, u.read("failed/c.csv.error"), `error: service "orders" did not answer within 1s`)
	assert.Contains(t, u.read("failed/d.csv.error"), "error: it has 21 bytes, over the limit of 20 of channel Orders/in; raise its max_size, or send less at once")
	assert.Len(t, u.got(), 4, "what is too big is not read")

	u.drop("a.csv", "bad")
	u.eventually("it has a name of its own", func() bool { return len(u.files("failed")) == 10 })
	assert.Equal(t, "bad", u.read("failed/a.csv"))
}

func TestFileThatIsStillWritten(t *testing.T) {
	u := newUnder(t, `,"settle":"10m"`, nil).run()
	growing := filepath.Join(u.dir, "a.csv")
	require.NoError(t, os.WriteFile(growing, []byte("half"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(u.dir, "b.tmp"), []byte("whole"), 0o600))
	looks := 0 // the channel must have seen the file under its first name: where it has not, the file gets that back for a while
	u.eventually("it was seen", func() bool {
		switch looks++; looks % 200 {
		case 50:
			_ = os.Rename(filepath.Join(u.dir, "b.tmp"), filepath.Join(u.dir, "b.csv"))
		case 150:
			_ = os.Rename(filepath.Join(u.dir, "b.csv"), filepath.Join(u.dir, "b.tmp"))
		}
		return len(u.files("done")) == 1
	})
	assert.Equal(t, []string{"whole"}, u.got(), "a rename says that its writer is done; the other waits ten minutes")
	assert.Equal(t, []string{"a.csv"}, u.files(""))
}

func TestWhatIsNoFileIsNamedAndLeft(t *testing.T) {
	u := newUnder(t, "", nil)
	require.NoError(t, os.Mkdir(filepath.Join(u.dir, "folder.csv"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(u.dir, ".target"), []byte("secret"), 0o600))
	require.NoError(t, os.Symlink(filepath.Join(u.dir, ".target"), filepath.Join(u.dir, "link.csv")))
	want := []string{`file=folder.csv err="it is a folder, not a file`, `file=link.csv err="it is a symbolic link, not a file`}
	if os.Getuid() != 0 {
		u.drop("unreadable.csv", "x")
		require.NoError(t, os.Chmod(filepath.Join(u.dir, "unreadable.csv"), 0))
		want = append(want, `permission denied`)
	}
	u.drop("good.csv", "good")
	u.run()
	for range 3 {
		u.drop("good.csv", "good")
		u.eventually("the good one is handled", func() bool { return !slices.Contains(u.files(""), "good.csv") })
	}
	for _, line := range want {
		assert.Equal(t, 1, u.log.Count(line), line)
	}
	assert.NotContains(t, u.got(), "secret")
	assert.FileExists(t, filepath.Join(u.dir, "link.csv"))
	assert.Equal(t, 0, u.log.Count("file=done"), "its own folders are not spoken of")
}
