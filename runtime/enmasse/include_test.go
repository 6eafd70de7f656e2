package enmasse_test

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/enmasse"
)

// folder is files by name.
type folder map[string]string

func (f folder) read(name string) (string, error) {
	content, ok := f[name]
	if !ok {
		return "", errors.Join(errors.New("open "+name), fs.ErrNotExist)
	}
	return content, nil
}

func TestIncludes(t *testing.T) {
	zmq := func(names ...string) string {
		out := "outgoing_zmq:\n"
		for _, name := range names {
			out += "  - {name: " + name + ", address: x}\n"
		}
		return out
	}
	for _, row := range []struct {
		name  string
		files folder
		want  []string
		fault string
	}{
		{"a list of files", folder{"d/a.yaml": "include: [b.yaml, ../c.yaml]\n" + zmq("A"), "d/b.yaml": zmq("B"), "c.yaml": zmq("C")}, []string{"B", "C", "A"}, ""},
		{"one file", folder{"d/a.yaml": "include: /etc/b.yaml\n", "/etc/b.yaml": zmq("B")}, []string{"B"}, ""},
		{"files that include each other are read once", folder{"d/a.yaml": zmq("A") + "include: [b.yaml]\n", "d/b.yaml": zmq("B") + "include: [c.yaml]\n", "d/c.yaml": "include: [b.yaml, c.yaml]\n" + zmq("C")}, []string{"A", "B", "C"}, ""},
		{"one object in a file", folder{"d/a.yaml": "outgoing_zmq:\n  - file://./b.yml\n  - {name: A, address: x}\n", "d/b.yml": "name: B\naddress: y\n"}, []string{"B", "A"}, ""},
		{"a list of objects in a file, and one in another", folder{
			"d/a.yaml": "outgoing_zmq: [file://b.yml]\n", "d/b.yml": "- {name: B, address: y}\n- file://more/c.yml\n", "d/more/c.yml": "{name: C, address: z}",
		}, []string{"B", "C"}, ""},
		{"a file in itself", folder{"d/a.yaml": "outgoing_zmq: [file://b.yml]\n", "d/b.yml": "- file://b.yml\n"}, nil, "the files include each other"},
		{"an object of two files", folder{"d/a.yaml": "include: [b.yaml]\n" + zmq("A"), "d/b.yaml": zmq("A")}, nil, `d/a.yaml:3:12: outgoing_zmq "A": defined before, at d/b.yaml:2:12`},
		{"a fault stands in the file that has it", folder{"d/a.yaml": "include: [b.yaml]\n", "d/b.yaml": "outgoing_zmq:\n  - {name: A}\n  - {nam: B, address: x}\n"}, nil, "d/b.yaml:3:5: outgoing_zmq: an object without a name"},
		{"no list", folder{"d/a.yaml": "include: {a: b}\n"}, nil, "d/a.yaml:1:10: include: expected a list of files, not an object"},
		{"no path", folder{"d/a.yaml": "include: [1]\n"}, nil, "d/a.yaml:1:11: include: expected the path of a file, not a number"},
	} {
		t.Run(row.name, func(t *testing.T) {
			files, err := enmasse.Gather([]string{"d/a.yaml"}, row.files.read)
			require.NoError(t, err)
			definitions, faults := enmasse.Parse(files, testKinds{}, testEnv)
			if row.fault != "" {
				require.ErrorContains(t, faults.Err(), row.fault)
				return
			}
			require.NoError(t, faults.Err())
			var names []string
			for _, d := range definitions {
				names = append(names, d.Name)
			}
			assert.Equal(t, row.want, names)
		})
	}
	_, err := enmasse.Gather([]string{"d/a.yaml"}, folder{"d/a.yaml": "include:\n  - b.yaml\n"}.read)
	require.ErrorContains(t, err, "d/a.yaml:2:5: include: open d/b.yaml")
	_, faults := enmasse.Parse([]enmasse.File{{Name: "a.yaml", Content: "include: [b.yaml]\n"}}, testKinds{}, testEnv)
	require.ErrorContains(t, faults.Err(), "a.yaml:1:11: the file b.yaml was not sent along")
}

// TestIncludedAndNamed is what a shell makes of config/*.yaml.
func TestIncludedAndNamed(t *testing.T) {
	content := map[string]string{
		"config/a.yaml":   "include: [b.yaml]\nchannel_rest:\n  - {name: A, service: a}\n",
		"./config/b.yaml": "channel_rest:\n  - {name: B, service: b}\n",
	}
	for _, names := range [][]string{{"config/a.yaml", "./config/b.yaml"}, {"./config/b.yaml", "config/a.yaml"}} {
		files, err := enmasse.Gather(names, func(name string) (string, error) { return content[name], nil })
		require.NoError(t, err)
		definitions, faults := enmasse.Parse(files, testKinds{}, func(string) (string, bool) { return "", false })
		require.NoError(t, faults.Err())
		assert.Len(t, definitions, 2, "each is read once")
	}
}
