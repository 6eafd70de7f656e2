package deploy_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/deploy"
	"github.com/parley-run/parley/runtime/service"
)

// past is a shelf that knows what was on it.
type past struct {
	*shelf
	was map[int64]catalog.Object // by revision; a nil spec: it was deleted
}

func (p past) Versions(_ context.Context, key catalog.Key, n int) ([]catalog.ObjectVersion, error) {
	var out []catalog.ObjectVersion
	for revision, o := range p.was {
		if o.Name == key.Name && key.Kind == deploy.FileKind {
			out = append(out, catalog.ObjectVersion{Revision: revision, At: time.Unix(revision, 0).UTC(), Who: "anna", Action: "put", Kept: true})
		}
	}
	slices.SortFunc(out, func(a, b catalog.ObjectVersion) int { return int(b.Revision - a.Revision) })
	return out[:min(n, len(out))], nil
}

func (p past) ObjectAt(_ context.Context, key catalog.Key, revision int64) (*catalog.Object, error) {
	if o, ok := p.was[revision]; ok && o.Name == key.Name {
		o.Revision = revision
		return &o, nil
	}
	return nil, catalog.ErrNoVersion
}

func TestSourceHistoryAndRollBack(t *testing.T) {
	old, err := deploy.NewObject("a.star", "service one")
	require.NoError(t, err)
	gone, err := deploy.NewObject("gone.star", "service gone")
	require.NoError(t, err)
	s := past{newShelf(), map[int64]catalog.Object{1: old, 5: gone}}
	s.put("a.star", "service one service two")

	for name, row := range map[string]struct {
		in           *service.Object
		file, source string
	}{
		"by its file":         {service.ObjectOf("name", "a.star"), "a.star", "service one service two"},
		"by a service":        {service.ObjectOf("name", "two"), "a.star", "service one service two"},
		"as it was":           {service.ObjectOf("name", "one", "revision", int64(1)), "a.star", "service one"},
		"what was undeployed": {service.ObjectOf("name", "gone.star", "revision", int64(5)), "gone.star", "service gone"},
	} {
		out, err := call(t, s, "parley.service.source", row.in)
		require.NoError(t, err, name)
		assert.Equal(t, row.file, out.Text("file"), name)
		assert.Equal(t, row.source, out.Text("source"), name)
	}
	out, err := call(t, s, "parley.service.history", service.ObjectOf("name", "one"))
	require.NoError(t, err)
	got, err := service.AppendJSON(nil, out)
	require.NoError(t, err)
	assert.Equal(t, `{"file":"a.star","items":[{"revision":1,"at":"1970-01-01T00:00:01Z","who":"anna","action":"put","hash":"","kept":true,"current":false}]}`, string(got))
	out, err = call(t, s, "parley.service.history", service.ObjectOf("name", "gone.star"))
	require.NoError(t, err)
	assert.Len(t, out.Value("items"), 1, "of a file that is deployed no more")

	_, err = call(t, s, "parley.service.roll-back", service.ObjectOf("name", "a.star", "revision", int64(1)))
	require.NoError(t, err)
	assert.Equal(t, "service one", s.source("a.star"))
	_, err = call(t, s, "parley.service.roll-back", service.ObjectOf("name", "gone.star", "revision", int64(5)))
	require.NoError(t, err)
	assert.Equal(t, "service gone", s.source("gone.star"))

	for name, row := range map[string]struct {
		service string
		in      *service.Object
		code    service.Code
		want    string
	}{
		"no such service":      {"parley.service.source", service.ObjectOf("name", "ome"), service.NotFound, `no deployed file or service is named "ome"; did you mean "one"?`},
		"no history":           {"parley.service.history", service.ObjectOf("name", "never.star"), service.NotFound, `no deployed file or service is named "never.star"; did you mean "gone.star"?`},
		"no such version":      {"parley.service.roll-back", service.ObjectOf("name", "a.star", "revision", int64(7)), service.NotFound, "a.star was not deployed at revision 7, or that version is not kept any more; parley.service.history says which versions are kept"},
		"no version at all":    {"parley.service.roll-back", service.ObjectOf("name", "a.star", "revision", int64(0)), service.Invalid, "revision: expected one of the file's history, not 0"},
		"a version of another": {"parley.service.source", service.ObjectOf("name", "a.star", "revision", int64(5)), service.NotFound, "a.star was not deployed at revision 5, or that version is not kept any more; parley.service.history says which versions are kept"},
	} {
		_, err := call(t, s, row.service, row.in)
		require.Error(t, err, name)
		assert.Equal(t, row.want, err.Error(), name)
		assert.Equal(t, row.code, service.AsError(err).Code, name)
	}
}
