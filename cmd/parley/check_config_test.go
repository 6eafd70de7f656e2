package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCheckConfig(t *testing.T) {
	s := &shell{t: t, binary: serveBinary(t), dir: t.TempDir()}
	s.write("good/all.yaml", "include: [more/zmq.yml]\nchannel_rest:\n  - {name: A, service: ok, url_path: /a, security: K}\n"+
		"security_basic_auth:\n  - {name: K, username: joe, password: \"env:NOT_HERE_AT_ALL\"}\n")
	s.write("good/more/zmq.yml", "outgoing_zmq:\n  - {name: Z, address: \"${ZMQ}\"}\n")
	s.write("good/ok.star", "def handle(self):\n    pass\n")
	code, printed, said := s.run("", "check-config", "good")
	require.Zero(t, code, printed+said)
	assert.Equal(t, "note: security_basic_auth \"K\": its secret is not tried: the environment variable NOT_HERE_AT_ALL of this server is not set\n"+
		"Nothing is wrong with 3 definitions in 1 file, 1 service file\n", printed)

	s.write("bad/a.yaml", "channel_rest:\n  - {name: D, servce: ok, url_path: 7}\nchannel_rst: []\n")
	s.write("bad/b.star", "def handle(self):\n    undefined_thing(1)\n")
	s.write("bad/c.star", "load(\"b.star\", \"x\")\ndef handle(self)\n    pass\n")
	code, printed, said = s.run("", "check-config", "bad")
	assert.Equal(t, 2, code)
	assert.Equal(t, "parley: 5 faults\n", said)
	assert.Equal(t, `bad/b.star:2:5: undefined: undefined_thing
bad/c.star:2:17: got newline, want ':'
bad/a.yaml:2:15: channel_rest "D": servce: unknown key; did you mean "service"?
bad/a.yaml:2:37: channel_rest "D": url_path: expected text, not 7
bad/a.yaml:3:1: unknown kind "channel_rst"; did you mean "channel_rest"?
`, printed)
	s.write("together.yaml", "channel_rest:\n  - {name: A, service: ok, url_path: /a}\n  - {name: B, service: ok, url_path: /a}\n  - {name: C, service: ok, url_path: /c, security: nope}\n")
	code, printed, _ = s.run("", "check-config", "together.yaml", "-o", "json")
	assert.Equal(t, 2, code)
	var found struct{ Faults []string }
	require.NoError(t, json.Unmarshal([]byte(printed), &found))
	assert.Equal(t, []string{
		`together.yaml:3:12: channel_rest "B": channel "B": /a is served by channel "A" already; change the url_path or the method of one of them`,
		`together.yaml:4:12: channel_rest "C": security: there is no security definition "nope"`,
	}, found.Faults)

	s.must("quickstart", "create", "c", "--free-ports", "--servers", "1")
	assert.Equal(t, "Nothing is wrong with "+filepath.Join(s.dir, "c", "cluster.yaml")+", the catalog of c\n", s.must("check-config"), "PARLEY_DIR says which cluster")
	assert.NoFileExists(t, filepath.Join(s.dir, "c", "catalog.db"), "nothing is made")
	s.must("start", "c")
	s.write("base.yaml", "security_basic_auth:\n  - {name: nope, username: joe, password: pass}\n")
	s.must("enmasse", "import", "base.yaml")
	s.must("stop", "c")
	code, printed, _ = s.run("", "check-config", "together.yaml", "--dir", "c")
	assert.Equal(t, 2, code)
	assert.NotContains(t, printed, "nope", "the catalog of the cluster has it")
	assert.Contains(t, printed, `together.yaml:3:12: channel_rest "B"`)

	raw, err := os.ReadFile(filepath.Join(s.dir, "c", "cluster.yaml"))
	require.NoError(t, err)
	s.write("c/cluster.yaml", strings.NewReplacer("redis:", "rediss:", "compat: \"\"", "compat: tibco").Replace(string(raw)))
	code, printed, _ = s.run("", "check-config", "c")
	assert.Equal(t, 2, code)
	assert.Regexp(t, `(?m)^\S+/cluster.yaml:\d+:\d+: unknown key "rediss"; did you mean "redis"\? The keys are name, `, printed)
	assert.Regexp(t, `(?m)^\S+/cluster.yaml:\d+:\d+: compat: expected "" or "zato", not "tibco"`, printed, "all faults at once")

	s.write("empty/.hidden", "")
	s.write("notes.txt", "")
	for _, tt := range []struct{ args, want string }{
		{"check-config none.yaml", "none.yaml: no such file"},
		{"check-config empty", "empty holds no cluster.yaml, no definitions (.yaml, .yml, .json) and no services (.star)"},
		{"check-config notes.txt", "notes.txt: expected cluster.yaml, definitions (.yaml, .yml, .json), services (.star) or a folder of them"},
		{"check-config --address 127.0.0.1:1", "check-config reads files; leave out --address"},
	} {
		code, _, said := s.run("", strings.Fields(tt.args)...)
		assert.Equal(t, 2, code, tt.args)
		assert.Contains(t, said, tt.want)
	}
}
