package sio_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
)

func TestDecodeXML(t *testing.T) {
	for _, row := range []struct{ name, raw, want string }{
		{"tutorial", "<request><cust_id>123</cust_id><cust_type>A</cust_type></request>", `{"cust_id":"123","cust_type":"A"}`},
		{"declaration, spaces and comments", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- c --><r>\n <a>1</a><!-- c -->\n <b>2</b>\n</r>\n", `{"a":"1","b":"2"}`},
		{"order", "<r><z>1</z><a>2</a><m>3</m></r>", `{"z":"1","a":"2","m":"3"}`},
		{"empty element", "<r><x/><y></y></r>", `{"x":"","y":""}`},
		{"spaces are text", "<r><x> a </x><y> </y></r>", `{"x":" a ","y":" "}`},
		{"empty root", "<r/>", `{}`},
		{"blank root", "<r>\n</r>", `{}`},
		{"text in the root", "<r>hello</r>", `"hello"`},
		{"empty body", "", `null`},
		{"blank body", " \n", `null`},
		{"byte order mark", "\ufeff<r><a>1</a></r>", `{"a":"1"}`},
		{"nested", "<r><a><b>1</b><c><d>2</d></c></a></r>", `{"a":{"b":"1","c":{"d":"2"}}}`},
		{"repeated", "<r><a>1</a><b>x</b><a>2</a><a>3</a></r>", `{"a":["1","2","3"],"b":"x"}`},
		{"items", "<r><a><item>1</item><item>2</item></a></r>", `{"a":["1","2"]}`},
		{"a single item", "<r><a><item>1</item></a></r>", `{"a":["1"]}`},
		{"items in the root", "<r><item>1</item></r>", `{"item":"1"}`},
		{"an item among others", "<r><a><item>1</item><b>2</b></a></r>", `{"a":{"item":"1","b":"2"}}`},
		{"repeated lists", "<r><a><item>1</item></a><a><item>2</item></a></r>", `{"a":[["1"],["2"]]}`},
		{"entities", "<r><a>O&apos;Brien &amp; &lt;Sons&gt; &#x20ac;</a></r>", `{"a":"O'Brien & <Sons> €"}`},
		{"cdata", "<r><a><![CDATA[<b>&]]></a></r>", `{"a":"<b>&"}`},
		{"attributes are ignored", `<r v="1"><a type="int">1</a></r>`, `{"a":"1"}`},
		{"prefixes are dropped", `<x:r xmlns:x="urn:x"><x:a>1</x:a></x:r>`, `{"a":"1"}`},
		{"us-ascii", `<?xml version="1.0" encoding="US-ASCII"?><r><a>1</a></r>`, `{"a":"1"}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := sio.DecodeXML([]byte(row.raw))
			require.NoError(t, err)
			assert.Equal(t, row.want, text(t, got))
		})
	}
}

func TestDecodeXMLFaults(t *testing.T) {
	for _, row := range []struct{ name, raw, want string }{
		{"wrong end tag", "<r>\n<a>1</b></r>", "line 2, column 5: element <a> closed by </b>"},
		{"ends early", "<r><a>1</a>", "line 1, column 12: the text ends too early"},
		{"not XML", `{"a":1}`, "text outside of the root element"},
		{"no element", "<!-- c -->", "there is no element"},
		{"two roots", "<r/>\n<s/>", "line 2, column 1: <s> after the end of the document"},
		{"text after the root", "<r/>x", "text outside of the root element"},
		{"text beside elements", "<r>hello<a>1</a></r>", "<r> holds both text and elements"},
		{"doctype", `<!DOCTYPE r [<!ENTITY x "y">]><r>&x;</r>`, "line 1, column 1: a DOCTYPE or other declaration is not accepted"},
		{"unknown entity", "<r>&nbsp;</r>", "a & that begins none of &amp; &lt; &gt;"},
		{"bare ampersand", "<r>a & b</r>", "a & that begins none of &amp; &lt; &gt;"},
		{"attribute without quotes", "<r a=1/>", "unquoted or missing attribute value"},
		{"control character", "<r>\x01</r>", "illegal character code U+0001"},
		{"not UTF-8", "<r>\xff</r>", "invalid UTF-8"},
		{"another encoding", `<?xml version="1.0" encoding="ISO-8859-1"?><r/>`, `encoding "ISO-8859-1" is not supported; send UTF-8`},
		{"too deep", strings.Repeat("<a>", 201), "elements stand more than 200 levels deep"},
		{"name that begins with a digit", "<r><a:0/></r>", "<a:0> is not a name"},
		{"name of colons", "<a:><b/></a:>", "<a:> is not a name"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := sio.DecodeXML([]byte(row.raw))
			var e *service.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, service.Invalid, e.Code)
			assert.Contains(t, e.Message, "malformed XML at line ")
			assert.Contains(t, e.Message, row.want)
		})
	}
}

func TestEncodeXML(t *testing.T) {
	for _, row := range []struct {
		name string
		v    any
		want string
	}{
		{"text that needs no escape", service.ObjectOf("last_name", "O'Brien", "said", `"hi"`), `<r><last_name>O'Brien</last_name><said>"hi"</said></r>`},
		{"text that does", service.ObjectOf("a", "a<b>&c]]>"), "<r><a>a&lt;b&gt;&amp;c]]&gt;</a></r>"},
		{"UTF-8", service.ObjectOf("città", "żółć 😀"), "<r><città>żółć 😀</città></r>"},
		{"lines and tabs", "a\tb\nc\rd", "<r>a\tb\nc&#xD;d</r>"},
		{"what XML cannot hold", "a\x00b\x1bc\xffd\ufffe", "<r>a\ufffdb\ufffdc\ufffdd\ufffd</r>"},
		{"scalars", service.ObjectOf("t", true, "f", false, "n", nil, "i", int64(-1), "d", 12.5, "x", service.Number("0.1000000000000000055"), "e", ""), "<r><t>true</t><f>false</f><n/><i>-1</i><d>12.5</d><x>0.1000000000000000055</x><e/></r>"},
		{"lists and objects", service.ObjectOf("l", []any{"a", []any{int64(1)}, service.ObjectOf("k", "v")}, "o", service.ObjectOf("k", []any{})), "<r><l><item>a</item><item><item>1</item></item><item><k>v</k></item></l><o><k/></o></r>"},
		{"Go values", map[string]any{"b": 1, "a": []string{"x"}}, "<r><a><item>x</item></a><b>1</b></r>"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := sio.EncodeXML("r", row.v)
			require.NoError(t, err)
			assert.Equal(t, row.want, string(got))
		})
	}
	for _, name := range []string{"", "1st", "first name", "a:b", "a<b", "-a", "a\xff"} {
		_, err := sio.EncodeXML("r", service.ObjectOf("o", service.ObjectOf(name, "x")))
		assert.ErrorContains(t, err, "is not a name that an XML element can have", "%q", name)
	}
}
