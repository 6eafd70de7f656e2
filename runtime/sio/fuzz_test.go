package sio_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
)

func FuzzDecodeJSON(f *testing.F) {
	for _, seed := range []string{
		`{"cust_id":123,"cust_type":"A"}`, `[1,2.5,1e400,-0,-0.0,"\ud83d\ude00",null,true,{"a":[{}]}]`, "\ufeff1", `{"a":1,"a":2}`, `{"a":}`,
		`123456789012345678901`, `0.1000000000000000055`, `[01]`, `"\u0000"`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := sio.DecodeJSON(raw)
		if err != nil {
			var e *service.Error
			require.ErrorAs(t, err, &e)
			require.Contains(t, e.Message, "malformed JSON at line ")
			return
		}
		if got == nil {
			return
		}
		once, err := service.AppendJSON(nil, got)
		require.NoError(t, err)
		again, err := sio.DecodeJSON(once)
		require.NoError(t, err)
		twice, err := service.AppendJSON(nil, again)
		require.NoError(t, err)
		require.Equal(t, string(once), string(twice))

		var std, ours any
		trimmed := []byte(strings.TrimPrefix(string(raw), "\ufeff"))
		if json.Unmarshal(trimmed, &std) == nil { // which knows no numbers beyond float64
			require.NoError(t, json.Unmarshal(once, &ours))
			require.Equal(t, std, ours)
		}
	})
}

func FuzzDecodeXML(f *testing.F) {
	for _, seed := range []string{
		"<request><cust_id>123</cust_id><cust_type>A</cust_type></request>", "<r><a><item>1</item></a><a/><b> x </b></r>", "<r><item/><item/></r>",
		"<r>&#13;&amp;]]&gt;</r>", "<r><![CDATA[<]]></r>", `<x:r xmlns:x="u"><x:a/></x:r>`, "<!DOCTYPE r><r/>", "<r><a:/></r>", "<x:r><A:0/></x:r>",
		"<?xml version='1.0' encoding='UTF-8'?><!-- c --><r a=\"&lt;\">\r\n<b>\r</b><?pi x?></r>", "<r>a]]>b</r>", "<r><a b='1' b='2'/></r>", "<r>\ufffe</r>",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := sio.DecodeXML(raw)
		if err != nil {
			requireMalformed(t, err, "malformed XML at line ")
			return
		}
		if got == nil {
			return
		}
		once, err := sio.EncodeXML("r", got)
		require.NoError(t, err)
		again, err := sio.DecodeXML(once)
		require.NoError(t, err)
		require.Equal(t, text(t, got), text(t, again))
		want, err := reference(raw)
		require.NoError(t, err, "what is accepted here is XML for encoding/xml too")
		require.Equal(t, want, flat(got))
	})
}

func requireMalformed(t *testing.T, err error, prefix string) {
	t.Helper()
	var e *service.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, service.Invalid, e.Code)
	require.Contains(t, e.Message, prefix)
	require.True(t, utf8.ValidString(e.Message), "%q", e.Message)
	require.Less(t, len(e.Message), 1000)
}

// reference is all text of the document's leaves, as encoding/xml reads it.
func reference(raw []byte) (string, error) {
	in := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(raw, []byte("\ufeff"))))
	in.CharsetReader = func(_ string, input io.Reader) (io.Reader, error) { return input, nil }
	type open struct {
		text     string
		children []string
	}
	stack := []open{{}}
	for {
		token, err := in.Token()
		if errors.Is(err, io.EOF) {
			return fmt.Sprint(stack[0].children), nil
		}
		if err != nil {
			return "", err
		}
		switch token := token.(type) {
		case xml.StartElement:
			stack = append(stack, open{})
		case xml.CharData:
			stack[len(stack)-1].text += string(token)
		case xml.EndElement:
			last := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if last.children == nil {
				last.children = []string{last.text}
			}
			parent := &stack[len(stack)-1]
			parent.children = append(parent.children, last.children...)
		}
	}
}

// flat is the text of a value's leaves, in no order that repeated names would keep.
func flat(v any) string {
	var leaves []string
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case *service.Object:
			for _, e := range v.All() {
				walk(e)
			}
		case []any:
			for _, e := range v {
				walk(e)
			}
		case string:
			leaves = append(leaves, v)
		}
	}
	walk(v)
	return fmt.Sprint(leaves)
}

// FuzzShapedJSON holds that a document read straight into a shape says what it says when it is read as a whole first.
func FuzzShapedJSON(f *testing.F) {
	for _, seed := range []string{
		seanJSON, `{}`, `[]`, `{"cust_id":1,"name":"a","address":{"street":"b","zip":1}}`, `{"cust_id":1,"cust_id":2}`, `{"x":{"a":1,"a":2}}`, `{"rows":[{}]}`,
		`{"sizes":[[],{}],"labels":[1],"tags":{"a":1}}`, `{"more":{"\u0061":"\u0062"}}`, `{"address":[{"zip":1}],"rows":{"row_id":1}}`,
	} {
		f.Add([]byte(seed))
	}
	shape := customer()
	checker := sio.NewChecker("s", shape)
	f.Fuzz(func(t *testing.T, raw []byte) {
		var held *service.Request
		_, err := sio.Wrap(keep(&held), shape, options(sio.JSON)).Handle(t.Context(), &service.Request{Raw: raw})
		tree, malformed := sio.DecodeJSON(raw)
		if malformed != nil {
			if !strings.Contains(malformed.Error(), ": a number ") { // which may stand where nobody looks
				requireMalformed(t, err, "malformed JSON at line ")
			}
			return
		}
		want, wantErr := checker.Input(tree, nil)
		if wantErr != nil {
			require.Error(t, err)
			requireInvalid(t, err)
			return
		}
		require.NoError(t, err)
		require.Equal(t, text(t, want), text(t, held.Input))
	})
}

func requireInvalid(t *testing.T, err error) {
	t.Helper()
	e := service.AsError(err)
	require.Equal(t, service.Invalid, e.Code)
	require.Less(t, len(e.Message), 20_000)
}

// FuzzShapedXML holds that what a shape takes is XML, and that its faults are the caller's.
func FuzzShapedXML(f *testing.F) {
	for _, seed := range []string{
		seanXML, "<r/>", "<r><rows><item/></rows></r>", "<r><address/><sizes><a/></sizes></r>", "<r><labels><item><key>a</key></item></labels></r>",
		"<r><more>1</more><more><a/></more></r>", "<r><address>x<zip/></address></r>", "<r><tags>a</tags><tags/></r>",
	} {
		f.Add([]byte(seed))
	}
	shape := customer()
	f.Fuzz(func(t *testing.T, raw []byte) {
		var held *service.Request
		_, err := sio.Wrap(keep(&held), shape, options(sio.XML)).Handle(t.Context(), &service.Request{Raw: raw})
		if err != nil {
			requireInvalid(t, err)
			return
		}
		_, err = reference(raw)
		require.NoError(t, err)
	})
}

func FuzzDecodeCSV(f *testing.F) {
	for _, seed := range []string{"a,b\n1,2\n", "a\r\n\"x\"\"y\"\r\n", "a,a\n", "a\n\"", "\ufeffa\n1", "a,b\n1\n", "\xff", ","} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		rows, err := sio.DecodeCSV(raw)
		if err != nil {
			requireMalformed(t, err, "malformed CSV at line ")
			return
		}
		if len(rows) == 0 {
			return
		}
		var names []string
		for name := range rows[0].(*service.Object).All() {
			names = append(names, name)
		}
		once, err := sio.EncodeCSV(names, rows)
		require.NoError(t, err)
		again, err := sio.DecodeCSV(once)
		require.NoError(t, err)
		require.Equal(t, text(t, rows), text(t, again))
	})
}

func FuzzDecodeForm(f *testing.F) {
	const parts = "multipart/form-data; boundary=X"
	f.Add([]byte("a=1&a=2&b=%20+"), "application/x-www-form-urlencoded")
	f.Add([]byte("--X\r\nContent-Disposition: form-data; name=a; filename=b\r\n\r\nc\r\n--X--"), parts)
	f.Add([]byte("--X\r\nContent-Disposition: form-data; name=a\r\n\r\nc"), parts)
	f.Add([]byte("%"), "")
	f.Add([]byte("x"), "multipart/form-data; boundary=")
	f.Fuzz(func(t *testing.T, raw []byte, contentType string) {
		o, err := sio.DecodeForm(raw, contentType)
		if err != nil {
			requireInvalid(t, err)
			return
		}
		for _, v := range o.All() {
			_, err := service.AppendJSON(nil, v)
			require.NoError(t, err)
		}
		want, err := url.ParseQuery(string(raw))
		if contentType != "application/x-www-form-urlencoded" || err != nil || bytes.ContainsAny(raw, "; \r\n") {
			return
		}
		require.Equal(t, len(want), o.Len())
		for name, values := range want {
			if len(values) == 1 {
				require.Equal(t, values[0], o.Value(name))
				continue
			}
			require.Len(t, o.Value(name), len(values))
		}
	})
}

func FuzzDecodeQuery(f *testing.F) {
	for _, seed := range []string{"a=1&a=2", "a=%zz", "a;b", "%ff=1", "&&&", "a=b=c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		values, err := sio.DecodeQuery(query)
		if err != nil {
			requireInvalid(t, err)
			return
		}
		for name, all := range values {
			for _, v := range all {
				require.True(t, utf8.ValidString(name+v))
			}
		}
	})
}
