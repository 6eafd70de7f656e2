package sio

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/parley-run/parley/runtime/service"
)

// MaxDepth is how deep lists and objects, or XML elements, may stand in one another.
const MaxDepth = 200

// DecodeJSON reads one JSON text (RFC 8259, UTF-8) into the neutral form of data: keys keep their order,
// integers are int64, and numbers that would lose something as int64 or float64 are service.Number. An empty
// or blank text is nil. Duplicate keys, trailing data, invalid UTF-8 and more than MaxDepth levels are errors,
// as is whatever else is no JSON: each a *service.Error of code Invalid that says line and column. The result
// shares no memory with raw.
func DecodeJSON(raw []byte) (any, error) {
	raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
	d := jsonDecoder{text: string(raw)}
	if isBlank(d.text) {
		return nil, nil
	}
	if err := json.Unmarshal(raw, &d, jsontext.AllowDuplicateNames(true)); err != nil {
		return nil, d.malformed(err)
	}
	return d.result, nil
}

func isBlank(s string) bool { return strings.TrimLeft(s, " \t\r\n") == "" }

// jsonDecoder builds a tree from the tokens of a decoder that the library keeps in a pool of its own.
type jsonDecoder struct {
	text   string // the whole input: strings without escapes are parts of it, and cost no copy
	result any
	depth  int
	atKey  bool // a key comes next: for messages
}

// UnmarshalJSONFrom reads the one value of the text.
func (d *jsonDecoder) UnmarshalJSONFrom(in *jsontext.Decoder) error {
	var err error
	d.result, err = d.value(in)
	return err
}

func (d *jsonDecoder) value(in *jsontext.Decoder) (any, error) {
	switch in.PeekKind() {
	case jsontext.KindBeginObject:
		return d.object(in)
	case jsontext.KindBeginArray:
		return d.list(in)
	}
	return d.scalar(in)
}

// scalar reads a value that holds no others.
func (d *jsonDecoder) scalar(in *jsontext.Decoder) (any, error) {
	raw, err := in.ReadValue()
	if err != nil {
		return nil, err
	}
	switch raw.Kind() {
	case jsontext.KindNull:
		return nil, nil
	case jsontext.KindTrue:
		return true, nil
	case jsontext.KindFalse:
		return false, nil
	case jsontext.KindString:
		return d.string(in, raw)
	default:
		literal := d.part(in, raw)
		if problem := computable(literal); problem != "" {
			return nil, &placedError{at: in.InputOffset() - int64(len(raw)), message: problem}
		}
		return number(literal), nil
	}
}

// part is the input's text of the value that was just read.
func (d *jsonDecoder) part(in *jsontext.Decoder, raw jsontext.Value) string {
	end := int(in.InputOffset())
	return d.text[end-len(raw) : end]
}

func (d *jsonDecoder) string(in *jsontext.Decoder, raw jsontext.Value) (string, error) {
	if bytes.IndexByte(raw, '\\') >= 0 {
		text, err := jsontext.AppendUnquote(nil, raw)
		return string(text), err
	}
	part := d.part(in, raw)
	return part[1 : len(part)-1], nil
}

func (d *jsonDecoder) object(in *jsontext.Decoder) (any, error) {
	if err := d.enter(in); err != nil {
		return nil, err
	}
	d.atKey = true
	if in.PeekKind() == jsontext.KindEndObject {
		d.depth--
		d.atKey = false
		_, err := in.ReadToken()
		return service.NewObject(0), err
	}
	o := service.NewObject(4)
	for {
		d.atKey = true
		if in.PeekKind() == jsontext.KindEndObject {
			break
		}
		raw, err := in.ReadValue()
		if err != nil {
			return nil, err
		}
		key, err := d.string(in, raw)
		if err != nil {
			return nil, err
		}
		d.atKey = false
		at, known := in.InputOffset()-int64(len(raw)), o.Len()
		v, err := d.value(in)
		if err != nil {
			return nil, err
		}
		if o.Set(key, v); o.Len() == known {
			return nil, &placedError{at: at, message: "the key " + strconv.Quote(shorten(key)) + " stands twice in one object"}
		}
	}
	d.depth--
	d.atKey = false
	_, err := in.ReadToken()
	return o, err
}

func (d *jsonDecoder) list(in *jsontext.Decoder) (any, error) {
	if err := d.enter(in); err != nil {
		return nil, err
	}
	list := []any{}
	for in.PeekKind() != jsontext.KindEndArray {
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

func (d *jsonDecoder) enter(in *jsontext.Decoder) error {
	at := in.InputOffset()
	if _, err := in.ReadToken(); err != nil {
		return err
	}
	if d.depth++; d.depth > MaxDepth {
		return &placedError{at: at, message: "lists and objects stand more than " + strconv.Itoa(MaxDepth) + " levels deep"}
	}
	return nil
}
