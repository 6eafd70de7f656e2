package jsonrpc

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
)

// call is one request object, or what stands in the place of one.
type call struct {
	raw    []byte // as received
	method string
	params []byte // null where there are none
	id     []byte // as received; nil: a notification
	fault  *fault // it is no valid request
}

var errNotJSON = errors.New("not JSON")

const null = "null"

// parse takes a body apart, and gives the first calls, most at most, and how many there are. The error is that of the whole:
// what is not JSON at one place is not JSON at all.
func parse(raw []byte, most int) (calls []call, count int, isBatch bool, err error) {
	raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
	in := jsontext.NewDecoder(bytes.NewBuffer(raw))
	if isBatch = in.PeekKind() == jsontext.KindBeginArray; !isBatch {
		c, err := readCall(in)
		if err == nil {
			calls, err = []call{c}, atEnd(in)
		}
		return calls, 1, false, err
	}
	if _, err := in.ReadToken(); err != nil {
		return nil, 0, true, err
	}
	for ; in.PeekKind() != jsontext.KindEndArray; count++ {
		if count >= most { // a batch that is too long is not kept: a call is a hundred times as large as 1,
			if err := in.SkipValue(); err != nil {
				return nil, count, true, err
			}
			continue
		}
		c, err := readCall(in)
		if err != nil {
			return nil, count, true, err
		}
		calls = append(calls, c)
	}
	if _, err := in.ReadToken(); err != nil {
		return nil, count, true, err
	}
	return calls, count, true, atEnd(in)
}

// atEnd is an error where something follows.
func atEnd(in *jsontext.Decoder) error {
	if _, err := in.ReadToken(); !errors.Is(err, io.EOF) {
		return errors.Join(errNotJSON, err)
	}
	return nil
}

// readCall reads one value, which should be a request object.
func readCall(in *jsontext.Decoder) (call, error) {
	value, err := in.ReadValue()
	if err != nil {
		return call{}, err
	}
	c := call{raw: bytes.Clone(value), params: []byte(null)}
	if value.Kind() != jsontext.KindBeginObject {
		c.fault, c.id = invalidRequest(), []byte(null)
		return c, nil
	}
	return c, c.members()
}

// members takes the object apart. Members that the standard does not know are passed over.
func (c *call) members() error {
	in := jsontext.NewDecoder(bytes.NewBuffer(c.raw))
	if _, err := in.ReadToken(); err != nil {
		return err
	}
	versioned, named := false, false
	valid := true
	for in.PeekKind() != jsontext.KindEndObject {
		key, err := in.ReadToken()
		if err != nil {
			return err
		}
		name := key.String()
		value, err := in.ReadValue()
		if err != nil {
			return err
		}
		switch name {
		case "jsonrpc":
			versioned = string(value) == `"2.0"`
		case "method":
			if named = value.Kind() == jsontext.KindString; named {
				text, err := jsontext.AppendUnquote(nil, value)
				if err != nil {
					return err
				}
				c.method = string(text)
			}
		case "params":
			c.params = bytes.Clone(value)
			switch value.Kind() {
			case jsontext.KindBeginObject, jsontext.KindBeginArray, jsontext.KindNull:
			default:
				valid = false
			}
		case "id":
			c.id = bytes.Clone(value)
			switch value.Kind() {
			case jsontext.KindString, jsontext.KindNumber, jsontext.KindNull:
			default:
				valid, c.id = false, []byte(null)
			}
		}
	}
	if !versioned || !named || !valid {
		c.fault = invalidRequest()
		if c.id == nil {
			c.id = []byte(null) // what is no request is no notification either
		}
	}
	return nil
}

// payload is the call's params in the neutral form: those by position under the names of the shape's input fields, in
// declared order. Where there is no such shape they stay what they are.
func (c *call) payload(shape *service.Shape) (any, error) {
	v, err := sio.DecodeJSON(c.params)
	if err != nil {
		return nil, err
	}
	list, byPosition := v.([]any)
	if !byPosition || shape == nil || len(shape.Input) == 0 || shape.InputRepeated {
		return v, nil
	}
	if len(list) > len(shape.Input) {
		return nil, service.Errorf(service.Invalid, "input is not valid: expected at most %d params, not %d", len(shape.Input), len(list))
	}
	o := service.NewObject(len(list))
	for i, one := range list {
		o.Set(shape.Input[i].Name, one)
	}
	if shape.RequestElem != "" {
		return service.ObjectOf(shape.RequestElem, o), nil
	}
	return o, nil
}
