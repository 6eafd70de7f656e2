package main_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// words are what a shell would complete, without the line that tells it how.
func (s *shell) words(args ...string) []string {
	s.t.Helper()
	printed := s.must(append([]string{"__complete"}, args...)...)
	lines := strings.Split(strings.TrimSpace(printed), "\n")
	return lines[:len(lines)-1]
}

func TestCompletion(t *testing.T) {
	s := newShell(t)
	s.write("alpha.star", "def handle(self):\n    pass\n")
	s.must("deploy", "alpha.star")
	s.must("channels", "create", "Front", "--kind", "channel_rest", "service=alpha", "url_path=/alpha")
	s.must("outconns", "create", "CRM", "--kind", "outgoing_rest", "host=http://127.0.0.1:1", "url_path=/")
	for _, tt := range []struct {
		args []string
		want []string
	}{
		{[]string{"invoke", ""}, []string{"alpha"}},
		{[]string{"invoke", "b"}, []string{}},
		{[]string{"invoke", "alpha", ""}, []string{}},
		{[]string{"undeploy", "a"}, []string{"alpha", "alpha.star"}},
		{[]string{"channels", "get", ""}, []string{"Front"}},
		{[]string{"channels", "delete", ""}, []string{"Front"}},
		{[]string{"channels", "edit", "Front", "url_"}, []string{"url_params_pri=", "url_path="}},
		{[]string{"channels", "create", "X", "--kind", "channel_rest", "serv"}, []string{"service="}},
		{[]string{"outconns", "get", ""}, []string{"CRM"}},
		{[]string{"outconns", "ping", ""}, []string{"CRM", "kvdb"}},
		{[]string{"objects", "get", ""}, []string{"CRM", "Front"}},
		{[]string{"security", "get", ""}, []string{}},
		{[]string{"stats", "summary", ""}, []string{"alpha"}},
		{[]string{"stats", "slowest", "--last", "m"}, []string{"minute", "month"}},
		{[]string{"logs", "--server", ""}, []string{"server1", "supervisor"}},
		{[]string{"stop", ""}, []string{"server1"}},
		{[]string{"kinds", "channel_r"}, []string{"channel_rest"}},
		{[]string{"status", "--output", ""}, []string{"text", "json", "yaml", "csv"}},
	} {
		assert.ElementsMatch(t, tt.want, s.words(tt.args...), tt.args)
	}
	s.must("stop", "c")
	assert.Empty(t, s.words("invoke", ""), "without a cluster there is nothing to name, and nothing is said")

	for name, check := range map[string][]string{"bash": {"bash", "-n"}, "zsh": {"zsh", "-n"}, "fish": {"fish", "--no-execute"}} {
		script := s.must("completion", name)
		assert.Contains(t, script, "__complete", name)
		path, err := exec.LookPath(check[0])
		if err != nil {
			continue // its words are cobra's; what is ours is above
		}
		s.write("script."+name, script)
		out, err := exec.Command(path, append(check[1:], filepath.Join(s.dir, "script."+name))...).CombinedOutput()
		assert.NoError(t, err, string(out))
	}
}

// TestCompletionInBash sources the script in a bash that has no package bash-completion, and presses Tab.
func TestCompletionInBash(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip(err)
	}
	s := newShell(t)
	s.write("alpha.star", "def handle(self):\n    pass\n")
	s.must("deploy", "alpha.star")
	s.must("outconns", "create", "CRM", "--kind", "outgoing_rest", "host=http://127.0.0.1:1")
	bin := filepath.Join(s.dir, "bin")
	require.NoError(t, os.Mkdir(bin, 0o700))
	require.NoError(t, os.Symlink(s.binary, filepath.Join(bin, "parley")))
	s.write("script.bash", s.must("completion", "bash"))
	s.write("tab.bash", `source script.bash
compopt() { :; } # it is only for a Tab key
tab() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}; COMPREPLY=(); __start_parley; echo "$*:" "${COMPREPLY[@]}"; }
tab parley outc
tab parley outconns ping C
tab parley invoke ""
tab parley stats slowest --last mo
tab parley stats slowest --last = mi
tab parley outconns edit CRM hos
`)
	c := exec.CommandContext(t.Context(), bash, "--norc", "tab.bash")
	c.Dir = s.dir
	c.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "PARLEY_DIR="+filepath.Join(s.dir, "c"))
	out, err := c.CombinedOutput()
	require.NoError(t, err, string(out))
	want := []string{
		"parley outc: outconns", "parley outconns ping C: CRM", "parley invoke : alpha", "parley stats slowest --last mo: month",
		"parley stats slowest --last = mi: minute", "parley outconns edit CRM hos: host=",
	}
	assert.Equal(t, want, strings.Split(strings.TrimSpace(strings.ReplaceAll(string(out), " \n", "\n")), "\n"))
}

func TestWhatWasMeant(t *testing.T) {
	s := &shell{t: t, binary: serveBinary(t), dir: t.TempDir()}
	for _, tt := range []struct{ args, want string }{
		{"sttus", `unknown command "sttus" for "parley", did you mean status? see parley --help`},
		{"zzzzzz", `unknown command "zzzzzz" for "parley"; see parley --help`},
		{"channels lst", `unknown command "lst" for "parley channels", did you mean list?`},
		{"enmasse exprt", `unknown command "exprt" for "parley enmasse", did you mean export?`},
		{"logs --lvel x", `unknown flag: --lvel, did you mean --level? see parley logs --help`},
		{"channels list --knd x", `unknown flag: --knd, did you mean --kind?`},
		{"channels list --ouptut x", `unknown flag: --ouptut, did you mean --output?`},
		{"start -z", `unknown shorthand flag: 'z' in -z; see parley start --help`},
		{"status -o xml", `--output is text, json or yaml, not "xml"`},
		{"kinds channel_rst", `there is no kind "channel_rst", did you mean channel_rest?`},
		{"invoke", `SERVICE is missing; usage: parley invoke SERVICE`},
		{"invoke a {}", `the payload is an option: --payload '{}'; usage: parley invoke SERVICE`},
		{"quickstart create c --servers two", `--servers: expected a whole number, not "two"; see parley quickstart create --help`},
		{"version now", `"now" is one argument too many; usage: parley version`},
		{"server oflne", `unknown command "oflne" for "parley server", did you mean offline? see parley server --help`},
		{"channels show a", `unknown command "show" for "parley channels", did you mean get? see parley channels --help`},
		{"channels change a", `unknown command "change" for "parley channels", did you mean edit?`},
	} {
		code, printed, said := s.run("", strings.Fields(tt.args)...)
		assert.Equal(t, 2, code, tt.args)
		assert.Contains(t, said, tt.want)
		assert.Empty(t, printed)
	}
	for _, group := range []string{"", "channels", "outconns", "security", "objects", "enmasse", "audit", "secrets", "quickstart", "tls", "haproxy", "catalog", "server", "completion"} {
		printed := s.must(strings.Fields(group)...)
		assert.Contains(t, printed, "COMMAND [flags]\n\nCommands:\n", group)
	}
	assert.Contains(t, s.must("channels", "list", "--help"), "Usage:\n  parley channels list [flags]\n")
}

// TestOutput holds that every command that prints data prints JSON and YAML of it.
func TestOutput(t *testing.T) {
	s := &shell{t: t, binary: serveBinary(t), dir: t.TempDir()}
	s.write("alpha.star", "def handle(self):\n    self.response.payload = {\"a\": 1}\n")
	s.write("all.yaml", "outgoing_zmq:\n  - {name: Z, address: \"${ZMQ}\"}\n")
	t.Cleanup(func() { s.run("", "stop", "c") })
	for _, format := range []string{"json", "yaml"} {
		t.Cleanup(func() { s.run("", "stop", format) })
		for _, args := range []string{
			"quickstart create " + format + " --free-ports --servers 1",
			"start " + format, "status " + format, "info " + format, "balancer " + format, "check-config " + format,
			"deploy alpha.star", "services", "invoke alpha", "ping", "stats", "stats slowest", "stats usage", "stats summary", "stats compare", "stats slow", "stats samples",
			"stats watch", "kvdb set k v", "kvdb get k", "logs", "enmasse diff alpha.yaml", "enmasse import all.yaml", "enmasse diff all.yaml", "enmasse export",
			"outconns list", "outconns get Z", "outconns edit Z address=tcp://127.0.0.1:2", "outconns delete Z",
			"channels list", "channels create A service=alpha url_path=/a --kind channel_rest", "channels delete A", "security list", "objects list",
			"secrets status", "secrets rotate", "audit list", "audit verify", "kinds", "kinds channel_rest", "version", "ready",
			"server weight server1 50", "server offline server1", "server online server1", "undeploy alpha",
			"restart --rolling " + format, "stop " + format + " server1", "start " + format + " server1", "stop " + format,
		} {
			cmd := exec.Command(s.binary, append(strings.Fields(args), "-o", format)...)
			if strings.HasPrefix(args, "kvdb") {
				cmd.Args = append([]string{s.binary, "kvdb", "-o", format}, strings.Fields(args)[1:]...)
			}
			cmd.Dir = s.dir
			cmd.Env = append(cmd.Environ(), "PARLEY_DIR="+filepath.Join(s.dir, format), "ZMQ=tcp://127.0.0.1:1")
			printed, err := cmd.Output()
			if args == "enmasse diff alpha.yaml" {
				require.Error(t, err)
				assert.Equal(t, 2, cmd.ProcessState.ExitCode(), "there is no such file")
				continue
			}
			require.NoError(t, err, "%s: %s", args, printed)
			if format == "json" {
				assert.True(t, json.Valid(printed), "%s: %s", args, printed)
				continue
			}
			var v any
			assert.NoError(t, yaml.Unmarshal(printed, &v), "%s: %s", args, printed)
			assert.NotEmpty(t, printed, args)
		}
	}
}
