package main_test

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var marked = regexp.MustCompile("(?s)(?:<!-- ([^\n]*) -->\n)?```console\n(.*?)```\n")

// TestPostgresPage runs the commands of docs/postgresql.md, in their order. Both machines are folders of this one, on
// free ports, and db.example is a PostgreSQL of the test's own.
func TestPostgresPage(t *testing.T) {
	t.Parallel()
	p := startPostgres(t)
	c := newCLI(t)
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(root, "docs", "postgresql.md"))
	require.NoError(t, err)
	home := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(home, "bin"), 0o755))
	require.NoError(t, os.Symlink(c.binary, filepath.Join(home, "bin", "parley")))
	u, err := url.Parse(p.URL())
	require.NoError(t, err)
	here := strings.NewReplacer(
		"postgres://postgres@db.example:5432/postgres", "'"+p.URL()+"'", "db.example:5432/bank", u.Host+"/bank?sslmode=disable",
		"db.example:5432", u.Host, "quickstart create", "quickstart create --free-ports",
	)
	env := append(os.Environ(), "HOME="+home, "PATH="+filepath.Join(home, "bin")+":"+p.Programs()+":"+os.Getenv("PATH"), "PARLEY_DIR=")
	folders := map[string]string{"": filepath.Join(home, "one"), "machine 2": filepath.Join(home, "two")}
	for _, folder := range folders {
		require.NoError(t, os.Mkdir(folder, 0o755))
	}
	state := filepath.Join(home, "exports")
	require.NoError(t, os.WriteFile(state, nil, 0o600))
	shell := func(folder, script string) string {
		cmd := exec.CommandContext(t.Context(), "bash", "-euc", ". "+state+"\n"+script+"\nexport -p | grep -E ' (DATABASE|PARLEY_DIR)=' > "+state+" || true\n")
		cmd.Dir, cmd.Env, cmd.WaitDelay = folder, env, time.Second
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s\n%s", script, out)
		return string(out)
	}
	t.Cleanup(func() {
		for _, folder := range folders {
			stop := exec.Command(c.binary, "stop", filepath.Join(folder, "bank"))
			_ = stop.Run()
		}
	})
	var said strings.Builder
	for _, m := range marked.FindAllStringSubmatch(string(text), -1) {
		folder := folders[m[1]]
		if m[1] == "change something first" {
			folder = folders[""]
			shell(folder, "echo 'def handle(self):\n    pass' > later.star\nparley deploy later.star")
		}
		for _, b := range consoleBlocks("```console\n" + m[2] + "```\n") {
			for _, command := range b.commands {
				if strings.Contains(command, "accept-restore") {
					require.Eventually(t, func() bool {
						return strings.Contains(shell(folder, "parley status"), "was restored or replaced: it is at revision 1, this server at 2")
					}, time.Minute, 100*time.Millisecond)
				}
				said.WriteString("$ " + command + shell(folder, here.Replace(command)))
			}
		}
	}
	t.Log(said.String())
	for _, want := range []string{
		`Made the cluster "bank"`, "ELSEWHERE", "north2     up", "Deployed hello at revision 1", "south2  serves it", "The database is accepted as it is, at revision 3",
	} {
		assert.Contains(t, said.String(), want)
	}
	assert.NotContains(t, said.String(), "later", "what was deployed after the backup is given up")
}
