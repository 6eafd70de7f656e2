package main_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shell runs commands on a cluster of one server.
type shell struct {
	t      *testing.T
	binary string
	dir    string
}

func newShell(t *testing.T) *shell {
	t.Helper()
	s := &shell{t: t, binary: serveBinary(t), dir: t.TempDir()}
	s.must("quickstart", "create", "c", "--free-ports", "--servers", "1")
	s.must("start", "c")
	t.Cleanup(func() { s.run("", "stop", "c") })
	return s
}

// run gives the exit code and what a command prints and says.
func (s *shell) run(input string, args ...string) (code int, printed, said string) {
	s.t.Helper()
	cmd := exec.Command(s.binary, args...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "PARLEY_DIR="+filepath.Join(s.dir, "c"), "ZMQ=tcp://127.0.0.1:1")
	cmd.Stdin = strings.NewReader(input)
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), out.String(), problems.String()
	}
	require.NoError(s.t, err)
	return 0, out.String(), problems.String()
}

func (s *shell) must(args ...string) string {
	s.t.Helper()
	code, printed, said := s.run("", args...)
	require.Zero(s.t, code, said)
	return printed
}

func (s *shell) write(name, content string) {
	s.t.Helper()
	require.NoError(s.t, os.MkdirAll(filepath.Dir(filepath.Join(s.dir, name)), 0o700))
	require.NoError(s.t, os.WriteFile(filepath.Join(s.dir, name), []byte(content), 0o600))
}

func TestEnmasseAndAudit(t *testing.T) {
	s := newShell(t)
	s.write("all.yaml", "include: [more/zmq.yaml]\nchannel_rest:\n  - {name: A, service: a, url_path: /a}\n  - file://./more/b.yaml\n")
	s.write("more/zmq.yaml", "outgoing_zmq:\n  - {name: Z, address: \"${ZMQ}\"}\n")
	s.write("more/b.yaml", "name: B\nservice: b\nurl_path: /b\n")
	code, printed, _ := s.run("", "enmasse", "diff", "all.yaml")
	assert.Equal(t, 4, code)
	assert.Equal(t, "+ channel_rest \"A\"\n+ channel_rest \"B\"\n+ outgoing_zmq \"Z\"\n", printed)
	s.must("enmasse", "import", "all.yaml")
	code, printed, _ = s.run("", "enmasse", "diff", "all.yaml")
	assert.Zero(t, code)
	assert.Empty(t, printed)
	for _, format := range []string{"text", "yaml", "json"} {
		exported := s.must("enmasse", "export", "-o", format)
		code, printed, _ = s.run(exported, "enmasse", "diff", "-")
		assert.Zero(t, code, printed)
		assert.Equal(t, format == "json", json.Valid([]byte(exported)))
	}

	s.write("fewer.yaml", "channel_rest:\n  - {name: A, service: a, url_path: /a}\n  - {name: B, service: b, url_path: /b}\n")
	code, printed, _ = s.run("", "enmasse", "diff", "fewer.yaml")
	assert.Equal(t, 5, code)
	assert.Equal(t, "- outgoing_zmq \"Z\"\n", printed)
	s.write("other.yaml", "channel_rest:\n  - {name: A, service: a, url_path: /other}\n  - {name: B, service: b, url_path: /b}\n")
	code, printed, _ = s.run("", "enmasse", "diff", "other.yaml")
	assert.Equal(t, 6, code)
	assert.Equal(t, "~ channel_rest \"A\"\n    url_path: \"/a\" -> \"/other\"\n- outgoing_zmq \"Z\"\n", printed)
	code, _, said := s.run("", "enmasse", "import", "--prune", "-")
	assert.Equal(t, 2, code)
	assert.Contains(t, said, "3 of 3 definitions would be deleted")
	assert.Contains(t, said, "--prune --deletes 3")
	s.must("enmasse", "import", "fewer.yaml")
	assert.Contains(t, s.must("enmasse", "export"), "outgoing_zmq", "without --prune an import deletes nothing")
	s.must("enmasse", "import", "--prune", "fewer.yaml")
	assert.NotContains(t, s.must("enmasse", "export"), "outgoing_zmq")
	code, _, said = s.run("", "enmasse", "diff", "none.yaml")
	assert.Equal(t, 2, code)
	assert.Contains(t, said, "none.yaml")

	s.must("security", "create", "P", "--kind", "security_basic_auth", "username=joe", "password=c4nary")
	s.must("channels", "edit", "B", "security=P", "timeout=5")
	assert.Contains(t, s.must("channels", "get", "B"), "timeout: 5\n")
	got := s.must("security", "get", "P", "-o", "json")
	assert.NotContains(t, got, "c4nary")
	assert.Contains(t, got, "(kept)")
	code, _, said = s.run("", "security", "delete", "P")
	assert.Equal(t, 1, code)
	assert.Contains(t, said, `there is no security definition "P"`)
	s.must("channels", "delete", "B")
	s.must("security", "delete", "P")
	assert.Regexp(t, `(?m)^channel_rest +A +yes`, s.must("objects", "list"))

	printed = s.must("audit", "list", "--name", "B")
	assert.Contains(t, printed, "token through admin server1")
	assert.Contains(t, printed, "delete channel_rest B")
	assert.NotContains(t, printed, "outgoing_zmq Z\n", "another object's")
	verified := s.must("audit", "verify")
	chain := strings.TrimSpace(verified[strings.LastIndex(verified, " "):])
	s.must("audit", "verify", "--chain", chain)
	code, printed, _ = s.run("", "audit", "verify", "--chain", "0000")
	assert.Equal(t, 1, code)
	assert.Contains(t, printed, "the chain 0000 that was noted is not in the audit log any more")
}

// TestEnmasseOfEveryKind makes one object of each kind, as users would: what is exported is what is there.
func TestEnmasseOfEveryKind(t *testing.T) {
	s := newShell(t)
	examples, err := os.ReadFile("../../runtime/node/testdata/kinds.yaml")
	require.NoError(t, err)
	s.write("hello.star", "def handle(self):\n    pass\n")
	s.must("deploy", "hello.star")
	s.write("every.yaml", strings.ReplaceAll(strings.ReplaceAll(string(examples), "${DIR}", s.dir), "${NOBODY}", "$${NOBODY}"))
	s.must("enmasse", "import", "every.yaml")
	var kinds []struct{ Name string }
	require.NoError(t, json.Unmarshal([]byte(s.must("kinds", "-o", "json")), &kinds))
	var listed []struct {
		Kind     string
		Revision int64
	}
	require.NoError(t, json.Unmarshal([]byte(s.must("objects", "list", "-o", "json")), &listed))
	there := map[string]bool{}
	for _, one := range listed {
		there[one.Kind] = true
	}
	require.NotEmpty(t, kinds)
	for _, k := range kinds {
		assert.True(t, there[k.Name], "%s is in the catalog", k.Name)
	}

	pipe := exec.Command("bash", "-c", s.binary+" enmasse export | "+s.binary+" enmasse diff -")
	pipe.Env = append(os.Environ(), "PARLEY_DIR="+filepath.Join(s.dir, "c"))
	out, err := pipe.CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Empty(t, string(out))
	for _, format := range []string{"yaml", "json"} {
		exported := s.must("enmasse", "export", "-o", format)
		assert.NotContains(t, exported, "c4nary", "no secret is exported")
		code, printed, said := s.run(exported, "enmasse", "import", "--prune", "-")
		require.Zero(t, code, said)
		assert.Contains(t, printed, fmt.Sprintf(": 0 created, 0 updated, %d unchanged", len(listed)))
	}
	exported := s.must("enmasse", "export")

	// A file that is empty, or was cut off, empties nothing.
	for _, file := range []string{"", "\n", "---\n", "{}", "channel_rest: []\n", exported[:strings.Index(exported, "\n  - ")], "# " + exported[:40]} {
		before := s.must("enmasse", "export")
		s.run(file, "enmasse", "import", "-")
		code, _, said := s.run(file, "enmasse", "import", "--prune", "-")
		assert.Equal(t, 2, code, said)
		assert.Equal(t, before, s.must("enmasse", "export"))
	}

	// Another cluster cannot have the secrets of this one: each is named.
	other := newShell(t)
	code, _, said := other.run(exported, "enmasse", "import", "-")
	assert.Equal(t, 2, code)
	assert.Contains(t, said, `security_basic_auth "Partners": password: (kept) means the one that is there, and there is none; give it, or a reference such as env:NAME`)
	code, _, said = other.run("", "enmasse", "import", other.dir)
	assert.Equal(t, 2, code)
	assert.Contains(t, said, "is a folder; name its files, such as ")
	code, _, said = other.run("", "audit", "list", "--kind", "channel_rst")
	assert.Equal(t, 2, code)
	assert.Contains(t, said, `there is no kind "channel_rst", did you mean channel_rest`)
	code, _, said = other.run("", "channels", "get", "Y")
	assert.Equal(t, 1, code)
	assert.Contains(t, said, `there is no "Y" among the channels; there are none`)
}
