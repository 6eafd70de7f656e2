package main

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/parley-run/parley/bench/figures"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
)

const (
	documentRows   = 8000 // a megabyte of JSON
	documentTurns  = 12
	shapedHeapMost = 20
	freeHeapMost   = 50
	xmlTimeMost    = 2
)

// document is the same data in one format.
type document struct {
	name, format string
	body         []byte
	shape        *service.Shape
	times        []float64 // ms
}

// documents measures what reading a large document costs, in this process: the heap that it holds once it was read, for each
// byte of it, and the time in XML against that in JSON.
func documents(ctx context.Context, _ options) (figures.Section, error) {
	asJSON, asXML, shape := writeDocuments()
	all := []*document{
		{name: "json_shaped", format: sio.JSON, body: asJSON, shape: shape},
		{name: "xml_shaped", format: sio.XML, body: asXML, shape: shape},
		{name: "json_free", format: sio.JSON, body: asJSON},
		{name: "xml_free", format: sio.XML, body: asXML},
	}
	s := figures.Section{Title: fmt.Sprintf("a document of %.1f MB as JSON and %.1f MB as XML, read with a declared shape and without", size1(asJSON), size1(asXML))}
	for _, d := range all {
		held, err := d.heap(ctx)
		if err != nil {
			return s, err
		}
		f := figures.Of("documents."+d.name+"_heap", "live heap for each byte, "+d.title(), held, "bytes")
		if d.shape != nil {
			f = f.AtMost(shapedHeapMost)
		} else {
			f = f.AtMost(freeHeapMost)
		}
		s.Figures = append(s.Figures, f)
	}
	for range documentTurns {
		for _, d := range all {
			if err := d.turn(ctx); err != nil {
				return s, err
			}
		}
		slices.Reverse(all)
	}
	slices.SortFunc(all, func(a, b *document) int { return bytes.Compare([]byte(a.name), []byte(b.name)) })
	for _, d := range all {
		s.Figures = append(s.Figures, figures.Median("documents."+d.name+"_time", "time, "+d.title(), d.times, "ms"))
	}
	s.Figures = append(
		s.Figures,
		figures.Median("documents.xml_free_ratio", "ratio of time, XML to JSON, without a shape", figures.Ratios(all[2].times, all[0].times), "").AtMost(xmlTimeMost),
		figures.Median("documents.xml_shaped_ratio", "ratio of time, XML to JSON, with a shape", figures.Ratios(all[3].times, all[1].times), "").AtMost(xmlTimeMost),
	)
	s.Notes = []string{"the heap includes the document itself, which services may ask for"}
	return s, nil
}

func (d *document) title() string {
	if d.shape != nil {
		return d.format + " with a shape"
	}
	return d.format + " without a shape"
}

func size1(raw []byte) float64 { return float64(len(raw)) / megabyte }

// writeDocuments is a batch of orders, and the shape of a service that takes it.
func writeDocuments() (asJSON, asXML []byte, shape *service.Shape) {
	var j, x bytes.Buffer
	j.WriteString(`{"batch_id":7,"rows":[`)
	x.WriteString(`<request><batch_id>7</batch_id><rows>`)
	for i := range documentRows {
		if i > 0 {
			j.WriteByte(',')
		}
		_, _ = fmt.Fprintf(&j, `{"order_id":%d,"first_name":"Sean %d","is_paid":%t,"amount":"%d.50","day":"2026-11-%02d","note":"left at the neighbour's"}`,
			100000+i, i, i%2 == 0, i, 1+i%28)
		_, _ = fmt.Fprintf(&x, `<item><order_id>%d</order_id><first_name>Sean %d</first_name><is_paid>%t</is_paid><amount>%d.50</amount><day>2026-11-%02d</day>`+
			`<note>left at the neighbour's</note></item>`, 100000+i, i, i%2 == 0, i, 1+i%28)
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
	return j.Bytes(), x.Bytes(), &service.Shape{Input: []service.Field{
		{Name: "batch_id", Required: true},
		{Name: "rows", Type: "dictlist", Fields: row, Required: true},
	}}
}

// read reads the document as a request of a channel and gives the request.
func (d *document) read(ctx context.Context) (*service.Request, error) {
	req := &service.Request{Raw: bytes.Clone(d.body)}
	nothing := service.HandlerFunc(func(context.Context, *service.Request) (*service.Response, error) { return &service.Response{}, nil })
	_, err := sio.Wrap(nothing, d.shape, sio.Options{Format: d.format, Names: service.ParleyNames(), Service: d.name}).Handle(ctx, req)
	return req, err
}

func (d *document) turn(ctx context.Context) error {
	runtime.GC()
	start := time.Now()
	_, err := d.read(ctx)
	d.times = append(d.times, figures.MS(time.Since(start)))
	return err
}

// heap is how many bytes of the heap a byte of the document holds.
func (d *document) heap(ctx context.Context) (float64, error) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&before)
	req, err := d.read(ctx)
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(req)
	return (float64(after.HeapAlloc) - float64(before.HeapAlloc)) / float64(len(d.body)), err
}
