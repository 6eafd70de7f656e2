package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/parley-run/parley/fixtures"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"apitest": main})
}

// TestScripts runs the command as a user does. $SERVER answers every request with the JSON {"name": "Sean"};
// $TARGET is its address without a scheme. $PAGE is the committed page of steps.
func TestScripts(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"name": "Sean"}`))
	}))
	t.Cleanup(server.Close)
	page, err := filepath.Abs(stepsPage)
	if err != nil {
		t.Fatal(err)
	}
	parley, err := fixtures.Binary()
	if err != nil {
		parley, err = fixtures.Build(t.Context(), t.TempDir())
	}
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:  "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
		Setup: func(env *testscript.Env) error {
			env.Setenv("SERVER", server.URL)
			env.Setenv("TARGET", server.Listener.Addr().String())
			env.Setenv("PAGE", page)
			env.Setenv("PARLEY_BIN", parley)
			env.Defer(func() { endHolders(env.Getenv("TMPDIR")) })
			return nil
		},
	})
}

// endHolders ends the clusters that a script which failed has left.
func endHolders(temp string) {
	files, _ := filepath.Glob(filepath.Join(temp, "parley-clusters-*", "*.json"))
	for _, file := range files {
		var h held
		raw, err := os.ReadFile(file)
		if err == nil && json.Unmarshal(raw, &h) == nil && h.PID > 1 {
			_ = syscall.Kill(h.PID, syscall.SIGTERM)
		}
	}
}

// exits runs apitest and wants that exit code: exits 2 run none.feature.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: exits CODE ARG...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec("apitest", args[1:]...)
	got := 0
	if ended := (*exec.ExitError)(nil); errors.As(err, &ended) {
		got = ended.ExitCode()
	}
	if got != want {
		ts.Fatalf("apitest %q: exit code %d, want %d", args[1:], got, want)
	}
}
