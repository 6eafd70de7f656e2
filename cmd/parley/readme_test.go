package main_test

import (
	"bytes"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// update writes what the commands print into the README: go test ./cmd/parley -run README -update
var update = flag.Bool("update", false, "write the real output into README.md") //nolint:gochecknoglobals // a flag of go test

// TestREADME runs the commands of the README's tour in one shell, in a folder that holds bin/ and fixtures/ alone,
// and compares what they print with what the README shows. Times, ids and the like may differ.
func TestREADME(t *testing.T) {
	for _, port := range []int{11223, 18080, 17010, 17011, 8183, 18010, 18011, 16379, 35100, 35101, 35102, 35103} {
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			t.Skipf("the tour uses the default ports, and %d is in use", port)
		}
		require.NoError(t, l.Close())
	}
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	readme := filepath.Join(root, "README.md")
	text, err := os.ReadFile(readme)
	require.NoError(t, err)
	blocks := consoleBlocks(string(text))
	require.NotEmpty(t, blocks)
	real := tour(t, root, blocks)
	for try := 1; try < 3 && strings.Contains(strings.Join(real, ""), "another program uses that port"); try++ {
		real = tour(t, root, blocks) // the tour's ports are of those that any connection may get
	}
	if *update {
		changed := string(text)
		for i, b := range blocks {
			changed = strings.Replace(changed, b.text, real[i], 1)
		}
		require.NoError(t, os.WriteFile(readme, []byte(changed), 0o644))
		return
	}
	for i, b := range blocks {
		assert.Equal(t, alike(b.text), alike(real[i]))
	}
}

// tour runs the blocks in a folder of their own and gives what they print.
func tour(t *testing.T, root string, blocks []block) []string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	require.NoError(t, os.Symlink(filepath.Join(root, "fixtures"), filepath.Join(dir, "fixtures")))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "bin"), 0o755))
	build(t, root, filepath.Join(dir, "bin"))
	defer func() {
		stop := exec.Command(filepath.Join(dir, "bin/parley"), "stop", filepath.Join(dir, "bank"))
		_ = stop.Run() // it has stopped already, where all went well
	}()
	return runBlocks(t, dir, blocks)
}

var feature = regexp.MustCompile("(?s)```gherkin\n(.*?)```\n")

// TestREADMEFeature runs the feature that the README shows.
func TestREADMEFeature(t *testing.T) {
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	require.NoError(t, err)
	found := feature.FindSubmatch(text)
	require.NotNil(t, found)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "customers.feature"), found[1], 0o600))
	build(t, root, dir)
	run := exec.CommandContext(t.Context(), filepath.Join(dir, "apitest"), "run", "customers.feature")
	run.Dir = dir
	run.Env = append(os.Environ(), "PARLEY_BIN="+filepath.Join(dir, "parley"))
	out, err := run.CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Contains(t, string(out), "2 scenarios: 2 passed")
}

// build puts both commands into dir.
func build(t *testing.T, root, dir string) {
	t.Helper()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", dir+"/", "./cmd/parley", "./cmd/apitest")
	build.Dir = root
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
}

// block is one console block: commands, and what the README says that they print.
type block struct {
	text     string
	commands []string
}

var fence = regexp.MustCompile("(?s)```console\n(.*?)```\n")

func consoleBlocks(readme string) []block {
	var out []block
	for _, m := range fence.FindAllStringSubmatch(readme, -1) {
		b := block{text: m[1]}
		var heredoc bool
		for line := range strings.Lines(m[1]) {
			switch {
			case heredoc:
				b.commands[len(b.commands)-1] += line
				heredoc = line != "END\n"
			case strings.HasPrefix(line, "$ "):
				b.commands = append(b.commands, line[2:])
				heredoc = strings.HasSuffix(line, "<<'END'\n")
			}
		}
		out = append(out, b)
	}
	return out
}

// runBlocks runs all commands in one shell and gives each block as it should read.
func runBlocks(t *testing.T, dir string, blocks []block) []string {
	t.Helper()
	var script strings.Builder
	script.WriteString("exec 2>&1\n")
	for i, b := range blocks {
		for j, c := range b.commands {
			fmt.Fprintf(&script, "echo; echo '@@ %d %d'\n%s", i, j, c)
		}
	}
	script.WriteString("echo; echo '@@ end'\n")
	cmd := exec.CommandContext(t.Context(), "bash", "-c", script.String())
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PARLEY_DIR=", "PARLEY_BIN=")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	require.NoError(t, cmd.Run(), out.String())

	parts := regexp.MustCompile(`\n?\n@@ (\d+ \d+|end)\n`).Split("\n"+out.String(), -1)[1:]
	var real []string
	n := 0
	for _, b := range blocks {
		var text strings.Builder
		for _, c := range b.commands {
			text.WriteString("$ " + c)
			printed := strings.ReplaceAll(strings.Trim(parts[n], "\n"), dir, "/home/sean")
			if printed != "" {
				text.WriteString(printed + "\n")
			}
			n++
		}
		real = append(real, text.String())
	}
	return real
}

// alike takes away what differs from run to run.
func alike(text string) string {
	for _, r := range []struct{ pattern, with string }{
		{`[0-9a-f]{24}`, "CID"},
		{`password \S+`, "password P"},
		{`\d{4}-\d\d-\d\dT[\d:.]+|\d\d:\d\d:\d\d\.\d+`, "TIME"},
		{`\d+(\.\d+)? (ms|µs)`, "N ms"},
		{`pid +\d+`, "pid N"},
		{`server\d`, "serverN"},
		{`(?m)^hello +\d+`, "hello N"}, // the loop that waits for the new version counts too
		{` +\d+\.\d\d\b`, " MS"},
		{` +\d+\.\d\b`, " RATE"},
		{`(http://127.0.0.1:170\d\d) +\d+`, "$1 PID"},
		{` +`, " "},
	} {
		text = regexp.MustCompile(r.pattern).ReplaceAllString(text, r.with)
	}
	return text
}
