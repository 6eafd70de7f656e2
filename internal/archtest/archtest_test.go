package archtest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/internal/archtest"
)

func TestImportsGoDown(t *testing.T) {
	module, imports, err := archtest.Scan(filepath.Join("..", ".."))
	require.NoError(t, err)
	require.Equal(t, "github.com/parley-run/parley", module)
	seen := map[string]bool{}
	for _, i := range imports {
		seen[i.From] = true
	}
	for _, pkg := range []string{"runtime/service", "runtime/channel/rest", "runtime/node", "cmd/parley", "steps", "internal/archtest"} {
		assert.True(t, seen[pkg], "%s was not read", pkg)
	}
	if broken := archtest.Check(module, imports); len(broken) > 0 {
		t.Error(strings.Join(broken, "\n"))
	}
}

func TestCheck(t *testing.T) {
	tests := []struct {
		name       string
		from, path string
		test       bool
		want       string // "": allowed
	}{
		{name: "down by one", from: "runtime/channel", path: "m/runtime/service"},
		{name: "down by many", from: "runtime/node", path: "m/runtime/channel/rest"},
		{name: "rank 2 to its seam", from: "runtime/outconn/zmq", path: "m/runtime/outconn"},
		{name: "rank 3 to a stranger", from: "runtime/deploy", path: "m/runtime/catalog"},
		{name: "a command to a node", from: "cmd/parley", path: "m/runtime/node"},
		{name: "a command to what tests", from: "cmd/apitest", path: "m/steps/run"},
		{name: "its own test", from: "runtime/sio", path: "m/runtime/sio", test: true},
		{name: "the runtime's test to fixtures", from: "runtime/catalog", path: "m/fixtures", test: true},
		{name: "steps to fixtures", from: "steps", path: "m/fixtures"},
		{name: "within an area", from: "steps/run", path: "m/steps/report"},
		{name: "fixtures to mocks", from: "fixtures", path: "m/mocks"},
		{name: "bench to another's module", from: "bench", path: "github.com/tsenart/vegeta/v12/lib"},
		{name: "the runtime to what is shared", from: "runtime/outconn/kvdb", path: "m/redisurl"},
		{name: "steps to what is shared", from: "steps", path: "m/redisurl"},
		{name: "service to the standard library", from: "runtime/service", path: "encoding/json"},
		{name: "service's test to testify", from: "runtime/service", path: "github.com/stretchr/testify/require", test: true},
		{name: "templates in the runtime", from: "runtime/balancer/haproxy", path: "text/template"},
		{name: "templates in a test", from: "steps", path: "html/template", test: true},
		{name: "a module whose name begins like ours", from: "runtime/sio", path: "m2/x"},

		{name: "up by one", from: "runtime/service", path: "m/runtime/channel", want: "rank 0 must not import rank 1"},
		{name: "up to the node", from: "runtime/deploy", path: "m/runtime/node", want: "rank 3 must not import rank 4"},
		{name: "a test that goes up", from: "runtime/catalog", path: "m/runtime/node", test: true, want: "rank 1 must not import rank 4"},
		{name: "sideways, rank 0", from: "runtime/kind", path: "m/runtime/service", want: "both are of rank 0"},
		{name: "sideways, rank 1", from: "runtime/starlark", path: "m/runtime/catalog", want: "both are of rank 1"},
		{name: "sideways, rank 2", from: "runtime/channel/rest", path: "m/runtime/outconn/rest", want: "both are of rank 2"},
		{name: "sideways, rank 3", from: "runtime/admin", path: "m/runtime/deploy", want: "both are of rank 3"},
		{name: "sideways, rank 4", from: "runtime/supervisor", path: "m/runtime/node", want: "both are of rank 4"},
		{name: "sideways, rank 5", from: "cmd/parley", path: "m/cmd/apitest", want: "both are of rank 5"},
		{name: "service to another's module", from: "runtime/service", path: "go.starlark.net/starlark", want: "for the standard library alone"},
		{name: "steps to the runtime", from: "steps", path: "m/runtime/service", want: "steps is a black box: it imports nothing of runtime"},
		{name: "fixtures to the runtime", from: "fixtures", path: "m/runtime/folder", want: "fixtures is a black box"},
		{name: "fixtures to steps", from: "fixtures", path: "m/steps", want: "fixtures imports none of steps"},
		{name: "bench to fixtures", from: "bench", path: "m/fixtures", want: "bench imports none of fixtures"},
		{name: "bench to steps", from: "bench/report", path: "m/steps/report", want: "bench imports none of steps"},
		{name: "bench to the runtime", from: "bench", path: "m/runtime/stats", want: "bench is a black box"},
		{name: "mocks to the runtime", from: "mocks", path: "m/runtime/service", want: "mocks is a black box"},
		{name: "mocks to a command", from: "mocks", path: "m/cmd/apitest", want: "mocks is a black box"},
		{name: "the runtime to mocks", from: "runtime/node", path: "m/mocks", test: true, want: "what runs imports nothing of what tests it"},
		{name: "the runtime to fixtures", from: "runtime/catalog", path: "m/fixtures", want: "what runs imports nothing of what tests it"},
		{name: "what is shared to the runtime", from: "redisurl", path: "m/runtime/service", want: "redisurl is a black box"},
		{name: "service to what is shared", from: "runtime/service", path: "m/redisurl", want: "what runs imports nothing of what tests it"},
		{name: "templates in what apitest is made of", from: "steps/report", path: "html/template", want: "with it bin/apitest carries every method"},
		{name: "templates in apitest", from: "cmd/apitest", path: "text/template", want: "with it bin/apitest carries every method"},
		{name: "an unknown package", from: "runtime/handlers", path: "fmt", want: "package runtime/handlers has no place: give it a rank in levels(), or an area in areas(), of internal/archtest/rules.go"},
		{name: "an unknown package without imports", from: "utils", want: "package utils has no place"},
		{name: "an unknown package that is imported", from: "runtime/node", path: "m/utils", want: "package utils has no place"},
		{name: "the module's root", from: "runtime/node", path: "m", want: "package . has no place"},
		{name: "a folder too deep", from: "runtime/channel/rest/inner", path: "fmt", want: "package runtime/channel/rest/inner has no place"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := archtest.Check("m", []archtest.Import{{From: tt.from, Path: tt.path, At: "x.go:7", Test: tt.test}})
			if tt.want == "" {
				assert.Empty(t, got)
				return
			}
			require.Len(t, got, 1)
			assert.Contains(t, got[0], tt.want)
		})
	}
}

func TestScan(t *testing.T) {
	root := t.TempDir()
	for path, content := range map[string]string{
		"go.mod":              "module example.com/m // with a note\n\ngo 1.26\n",
		"main.go":             "package m\n",
		"a/a.go":              "package a\n\nimport (\n\t\"fmt\"\n\n\t_ \"example.com/m/b\"\n)\n",
		"a/a_test.go":         "package a_test\n\nimport \"testing\"\n",
		"a/testdata/x.go":     "not Go",
		".hidden/x.go":        "not Go",
		"_old/x.go":           "not Go",
		"tools/go.mod":        "module other\n",
		"tools/x.go":          "not Go",
		"b/c/c.go":            "package c\n",
		"b/c/notes.txt":       "",
		"b/c/build_plan9.go":  "package c\n\nimport \"os\"\n",
		"b/c/ignored_text.md": "",
	} {
		full := filepath.Join(root, path)
		require.NoError(t, os.MkdirAll(filepath.Dir(full), 0o755))
		require.NoError(t, os.WriteFile(full, []byte(content), 0o600))
	}
	module, imports, err := archtest.Scan(root)
	require.NoError(t, err)
	assert.Equal(t, "example.com/m", module)
	assert.ElementsMatch(t, []archtest.Import{
		{From: ".", At: "main.go:1"},
		{From: "a", At: "a/a.go:1"},
		{From: "a", Path: "fmt", At: "a/a.go:4"},
		{From: "a", Path: "example.com/m/b", At: "a/a.go:6"},
		{From: "a", At: "a/a_test.go:1", Test: true},
		{From: "a", Path: "testing", At: "a/a_test.go:3", Test: true},
		{From: "b/c", At: "b/c/c.go:1"},
		{From: "b/c", At: "b/c/build_plan9.go:1"},
		{From: "b/c", Path: "os", At: "b/c/build_plan9.go:3"},
	}, imports)

	_, _, err = archtest.Scan(filepath.Join(root, "b"))
	assert.ErrorContains(t, err, "go.mod")
	require.NoError(t, os.WriteFile(filepath.Join(root, "b/c/c.go"), []byte("pakage"), 0o600))
	_, _, err = archtest.Scan(root)
	assert.ErrorContains(t, err, "c.go:1:1")
}
