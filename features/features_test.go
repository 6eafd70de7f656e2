package features_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/cucumber/godog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/features"
	"github.com/parley-run/parley/fixtures"
	"github.com/parley-run/parley/steps"
	"github.com/parley-run/parley/steps/ongodog"
)

// needs are the tags of features that need a program installed, as PARLEY_REQUIRE calls it, with how to tell that it is.
func needs() map[string]func(t *testing.T) error {
	return map[string]func(t *testing.T) error{
		"postgres": func(t *testing.T) error {
			p, err := fixtures.StartPostgres(t.Context(), t.TempDir())
			if err != nil {
				return err
			}
			return p.Close()
		},
		"docker": func(t *testing.T) error { return fixtures.PruneEngine(t.Context()) },
		"redis": func(*testing.T) error {
			_, err := exec.LookPath("redis-server")
			return err
		},
	}
}

// TestFeatures runs the feature files under godog, against the parley command that PARLEY_BIN names, else against one
// that is built just before. go test cannot see what the command is made of: run it with -count=1. Features with a tag of
// needs are skipped, with the reason, where that is not installed and PARLEY_REQUIRE does not name it.
func TestFeatures(t *testing.T) {
	binary := os.Getenv("PARLEY_BIN")
	if binary == "" {
		var err error
		binary, err = fixtures.Build(t.Context(), t.TempDir())
		require.NoError(t, err)
	}
	var others []string
	for name, installed := range needs() {
		others = append(others, "~@"+name)
		t.Run("with "+name, func(t *testing.T) {
			if err := installed(t); err != nil {
				require.False(t, slices.Contains(strings.Split(os.Getenv("PARLEY_REQUIRE"), ","), name), "PARLEY_REQUIRE asks for %s: %v", name, err)
				t.Skip(err)
			}
			runFeatures(t, binary, "@"+name)
		})
	}
	t.Run("with nothing installed", func(t *testing.T) { runFeatures(t, binary, strings.Join(others, " && ")) })
}

// TestEachKindHasAFeature: what there is of channels, connections and definitions, there is in plain English too.
func TestEachKindHasAFeature(t *testing.T) {
	binary := os.Getenv("PARLEY_BIN")
	if binary == "" {
		var err error
		binary, err = fixtures.Build(t.Context(), t.TempDir())
		require.NoError(t, err)
	}
	out, err := exec.CommandContext(t.Context(), binary, "kinds", "--output", "json").Output()
	require.NoError(t, err)
	var kinds []struct{ Name string }
	require.NoError(t, json.Unmarshal(out, &kinds))
	require.NotEmpty(t, kinds)
	var used []string // keys at the beginning of a line of some definitions
	for _, dir := range []fs.FS{features.Files, os.DirFS("../fixtures")} {
		require.NoError(t, fs.WalkDir(dir, ".", func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".yaml") {
				return err
			}
			text, err := fs.ReadFile(dir, path)
			for line := range strings.Lines(string(text)) {
				key, _, _ := strings.Cut(line, ":")
				used = append(used, key)
			}
			return err
		}))
	}
	for _, kind := range kinds {
		assert.Contains(t, used, kind.Name, "no feature has definitions of this kind")
	}
}

func runFeatures(t *testing.T, binary, tags string) {
	t.Helper()
	suite := steps.New(steps.Options{FS: features.Files, Spec: fixtures.Spec{Binary: binary}, Log: t.Logf})
	t.Cleanup(func() { require.NoError(t, suite.Close()) })
	all := ongodog.New(suite)
	t.Cleanup(func() { require.NoError(t, all.Close()) })
	ran := 0
	code := godog.TestSuite{
		ScenarioInitializer: func(sc *godog.ScenarioContext) {
			ran++
			all.Register(sc)
		},
		Options: &godog.Options{
			Paths: []string{"."}, FS: features.Files, Tags: tags, Strict: true, Format: "progress", NoColors: true, Output: t.Output(),
			TestingT: t, DefaultContext: t.Context(),
		},
	}.Run()
	require.Zero(t, code)
	require.NotZero(t, ran, "nothing ran")
}
