package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/internal/freeport"
)

var (
	pageBlock  = regexp.MustCompile("(?s)```console\n(.*?)```\n")
	pageVaries = regexp.MustCompile(`[0-9a-f]{24}|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)
)

// TestChannelPages runs the commands of the pages on channels that are not HTTP, and looks for what they show.
func TestChannelPages(t *testing.T) {
	root, err := filepath.Abs("../../docs")
	require.NoError(t, err)
	for _, page := range []string{"zeromq-channels.md", "file-channels.md"} {
		t.Run(page, func(t *testing.T) {
			if page == "zeromq-channels.md" {
				needLibzmq(t)
			}
			c := newCLI(t)
			text, err := os.ReadFile(filepath.Join(root, page))
			require.NoError(t, err)
			address, err := freeport.Address(t.Context())
			require.NoError(t, err)
			home, err := filepath.EvalSymlinks(t.TempDir())
			require.NoError(t, err)
			require.NoError(t, os.Mkdir(filepath.Join(home, "bin"), 0o755))
			require.NoError(t, os.Symlink(c.binary, filepath.Join(home, "bin", "parley")))
			t.Cleanup(func() { _ = exec.Command(c.binary, "stop", filepath.Join(home, "bank")).Run() })

			var script, shown []string
			for _, block := range pageBlock.FindAllStringSubmatch(string(text), -1) {
				inside := false
				for _, line := range strings.Split(strings.TrimSpace(block[1]), "\n") {
					command, isCommand := strings.CutPrefix(line, "$ ")
					switch {
					case inside:
						script = append(script, line)
						inside = line != "END"
					case isCommand:
						script = append(script, command)
						inside = strings.HasSuffix(command, "END'") || strings.HasSuffix(command, "<<END")
					default:
						shown = append(shown, pageVaries.ReplaceAllString(line, "(varies)"))
					}
				}
			}
			all := strings.ReplaceAll(strings.Join(script, "\n"), "127.0.0.1:35155", address)
			cmd := exec.CommandContext(t.Context(), "bash", "-euc", all)
			cmd.Dir, cmd.WaitDelay = home, time.Second
			cmd.Env = append(os.Environ(), "PATH="+filepath.Join(home, "bin")+":"+os.Getenv("PATH"), "PARLEY_DIR=")
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
			said := pageVaries.ReplaceAllString(string(out), "(varies)")
			require.NotEmpty(t, shown)
			for _, line := range shown {
				assert.Contains(t, said, line+"\n")
			}
		})
	}
}
