package message_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/message"
	"github.com/parley-run/parley/runtime/service"
)

func object(pairs ...any) *service.Object { return service.ObjectOf(pairs...) }

func text(t *testing.T, v any) string {
	t.Helper()
	raw, err := service.AppendJSON(nil, v)
	require.NoError(t, err)
	return string(raw)
}

// The examples in section 5 of RFC 6901.
func TestPointersOfTheStandard(t *testing.T) {
	doc := object("foo", []any{"bar", "baz"}, "", int64(0), "a/b", int64(1), "c%d", int64(2), "e^f", int64(3), "g|h", int64(4), `i\j`, int64(5), `k"l`, int64(6), " ", int64(7), "m~n", int64(8))
	for pointer, want := range map[string]any{
		"": doc, "/foo": []any{"bar", "baz"}, "/foo/0": "bar", "/": int64(0), "/a~1b": int64(1), "/c%d": int64(2), "/e^f": int64(3), "/g|h": int64(4), `/i\j`: int64(5), `/k"l`: int64(6), "/ ": int64(7), "/m~0n": int64(8),
	} {
		p, err := message.ParsePointer(pointer)
		require.NoError(t, err)
		got, ok := p.Get(doc)
		assert.True(t, ok, pointer)
		assert.Equal(t, want, got, pointer)
		assert.Equal(t, pointer, p.String())
	}
	for _, pointer := range []string{"/no", "/foo/2", "/foo/-", "/foo/01", "/foo/-1", "/foo/0/x", "/foo/bar", "/foo/99999999999999999999"} {
		p, err := message.ParsePointer(pointer)
		require.NoError(t, err)
		_, ok := p.Get(doc)
		assert.False(t, ok, pointer)
	}
}

func TestSetAndDelete(t *testing.T) {
	for _, tt := range []struct{ pointer, set, deleted string }{
		{"", `"new"`, ``},
		{"/a", `{"a":"new","l":[1,[2]]}`, `{"l":[1,[2]]}`},
		{"/b", `{"a":{"b":1},"l":[1,[2]],"b":"new"}`, ``},
		{"/a/b", `{"a":{"b":"new"},"l":[1,[2]]}`, `{"a":{},"l":[1,[2]]}`},
		{"/x/y/z", `{"a":{"b":1},"l":[1,[2]],"x":{"y":{"z":"new"}}}`, ``},
		{"/l/0", `{"a":{"b":1},"l":["new",[2]]}`, `{"a":{"b":1},"l":[[2]]}`},
		{"/l/-", `{"a":{"b":1},"l":[1,[2],"new"]}`, ``},
		{"/l/2", `{"a":{"b":1},"l":[1,[2],"new"]}`, ``},
		{"/l/1/0", `{"a":{"b":1},"l":[1,["new"]]}`, `{"a":{"b":1},"l":[1,[]]}`},
		{"/l/-/k", `{"a":{"b":1},"l":[1,[2],{"k":"new"}]}`, ``},
	} {
		doc := func() any { return object("a", object("b", int64(1)), "l", []any{int64(1), []any{int64(2)}}) }
		p, err := message.ParsePointer(tt.pointer)
		require.NoError(t, err)
		got, err := p.Set(doc(), "new")
		require.NoError(t, err, tt.pointer)
		assert.Equal(t, tt.set, text(t, got), tt.pointer)
		got, ok := p.Delete(doc())
		assert.Equal(t, tt.deleted != "", ok, tt.pointer)
		if ok {
			assert.Equal(t, tt.deleted, text(t, got), tt.pointer)
		}
	}
	for pointer, says := range map[string]string{
		"/l/7": `JSON Pointer "/l/7": "7" is no place in a list of 2 elements; use 0 to 2, or - to append`,
		"/l/x": `"x" is no place in a list`, "/l/0/x": `JSON Pointer "/l/0/x": what stands at /l/0 is neither an object nor a list`,
	} {
		p, err := message.ParsePointer(pointer)
		require.NoError(t, err)
		_, err = p.Set(object("l", []any{int64(1), int64(2)}), "new")
		assert.ErrorContains(t, err, says)
	}
	p, err := message.ParsePointer("/a/0")
	require.NoError(t, err)
	got, err := p.Set(nil, "x")
	require.NoError(t, err)
	assert.Equal(t, `{"a":{"0":"x"}}`, text(t, got))
	p, err = message.ParsePointer("/a/-/b")
	require.NoError(t, err)
	got, err = p.Set(nil, "x")
	require.NoError(t, err)
	assert.Equal(t, `{"a":[{"b":"x"}]}`, text(t, got))
}

func TestBadPointers(t *testing.T) {
	for pointer, says := range map[string]string{"a": `JSON Pointer "a": it must begin with /`, "/~": `~ must be followed by 0 (for ~) or 1 (for /)`, "/~2": `~ must be`, "#/a": "must begin with /"} {
		_, err := message.ParsePointer(pointer)
		assert.ErrorContains(t, err, says)
	}
}
