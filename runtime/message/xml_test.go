package message_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/message"
	"github.com/parley-run/parley/runtime/service"
)

const orders = `<?xml version="1.0"?>
<o:orders xmlns:o="urn:orders" xmlns="urn:lines" count="2">
  <o:order id="1"><line sku="A">2</line><line sku="B">3</line><o:note>to <b xmlns="">Sean</b> &amp; co</o:note></o:order>
  <!-- none -->
  <o:order id="2"><line sku="C"><![CDATA[<4>]]></line></o:order>
</o:orders>`

func TestXPath(t *testing.T) {
	doc, err := message.ParseXML([]byte(orders))
	require.NoError(t, err)
	ns := map[string]string{"x": "urn:orders", "l": "urn:lines"}
	for _, tt := range []struct {
		path string
		want []any
	}{
		{"/x:orders/x:order/@id", []any{"1", "2"}},
		{"x:order[@id='2']/l:line", []any{"<4>"}},
		{"//l:line/@sku", []any{"A", "B", "C"}},
		{"//l:line[.='3']/@sku", []any{"B"}},
		{"//x:note", []any{"to Sean & co"}},
		{"//x:note/text()", []any{"to ", " & co"}},
		{"//b", []any{"Sean"}},
		{"//line", []any{}},
		{"//x:*[@id]/@id", []any{"1", "2"}},
		{"//comment()", []any{" none "}},
		{"count(//l:line)", []any{3.0}},
		{"sum(//l:line[not(contains(., '<'))])", []any{5.0}},
		{"string(//l:line)", []any{"2"}},
		{"//l:line[last()]/@sku", []any{"B", "C"}},
		{"//l:line[@sku='C']/ancestor::x:order/@id", []any{"2"}},
		{"//x:order[2]/preceding-sibling::x:order/@id", []any{"1"}},
		{"boolean(//x:no)", []any{false}},
		{"not('')", []any{true}},
		{"//l:line/@sku | //x:order/@id", []any{"1", "A", "B", "2", "C"}},
		{"local-name(/*)", []any{"orders"}},
		{"namespace-uri(/*)", []any{"urn:orders"}},
		{"@count", []any{"2"}},
		{"/", []any{}},
	} {
		t.Run(tt.path, func(t *testing.T) {
			x, err := message.CompileXPath(tt.path, ns)
			require.NoError(t, err)
			for range 3 { // a compiled path gives the same again
				found, err := x.Find(doc)
				require.NoError(t, err)
				got := make([]any, len(found))
				for i, v := range found {
					if got[i] = v; !isScalar(v) {
						got[i] = v.(*message.Element).Text()
					}
				}
				assert.Equal(t, tt.want, got)
			}
		})
	}
	x, err := message.CompileXPath("l:line[2]", ns)
	require.NoError(t, err)
	inner := doc.Children()[0]
	value, found, err := x.Get(inner)
	require.NoError(t, err)
	assert.True(t, found)
	assert.Equal(t, "3", value, "relative to the element")
	_, found, err = x.Get(doc)
	require.NoError(t, err)
	assert.False(t, found)
}

func isScalar(v any) bool {
	_, isElement := v.(*message.Element)
	return !isElement
}

func TestBadXPaths(t *testing.T) {
	for path, says := range map[string]string{
		"":                          `XPath ""`,
		"//x:a":                     `XPath "//x:a": the prefix "x" is bound to no namespace; bind it with namespaces={"x": "..."}; bound are: xml`,
		"//a[":                      `'[' is not closed`,
		"//a]":                      `']' closes nothing`,
		"//a b":                     `"b" stands where an operator`,
		"//a[$x]":                   `variables are not known`,
		"//a['x]":                   `does not end`,
		"nope(//a)":                 `XPath "nope(//a)"`,
		"//a{":                      `'{' means nothing in an XPath`,
		strings.Repeat("(", 20_000): `longer than 10000 characters`,
		"position(":                 `is not closed`,
	} {
		_, err := message.CompileXPath(path, nil)
		assert.ErrorContains(t, err, says, path)
	}
}

// One compiled path serves many goroutines, each with a document of its own.
func TestXPathIsSafeForConcurrentUse(t *testing.T) {
	count, err := message.CompileXPath("count(//a)", nil)
	require.NoError(t, err)
	all, err := message.CompileXPath("//a[@n]", nil)
	require.NoError(t, err)
	var group sync.WaitGroup
	for g := range 8 {
		group.Go(func() {
			doc, err := message.ParseXML([]byte("<r>" + strings.Repeat(`<a n="1"/>`, g+1) + "</r>"))
			assert.NoError(t, err)
			for range 200 {
				text, _, err := count.Get(doc)
				assert.NoError(t, err)
				assert.Equal(t, fmt.Sprint(g+1), text)
				found, err := all.Find(doc)
				assert.NoError(t, err)
				assert.Len(t, found, g+1)
			}
		})
	}
	group.Wait()
}

func TestXPathIsBounded(t *testing.T) {
	doc, err := message.ParseXML([]byte("<r>" + strings.Repeat("<a/>", 50_000) + "</r>"))
	require.NoError(t, err)
	x, err := message.CompileXPath("//a[count(preceding-sibling::a) = count(following-sibling::a)]", nil)
	require.NoError(t, err)
	_, err = x.Find(doc)
	assert.ErrorContains(t, err, "it takes too long on a document of this size; name the way to the elements")
	small, err := message.ParseXML([]byte("<r><a/><a/><a/></r>"))
	require.NoError(t, err)
	found, err := x.Find(small)
	require.NoError(t, err)
	assert.Len(t, found, 1, "the path is usable after it was cut off")
}

func TestElements(t *testing.T) {
	doc, err := message.ParseXML([]byte(orders))
	require.NoError(t, err)
	assert.Equal(t, `{"@count":"2","order":[{"@id":"1","line":[{"@sku":"A","#text":"2"},{"@sku":"B","#text":"3"}],"note":{"b":"Sean","#text":"to  & co"}},`+
		`{"@id":"2","line":{"@sku":"C","#text":"<4>"}}]}`, text(t, doc.Data()))
	assert.Equal(t, "orders o urn:orders", doc.Name+" "+doc.Prefix+" "+doc.Namespace)
	id, ok := doc.Children()[1].Attribute("id")
	assert.Equal(t, "2 true", fmt.Sprint(id, " ", ok))
	second := doc.Children()[1].XML()
	assert.Equal(t, `<o:order id="2" xmlns:o="urn:orders" xmlns="urn:lines"><line sku="C">&lt;4&gt;</line></o:order>`, second)
	again, err := message.ParseXML([]byte(second))
	require.NoError(t, err)
	assert.Equal(t, "urn:lines", again.Children()[0].Namespace)
	for raw, want := range map[string]string{
		`<a/>`: `""`, `<a>x</a>`: `"x"`, `<a> </a>`: `" "`, `<a><b/><b>1</b><c/></a>`: `{"b":["","1"],"c":""}`,
		`<a xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><b i:nil="true"/><c i:type="x">1</c></a>`: `{"b":null,"c":"1"}`,
		`<a xml:lang="en">x</a>`: `{"@lang":"en","#text":"x"}`,
	} {
		doc, err := message.ParseXML([]byte(raw))
		require.NoError(t, err)
		assert.Equal(t, want, text(t, doc.Data()), raw)
	}
	latin, err := message.ParseXML([]byte("<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>"))
	require.NoError(t, err)
	assert.Equal(t, "é", latin.Text())
	wide, err := message.ParseXML([]byte("\xff\xfe<\x00a\x00>\x00\xe9\x00<\x00/\x00a\x00>\x00"))
	require.NoError(t, err)
	assert.Equal(t, "é", wide.Text())
}

func TestMalformedXML(t *testing.T) {
	for raw, says := range map[string]string{
		``:               `malformed XML at line 1, column 1: there is no element`,
		`<a>`:            `the text ends inside <a>`,
		"<a>\n<b></a>":   `malformed XML at line 2, column 8: </a> stands where </b> should`,
		`<a/><b/>`:       `<b> after the end of the document`,
		`x<a/>`:          `text outside of the root element`,
		`<x:a/>`:         `the prefix "x" is bound to no namespace`,
		`<a x:b=""/>`:    `<a>: the prefix "x" is bound to no namespace`,
		`<a b="" b=""/>`: `the attribute b stands twice`,
		`<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>`: `a DOCTYPE or other declaration is not accepted`,
		`<a>&x;</a>`:               `invalid character entity &x;`,
		`</a>`:                     `</a> closes nothing`,
		"<a>\xff</a>":              `invalid UTF-8`,
		strings.Repeat("<a>", 300): `more than 200 elements inside each other`,
		`<a>` + strings.Repeat("<b/>", 1_000_001): `more than 1000000 elements`,
	} {
		_, err := message.ParseXML([]byte(raw))
		require.ErrorContains(t, err, says, raw[:min(len(raw), 50)])
		assert.Equal(t, service.Invalid, service.AsError(err).Code)
	}
}

func TestBuildXML(t *testing.T) {
	data := object(
		"@id", int64(7), "c:name", "O'Brien & <co>", "line", []any{object("@sku", "A", "#text", int64(2)), "x", nil}, "paid", true, "total", service.Number("0.1000000000000000055"),
		"empty", "", "none", nil, "list", []any{},
	)
	raw, err := message.BuildXML("c:order", data, map[string]string{"c": "urn:c", "": "urn:d"})
	require.NoError(t, err)
	assert.Equal(t, `<c:order xmlns="urn:d" xmlns:c="urn:c" id="7"><c:name>O'Brien &amp; &lt;co&gt;</c:name><line sku="A">2</line><line>x</line><line/>`+
		`<paid>true</paid><total>0.1000000000000000055</total><empty/><none/></c:order>`, string(raw))
	doc, err := message.ParseXML(raw)
	require.NoError(t, err)
	assert.Equal(t, `{"@id":"7","name":"O'Brien & <co>","line":[{"@sku":"A","#text":"2"},"x",""],"paid":"true","total":"0.1000000000000000055","empty":"","none":""}`, text(t, doc.Data()))
	raw, err = message.BuildXML("a", object("@xmlns:p", "urn:p", "p:b", object("@p:c", "d\n\"")), nil)
	require.NoError(t, err)
	assert.Equal(t, `<a xmlns:p="urn:p"><p:b p:c="d&#10;&quot;"/></a>`, string(raw))
	for _, tt := range []struct {
		root string
		data any
		says string
	}{
		{"a b", nil, `"a b" is no name of an element`},
		{"", nil, `"" is no name of an element`},
		{"x:a", nil, `the prefix "x" of "x:a" is bound to no namespace; bind it in namespaces`},
		{"a", []any{}, `XML of a list: a document has one root`},
		{"a", object("1", "x"), `"1" is no name of an element`},
		{"a", object("@x y", "x"), `"x y" is no name of an attribute`},
		{"a", object("@x", object()), `XML: a/@x: a value of type *service.Object has no form as text`},
		{"a", object("b", []any{[]any{}}), `XML: b: a list within a list has no form`},
		{"a", object("b", "\x00"), `XML: b: the text has a character that XML cannot hold, at byte 0`},
		{"a", object("b", "\xff"), `XML: b: the text has a character that XML cannot hold, at byte 0`},
	} {
		_, err := message.BuildXML(tt.root, tt.data, nil)
		assert.ErrorContains(t, err, tt.says)
	}
	_, err = message.BuildXML("a", nil, map[string]string{"1": "x"})
	assert.ErrorContains(t, err, `"1" cannot be a prefix`)
}
