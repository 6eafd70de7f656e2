package node

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"
)

// KindsFile is a config file with an example of each kind that this program knows. dir is where examples have their files.
func KindsFile(t testing.TB, dir string) string {
	t.Helper()
	all := examples(t, dir)
	known := map[string][]map[string]any{}
	for _, k := range Kinds() {
		require.NotEmpty(t, all[k.Name], "add an example for kind %s to testdata/kinds.yaml", k.Name)
		known[k.Name] = all[k.Name]
	}
	text, err := yaml.Marshal(known)
	require.NoError(t, err)
	// An example means the text itself.
	return strings.ReplaceAll(string(text), "${", "$${")
}

// KindConfigs are configs of kinds, without names.
func KindConfigs(t testing.TB) map[string]map[string]any {
	t.Helper()
	out := map[string]map[string]any{}
	for name, all := range examples(t, "/srv/parley") {
		out[name] = maps.Clone(all[0])
		delete(out[name], "name")
	}
	return out
}

func examples(t testing.TB, dir string) map[string][]map[string]any {
	t.Helper()
	text, err := os.ReadFile("testdata/kinds.yaml")
	require.NoError(t, err)
	var out map[string][]map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(strings.ReplaceAll(string(text), "${DIR}", dir)), &out))
	require.False(t, slices.Contains(slices.Collect(maps.Keys(out)), ""))
	return out
}
