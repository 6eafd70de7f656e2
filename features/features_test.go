package features_test

import (
	"os"
	"testing"

	"github.com/cucumber/godog"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/features"
	"github.com/parley-run/parley/fixtures"
	"github.com/parley-run/parley/steps"
	"github.com/parley-run/parley/steps/ongodog"
)

// TestFeatures runs the feature files under godog, against the parley command that PARLEY_BIN names, else against one
// that is built just before. go test cannot see what the command is made of: run it with -count=1.
func TestFeatures(t *testing.T) {
	binary := os.Getenv("PARLEY_BIN")
	if binary == "" {
		var err error
		binary, err = fixtures.Build(t.Context(), t.TempDir())
		require.NoError(t, err)
	}
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
			Paths: []string{"."}, FS: features.Files, Strict: true, Format: "progress", NoColors: true, Output: t.Output(),
			TestingT: t, DefaultContext: t.Context(),
		},
	}.Run()
	require.Zero(t, code)
	require.NotZero(t, ran, "nothing ran")
}
