package message_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/message"
	"github.com/parley-run/parley/runtime/service"
)

// FuzzXML holds that a document that is read can be written and read as the same again, and that its data can be built.
func FuzzXML(f *testing.F) {
	for _, seed := range []string{
		orders, `<a/>`, `<a xml:lang="x"> <!-- c --><b>&#65;&amp;</b></a>`, `<?xml version="1.0" encoding="ISO-8859-1"?><a>` + "\xe9" + `</a>`, `<a xmlns="u"><b xmlns=""/></a>`,
		`<a xmlns:x="u" x:b="1" b="2"/>`, `<a><![CDATA[]]>]]&gt;</a>`, "<a b='\n\t&#13;'>&#13;</a>", `<!DOCTYPE a><a/>`, `<a:b:c xmlns:a="u"/>`, `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault/></s:Body></s:Envelope>`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		first, err := message.ParseXML(raw)
		if err != nil {
			require.Equal(t, service.Invalid, service.AsError(err).Code)
			return
		}
		written := first.XML()
		again, err := message.ParseXML([]byte(written))
		require.NoError(t, err, "%q", written)
		require.Equal(t, first.Data(), again.Data(), "%q", written)
		require.Equal(t, written, again.XML())
		if env, err := message.ReadSOAP(first); err == nil && env.Fault != nil {
			_ = env.Fault.Error()
		}
	})
}

// FuzzPaths holds that no path and no document makes the engines panic past us or run on.
func FuzzPaths(f *testing.F) {
	for _, seed := range []string{
		`//a[@b='c']/text()`, `count(//x:a) + 1`, `not(position()=last())`, `a|b`, `substring(//a, 2)`, `..//.`, `@*`, `$..a[?@.b>1]`, `$[::-1]`, `$..*`, `/a/~1/0`, `$[?match(@, 'a*')]`,
		`self::node()`, `-(-1)`, `'a' = "b"`, `//*[local-name()='a']`, `a[1][2]`, `string-join(//a)`, `sum(//a)`, `concat('a')`, `round(1.5)`, `ancestor::*`, `(//a)[1]`,
	} {
		f.Add(seed)
	}
	doc, err := message.ParseXML([]byte(orders))
	require.NoError(f, err)
	data := object("a", []any{int64(1), "x", object("b", 2.5)}, "b", nil)
	f.Fuzz(func(t *testing.T, path string) {
		if x, err := message.CompileXPath(path, map[string]string{"x": "urn:orders"}); err == nil {
			_, _, _ = x.Get(doc)
			_, _ = x.Find(doc.Children()[0])
		}
		if p, err := message.CompileJSONPath(path); err == nil {
			_, _ = p.Find(data)
		}
		if p, err := message.ParsePointer(path); err == nil {
			v, ok := p.Get(data)
			again, err := p.Set(object(), v)
			if got, found := p.Get(again); err == nil && ok && found {
				require.Equal(t, v, got)
			}
		}
	})
}
