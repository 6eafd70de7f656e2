package enmasse_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/enmasse"
	"github.com/parley-run/parley/runtime/service"
)

func three() *memory {
	return newMemory(
		&catalog.Object{Kind: "outgoing_zmq", Name: "A", Spec: []byte(`{"address":"a","queue_size":1}`)},
		&catalog.Object{Kind: "outgoing_zmq", Name: "B", Spec: []byte(`{"address":"b"}`)}, // of a release that knew no queue_size
		&catalog.Object{Kind: "outgoing_zmq", Name: "C", Spec: []byte(`{"address":"c","queue_size":1}`)},
		&catalog.Object{Kind: "service_file", Name: "x.star", Spec: []byte(`{}`)},
	)
}

const allThree = "outgoing_zmq:\n  - {name: A, address: a, queue_size: 1}\n  - {name: B, address: b}\n  - {name: C, address: c, queue_size: 1}\n"

func TestDiff(t *testing.T) {
	for _, row := range []struct {
		name, content string
		want          []string
	}{
		{"the same", allThree, nil},
		{"one more", allThree + "  - {name: D, address: d}\n", []string{"add outgoing_zmq D"}},
		{"another value", strings.Replace(allThree, "address: a, queue_size: 1", "address: z, queue_size: 2", 1), []string{`change outgoing_zmq A address: "a" -> "z" queue_size: 1 -> 2`}},
		{"one less", strings.Replace(allThree, "  - {name: B, address: b}\n", "", 1), []string{"delete outgoing_zmq B"}},
		{"empty", "", []string{"delete outgoing_zmq A", "delete outgoing_zmq B", "delete outgoing_zmq C"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			m := three()
			out, err := call(t, enmasse.Deps{Catalog: m, Kinds: testKinds{}, Settle: settled}, "parley.enmasse.diff", file("a.yaml", row.content))
			require.NoError(t, err)
			var got []string
			for _, one := range out.Value("differences").([]any) {
				d := one.(*service.Object)
				text := d.Text("action") + " " + d.Text("kind") + " " + d.Text("name")
				for _, k := range d.Value("keys").([]any) {
					k := k.(*service.Object)
					text += " " + k.Text("key") + ": " + k.Text("before") + " -> " + k.Text("after")
				}
				got = append(got, text)
			}
			assert.Equal(t, row.want, got)
			assert.Empty(t, m.applied, "a diff changes nothing")
		})
	}
}

func TestPrune(t *testing.T) {
	for _, row := range []struct {
		name, content string
		prune         bool
		deletes       int64
		want          []catalog.Key
		fault         string
	}{
		{"not without prune", "outgoing_zmq:\n", false, 0, nil, ""},
		{"one of three", strings.Replace(allThree, "  - {name: B, address: b}\n", "", 1), true, 0, []catalog.Key{{Kind: "outgoing_zmq", Name: "B"}}, ""},
		{"none", allThree, true, 0, nil, ""},
		{"an empty file", "", true, 0, nil, "3 of 3 definitions would be deleted"},
		{"a file that was cut off", "outgoing_zmq:\n  - {name: A, address: a, queue_size: 1}\n", true, 0, nil, "2 of 3 definitions would be deleted"},
		{"other numbers than said", "", true, 2, nil, "3 definitions would be deleted, not the 2 that were said"},
		{
			"as said", "", true, 3,
			[]catalog.Key{{Kind: "outgoing_zmq", Name: "A"}, {Kind: "outgoing_zmq", Name: "B"}, {Kind: "outgoing_zmq", Name: "C"}},
			"",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			m := three()
			in := file("a.yaml", row.content).(*service.Object)
			in.Set("prune", row.prune)
			in.Set("deletes", row.deletes)
			_, err := call(t, enmasse.Deps{Catalog: m, Kinds: testKinds{}, Settle: settled}, "parley.enmasse.import", in)
			if row.fault != "" {
				require.ErrorContains(t, err, row.fault)
				assert.Empty(t, m.applied)
				return
			}
			require.NoError(t, err)
			if row.want == nil {
				assert.Empty(t, m.applied)
				return
			}
			require.Len(t, m.applied, 1)
			assert.Equal(t, row.want, m.applied[0].Delete)
			assert.Empty(t, m.applied[0].Put, "a key that the older release did not know is no change")
		})
	}
}

func TestObjects(t *testing.T) {
	m := three()
	deps := enmasse.Deps{Catalog: m, Kinds: testKinds{}, By: "admin server1", Settle: settled}
	for _, row := range []struct {
		name, service string
		in            []any
		fault         string
	}{
		{"another of that name", "create", []any{"kind", "outgoing_zmq", "name", "A"}, `outgoing_zmq "A" is there already`},
		{"no such kind", "create", []any{"kind", "outgoing_zqm", "name", "X"}, "did you mean outgoing_zmq?"},
		{"a name of spaces", "create", []any{"kind", "outgoing_zmq", "name", " "}, "name: expected text"},
		{"no such object", "get", []any{"kind", "outgoing_zmq", "name", "a"}, `there is no outgoing_zmq "a"`},
		{"a wrong value", "edit", []any{"kind", "outgoing_zmq", "name", "A", "config", service.ObjectOf("queue_size", "x")}, `outgoing_zmq "A": queue_size: expected an integer`},
		{"an unknown key", "edit", []any{"kind", "outgoing_zmq", "name", "A", "config", service.ObjectOf("adress", "x")}, `did you mean "address"?`},
		{"no object", "edit", []any{"kind", "outgoing_zmq", "name", "A", "config", "x"}, "config: expected an object"},
		{"nothing to delete", "delete", []any{"kind", "outgoing_zmq", "name", "X"}, `there is no outgoing_zmq "X"`},
	} {
		_, err := call(t, deps, "parley.object."+row.service, service.ObjectOf(row.in...))
		assert.ErrorContains(t, err, row.fault, row.name)
	}
	assert.Empty(t, m.applied)

	out, err := call(t, deps, "parley.object.edit", service.ObjectOf("kind", "outgoing_zmq", "name", "B", "config", service.ObjectOf("queue_size", int64(7))))
	require.NoError(t, err)
	assert.Equal(t, `{"address":"b","queue_size":7}`, inJSON(t, out.Value("config")))
	out, err = call(t, deps, "parley.object.create", service.ObjectOf("kind", "outgoing_zmq", "name", "D", "config", service.ObjectOf("address", "d")))
	require.NoError(t, err)
	assert.Equal(t, `{"address":"d","queue_size":10000}`, inJSON(t, out.Value("config")))
	_, err = call(t, deps, "parley.object.delete", service.ObjectOf("kind", "outgoing_zmq", "name", "A"))
	require.NoError(t, err)
	require.Len(t, m.applied, 3)
	assert.Equal(t, []catalog.Key{{Kind: "outgoing_zmq", Name: "A"}}, m.applied[2].Delete)
	assert.Equal(t, "admin server1", m.applied[2].By)
	assert.JSONEq(t, `{"address":"b","queue_size":7}`, string(m.snapshot.Get("outgoing_zmq", "B").Spec))
}

func inJSON(t *testing.T, v any) string {
	t.Helper()
	raw, err := service.AppendJSON(nil, v)
	require.NoError(t, err)
	return string(raw)
}

func TestAreas(t *testing.T) {
	m := three()
	deps := enmasse.Deps{
		Catalog: m, Kinds: testKinds{}, By: "admin server1", Settle: settled,
		Areas: []enmasse.Area{{"outconn", "outgoing connections", []string{"outgoing_zmq"}}, {"any", "definitions", []string{"channel_rest", "outgoing_zmq"}}},
	}
	out, err := call(t, deps, "parley.outconn.edit", service.ObjectOf("name", "B", "config", service.ObjectOf("queue_size", int64(7))))
	require.NoError(t, err)
	assert.Equal(t, "outgoing_zmq", out.Text("kind"), "the kind of the one that has the name")
	assert.Equal(t, `{"address":"b","queue_size":7}`, inJSON(t, out.Value("config")))
	out, err = call(t, deps, "parley.outconn.create", service.ObjectOf("name", "D", "config", service.ObjectOf("address", "d")))
	require.NoError(t, err)
	assert.Equal(t, "outgoing_zmq", out.Text("kind"), "the area's one kind")
	out, err = call(t, deps, "parley.any.get", service.ObjectOf("name", "D"))
	require.NoError(t, err)
	assert.Equal(t, `{"address":"d","queue_size":10000}`, inJSON(t, out.Value("config")))
	_, err = call(t, deps, "parley.outconn.delete", service.ObjectOf("name", "D"))
	require.NoError(t, err)
	assert.Equal(t, []catalog.Key{{Kind: "outgoing_zmq", Name: "D"}}, m.applied[len(m.applied)-1].Delete)
	for _, row := range []struct {
		service string
		in      []any
		fault   string
	}{
		{"parley.outconn.get", []any{"name", "X"}, `there is no "X" among the outgoing connections`},
		{"parley.outconn.delete", []any{"name", "A", "kind", "channel_rest"}, `kind: expected one of outgoing_zmq, not "channel_rest"`},
		{"parley.outconn.list", []any{"kind", "channel_rest"}, `kind: expected one of outgoing_zmq`},
		{"parley.any.create", []any{"name", "A"}, `kind: expected one of channel_rest, outgoing_zmq, not ""`},
		{"parley.outconn.create", []any{"name", "A"}, `outgoing_zmq "A" is there already`},
	} {
		_, err := call(t, deps, row.service, service.ObjectOf(row.in...))
		assert.ErrorContains(t, err, row.fault, row.service)
	}
}
