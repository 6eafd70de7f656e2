package project_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps/project"
)

func environment(pairs map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v, there := pairs[name]
		return v, there
	}
}

func TestEnvironmentSetsEverySetting(t *testing.T) {
	var s project.Settings
	require.NoError(t, s.Environment(environment(map[string]string{
		"APITEST_STATE": "feature", "APITEST_PARALLEL": "8", "APITEST_TAGS": "@a and not @b", "APITEST_NAME": "cust.mer", "APITEST_INCLUDE": "x/",
		"APITEST_EXCLUDE": "y/", "APITEST_FAIL_FAST": "yes", "APITEST_DRY_RUN": "1", "APITEST_FORMAT": "pretty, junit:a.xml", "APITEST_OUT": "out",
		"APITEST_COLOR": "never", "APITEST_SHUFFLE": "on", "APITEST_SEED": "42", "APITEST_RETRIES": "3", "APITEST_ALLOW_EMPTY": "TRUE",
		"APITEST_TIMEOUT": "1.5", "APITEST_SECRETS": "iban,pin", "APITEST_USER_AGENT": "me", "APITEST_VAULT_ADDRESS": "http://v", "APITEST_VAULT_TOKEN": "t",
	})))
	for _, v := range project.Variables() {
		assert.True(t, s.IsSet(v.Setting), v.Name)
	}
	assert.Equal(t, "feature", s.State)
	assert.Equal(t, 8, s.Parallel)
	assert.Equal(t, "@a and not @b", s.Tags)
	assert.Equal(t, []string{"cust.mer"}, s.Names)
	assert.Equal(t, "x/", s.Include)
	assert.Equal(t, "y/", s.Exclude)
	assert.True(t, s.FailFast)
	assert.True(t, s.DryRun)
	assert.Equal(t, []project.Format{{Name: "pretty"}, {Name: "junit", File: "a.xml"}}, s.Formats)
	assert.Equal(t, "out", s.Out)
	assert.Equal(t, project.ColorNever, s.Color)
	assert.True(t, s.Shuffle)
	assert.Equal(t, uint64(42), s.Seed)
	assert.Equal(t, 3, s.Retries)
	assert.True(t, s.AllowEmpty)
	assert.Equal(t, 1500*time.Millisecond, s.Timeout)
	assert.Equal(t, []string{"iban", "pin"}, s.Secrets)
	assert.Equal(t, "me", s.UserAgent)
	assert.Equal(t, project.Vault{Address: "http://v", Token: "t"}, s.Vault)
	assert.True(t, s.Vault.Configured())
}

func TestEnvironmentFaultsNameTheVariable(t *testing.T) {
	rows := []struct{ name, value, want string }{
		{"APITEST_STATE", "suite", `the environment variable APITEST_STATE must be scenario or feature, not "suite"`},
		{"APITEST_PARALLEL", "-1", `the environment variable APITEST_PARALLEL must be a whole number from 0 on, not "-1"`},
		{"APITEST_FAIL_FAST", "maybe", `the environment variable APITEST_FAIL_FAST must be true or false, not "maybe"`},
		{"APITEST_FORMAT", "prety", `the environment variable APITEST_FORMAT must be of pretty, progress, junit, cucumber, html, github, not "prety"; did you mean pretty?`},
		{"APITEST_FORMAT", "pretty,,html", `the environment variable APITEST_FORMAT must be names with commas between, not "pretty,,html"`},
		{"APITEST_FORMAT", "html:", `the environment variable APITEST_FORMAT has no file behind "html:"`},
		{"APITEST_TIMEOUT", "soon", `the environment variable APITEST_TIMEOUT must be a time such as 30s, 500ms or 2m, or a number of seconds, not "soon"`},
		{"APITEST_TIMEOUT", "0", `the environment variable APITEST_TIMEOUT must be a time such as 30s, 500ms or 2m, or a number of seconds, not "0"`},
		{"APITEST_SEED", "x", `the environment variable APITEST_SEED must be a whole number from 0 on, not "x"`},
		{"APITEST_NAME", "(", "the environment variable APITEST_NAME must be a regular expression, and \"(\" is none: error parsing regexp: missing closing ): `(`"},
		{"ZATO_APITEST_TAGS", "a, b", `the environment variable ZATO_APITEST_TAGS: "a,,b" has a comma with no tag beside it`},
	}
	for _, row := range rows {
		t.Run(row.name+"="+row.value, func(t *testing.T) {
			var s project.Settings
			assert.EqualError(t, s.Environment(environment(map[string]string{row.name: row.value})), row.want)
		})
	}
}

func TestEnvironmentLeavesTheRest(t *testing.T) {
	var s project.Settings
	require.NoError(t, s.Set("tags", "@a or @b"))
	require.NoError(t, s.Environment(environment(map[string]string{"APITEST_TAGS": "", "ZATO_APITEST_TAGS": "x  y"})))
	assert.Equal(t, "(@a or @b) and (@x or @y)", s.Tags)
	require.NoError(t, s.Environment(environment(map[string]string{"APITEST_TAGS": "@c"})))
	assert.Equal(t, "@c", s.Tags)
}

func TestSet(t *testing.T) {
	var s project.Settings
	require.NoError(t, s.Set("name", "a,b", "c"))
	assert.Equal(t, []string{"a,b", "c"}, s.Names)
	assert.EqualError(t, s.Set("parallel", "many"), `parallel must be a whole number from 0 on, not "many"`)
	assert.False(t, s.IsSet("parallel"))
	assert.EqualError(t, s.Set("state", "scenario", "feature"), "state must be one text, not a list")
	assert.EqualError(t, s.Set("fail-fast", "true"), `there is no setting "fail-fast"; did you mean fail_fast?`)
	assert.ErrorContains(t, s.Set("xxxxxxxxxxxxxxx", "true"), `there is no setting "xxxxxxxxxxxxxxx"; there are state, parallel,`)
	assert.False(t, s.IsSet("xxxxxxxxxxxxxxx"))
}

func TestMerge(t *testing.T) {
	var file, flags project.Settings
	require.NoError(t, file.Set("fail_fast", "true"))
	require.NoError(t, file.Set("retries", "2"))
	require.NoError(t, file.Set("tags", "@a"))
	file.User = map[string]any{"one": "1", "two": "2"}
	flags.User = map[string]any{"two": "II"}
	require.NoError(t, flags.Set("fail_fast", "false"))
	require.NoError(t, flags.Set("tags", "@b"))
	before := file
	file.Merge(flags)
	assert.False(t, file.FailFast, "a false that was set wins over a true")
	assert.Equal(t, 2, file.Retries, "what is not set wins over nothing")
	assert.Equal(t, "@b", file.Tags)
	assert.Equal(t, map[string]any{"one": "1", "two": "II"}, file.User)
	assert.Equal(t, map[string]any{"one": "1", "two": "2"}, before.User, "a copy is not changed")
}

func TestEverySettingIsExplained(t *testing.T) {
	for _, v := range project.Variables() {
		assert.Regexp(t, regexp.MustCompile(`^[A-Z].*\.$`), v.Doc, v.Name)
	}
}
