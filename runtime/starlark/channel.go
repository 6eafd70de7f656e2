package starlark

import (
	"encoding/json"
	"errors"
	"fmt"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/parley-run/parley/runtime/service"
)

// channel is self.channel: what the request came through, and who calls. Where text is made of it, it is its name.
type channel struct{ req *service.Request }

var (
	_ starlark.HasBinary  = channel{}
	_ starlark.Comparable = channel{}
)

func (c channel) String() string        { return c.req.Channel }
func (c channel) Type() string          { return "channel" }
func (c channel) Freeze()               {}
func (c channel) Truth() starlark.Bool  { return c.req.Channel != "" }
func (c channel) Hash() (uint32, error) { return starlark.String(c.req.Channel).Hash() }

// MarshalJSON serves json.encode.
func (c channel) MarshalJSON() ([]byte, error) { return json.Marshal(c.req.Channel) }

// CompareSameType compares by name.
func (c channel) CompareSameType(op syntax.Token, y starlark.Value, depth int) (bool, error) {
	return starlark.CompareDepth(op, starlark.String(c.String()), starlark.String(y.(channel).String()), depth)
}

// Binary joins its name with text.
func (c channel) Binary(op syntax.Token, y starlark.Value, side starlark.Side) (starlark.Value, error) {
	text, ok := starlark.AsString(y)
	if op != syntax.PLUS || !ok {
		return nil, nil
	}
	if side == starlark.Left {
		return starlark.String(c.String() + text), nil
	}
	return starlark.String(text + c.String()), nil
}

func (c channel) AttrNames() []string {
	return []string{"data_format", "id", "is_internal", "name", "sec", "security", "type"}
}

func (c channel) Attr(name string) (starlark.Value, error) {
	via := c.req.Via
	if via == nil {
		via = &service.Via{}
	}
	switch name {
	case "id", "name": // a channel's name is unique among those of its type
		return starlark.String(c.req.Channel), nil
	case "type":
		return starlark.String(via.Kind), nil
	case "data_format":
		return starlark.String(via.DataFormat), nil
	case "is_internal":
		return starlark.False, nil // internal services have no channels
	case "security", "sec":
		return principal{c.req.Principal}, nil
	}
	return nil, nil
}

// principal is self.channel.security: who calls. It is false where anybody may; its attributes are None then.
type principal struct{ who *service.Principal }

func (p principal) String() string {
	if p.who == nil {
		return "<nobody>"
	}
	return fmt.Sprintf("<%s of %s>", p.who.Name, p.who.Definition)
}
func (p principal) Type() string         { return "security" }
func (p principal) Freeze()              {}
func (p principal) Truth() starlark.Bool { return p.who != nil }
func (p principal) Hash() (uint32, error) {
	return 0, errors.New("self.channel.security cannot be a key")
}

func (p principal) AttrNames() []string { return []string{"claims", "id", "name", "type", "username"} }

func (p principal) Attr(name string) (starlark.Value, error) {
	if p.who == nil {
		switch name {
		case "claims", "id", "name", "type", "username":
			return starlark.None, nil
		}
		return nil, nil
	}
	switch name {
	case "id", "name": // names of definitions are unique
		return starlark.String(p.who.Definition), nil
	case "type":
		return starlark.String(p.who.Kind), nil
	case "username":
		return starlark.String(p.who.Name), nil
	case "claims":
		return toStarlark(p.who.Claims), nil
	}
	return nil, nil
}
