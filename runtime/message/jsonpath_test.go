package message_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/message"
	"github.com/parley-run/parley/runtime/service"
)

// store is the document in section 1.5 of RFC 9535.
func store() *service.Object {
	book := func(category, author, title string, price float64, more ...any) *service.Object {
		o := object("category", category, "author", author, "title", title)
		for i := 0; i < len(more); i += 2 {
			o.Set(more[i].(string), more[i+1])
		}
		o.Set("price", price)
		return o
	}
	return object("store", object(
		"book", []any{
			book("reference", "Nigel Rees", "Sayings of the Century", 8.95), book("fiction", "Evelyn Waugh", "Sword of Honour", 12.99),
			book("fiction", "Herman Melville", "Moby Dick", 8.99, "isbn", "0-553-21311-3"),
			book("fiction", "J. R. R. Tolkien", "The Lord of the Rings", 22.99, "isbn", "0-395-19395-8"),
		},
		"bicycle", object("color", "red", "price", int64(399)),
	))
}

func TestJSONPath(t *testing.T) {
	for _, tt := range []struct{ path, want string }{
		// The examples of RFC 9535, table 2.
		{`$.store.book[*].author`, `["Nigel Rees","Evelyn Waugh","Herman Melville","J. R. R. Tolkien"]`},
		{`$..author`, `["Nigel Rees","Evelyn Waugh","Herman Melville","J. R. R. Tolkien"]`},
		{`$.store..price`, `[8.95,12.99,8.99,22.99,399]`},
		{`$..book[2].title`, `["Moby Dick"]`},
		{`$..book[-1].title`, `["The Lord of the Rings"]`},
		{`$..book[0,1].title`, `["Sayings of the Century","Sword of Honour"]`},
		{`$..book[:2].title`, `["Sayings of the Century","Sword of Honour"]`},
		{`$..book[?@.isbn].title`, `["Moby Dick","The Lord of the Rings"]`},
		{`$..book[?@.price<10].title`, `["Sayings of the Century","Moby Dick"]`},
		// And more.
		{`$.store.bicycle`, `[{"color":"red","price":399}]`},
		{`$.store.bicycle.*`, `["red",399]`},
		{`$['store']["bicycle"]`, `[{"color":"red","price":399}]`},
		{`$.store.book[::-1].price`, `[22.99,8.99,12.99,8.95]`},
		{`$.store.book[3:0:-2].price`, `[22.99,12.99]`},
		{`$.store.book[?@.category=='fiction' && @.price>$.store.book[0].price].price`, `[12.99,8.99,22.99]`},
		{`$.store.book[?match(@.author, '.*Rees')].price`, `[8.95]`},
		{`$.store.book[?length(@.title)==9].price`, `[8.99]`},
		{`$.store[?@.color].price`, `[399]`},
		{`$.store.book[9]`, `[]`},
		{`$.no.such`, `[]`},
		{`$..[?@.price==399]`, `[{"color":"red","price":399}]`},
	} {
		p, err := message.CompileJSONPath(tt.path)
		require.NoError(t, err, tt.path)
		for range 3 { // no order of a Go map shows
			found, err := p.Find(store())
			require.NoError(t, err, tt.path)
			assert.Equal(t, tt.want, text(t, found), tt.path)
		}
	}
	p, err := message.CompileJSONPath(`$`)
	require.NoError(t, err)
	doc := store()
	found, err := p.Find(doc)
	require.NoError(t, err)
	assert.Same(t, doc, found[0], "no copy")
	p, err = message.CompileJSONPath(`$[?@ == 0.1000000000000000055]`)
	require.NoError(t, err)
	found, err = p.Find([]any{service.Number("0.1000000000000000055"), nil})
	require.NoError(t, err)
	assert.Equal(t, []any{service.Number("0.1000000000000000055")}, found)
	found, err = p.Find("a text")
	require.NoError(t, err)
	assert.Empty(t, found)
}

func TestBadJSONPaths(t *testing.T) {
	for path, says := range map[string]string{
		`store`: `JSONPath "store": `, `$.store[`: `JSONPath "$.store["`, ``: `JSONPath ""`, `$[?nope(@)]`: `nope`, `$.a b`: `JSONPath "$.a b"`,
		strings.Repeat("x", 20_000): "longer than 10000 characters",
	} {
		_, err := message.CompileJSONPath(path)
		assert.ErrorContains(t, err, says)
	}
	deep := any(object("a", "b"))
	for range 1000 {
		deep = []any{deep, deep}
		if len(text(t, deep)) > 100_000 {
			break
		}
	}
	p, err := message.CompileJSONPath(`$..*..*..*`)
	require.NoError(t, err)
	_, err = p.Find(deep)
	assert.ErrorContains(t, err, `JSONPath "$..*..*..*": it takes too long on a document of this size; name the way to the values`)
}

func TestPathsAreKept(t *testing.T) {
	paths := &message.Paths{Max: 2}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for _, name := range []string{"a", "b", "c", "a"} {
				p, err := paths.JSONPath("$." + name)
				assert.NoError(t, err)
				found, err := p.Find(object(name, name))
				assert.NoError(t, err)
				assert.Equal(t, []any{name}, found)
				q, err := paths.Pointer("/" + name)
				assert.NoError(t, err)
				v, _ := q.Get(object(name, name))
				assert.Equal(t, name, v)
			}
		})
	}
	group.Wait()
	first, err := paths.XPath("/x:a", map[string]string{"x": "1"})
	require.NoError(t, err)
	other, err := paths.XPath("/x:a", map[string]string{"x": "2"})
	require.NoError(t, err)
	again, err := paths.XPath("/x:a", map[string]string{"x": "1"})
	require.NoError(t, err)
	assert.Same(t, first, again)
	assert.NotSame(t, first, other)
	_, err = paths.JSONPath("$[")
	assert.Error(t, err)
}
