package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestStatisticsPage runs the commands of docs/statistics.md, in their order, on free ports.
func TestStatisticsPage(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	text, err := os.ReadFile("../../docs/statistics.md")
	require.NoError(t, err)
	home := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(home, "bin"), 0o755))
	require.NoError(t, os.Symlink(c.binary, filepath.Join(home, "bin", "parley")))
	t.Cleanup(func() { _ = exec.Command(c.binary, "stop", filepath.Join(home, "bank")).Run() })
	script := "cd " + home + "\n"
	for _, b := range consoleBlocks(string(text)) {
		for _, command := range b.commands {
			script += "echo '==='\n" + strings.Replace(command, "quickstart create", "quickstart create --free-ports", 1) + "\n"
		}
	}
	shell := exec.CommandContext(t.Context(), "bash", "-euc", script)
	shell.Env = append(os.Environ(), "PATH="+filepath.Join(home, "bin")+":"+os.Getenv("PATH"), "PARLEY_DIR=")
	out, err := shell.CombinedOutput()
	require.NoError(t, err, string(out))
	said := strings.Split(string(out), "===\n")
	find := func(what string) string {
		for _, one := range said {
			if strings.Contains(one, what) {
				return one
			}
		}
		t.Errorf("nothing said %q:\n%s", what, out)
		return ""
	}
	assert.Regexp(t, `(?s)demo.report +1 +0 .*demo.pay +4 +0 `, find("P95 MS"))
	assert.Contains(t, find("usage_trend"), "\ndemo.pay,4,0,")
	assert.Regexp(t, `demo.report .* [0-9a-f]{24} +server`, find("demo.report  2"))
	assert.NotContains(t, string(out), "8642", "no PIN is shown")
	assert.Contains(t, find(`{"receipt":"R-1"}`), `"pin":"***"`)
	assert.Contains(t, find("BEFORE"), "demo.pay")
}
