package yamlfile_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/yamlfile"
)

type even int

func (e *even) UnmarshalYAML(node ast.Node) error {
	if text := node.GetToken().Value; text != "2" {
		return yamlfile.Errorf(node, "%s is not even", text)
	}
	*e = 2
	return nil
}

type order struct {
	Name  string            `yaml:"name"`
	Wait  yamlfile.Duration `yaml:"wait"`
	Even  even              `yaml:"even"`
	Lines []line            `yaml:"lines"`
	Tags  map[string]line   `yaml:"tags"`
	More  `yaml:",inline"`
}

type More struct {
	Note string `yaml:"note,omitempty"`
}

type line struct {
	Article string `yaml:"article"`
	Count   int    `yaml:"count"`
}

func TestRead(t *testing.T) {
	var o order
	file, err := yamlfile.Read("o.yaml", []byte("name: a\nwait: 1.5\neven: 2\nlines:\n  - {article: x, count: 3}\ntags: {b: {count: 1}}\nnote: n\n"), &o)
	require.NoError(t, err)
	assert.Equal(t, order{Name: "a", Wait: yamlfile.Duration(1500 * time.Millisecond), Even: 2, Lines: []line{{"x", 3}}, Tags: map[string]line{"b": {Count: 1}}, More: More{"n"}}, o)
	require.EqualError(t, file.Fault("$.lines[0].count", "%d is too many", 3), "o.yaml:5:25: 3 is too many")
	require.EqualError(t, file.Fault("$.lines[0].colour", "is missing"), "o.yaml:5:6: is missing", "the nearest parent that is there")
	require.EqualError(t, file.Fault("$", "is bad"), "o.yaml:1:1: is bad")

	_, err = yamlfile.Read("o.yaml", nil, &o)
	require.NoError(t, err, "an empty file says nothing wrong")
}

func TestReadTakes(t *testing.T) {
	want := []line{{"x", 3}, {"y", 3}}
	for name, text := range map[string]string{
		"a mapping merged into another": "lines:\n  - &first {article: x, count: 3}\n  - {<<: *first, article: y}\n",
		"merged in lines":               "lines:\n  - &first\n    article: x\n    count: 3\n  - <<: *first\n    article: y\n",
		"a value used again":            "lines:\n  - {article: x, count: &three 3}\n  - {article: y, count: *three}\n",
		"a time span used again":        "wait: &w 1s\nlines: [{article: x, count: 3}, {article: y, count: 3}]\ntags: {}\n",
		"a byte order mark":             "\ufefflines: [{article: x, count: 3}, {article: y, count: 3}]\n",
		"lines as Windows ends them":    "lines:\r\n  - {article: x, count: 3}\r\n  - {article: y, count: 3}\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			var o order
			_, err := yamlfile.Read("o.yaml", []byte(text), &o)
			require.NoError(t, err)
			assert.Equal(t, want, o.Lines)
		})
	}
}

func TestReadRefuses(t *testing.T) {
	for name, row := range map[string]struct{ text, want string }{
		"no YAML":                         {"a: [", "o.yaml:1:4: sequence end token ']' not found"},
		"two documents":                   {"name: a\n---\nname: b\n", "o.yaml: 2 YAML documents, one is allowed"},
		"an unknown key":                  {"nmae: a\n", `o.yaml:1:1: unknown field "nmae"; did you mean "name"; there are name, wait, even, lines, tags, note`},
		"one that is far off":             {"lines:\n  - colour: a\n", `o.yaml:2:5: unknown field "colour"; there are article, count`},
		"one in a map's value":            {"tags:\n  a: {cuont: 1}\n", `o.yaml:2:7: unknown field "cuont"; did you mean "count"; there are article, count`},
		"a key given twice":               {"name: a\nname: b\n", `o.yaml:2:1: mapping key "name" already defined at [1:1]`},
		"another type":                    {"lines: 3\n", "o.yaml:1:8: expected a list here, not a value"},
		"no number":                       {"lines: [{count: few}]\n", `o.yaml:1:17: "few" is no whole number`},
		"half a number":                   {"lines: [{count: 1.5}]\n", `o.yaml:1:17: "1.5" is no whole number`},
		"of its own reading":              {"name: a\neven: 3\n", "o.yaml:2:7: 3 is not even"},
		"no time span":                    {"wait: soon\n", `o.yaml:1:7: "soon" is not a time span: write seconds, or a text such as "500ms"`},
		"too long a one":                  {"wait: 99999999h\n", "o.yaml:1:7: the time span 99999999h is too long: at most 2562047h"},
		"one of no end":                   {"wait: .inf\n", "o.yaml:1:7: +Inf seconds are no time span: it is at most 2562047h"},
		"one of no number":                {"wait: .nan\n", "o.yaml:1:7: NaN seconds are no time span: it is at most 2562047h"},
		"too many seconds":                {"wait: 99999999999999999\n", "o.yaml:1:7: 1e+17 seconds are no time span: it is at most 2562047h"},
		"too large a number":              {"lines: [{count: 99999999999999999999}]\n", "o.yaml:1:17: 99999999999999999999 is too large a number"},
		"no text":                         {"name: a\nwait: \xff\n", "o.yaml:2:1: it is no text in UTF-8; save it as UTF-8"},
		"a merge behind a key":            {"lines: [{article: x, <<: {count: 1}}]\n", "o.yaml:1:22: put << before the other keys, which win over it"},
		"an unknown key merged":           {"lines: [{<<: {cuont: 1}, article: x}]\n", `o.yaml:1:15: unknown field "cuont"; did you mean "count"; there are article, count`},
		"an unknown key behind an anchor": {"lines:\n  - &a {cuont: 1}\n  - {<<: *a}\n", `o.yaml:2:9: unknown field "cuont"; did you mean "count"; there are article, count`},
		"a negative one":                  {"wait: -1s\n", "o.yaml:1:7: the time span -1s is negative"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := yamlfile.Read("o.yaml", []byte(row.text), &order{})
			require.EqualError(t, err, row.want)
		})
	}
}

func TestDurationIsJSON(t *testing.T) {
	raw, err := json.Marshal(yamlfile.Duration(90 * time.Second))
	require.NoError(t, err)
	assert.JSONEq(t, `"1m30s"`, string(raw))
	for text, want := range map[string]time.Duration{`2`: 2 * time.Second, `0.5`: 500 * time.Millisecond, `"3ms"`: 3 * time.Millisecond} {
		var d yamlfile.Duration
		require.NoError(t, json.Unmarshal([]byte(text), &d))
		assert.Equal(t, want, d.Std())
	}
	var d yamlfile.Duration
	require.ErrorContains(t, json.Unmarshal([]byte(`true`), &d), "true is not a time span")
}
