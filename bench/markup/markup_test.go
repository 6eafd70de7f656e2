package markup_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/bench/markup"
)

type mark string

func TestPut(t *testing.T) {
	for _, row := range []struct {
		format string
		values []any
		want   markup.Safe
	}{
		{`<p>100 %</p>`, nil, `<p>100 %</p>`},
		{`<p class="%s">%s</p>`, []any{`a" onclick="b`, `<script>alert('x') & "y"</script>`}, `<p class="a&#34; onclick=&#34;b">&lt;script&gt;alert(&#39;x&#39;) &amp; &#34;y&#34;&lt;/script&gt;</p>`},
		{`%d %.1f %d`, []any{1, 2.25, uint64(3)}, `1 2.2 3`},
		{`%s`, []any{markup.Safe("<b>x</b>")}, `<b>x</b>`},
		{`%s`, []any{mark("<b>")}, `&lt;b&gt;`},
		{`<p%s%s>`, []any{markup.When(true, " open"), markup.When(false, " shut")}, `<p open>`},
	} {
		var b strings.Builder
		w := markup.To(&b)
		w.Put(row.format, row.values...)
		require.NoError(t, w.Flush())
		assert.Equal(t, row.want, markup.Safe(b.String()))
	}
}

func TestHash(t *testing.T) {
	assert.Equal(t, "sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng=", markup.Hash("alert('Hello, world.');"), "the example of the standard")
}

// full has no room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no room") }

func TestFlushTells(t *testing.T) {
	w := markup.To(full{})
	w.Put("<p>%s</p>", strings.Repeat("x", 100_000))
	w.Put("<p></p>")
	require.EqualError(t, w.Flush(), "no room")
}
