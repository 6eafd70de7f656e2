package node_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestDocsOfSOAP does what docs/soap.md says, in the order of the page, with a server in place of the page's.
func TestDocsOfSOAP(t *testing.T) {
	page, err := os.ReadFile("../../docs/soap.md")
	require.NoError(t, err)
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip(err)
	}
	g := newGround(t)
	g.run("server1")
	answer, tried := "", 0
	for _, m := range docBlock.FindAllStringSubmatch(string(page), -1) {
		file, language, text := m[1], m[2], strings.ReplaceAll(m[3], "http://127.0.0.1:11223", g.url("server1"))
		switch language {
		case "yaml":
			require.NoError(t, g.define(text), text)
		case "sh":
			out, err := exec.CommandContext(t.Context(), "sh", "-c", text).CombinedOutput()
			require.NoError(t, err, string(out))
			answer = string(out)
			tried++
		case "xml", "text":
			assert.Equal(t, strings.TrimSpace(text), strings.TrimSpace(docCID.ReplaceAllString(answer, "...")))
		case "python":
			if strings.HasSuffix(file, ".star") {
				require.NoError(t, g.deploy("server1", file, text))
				continue
			}
			program := filepath.Join(t.TempDir(), file)
			require.NoError(t, os.WriteFile(program, []byte(text), 0o600))
			answer = python(t, program)
			tried++
		default:
			t.Errorf("nothing tries a block of %q:\n%s", language, text)
		}
	}
	assert.Equal(t, 4, tried)
}
