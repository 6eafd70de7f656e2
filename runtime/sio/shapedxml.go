package sio

import (
	"bytes"

	"github.com/parley-run/parley/runtime/service"
)

// shapedXML reads an XML document straight into a declared input: what is not declared is passed over.
type shapedXML struct {
	xmlDecoder
	checker *Checker
	params  *params
	report  *report
	repeats bool // lists stand as elements of one name, so that an empty one is an element of the list
}

// fromXML is the input of an XML document, which is not blank.
func (c *Checker) fromXML(raw []byte, p *params) (any, error) {
	raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
	plain, err := newXMLDecoder(raw)
	d := shapedXML{xmlDecoder: plain, checker: c, params: p, report: &report{}}
	var v any
	if err == nil {
		v, err = d.document(d.root)
	}
	if err != nil {
		return nil, d.malformed(err)
	}
	return v, d.report.invalid()
}

// root reads the root element, whose name counts only where it is the request element.
func (d *shapedXML) root() (any, error) {
	elem := d.checker.requestElem
	if elem == "" || elem == d.name {
		return d.input()
	}
	d.report.enter(elem)
	defer d.report.leave()
	var v any
	found := false
	for {
		switch event, err := d.next(); {
		case err != nil:
			return nil, err
		case event == xmlEnd:
			if !found {
				d.report.fault("missing")
			}
			return v, nil
		case event == xmlText && !isBlank(d.chars):
			return nil, faultAt(d.started, "text where the element <%s> should be", elem)
		case event != xmlStart:
		case d.name != elem:
			if err := d.skip(); err != nil {
				return nil, err
			}
		case found:
			return nil, faultAt(d.started, "<%s> stands there twice", elem)
		default:
			found = true
			if v, err = d.input(); err != nil {
				return nil, err
			}
		}
	}
}

func (d *shapedXML) input() (any, error) {
	if d.checker.inputRepeated {
		rows, err := d.rows(nil, d.checker.input, d.params, true)
		if rows == nil {
			rows = []any{}
		}
		return rows, err
	}
	o, err := d.shaped(d.checker.input, d.params)
	return o, err
}

// rows adds the objects of one element to list: its items, or else itself. wrapped takes an <item_list> around the items.
func (d *shapedXML) rows(list []any, s *structure, p *params, wrapped bool) ([]any, error) {
	isList := s.layout.Find(itemElem) < 0
	for {
		event, err := d.next()
		switch {
		case err != nil:
			return nil, err
		case event == xmlEnd:
			return list, nil
		case event == xmlText && isBlank(d.chars):
			continue
		case event == xmlStart && d.report.full():
			if err := d.skip(); err != nil {
				return nil, err
			}
		case event == xmlStart && isList && d.name == itemElem:
			d.report.element(len(list))
			o, err := d.shaped(s, p)
			d.report.leave()
			if err != nil {
				return nil, err
			}
			list = append(list, o)
		case event == xmlStart && wrapped && d.name == itemListElem:
			if list, err = d.rows(list, s, p, false); err != nil {
				return nil, err
			}
		default:
			d.back()
			d.report.element(len(list))
			o, err := d.shaped(s, p)
			d.report.leave()
			return append(list, o), err
		}
	}
}

// shaped reads an object of declared fields up to the end of its element.
func (d *shapedXML) shaped(s *structure, p *params) (*service.Object, error) {
	fill := s.slots(p)
	text := content{at: -1}
	count, name := 0, ""
	if n := len(d.open); n > 0 {
		name = d.open[n-1]
	}
	for {
		event, err := d.next()
		if err != nil {
			return nil, err
		}
		switch event {
		case xmlText:
			text.add(&d.xmlDecoder)
		case xmlStart:
			count++
			if err := d.member(s, &fill); err != nil {
				return nil, err
			}
		default:
			switch {
			case text.at >= 0 && count > 0:
				return nil, mixed(text.at, name)
			case text.at >= 0:
				d.report.fault("expected an object with " + s.names() + ", not " + describe(text.String()))
				return nil, nil
			}
			if d.repeats {
				fill.emptyLists()
			}
			return fill.object(d.report), nil
		}
	}
}

// member reads one child of an object.
func (d *shapedXML) member(s *structure, fill *slots) error {
	if d.report.full() {
		return d.skip()
	}
	i := s.layout.Find(d.name)
	if i < 0 && d.name == itemElem {
		return d.entry(s, fill)
	}
	if i < 0 || !fill.wants(i) {
		return d.skip()
	}
	f := &s.fields[i]
	d.report.enter(f.name)
	defer d.report.leave()
	v, err := d.field(f, fill.values[i], fill.has(i))
	fill.values[i] = v
	return err
}

// entry reads <item><key>name</key><value>..</value></item>, the form of dictionaries whose keys are no names in XML.
func (d *shapedXML) entry(s *structure, fill *slots) error {
	v, err := d.element()
	if err != nil {
		return err
	}
	key, value, ok := keyAndValue(v)
	i := s.layout.Find(key)
	if !ok || i < 0 || !fill.wants(i) {
		return nil
	}
	d.report.enter(key)
	fill.values[i] = s.fields[i].in(value, true, d.report)
	d.report.leave()
	return nil
}

func keyAndValue(v any) (string, any, bool) {
	o, ok := v.(*service.Object)
	if !ok || o.Len() != 2 {
		return "", nil, false
	}
	key, isText := o.Value("key").(string)
	value, has := o.Get("value")
	return key, value, isText && has
}

// dictionary is v with the entries of keys and values that stand in it as an object.
func dictionary(v any) any {
	list, ok := v.([]any)
	if !ok {
		return v
	}
	o := service.NewObject(len(list))
	for _, one := range list {
		key, value, ok := keyAndValue(one)
		if _, twice := o.Get(key); !ok || twice {
			return v
		}
		o.Set(key, value)
	}
	return o
}

// field reads an element as the value of a declared field, of which before is what was read already.
func (d *shapedXML) field(f *field, before any, again bool) (any, error) {
	switch {
	case f.problem != "":
		d.report.fault(f.problem)
		return nil, d.skip()
	case f.kind == typeList, f.kind == typeDictList:
		list, _ := before.([]any)
		v, err := d.list(f, list)
		if all, _ := v.([]any); len(all) == 0 && !f.required {
			return absent{}, err
		}
		return v, err
	case f.kind == typeAny || f.asGiven:
		v, err := d.element()
		return repeated(before, again, v), err
	case again:
		d.report.fault("expected " + f.expected() + ", not a list")
		return nil, d.skip()
	case f.inner != nil:
		return d.object(f)
	case f.kind == typeDict:
		v, err := d.element()
		if err != nil {
			return nil, err
		}
		return f.in(dictionary(v), true, d.report), nil
	default:
		return d.leaf(f)
	}
}

// object reads an object within another; an empty element is none where there need be none.
func (d *shapedXML) object(f *field) (any, error) {
	event, err := d.next()
	if err != nil {
		return nil, err
	}
	if event == xmlEnd && !f.required {
		return absent{}, nil
	}
	if event == xmlEnd {
		return f.inner.fromTree(nil, d.report, nil), nil
	}
	d.back()
	o, err := d.shaped(f.inner, nil)
	return o, err
}

// repeats are the values of an element that stands more than once, so far.
type repeats struct{ list []any }

// repeated is what DecodeXML makes of elements of one name.
func repeated(before any, again bool, v any) any {
	if !again {
		return v
	}
	if r, ok := before.(*repeats); ok {
		r.list = append(r.list, v)
		return r
	}
	return &repeats{list: []any{before, v}}
}

// leaf reads an element that holds text alone.
func (d *shapedXML) leaf(f *field) (any, error) {
	name, text, hasChildren := d.name, content{at: -1}, false
	for {
		event, err := d.next()
		if err != nil {
			return nil, err
		}
		switch event {
		case xmlText:
			text.add(&d.xmlDecoder)
		case xmlStart:
			hasChildren = true
			if err := d.skip(); err != nil {
				return nil, err
			}
		default:
			if !hasChildren {
				return f.in(text.String(), true, d.report), nil
			}
			if text.at >= 0 {
				return nil, mixed(text.at, name)
			}
			d.report.fault("expected " + f.expected() + ", not elements")
			return nil, nil
		}
	}
}

// list adds what one element says to the values of a field that is a list.
func (d *shapedXML) list(f *field, list []any) (any, error) {
	if list == nil {
		list = []any{}
	}
	switch {
	case f.inner != nil:
		return d.rows(list, f.inner, nil, false)
	case f.of != nil:
		return d.elements(f, list)
	}
	v, err := d.element()
	if err != nil {
		return nil, err
	}
	if f.kind == typeDictList {
		for _, one := range toList(v) {
			d.report.element(len(list))
			o, ok := toDict(dictionary(one))
			if !ok {
				d.report.fault("expected an object, not " + f.describe(one))
			}
			d.report.leave()
			list = append(list, o)
		}
		return list, nil
	}
	return append(list, toList(v)...), nil
}

// elements reads the items of a list of one type; an element without items is one itself.
func (d *shapedXML) elements(f *field, list []any) (any, error) {
	text := content{at: -1}
	count, name := 0, d.name
	for {
		event, err := d.next()
		if err != nil {
			return nil, err
		}
		switch {
		case event == xmlText:
			text.add(&d.xmlDecoder)
		case event == xmlStart && d.report.full():
			if err := d.skip(); err != nil {
				return nil, err
			}
		case event == xmlStart:
			count++
			d.report.element(len(list))
			v, err := d.leaf(f.of)
			d.report.leave()
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		case count > 0 && text.at >= 0:
			return nil, mixed(text.at, name)
		case count > 0 || text.String() == "" && (!d.repeats || f.of.kind != typeText):
			return list, nil
		default:
			d.report.element(len(list))
			v := f.of.in(text.String(), true, d.report)
			d.report.leave()
			return append(list, v), nil
		}
	}
}
