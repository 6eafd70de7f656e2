package sio

import (
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/parley-run/parley/runtime/service"
)

// shapedJSON reads a JSON text straight into a declared input: what is not declared is passed over and takes no memory.
type shapedJSON struct {
	jsonDecoder
	checker *Checker
	params  *params
	report  *report
	read    bool // the value was there
}

// fromJSON is the input of a JSON text, which is not blank.
func (c *Checker) fromJSON(raw []byte, p *params) (any, error) {
	d := shapedJSON{jsonDecoder: jsonDecoder{text: string(raw)}, checker: c, params: p, report: &report{}}
	if err := json.Unmarshal(raw, &d, jsontext.AllowDuplicateNames(true)); err != nil {
		return nil, d.malformed(err)
	}
	return d.result, d.report.invalid()
}

// UnmarshalJSONFrom reads the one value of the text.
func (d *shapedJSON) UnmarshalJSONFrom(in *jsontext.Decoder) error {
	if d.checker.requestElem == "" {
		return d.input(in)
	}
	d.report.enter(d.checker.requestElem)
	defer d.report.leave()
	if kind := in.PeekKind(); kind != jsontext.KindBeginObject {
		v, err := d.value(in)
		d.report.fault("missing; expected an object with this key, not " + describe(v))
		return err
	}
	err := d.members(in, func(key string) (bool, error) {
		if key != d.checker.requestElem {
			return false, nil
		}
		d.read = true
		return true, d.input(in)
	})
	if err == nil && !d.read {
		d.report.fault("missing")
	}
	return err
}

func (d *shapedJSON) input(in *jsontext.Decoder) (err error) {
	s := d.checker.input
	kind := in.PeekKind()
	switch {
	case kind == jsontext.KindBeginArray && d.checker.inputRepeated:
		d.result, err = d.rows(in, s, d.params)
	case kind != jsontext.KindBeginObject:
		var v any = []any{}
		if kind != jsontext.KindBeginArray {
			v, err = d.value(in)
		} else {
			err = d.skip(in) // a list is wrong, whatever it holds
		}
		if err != nil {
			return err
		}
		d.result = s.rowOrRows(v, d.report, d.params, d.checker.inputRepeated)
	case d.checker.inputRepeated:
		var one *service.Object
		one, err = d.shaped(in, s, d.params)
		d.result = []any{one}
	default:
		d.result, err = d.shaped(in, s, d.params)
	}
	return err
}

func (s *structure) rowOrRows(v any, r *report, p *params, repeated bool) any {
	if repeated {
		return s.rows(v, r, p)
	}
	return s.fromTree(v, r, p)
}

func (d *shapedJSON) rows(in *jsontext.Decoder, s *structure, p *params) ([]any, error) {
	return d.elements(in, func() (any, error) {
		if in.PeekKind() == jsontext.KindBeginObject {
			return d.shaped(in, s, p)
		}
		v, err := d.value(in)
		return s.fromTree(v, d.report, p), err
	})
}

// shaped reads an object of declared fields.
func (d *shapedJSON) shaped(in *jsontext.Decoder, s *structure, p *params) (*service.Object, error) {
	fill := s.slots(p)
	err := d.members(in, func(key string) (bool, error) {
		i := s.layout.Find(key)
		if i < 0 || !fill.wants(i) {
			return false, nil
		}
		f := &s.fields[i]
		d.report.enter(f.name)
		v, err := d.field(in, f)
		d.report.leave()
		fill.values[i] = v
		return true, err
	})
	if err != nil {
		return nil, err
	}
	return fill.object(d.report), nil
}

// field reads the value of a declared field.
func (d *shapedJSON) field(in *jsontext.Decoder, f *field) (any, error) {
	isObject, isList := false, false
	switch in.PeekKind() {
	case jsontext.KindBeginObject:
		isObject = true
	case jsontext.KindBeginArray:
		isList = true
	}
	switch {
	case f.problem != "":
	case isObject && f.inner != nil && f.kind == typeDict:
		return d.shaped(in, f.inner, nil)
	case isList && f.inner != nil && f.kind == typeDictList:
		return d.rows(in, f.inner, nil)
	case isList && f.of != nil:
		return d.elements(in, func() (any, error) { return d.field(in, f.of) })
	case isList && f.kind == typeDictList:
		list, err := d.objects(in)
		if err != nil {
			return nil, err
		}
		return f.in(list, true, d.report), nil
	case isList && f.kind != typeAny && f.kind != typeCSV && !f.kind.holdsMany() && !f.asGiven:
		d.report.fault("expected " + f.expected() + ", not a list")
		return nil, d.skip(in)
	case isObject && f.kind != typeAny && !f.kind.holdsMany() && !f.asGiven:
		d.report.fault("expected " + f.expected() + ", not an object")
		return nil, d.skip(in)
	}
	v, err := d.value(in)
	if err != nil {
		return nil, err
	}
	return f.in(v, true, d.report), nil
}

// objects reads a list of objects. From one that is none on, the list is wrong, and no more of it is kept than that one's place.
func (d *shapedJSON) objects(in *jsontext.Decoder) ([]any, error) {
	if err := d.enter(in); err != nil {
		return nil, err
	}
	list, isWrong := []any{}, false
	for in.PeekKind() != jsontext.KindEndArray {
		if !isWrong && in.PeekKind() != jsontext.KindBeginObject {
			list, isWrong = []any{nil}, true
		}
		if isWrong {
			if err := d.skip(in); err != nil {
				return nil, err
			}
			continue
		}
		v, err := d.value(in)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	d.depth--
	_, err := in.ReadToken()
	return list, err
}

// elements reads a list whose elements one reads.
func (d *shapedJSON) elements(in *jsontext.Decoder, one func() (any, error)) ([]any, error) {
	if err := d.enter(in); err != nil {
		return nil, err
	}
	list := []any{}
	for in.PeekKind() != jsontext.KindEndArray {
		if d.report.full() {
			d.report.more = true
			if err := d.skip(in); err != nil {
				return nil, err
			}
			continue
		}
		d.report.element(len(list))
		v, err := one()
		d.report.leave()
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	d.depth--
	_, err := in.ReadToken()
	return list, err
}

// skip passes over a value that nobody wants, and still refuses what is no JSON.
func (d *shapedJSON) skip(in *jsontext.Decoder) error {
	switch in.PeekKind() {
	case jsontext.KindBeginObject:
		return d.members(in, func(string) (bool, error) { return false, nil })
	case jsontext.KindBeginArray:
		if err := d.enter(in); err != nil {
			return err
		}
		for in.PeekKind() != jsontext.KindEndArray {
			if err := d.skip(in); err != nil {
				return err
			}
		}
		d.depth--
		_, err := in.ReadToken()
		return err
	default:
		_, err := in.ReadValue()
		return err
	}
}

// members reads an object: take reads the value of a key, or says that it did not want it.
func (d *shapedJSON) members(in *jsontext.Decoder, take func(key string) (bool, error)) error {
	if err := d.enter(in); err != nil {
		return err
	}
	var seen seenKeys
	for {
		d.atKey = true
		if in.PeekKind() == jsontext.KindEndObject {
			break
		}
		raw, err := in.ReadValue()
		if err != nil {
			return err
		}
		key, err := d.string(in, raw)
		if err != nil {
			return err
		}
		d.atKey = false
		if !seen.add(key) {
			return &placedError{at: in.InputOffset() - int64(len(raw)), message: "the key " + strconv.Quote(shorten(key)) + " stands twice in one object"}
		}
		taken, err := take(key)
		if err == nil && !taken {
			err = d.skip(in)
		}
		if err != nil {
			return err
		}
	}
	d.depth--
	d.atKey = false
	_, err := in.ReadToken()
	return err
}

// seenKeys are the keys of one object so far.
type seenKeys struct {
	few  [16]string
	n    int
	many map[string]struct{}
}

func (s *seenKeys) add(key string) bool {
	if s.many != nil {
		if _, known := s.many[key]; known {
			return false
		}
		s.many[key] = struct{}{}
		return true
	}
	for _, k := range s.few[:s.n] {
		if k == key {
			return false
		}
	}
	if s.n < len(s.few) {
		s.few[s.n] = key
		s.n++
		return true
	}
	s.many = make(map[string]struct{}, 2*len(s.few))
	for _, k := range s.few {
		s.many[k] = struct{}{}
	}
	s.many[key] = struct{}{}
	return true
}
