package sio_test

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
)

// orders is a document of about a megabyte as JSON, XML and CSV, and the shape of a service that takes it.
type orders struct {
	json, xml, csv []byte
	shape          *service.Shape
}

func newOrders() orders {
	var j, x, c bytes.Buffer
	j.WriteString(`{"batch_id":7,"rows":[`)
	x.WriteString(`<request><batch_id>7</batch_id><rows>`)
	c.WriteString("order_id,first_name,is_paid,amount,day,note\r\n")
	for i := range 8000 {
		if i > 0 {
			j.WriteByte(',')
		}
		fmt.Fprintf(&j, `{"order_id":%d,"first_name":"Sean %d","is_paid":%t,"amount":"%d.50","day":"2026-11-%02d","note":"left at the neighbour's"}`,
			100000+i, i, i%2 == 0, i, 1+i%28)
		fmt.Fprintf(&x, `<item><order_id>%d</order_id><first_name>Sean %d</first_name><is_paid>%t</is_paid><amount>%d.50</amount><day>2026-11-%02d</day>`+
			`<note>left at the neighbour's</note></item>`, 100000+i, i, i%2 == 0, i, 1+i%28)
		fmt.Fprintf(&c, "%d,Sean %d,%t,%d.50,2026-11-%02d,left at the neighbour's\r\n", 100000+i, i, i%2 == 0, i, 1+i%28)
	}
	j.WriteString("]}")
	x.WriteString("</rows></request>")
	row := []service.Field{
		{Name: "order_id", Required: true},
		{Name: "first_name", Required: true},
		{Name: "is_paid", Required: true},
		{Name: "amount", Type: "decimal", Required: true},
		{Name: "day", Type: "date", Required: true},
		{Name: "note"},
	}
	return orders{json: j.Bytes(), xml: x.Bytes(), csv: c.Bytes(), shape: &service.Shape{Input: []service.Field{
		{Name: "batch_id", Required: true},
		{Name: "rows", Type: "dictlist", Fields: row, Required: true},
	}}}
}

// keep is a service that gives its request away, to be held against the collector.
func keep(held **service.Request) service.Handler {
	return service.HandlerFunc(func(_ context.Context, req *service.Request) (*service.Response, error) {
		*held = req
		return &service.Response{}, nil
	})
}

// liveHeap is how much of the heap make's result holds.
func liveHeap(make func() any) uint64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&before)
	v := make()
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(v)
	if after.HeapAlloc < before.HeapAlloc {
		return 0
	}
	return after.HeapAlloc - before.HeapAlloc
}

func TestLiveHeapOfADocument(t *testing.T) {
	doc := newOrders()
	many := func(one string, n int) string { return strings.TrimSuffix(strings.Repeat(one+",", n), ",") }
	keys := make([]string, 100_000)
	for i := range keys {
		keys[i] = fmt.Sprintf(`"%x":1`, i)
	}
	list := &service.Shape{Input: []service.Field{{Name: "rows", Type: "list", Required: true}}}
	for _, row := range []struct {
		name, format string
		body         []byte
		shape        *service.Shape
		most         float64 // bytes of live heap for each byte of the document, the document itself included
	}{
		{"JSON with a shape", sio.JSON, doc.json, doc.shape, 20},
		{"XML with a shape", sio.XML, doc.xml, doc.shape, 20},
		{"what is not declared takes nothing", sio.JSON, []byte(`{"rows":[],"other":[` + many("{}", 300_000) + `]}`), list, 3},
		{"JSON without a shape", sio.JSON, doc.json, nil, 50},
		{"XML without a shape", sio.XML, doc.xml, nil, 50},
		{"CSV without a shape", sio.CSV, doc.csv, nil, 50},
		{"nothing but empty objects", sio.JSON, []byte("[" + many("{}", 300_000) + "]"), nil, 50},
		{"nothing but empty lists", sio.JSON, []byte("[" + many("[]", 300_000) + "]"), nil, 50},
		{"nothing but objects of one key", sio.JSON, []byte("[" + many(`{"":0}`, 150_000) + "]"), nil, 50},
		{"nothing but small numbers", sio.JSON, []byte("[" + many("1", 500_000) + "]"), nil, 50},
		{"nothing but keys", sio.JSON, []byte("{" + strings.Join(keys, ",") + "}"), nil, 50},
		{"nothing but empty elements", sio.XML, []byte("<r>" + strings.Repeat("<a/>", 250_000) + "</r>"), nil, 50},
		{"nothing but elements with an element", sio.XML, []byte("<r>" + strings.Repeat("<a><b/></a>", 90_000) + "</r>"), nil, 50},
	} {
		t.Run(row.name, func(t *testing.T) {
			var held *service.Request
			handler := sio.Wrap(keep(&held), row.shape, options(row.format))
			heap := liveHeap(func() any {
				_, err := handler.Handle(t.Context(), &service.Request{Raw: bytes.Clone(row.body)})
				require.NoError(t, err)
				return held
			})
			each := float64(heap) / float64(len(row.body))
			t.Logf("%.1f bytes of live heap for each of %d bytes", each, len(row.body))
			assert.LessOrEqual(t, each, row.most)
		})
	}
}

func BenchmarkDocument(b *testing.B) {
	doc := newOrders()
	for _, one := range []struct {
		name, format string
		body         []byte
		shape        *service.Shape
	}{
		{"JSON/shaped", sio.JSON, doc.json, doc.shape},
		{"XML/shaped", sio.XML, doc.xml, doc.shape},
		{"JSON/free", sio.JSON, doc.json, nil},
		{"XML/free", sio.XML, doc.xml, nil},
		{"CSV/free", sio.CSV, doc.csv, nil},
	} {
		b.Run(one.name, func(b *testing.B) {
			var held *service.Request
			handler := sio.Wrap(keep(&held), one.shape, options(one.format))
			b.SetBytes(int64(len(one.body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := handler.Handle(b.Context(), &service.Request{Raw: one.body}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
