package sio_test

import (
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
)

// TestBombs sends what is made to cost much: each is an error soon, and takes little memory on the way.
func TestBombs(t *testing.T) {
	const megabyte = 1 << 20
	fill := func(s string) string { return strings.Repeat(s, megabyte/len(s)) }
	entities := `<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa">`
	for _, name := range []string{"b", "c", "d", "e", "f", "g", "h"} {
		entities += `<!ENTITY ` + name + ` "` + strings.Repeat("&"+string(name[0]-1)+";", 10) + `">`
	}
	form := func(r *service.Request) {
		r.Header = http.Header{"Content-Type": {"multipart/form-data; boundary=X"}}
	}
	for _, row := range []struct {
		name, format, body, want string
		change                   func(*service.Request)
	}{
		{name: "lists in lists", format: sio.JSON, body: fill("["), want: "lists and objects stand more than 200 levels deep"},
		{name: "objects in objects", format: sio.JSON, body: fill(`{"a":`), want: "lists and objects stand more than 200 levels deep"},
		{name: "deep where nobody looks", format: sio.JSON, body: `{"undeclared":` + fill("["), want: "lists and objects stand more than 200 levels deep"},
		{name: "a number of a million digits", format: sio.JSON, body: `{"cust_id":` + fill("9") + "}", want: "a number of 1048576 characters; it may have 1000"},
		{name: "a text of a million digits", format: sio.JSON, body: `{"cust_id":"` + fill("9") + `"}`, want: `cust_id: expected an integer, not "999`},
		{name: "an exponent", format: sio.JSON, body: `{"cust_id":1e999999999}`, want: "a number with an exponent beyond 9999"},
		{name: "an exponent in a text", format: sio.JSON, body: `{"amount":"1e999999999","cust_id":1}`, want: `amount: expected a decimal number`},
		{name: "one key again and again", format: sio.JSON, body: `{"a":1,` + fill(`"a":1,`), want: `the key "a" stands twice in one object`},
		{name: "no end", format: sio.JSON, body: `{"a":"` + fill("a"), want: "the text ends too early"},
		{name: "bytes that are no text", format: sio.JSON, body: `{"a":"` + fill("a") + "\xff\"}", want: "bytes that are not UTF-8"},
		{name: "rows that are wrong", format: sio.JSON, body: `{"cust_id":1,"rows":[` + fill(`{},`) + `{}]}`, want: "; and more"},
		{name: "a long key", format: sio.JSON, body: `{"` + fill("k") + `":1,"` + fill("k") + `":1}`, want: "stands twice in one object"},

		{name: "elements in elements", format: sio.XML, body: fill("<a>"), want: "elements stand more than 200 levels deep"},
		{name: "deep where nobody looks", format: sio.XML, body: "<r><undeclared>" + fill("<a>"), want: "elements stand more than 200 levels deep"},
		{name: "entities of entities", format: sio.XML, body: entities + "]><r>&h;</r>", want: "a DOCTYPE or other declaration is not accepted"},
		{name: "an entity from elsewhere", format: sio.XML, body: `<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>`, want: "a DOCTYPE"},
		{name: "an unknown entity", format: sio.XML, body: "<r>" + fill("&lol;") + "</r>", want: "a & that begins none of &amp; &lt; &gt;"},
		{name: "an entity without end", format: sio.XML, body: "<r>&" + fill("a") + "</r>", want: "a & that begins none of &amp; &lt; &gt;"},
		{name: "numbers for objects", format: sio.JSON, body: `{"free":[` + fill("1,") + "1]}", want: "free: expected a list of objects, not a list"},
		{name: "lists for objects", format: sio.JSON, body: `{"free":[{},` + fill("[],") + "[]]}", want: "free: expected a list of objects, not a list"},
		{name: "objects for one", format: sio.JSON, body: "[" + fill("{},") + "{}]", want: "expected an object with"},
		{name: "attributes", format: sio.XML, body: "<r " + fill(`a="1" `) + "/>", want: "the attribute a stands twice in <r>"},
		{name: "many attributes", format: sio.XML, body: "<r " + numbered(20_000) + "/>", want: "<r> has more than 256 attributes"},
		{name: "a long name", format: sio.XML, body: "<" + fill("a") + "/>", want: "a name of 1048576 characters; it may have 1000"},
		{name: "a comment without end", format: sio.XML, body: "<r><!--" + fill("a"), want: "the text ends too early"},
		{name: "CDATA without end", format: sio.XML, body: "<r><![CDATA[" + fill("]]"), want: "the text ends too early"},
		{name: "a tag without end", format: sio.XML, body: "<r a='" + fill("a"), want: "the text ends too early"},
		{name: "bytes that are no text", format: sio.XML, body: "<r>" + fill("a") + "\xff</r>", want: "invalid UTF-8"},
		{name: "another encoding", format: sio.XML, body: "<?xml version='1.0' encoding='UTF-7'?><r/>", want: `encoding "UTF-7" is not supported`},

		{name: "elements in elements", format: sio.SOAP, body: "<Envelope><Body>" + fill("<a>"), want: "elements stand more than 200 levels deep"},
		{name: "deep where nobody looks", format: sio.SOAP, body: "<Envelope><Header>" + fill("<a>"), want: "elements stand more than 200 levels deep"},
		{name: "entities of entities", format: sio.SOAP, body: entities + "]><Envelope><Body><r>&h;</r></Body></Envelope>", want: "a DOCTYPE or other declaration is not accepted"},
		{name: "an entity", format: sio.SOAP, body: "<Envelope><Body><r>" + fill("&lol;") + "</r></Body></Envelope>", want: "a & that begins none of &amp; &lt; &gt;"},
		{name: "elements in the Body", format: sio.SOAP, body: "<Envelope><Body>" + fill("<a/>") + "</Body></Envelope>", want: "<a> beside another element in <Body>"},
		{name: "no end", format: sio.SOAP, body: "<Envelope><Body><r><name>" + fill("a"), want: "the text ends too early"},

		{name: "a row without end", format: sio.CSV, body: "a\n\"" + fill("x"), want: "a quote that nothing closes"},
		{name: "values in a row", format: sio.CSV, body: "a,b\n" + fill("a,"), want: "malformed CSV at line 2: a row with more or fewer values than the first"},
		{name: "columns", format: sio.CSV, body: fill("a,"), want: "more than 1000 columns"},
		{name: "values", format: sio.Form, body: fill("a&"), want: "more than 10000 values"},
		{name: "parts", format: sio.Form, body: fill("--X\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n") + "--X--", change: form, want: "more than 1000 parts"},
		{name: "a header of a part", format: sio.Form, body: "--X\r\nA: " + fill("a") + "\r\n\r\n--X--", change: form, want: "malformed form: a part has no name"},
	} {
		t.Run(row.format+" "+row.name, func(t *testing.T) {
			shape := customer()
			shape.Input = append(shape.Input, service.Field{Name: "amount", Type: "decimal"}, service.Field{Name: "free", Type: "dictlist"})
			var held *service.Request
			req := &service.Request{Raw: []byte(row.body)}
			if row.change != nil {
				row.change(req)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			_, err := sio.Wrap(keep(&held), shape, options(row.format)).Handle(t.Context(), req)
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			assert.ErrorContains(t, err, row.want)
			if err != nil {
				assert.Equal(t, service.Invalid, service.AsError(err).Code)
				assert.Less(t, len(err.Error()), 8000)
			}
			allocated := after.TotalAlloc - before.TotalAlloc
			t.Logf("%s, %d KiB allocated in all", took, allocated>>10)
			assert.Less(t, allocated, uint64(10<<20)+uint64(len(row.body)), "allocated in all, of which most is garbage at once")
			assert.Less(t, took, 30*time.Second, "milliseconds on a machine that does nothing else")
		})
	}
}

func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("a")
		for ; i > 0; i /= 10 {
			b.WriteByte(byte('0' + i%10))
		}
		b.WriteString(`="1" `)
	}
	return b.String()
}
