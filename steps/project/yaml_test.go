package project_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps/project"
)

func TestYAML(t *testing.T) {
	var s project.Settings
	features, err := project.DecodeYAML("apitest.yaml", `
# How the tests run.
state: feature
parallel: ${WORKERS}
tags: "@smoke and not @slow"
name: [cust, "or.er"]
fail_fast: yes
format: pretty, junit
out: reports/${BUILD}
timeout: 2m
retries: 0
seed: 18446744073709551615
secrets: [iban]
features:
  - one
  - two
vault:
  address: http://vault:8200
  token: ${TOKEN}
user:
  host: http://${HOST}:8080/$${x}$y
  answer: 42
  quoted: "07"
  pair: [a, 1]
  none: []
  text: |
    two
    lines
  empty: ""
`, environment(map[string]string{"WORKERS": "4", "BUILD": "b1", "TOKEN": "t", "HOST": "h"}), &s)
	require.NoError(t, err)
	assert.Equal(t, []string{"one", "two"}, features)
	assert.Equal(t, "feature", s.State)
	assert.Equal(t, 4, s.Parallel)
	assert.Equal(t, "@smoke and not @slow", s.Tags)
	assert.Equal(t, []string{"cust", "or.er"}, s.Names)
	assert.True(t, s.FailFast)
	assert.Equal(t, []project.Format{{Name: "pretty"}, {Name: "junit"}}, s.Formats)
	assert.Equal(t, "reports/b1", s.Out)
	assert.Equal(t, 2*time.Minute, s.Timeout)
	assert.True(t, s.IsSet("retries"))
	assert.Equal(t, uint64(18446744073709551615), s.Seed)
	assert.Equal(t, []string{"iban"}, s.Secrets)
	assert.Equal(t, project.Vault{Address: "http://vault:8200", Token: "t"}, s.Vault)
	assert.Equal(t, map[string]any{
		"host": "http://h:8080/${x}$y", "answer": "42", "quoted": "07", "pair": []any{"a", "1"}, "none": []any{}, "text": "two\nlines\n", "empty": "",
	}, s.User)
}

func TestYAMLWithNothingInIt(t *testing.T) {
	for _, text := range []string{"", "# only a comment\n", "---\n", "null\n"} {
		var s project.Settings
		features, err := project.DecodeYAML("apitest.yaml", text, environment(nil), &s)
		require.NoError(t, err, "%q", text)
		assert.Empty(t, features)
		assert.Equal(t, project.Settings{}, s)
	}
}

func TestYAMLFaults(t *testing.T) {
	rows := []struct{ name, text, want string }{
		{"an unknown key", "sate: x\n", `a.yaml:1:1: there is no key "sate"; did you mean state?`},
		{"a key of a flag", "fail-fast: true\n", `a.yaml:1:1: there is no key "fail-fast"; did you mean fail_fast?`},
		{"a key that is like none", "zzzzzzzzzzzz: x\n", `a.yaml:1:1: there is no key "zzzzzzzzzzzz"; there are features, user, state, parallel, tags, name, include, exclude, fail_fast, dry_run, format, out, color, shuffle, seed, retries, allow_empty, timeout, secrets, user_agent, vault`},
		{"a key of a group, with a dot", "vault.token: x\n", `a.yaml:1:1: there is no key "vault.token"`},
		{"an unknown key of vault", "vault:\n  adress: x\n", `a.yaml:2:3: there is no key "adress"; did you mean address?`},
		{"vault with no keys", "vault: http://x\n", "a.yaml:1:8: vault must be keys and values: address and token"},
		{"user with no names", "user: [a]\n", "a.yaml:1:7: user must be names and values, one a line below it, such as host: http://localhost:8080"},
		{"a wrong value", "retries: two\n", `a.yaml:1:10: retries must be a whole number from 0 on, not "two"`},
		{"a list for one", "state: [scenario, feature]\n", "a.yaml:1:8: state must be one text, not a list"},
		{"keys for a text", "out: {a: b}\n", "a.yaml:1:7: expected a text, or a list of texts"},
		{"a list in a list", "user:\n  a: [[b]]\n", "a.yaml:2:7: expected a text"},
		{"no value", "tags:\nout: x\n", "a.yaml:1:6: expected a text, or a list of texts"},
		{"twice", "out: a\nout: b\n", `a.yaml:2:1: mapping key "out" already defined at [1:1]`},
		{"two documents", "out: a\n---\nout: b\n", "a.yaml:3:4: a second document; keep one"},
		{"no mapping", "- a\n", "a.yaml:1:1: expected keys and values, such as state: scenario"},
		{"no YAML", "out: 'a\n", "a.yaml:1:6: could not find end character of single-quoted text"},
		{"an unset variable", "user:\n  a: x\n  b: [y, 'z${NO_SUCH}']\n", "a.yaml:3:10: the environment variable NO_SUCH is not set; set it, or write $${NO_SUCH} for that text itself"},
		{"no variable", "out: ${a-b}\n", "a.yaml:1:6: ${a-b} is no environment variable; write ${NAME}, or $${ for a literal ${"},
		{"a variable that is not closed", "out: ${a\n", "a.yaml:1:6: ${a is no environment variable; write ${NAME}, or $${ for a literal ${"},
		{
			"all at once", "color: red\nstate: x\nsead: 1\nuser: {a: ['${X}']}\n",
			"a.yaml:1:8: color must be auto or always or never, not \"red\"\n" +
				"a.yaml:2:8: state must be scenario or feature, not \"x\"\n" +
				"a.yaml:3:1: there is no key \"sead\"; did you mean seed?\n" +
				"a.yaml:4:12: the environment variable X is not set; set it, or write $${X} for that text itself",
		},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			var s project.Settings
			_, err := project.DecodeYAML("a.yaml", row.text, environment(nil), &s)
			require.Error(t, err)
			assert.Contains(t, err.Error(), row.want)
		})
	}
}
