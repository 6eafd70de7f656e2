package starlark

import (
	"errors"

	"go.starlark.net/starlark"
)

// payload is self.response.payload until a service puts something of its own there: a dict whose keys can also be set as
// attributes, or a list once something was appended.
type payload struct {
	dict *starlark.Dict
	list *starlark.List
}

var (
	_ starlark.IterableMapping = (*payload)(nil)
	_ starlark.HasSetKey       = (*payload)(nil)
	_ starlark.HasSetField     = (*payload)(nil)
)

func newPayload() *payload { return &payload{dict: new(starlark.Dict)} }

// value is what was put into it.
func (p *payload) value() starlark.Value {
	if p.list != nil {
		return p.list
	}
	return p.dict
}

func (p *payload) String() string        { return p.value().String() }
func (p *payload) Type() string          { return "payload" }
func (p *payload) Freeze()               {}
func (p *payload) Truth() starlark.Bool  { return p.value().Truth() }
func (p *payload) Hash() (uint32, error) { return 0, errors.New("a payload cannot be a key") }

func (p *payload) Len() int {
	if p.list != nil {
		return p.list.Len()
	}
	return p.dict.Len()
}

func (p *payload) Iterate() starlark.Iterator {
	if p.list != nil {
		return p.list.Iterate()
	}
	return p.dict.Iterate()
}

func (p *payload) Items() []starlark.Tuple                            { return p.dict.Items() }
func (p *payload) Get(k starlark.Value) (starlark.Value, bool, error) { return p.dict.Get(k) }

func (p *payload) SetKey(k, v starlark.Value) error {
	if p.list != nil {
		return errors.New("self.response.payload is a list already: something was appended to it")
	}
	return p.dict.SetKey(k, v)
}

func (p *payload) SetField(name string, v starlark.Value) error {
	return p.SetKey(starlark.String(name), v)
}

func (p *payload) Attr(name string) (starlark.Value, error) {
	switch name {
	case "append", "extend":
		if p.dict.Len() > 0 {
			return nil, errors.New("self.response.payload is an object already: keys of it were set")
		}
		if p.list == nil {
			p.list = starlark.NewList(nil)
		}
		return p.list.Attr(name)
	}
	if v, ok, err := p.dict.Get(starlark.String(name)); ok || err != nil {
		return v, err
	}
	return p.dict.Attr(name)
}

func (p *payload) AttrNames() []string { return append(p.dict.AttrNames(), "append", "extend") }
