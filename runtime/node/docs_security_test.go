package node_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestDocsOfSecurity does what docs/security.md says, in the order of the page: it deploys its services, imports its
// definitions, runs its commands in one shell, and compares what they print with what it shows.
func TestDocsOfSecurity(t *testing.T) {
	for _, program := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	page, err := os.ReadFile("../../docs/security.md")
	require.NoError(t, err)
	t.Setenv("PARTNER_SECRET", "s3cret")
	g := newGround(t)
	g.run("server1")
	printed, asked := "", 0
	for _, m := range docBlock.FindAllStringSubmatch(string(page), -1) {
		file, language, text := m[1], m[2], m[3]
		switch language {
		case "python":
			require.NoError(t, g.deploy("server1", file, text))
		case "yaml":
			require.NoError(t, g.define(text), text)
		case "sh":
			command := exec.CommandContext(t.Context(), "bash", "-c", text)
			command.Env = append(os.Environ(), "PARLEY="+g.url("server1"))
			out, err := command.CombinedOutput()
			require.NoError(t, err, "%s\n%s", text, out)
			printed = strings.ReplaceAll(string(out), "\r\n", "\n")
			asked++
		case "text":
			assert.Equal(t, text, printed)
		default:
			t.Errorf("nothing tries a block of %q:\n%s", language, text)
		}
	}
	assert.Equal(t, 3, asked)
}
