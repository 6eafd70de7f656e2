package project_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps/project"
)

// folder makes files in a new folder, which ends the search for settings, goes there and gives its path.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(filepath.Join(dir, ".git"), 0o755))
	for name, text := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	t.Chdir(dir)
	return dir
}

const plainINI = "[behave]\noptions = --format pretty --no-source --no-timings\n\n[user]\nsample=Hello\n\n[vault]\n[[default]]\naddress=http://localhost:8200\ntoken=invalid\n"

func TestFind(t *testing.T) {
	ours := map[string]string{
		"p/apitest.yaml": "state: feature\n", "p/features/a.feature": "", "p/features/deep/b.feature": "", "p/other/c.feature": "",
	}
	zato := map[string]string{"p/features/config.ini": plainINI, "p/features/a.feature": "", "p/features/deep/b.feature": ""}
	rows := []struct {
		name     string
		files    map[string]string
		from     string // folder in which the command runs
		paths    []string
		root     string
		features []string
		file     string
	}{
		{"the project's folder", ours, "", []string{"p"}, "p", []string{"p/features"}, "p/apitest.yaml"},
		{"the folder that one is in", ours, "p", []string{"."}, ".", []string{"features"}, "apitest.yaml"},
		{"its features", ours, "", []string{"p/features"}, "p", []string{"p/features"}, "p/apitest.yaml"},
		{"a folder below", ours, "", []string{"p/features/deep"}, "p", []string{"p/features/deep"}, "p/apitest.yaml"},
		{"a file", ours, "", []string{"p/other/c.feature"}, "p", []string{"p/other/c.feature"}, "p/apitest.yaml"},
		{"a line of a file", ours, "", []string{"p/features/a.feature:12:30"}, "p", []string{"p/features/a.feature:12:30"}, "p/apitest.yaml"},
		{"from below", ours, "p/features", []string{"a.feature"}, "..", []string{"a.feature"}, "../apitest.yaml"},
		{"two of one project", ours, "", []string{"p/features/a.feature", "p/other"}, "p", []string{"p/features/a.feature", "p/other"}, "p/apitest.yaml"},
		{
			"features that the settings name",
			map[string]string{"p/apitest.yaml": "features: [more, /]\n", "p/more/a.feature": ""},
			"",
			[]string{"p"},
			"p",
			[]string{"p/more", "/"},
			"p/apitest.yaml",
		},
		{
			"no folder of features",
			map[string]string{"p/apitest.yaml": "", "p/a.feature": ""},
			"",
			[]string{"p"},
			"p",
			[]string{"p"},
			"p/apitest.yaml",
		},
		{"zato-apitest's folder", zato, "", []string{"p"}, "p/features", []string{"p/features"}, "p/features/config.ini"},
		{"zato-apitest's features", zato, "", []string{"p/features"}, "p/features", []string{"p/features"}, "p/features/config.ini"},
		{"a file of zato-apitest", zato, "", []string{"p/features/deep/b.feature"}, "p/features", []string{"p/features/deep/b.feature"}, "p/features/config.ini"},
		{"within zato-apitest's features", zato, "p/features", []string{"."}, ".", []string{"."}, "config.ini"},
		{
			"a config.ini with a section behave",
			map[string]string{"p/config.ini": plainINI, "p/a.feature": ""},
			"",
			[]string{"p"},
			"p",
			[]string{"p"},
			"p/config.ini",
		},
		{
			"somebody else's config.ini",
			map[string]string{"p/config.ini": "[server]\nport=1\n", "p/a.feature": ""},
			"",
			[]string{"p"},
			"p",
			[]string{"p"},
			"",
		},
		{
			"both files",
			map[string]string{"p/apitest.yaml": "", "p/features/config.ini": plainINI},
			"",
			[]string{"p/features"},
			"p",
			[]string{"p/features"},
			"p/apitest.yaml",
		},
		{"neither", map[string]string{"p/q/a.feature": ""}, "", []string{"p/q"}, "p/q", []string{"p/q"}, ""},
		{
			"neither, two folders",
			map[string]string{"p/q/a.feature": "", "p/r/s/b.feature": ""},
			"",
			[]string{"p/q", "p/r/s/b.feature"},
			"p",
			[]string{"p/q", "p/r/s/b.feature"},
			"",
		},
		{
			"above the .git it is another's",
			map[string]string{"apitest.yaml": "", "p/.git/x": "", "p/a.feature": ""},
			"",
			[]string{"p"},
			"p",
			[]string{"p"},
			"",
		},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			dir := folder(t, row.files)
			t.Chdir(filepath.Join(dir, row.from))
			p, err := project.Find(row.paths...)
			require.NoError(t, err)
			assert.Equal(t, row.root, p.Root)
			assert.Equal(t, row.features, p.Features)
			assert.Equal(t, row.file, p.File)
		})
	}
}

func TestFindWithAnAbsolutePathGivesAbsolutePaths(t *testing.T) {
	dir := folder(t, map[string]string{"p/apitest.yaml": "out: reports\nformat: [pretty, 'junit:all.xml']\n", "p/features/a.feature": ""})
	p, err := project.Find(filepath.Join(dir, "p"))
	require.NoError(t, err)
	assert.Equal(t, dir+"/p", p.Root)
	assert.Equal(t, []string{dir + "/p/features"}, p.Features)
	assert.Equal(t, dir+"/p/reports", p.Settings.Out)
	assert.Equal(t, []project.Format{{Name: "pretty"}, {Name: "junit", File: dir + "/p/all.xml"}}, p.Settings.Formats)
}

func TestFindFaults(t *testing.T) {
	rows := []struct {
		name  string
		files map[string]string
		paths []string
		want  string
	}{
		{"nothing", nil, nil, "give the path of a feature file, or of a folder with such"},
		{"no such file", nil, []string{"a.feature:3"}, "a.feature:3: there is no such file or folder"},
		{
			"two projects",
			map[string]string{"p/apitest.yaml": "", "q/features/config.ini": plainINI},
			[]string{"p", "q"},
			"q/features/config.ini: run them one by one",
		},
		{
			"a project and a file that is in none",
			map[string]string{"p/apitest.yaml": "", "a.feature": ""},
			[]string{"p", "a.feature"},
			"and a.feature to no project: run them one by one",
		},
		{"a name that is not read", map[string]string{"p/apitest.yml": ""}, []string{"p"}, "p/apitest.yml is not read: the settings' file is called apitest.yaml, so rename it"},
		{"faults in apitest.yaml", map[string]string{"p/apitest.yaml": "paralel: 4\n"}, []string{"p"}, `p/apitest.yaml:1:1: there is no key "paralel"; did you mean parallel?`},
		{"faults in config.ini", map[string]string{"p/features/config.ini": "[behav]\n"}, []string{"p"}, `p/features/config.ini:1: there is no section "behav"; did you mean behave?`},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			folder(t, row.files)
			_, err := project.Find(row.paths...)
			assert.ErrorContains(t, err, row.want)
		})
	}
}

func TestDefaults(t *testing.T) {
	folder(t, map[string]string{
		"none/a.feature": "", "ours/apitest.yaml": "timeout: 5\n", "zato/features/config.ini": plainINI,
		"both/features/config.ini": "[behave]\noptions=--tags a,b --stop\n",
	})
	find := func(path string) project.Settings {
		p, err := project.Find(path)
		require.NoError(t, err)
		return p.Settings
	}
	none := find("none")
	assert.Equal(t, project.StateScenario, none.State)
	assert.Empty(t, none.UserAgent)
	assert.False(t, none.IsSet("state"))

	ours := find("ours")
	assert.Equal(t, project.StateScenario, ours.State)
	assert.Equal(t, 5*time.Second, ours.Timeout)
	assert.True(t, ours.IsSet("timeout"))

	zato := find("zato")
	assert.Equal(t, project.StateFeature, zato.State)
	assert.Equal(t, "zato-apitest/1.13 (+https://zato.io)", zato.UserAgent)
	assert.Equal(t, 1, zato.Parallel)
	assert.Equal(t, map[string]any{"sample": "Hello"}, zato.User)
	assert.Equal(t, []project.Format{{Name: "pretty"}}, zato.Formats)
	assert.Equal(t, project.Vault{Address: "http://localhost:8200", Token: "invalid"}, zato.Vault)
	assert.False(t, zato.Vault.Configured())

	both := find("both")
	assert.Equal(t, "@a or @b", both.Tags)
	assert.True(t, both.FailFast)
}
