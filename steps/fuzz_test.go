package steps

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The targets look for panics, and for what must hold whatever the input is. Their seeds run with every test.

func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		`{"a": [1, -0.5e+3, true, false, null, "x\n\u00fc\ud83d\ude00"], "a": {}}`, `"\ud800"`, `[1,]`, `{"a"}`, "01", "-", "1.", "1e", "\"\x01\"", `"\x"`,
		"\ufeff{}", "\"\xff\"", "[[[[]]]]", "nul", "truex", ` [ ] `, "{} {}", `{'a': 1}`, `"\u12"`, "\"\\u1\x1800\"", `"\u+123"`, `"\u1_23"`, `"\`, `"`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := decodeJSON([]byte(text))
		if !utf8.ValidString(text) || strings.HasPrefix(text, byteOrderMark) {
			require.Error(t, err)
			return
		}
		if strings.Count(text, "[")+strings.Count(text, "{") <= deepestJSON {
			require.Equal(t, json.Valid([]byte(text)), err == nil, "%q: %v", text, err)
		}
		if err != nil {
			return
		}
		want := json.NewDecoder(strings.NewReader(text))
		want.UseNumber()
		var tree any
		require.NoError(t, want.Decode(&tree))
		assert.Equal(t, tree, native(got))
		again, err := decodeJSON(encodeJSON(got, "  "))
		require.NoError(t, err)
		assert.Equal(t, got, again, "written and read again it is the same")
		again, err = decodeJSON(asciiJSON(encodeJSON(got, "")))
		require.NoError(t, err)
		assert.Equal(t, got, again, "so it is in ASCII")
	})
}

// native is a tree as encoding/json has it.
func native(v any) any {
	switch v := v.(type) {
	case *object:
		m := map[string]any{}
		for key, value := range v.values {
			m[key] = native(value)
		}
		return m
	case []any:
		list := []any{}
		for _, e := range v {
			list = append(list, native(e))
		}
		return list
	}
	return v
}

func FuzzPointer(f *testing.F) {
	const document = `{"": {"": 1}, "a/b": [1, [2, {"m~n": "x"}]], "~1": null, "ключ": true, "0": "zero", "list": []}`
	for _, seed := range []string{"", "/", "//", "/a~1b/1/1/m~0n", "/~01", "/ключ", "/0", "/list/-", "/list/0", "/a~1b/01", "/~2", "/~", "a", "/a~1b/-1", "/a~1b/99999999999999999999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, pointer string) {
		tree, err := decodeJSON([]byte(document))
		require.NoError(t, err)
		if found, err := lookUp(tree, pointer); err == nil {
			path, err := segments(pointer)
			require.NoError(t, err)
			again, err := lookUp(tree, strings.TrimPrefix(pointerTo(path), wholeDocument))
			require.NoError(t, err)
			assert.Equal(t, found, again, "the pointer of a way leads the same way")
		} else {
			assert.Contains(t, err.Error(), "JSON Pointer ")
		}
		changed, err := put(tree, pointer, "set")
		if err != nil {
			return
		}
		if last, _ := strings.CutSuffix(pointer, "/-"); last == pointer {
			got, err := lookUp(changed, pointer)
			require.NoError(t, err)
			assert.Equal(t, "set", got, "what was set is there")
		}
	})
}

const fuzzedXML = `<?xml version="1.0"?><o:order xmlns:o="urn:orders" n="1"><o:id>7</o:id><o:line>a</o:line><o:line>b</o:line><!--c--><?p i?>` +
	`<o:mixed>before<o:b>bold</o:b>after</o:mixed><empty/><c><![CDATA[a<b]]></c></o:order>`

func FuzzXPath(f *testing.F) {
	doc, err := parseXML([]byte(fuzzedXML))
	require.NoError(f, err)
	for _, seed := range []string{
		"/p:order/p:id", "//p:line[2]", "//*[@n='1']", "count(//p:line)", "//p:id[", "//p:id)", "nothing(//p:id)", "p:*", "@*", "..", ".", "//text()", "1 div 0", "-1", "--1", "'",
		"concat('a')", "matches(/a, '[')", "//p:line[last()]", "/p:order/*[position() mod 2 = 1]", "//p:id|//p:line", "not(1)", "not()", "self::node()", "attribute::n", "x:y", "$v",
		"substring('abc', 2, 1)", "translate('a','b')", "id('x')", "processing-instruction()", "//comment()", "string-length()", "normalize-space(' a ')", "//p:line[. = 'a'][1]",
		"ancestor-or-self::p:order", "preceding::*", "(//p:line)[1]", "//p:line[count(preceding-sibling::*) > 0]", "lang('en')", "round(1.5)", "sum(//p:line)", "a[b[c[d]]]", "* * *", "4 < 5 or true()",
	} {
		f.Add(seed)
	}
	names := map[string]string{"p": "urn:orders"}
	f.Fuzz(func(t *testing.T, path string) {
		found, err := query(doc, path, names)
		if err != nil {
			assert.Contains(t, err.Error(), "XPath ")
			return
		}
		if found.scalar {
			return
		}
		for _, h := range found.hits {
			_ = h.text()
		}
		_ = prefixes(names).list(found.hits)
		_ = prefixes(names).near(doc, path, found)
	})
}

func FuzzXML(f *testing.F) {
	for _, seed := range []string{fuzzedXML, "<a/>", "<a>", "<a><b></a></b>", `<a b="1" b="2"/>`, "<x:a/>", "<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>", "<a><![CDATA[x]]></a>", "<?xml version='1.0' encoding='x'?><a/>", "\xff\xfe<\x00a\x00/\x00>\x00", "<a xmlns=''/>", "<a xmlns:b=''/>"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		doc, err := parseXML(raw)
		if err != nil {
			assert.Contains(t, err.Error(), "not XML")
			return
		}
		_ = indentedXML(doc)
		r := &Reply{Exchange: &Exchange{Body: raw, Header: http.Header{}}, format: formatXML}
		assert.NoError(t, r.equalXML(raw), "a document is equal to itself")
	})
}

func FuzzDate(f *testing.F) {
	for _, seed := range []string{
		"2012-10-25", "2012-10-25T14:33:12.5+02:00", "20121025T143312", "2012-299", "2012-W43-4", "25 October 2012", "Oct 25th, 2012 2:33 pm", "Thu, 25 Oct 2012 14:33:12 +0200", "10/25/2012",
		"25.10.2012", "October 2012", "10/11/99", "14:33", "w", "2012-W", "t", "+", "12:", "am", "2012-10-25 14:33 +99:00", "0000-00-00", "99999999999999", "١٢", "2012-10-25T24:00",
	} {
		f.Add(seed, "YYYY-MM-DDTHH:mm:ss.SSSSSSZZ [x] Do dddd W X x a A")
	}
	now := time.Date(2026, 1, 31, 10, 42, 14, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text, pattern string) {
		when, err := parseDate(text, now)
		if err != nil {
			assert.Contains(t, err.Error(), "is no date: ")
			return
		}
		assert.True(t, when.Year() >= 1 && when.Year() <= 9999, when)
		_ = arrowFormat(when, pattern)
		const iso = "YYYY-MM-DDTHH:mm:ss.SSSSSSZZ"
		again, err := parseDate(arrowFormat(when, iso), now)
		require.NoError(t, err)
		assert.Equal(t, arrowFormat(when, iso), arrowFormat(again, iso), "written and read again it is the same")
	})
}

func FuzzResolve(f *testing.F) {
	suite := New(Options{User: map[string]any{"sample": "Hi", "größe": []any{"a", "b"}}})
	w := newWorld(suite.File("fuzz.feature"), suite.random("", ""))
	w.Store("n", json.Number("7"))
	w.Store("text", "a ${HOME} #{n}")
	w.Store("", "no name")
	for _, seed := range []string{
		"plain", "$HOME", "@sample", "#n", "#{n}", "a#{n}b@{sample}c${HOME}", "##n", "$", "#", "@", "${", "#{}", "#{n", "}#{n}", "#{text}", "@{größe}", "vault:x", "$HOME#{n}", "#{n}#{none}", "{n}", "\xff#{n}", "#{n\x00}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := w.resolve(t.Context(), text)
		if err != nil {
			assert.NotEmpty(t, err.Error())
			return
		}
		if strings.ContainsAny(text, "$#@") {
			return
		}
		assert.Equal(t, text, got, "a text without signs is what it is")
	})
}

// FuzzLine says whatever lines after every keyword.
func FuzzLine(f *testing.F) {
	v, err := NewVocabulary(Table())
	require.NoError(f, err)
	for _, s := range Table() {
		f.Add(s.Example)
		f.Add("within 5 seconds, on every server, " + s.Example + " within 0.5 seconds")
	}
	f.Fuzz(func(t *testing.T, line string) {
		for _, kind := range []Kind{Given, When, Then} {
			bound, err := v.Bind(kind, line)
			if err != nil {
				assert.NotEmpty(t, err.Error())
				continue
			}
			assert.NotEmpty(t, bound.Step().Pattern)
		}
	})
}

// FuzzCommas compares lists of texts with what they were made of.
func FuzzCommas(f *testing.F) {
	for _, seed := range []string{"a,b", `"a,b",c`, ` a , "b""c" ,`, `"`, `""`, ",", "a\nb", `a"b"c`, `"a"b,c`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		list := commaList(line)
		assert.NotEmpty(t, list)
		for _, v := range list {
			text, isText := v.(string)
			require.True(t, isText)
			assert.Equal(t, strings.TrimSpace(text), text)
		}
		if !strings.ContainsAny(line, "\",\n\r") {
			assert.Equal(t, []any{strings.TrimSpace(line)}, list)
		}
	})
}
