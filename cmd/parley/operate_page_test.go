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

// TestOperatePage runs the commands of docs/operate.md, in their order, on free ports, and holds that those whose output
// the page shows print the like.
func TestOperatePage(t *testing.T) {
	c := newCLI(t)
	text, err := os.ReadFile("../../docs/operate.md")
	require.NoError(t, err)
	home := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(home, "bin"), 0o755))
	require.NoError(t, os.Symlink(c.binary, filepath.Join(home, "bin", "parley")))
	t.Cleanup(func() { _ = exec.Command(c.binary, "stop", filepath.Join(home, "bank")).Run() })
	script := "cd " + home + "\n"
	blocks := consoleBlocks(string(text))
	for _, b := range blocks {
		for _, command := range b.commands {
			script += "echo '==='\n" + strings.Replace(command, "quickstart create", "quickstart create --free-ports", 1) + "\n"
		}
	}
	shell := exec.CommandContext(t.Context(), "bash", "-euc", script)
	shell.Env = append(os.Environ(), "PATH="+filepath.Join(home, "bin")+":"+os.Getenv("PATH"), "PARLEY_DIR=")
	out, err := shell.CombinedOutput()
	require.NoError(t, err, string(out))
	said := strings.Split(string(out), "===\n")[1:]
	n := 0
	for _, b := range blocks {
		rest := b.text
		for i, command := range b.commands {
			rest = rest[strings.Index(rest, command)+len(command):]
			shown := rest
			if i+1 < len(b.commands) {
				shown = rest[:strings.Index(rest, "$ "+b.commands[i+1])]
			}
			if shown != "" {
				assert.Equal(t, alikeHere(shown), alikeHere(strings.ReplaceAll(said[n], home, "/home/sean")), command)
			}
			n++
		}
	}
}

// alikeHere takes away what differs from run to run and from machine to machine.
func alikeHere(text string) string {
	var out []string
	for one := range strings.Lines(text) {
		if strings.HasPrefix(one, "parley  ") {
			continue // its version
		}
		for _, word := range strings.Fields(alike(one)) {
			if strings.ContainsAny(word, "0123456789") && strings.ContainsAny(word, ":-") || strings.HasPrefix(word, "(devel)") || strings.HasPrefix(word, "ms=") {
				word = "WORD"
			}
			out = append(out, word)
		}
		out = append(out, "\n")
	}
	return strings.TrimSpace(strings.Join(out, " "))
}
