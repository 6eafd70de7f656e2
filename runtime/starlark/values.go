package starlark

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"sort"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"

	"github.com/parley-run/parley/runtime/service"
)

// toStarlark is v, in the neutral form, as Starlark sees it: objects are dicts, lists are lists. It is a
// copy: what a service does to it stays within the service.
func toStarlark(v any) starlark.Value {
	switch v := v.(type) {
	case nil:
		return starlark.None
	case bool:
		return starlark.Bool(v)
	case string:
		return starlark.String(v)
	case int64:
		return starlark.MakeInt64(v)
	case int:
		return starlark.MakeInt(v)
	case float64:
		return starlark.Float(v)
	case service.Number:
		return numberToStarlark(v)
	case []any:
		elems := make([]starlark.Value, len(v))
		for i, e := range v {
			elems[i] = toStarlark(e)
		}
		return starlark.NewList(elems)
	case *service.Object:
		d := starlark.NewDict(v.Len())
		for k, e := range v.All() {
			_ = d.SetKey(starlark.String(k), toStarlark(e)) // a fresh dict takes any text key
		}
		return d
	case service.Attrs:
		return reply{v}
	default:
		return starlark.String(fmt.Sprint(v))
	}
}

func numberToStarlark(n service.Number) starlark.Value {
	if i, ok := new(big.Int).SetString(string(n), 10); ok {
		return starlark.MakeBigInt(i)
	}
	return decimal(n)
}

// decimal is a number that a float would round: it keeps its text, and compares by value.
type decimal service.Number

func (d decimal) String() string        { return string(d) }
func (d decimal) Type() string          { return "decimal" }
func (d decimal) Freeze()               {}
func (d decimal) Truth() starlark.Bool  { return d.rat().Sign() != 0 }
func (d decimal) Hash() (uint32, error) { return starlark.String(d.rat().RatString()).Hash() }

func (d decimal) rat() *big.Rat {
	r, ok := new(big.Rat).SetString(string(d))
	if !ok {
		return new(big.Rat)
	}
	return r
}

func (d decimal) MarshalJSON() ([]byte, error) { return []byte(d), nil }

// CompareSameType compares by value: 1.10 equals 1.1.
func (d decimal) CompareSameType(op syntax.Token, y starlark.Value, _ int) (bool, error) {
	c := d.rat().Cmp(y.(decimal).rat())
	switch op {
	case syntax.EQL:
		return c == 0, nil
	case syntax.NEQ:
		return c != 0, nil
	case syntax.LT:
		return c < 0, nil
	case syntax.LE:
		return c <= 0, nil
	case syntax.GT:
		return c > 0, nil
	default:
		return c >= 0, nil
	}
}

// What a value may be on its way out of a service: a list can hold itself, or itself twice, again and again.
const (
	maxDepth  = 500
	maxValues = 4 << 20
)

// fromStarlark is v in the neutral form. Its errors name the type that has none.
func fromStarlark(v starlark.Value) (any, error) { return new(converter).convert(v, 0) }

// converter counts the values of one conversion.
type converter struct{ values int }

func (c *converter) convert(v starlark.Value, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("a value nests deeper than %d levels; does it hold itself?", maxDepth)
	}
	if c.values++; c.values > maxValues {
		return nil, fmt.Errorf("a value holds more than %d others; does it hold itself?", maxValues)
	}
	switch v := v.(type) {
	case starlark.NoneType:
		return nil, nil
	case starlark.Bool:
		return bool(v), nil
	case starlark.String:
		return string(v), nil
	case starlark.Bytes:
		return string(v), nil
	case starlark.Int:
		if i, ok := v.Int64(); ok {
			return i, nil
		}
		return service.Number(v.String()), nil
	case starlark.Float:
		return float64(v), nil
	case decimal:
		return service.Number(v), nil
	case *input:
		return v.object, nil
	case channel:
		return v.String(), nil
	case *payload:
		return c.convert(v.value(), depth)
	case *starlark.Dict:
		return c.dict(v, depth)
	case *starlarkstruct.Struct:
		return c.structure(v, depth)
	case reply:
		return nil, errors.New("the reply of an outgoing connection is no data; take its .data")
	case starlark.Sequence:
		return c.sequence(v, depth)
	default:
		return nil, fmt.Errorf("a value of type %s has no form in a payload", v.Type())
	}
}

func (c *converter) dict(d *starlark.Dict, depth int) (any, error) {
	o := service.NewObject(d.Len())
	for k, v := range d.Entries() {
		key, ok := starlark.AsString(k)
		if !ok {
			return nil, fmt.Errorf("the key %s is of type %s; keys of a payload are text", k, k.Type())
		}
		e, err := c.convert(v, depth+1)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		o.Set(key, e)
	}
	return o, nil
}

func (c *converter) structure(s *starlarkstruct.Struct, depth int) (any, error) {
	names := s.AttrNames()
	o := service.NewObject(len(names))
	for _, name := range names {
		v, err := s.Attr(name)
		if err != nil {
			return nil, err
		}
		e, err := c.convert(v, depth+1)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		o.Set(name, e)
	}
	return o, nil
}

func (c *converter) sequence(s starlark.Sequence, depth int) (any, error) {
	out := make([]any, 0, min(max(0, s.Len()), 1024)) // a range says how long it is and takes no memory
	for v := range starlark.Elements(s) {
		e, err := c.convert(v, depth+1)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// reply is a service.Attrs: reply.data, reply.status_code.
type reply struct{ attrs service.Attrs }

func (r reply) String() string       { return "<reply with " + strings.Join(r.attrs.AttrNames(), ", ") + ">" }
func (r reply) Type() string         { return "reply" }
func (r reply) Freeze()              {}
func (r reply) Truth() starlark.Bool { return true }
func (r reply) Hash() (uint32, error) {
	return 0, errors.New("a reply cannot be a key")
}

func (r reply) Attr(name string) (starlark.Value, error) {
	v, ok := r.attrs.Attr(name)
	if !ok {
		return nil, nil
	}
	return toStarlark(v), nil
}

func (r reply) AttrNames() []string { return r.attrs.AttrNames() }

// input is self.request.input: a service's checked input, read as attributes (input.cust_id) or as a dict
// (input["cust_id"]). It stands before the object itself, so that passing it on costs nothing. Printed, it shows *** for
// its secrets.
type input struct {
	object  *service.Object
	secrets []string // names, those of nested objects as user.password
}

var (
	_ starlark.IterableMapping = (*input)(nil)
	_ starlark.HasSetKey       = (*input)(nil)
	_ starlark.HasSetField     = (*input)(nil)
	_ starlark.Comparable      = (*input)(nil)
)

func (in *input) String() string        { return toStarlark(hidden(in.object, in.secrets)).String() }
func (in *input) Type() string          { return "input" }
func (in *input) Freeze()               {}
func (in *input) Truth() starlark.Bool  { return in.object.Len() > 0 }
func (in *input) Hash() (uint32, error) { return 0, errors.New("an input cannot be a key") }
func (in *input) Len() int              { return in.object.Len() }

// MarshalJSON serves json.encode.
func (in *input) MarshalJSON() ([]byte, error) { return in.object.MarshalJSON() }

func (in *input) Get(key starlark.Value) (starlark.Value, bool, error) {
	name, ok := starlark.AsString(key)
	if !ok {
		return nil, false, nil
	}
	v, ok := in.object.Get(name)
	if !ok {
		return nil, false, nil
	}
	return in.value(name, v), true, nil
}

func (in *input) SetKey(key, value starlark.Value) error {
	name, ok := starlark.AsString(key)
	if !ok {
		return fmt.Errorf("a key of the input is text, not %s", key.Type())
	}
	return in.SetField(name, value)
}

func (in *input) SetField(name string, value starlark.Value) error {
	v, err := fromStarlark(value)
	if err != nil {
		return err
	}
	in.object.Set(name, v)
	return nil
}

func (in *input) Attr(name string) (starlark.Value, error) {
	if v, ok := in.object.Get(name); ok {
		return in.value(name, v), nil
	}
	switch name {
	case "require_any":
		return starlark.NewBuiltin("require_any", in.requireAny), nil
	case "get", "items", "keys", "values", "deepcopy":
		d, _ := toStarlark(in.object).(*starlark.Dict)
		if name == "deepcopy" {
			return builtin(name, func() (starlark.Value, error) { return d, nil }), nil
		}
		return d.Attr(name)
	}
	return nil, nil
}

func (in *input) AttrNames() []string {
	names := make([]string, 0, in.object.Len())
	for k := range in.object.All() {
		names = append(names, k)
	}
	sort.Strings(names)
	return names
}

func (in *input) Items() []starlark.Tuple {
	out := make([]starlark.Tuple, 0, in.object.Len())
	for k, v := range in.object.All() {
		out = append(out, starlark.Tuple{starlark.String(k), toStarlark(v)})
	}
	return out
}

func (in *input) Iterate() starlark.Iterator {
	keys := make([]starlark.Value, 0, in.object.Len())
	for k := range in.object.All() {
		keys = append(keys, starlark.String(k))
	}
	return starlark.NewList(keys).Iterate()
}

// CompareSameType compares as dicts compare.
func (in *input) CompareSameType(op syntax.Token, y starlark.Value, depth int) (bool, error) {
	return starlark.CompareDepth(op, toStarlark(in.object), toStarlark(y.(*input).object), depth)
}

// value is one of the input's, with the secrets that are in it.
func (in *input) value(name string, v any) starlark.Value {
	below := secretsBelow(in.secrets, name)
	if len(below) == 0 {
		return toStarlark(v)
	}
	switch v := v.(type) {
	case *service.Object:
		return &input{v, below}
	case []any:
		return rowsValue(v, below)
	default:
		return toStarlark(v)
	}
}

// rowsValue is a list of objects that hold secrets.
func rowsValue(rows []any, secrets []string) starlark.Value {
	list := make([]starlark.Value, len(rows))
	for i, row := range rows {
		if o, ok := row.(*service.Object); ok {
			list[i] = &input{o, secrets}
		} else {
			list[i] = toStarlark(row)
		}
	}
	return starlark.NewList(list)
}

// requireAny is input.require_any(*names): one of them at least must be there and not empty.
func (in *input) requireAny(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	names := make([]string, len(args))
	for i, arg := range args {
		name, ok := starlark.AsString(arg)
		if !ok || len(kwargs) > 0 {
			return nil, fmt.Errorf("%s: expected names", b.Name())
		}
		if v, ok := in.object.Get(name); ok && v != nil && v != "" {
			return starlark.None, nil
		}
		names[i] = name
	}
	return nil, service.Errorf(service.Invalid, "input is not valid: one of %s must be given", strings.Join(names, ", "))
}

func secretsBelow(secrets []string, name string) (below []string) {
	for _, s := range secrets {
		if rest, ok := strings.CutPrefix(s, name+"."); ok {
			below = append(below, rest)
		}
	}
	return below
}

// hidden is v with *** for what is secret.
func hidden(v any, secrets []string) any {
	if len(secrets) == 0 {
		return v
	}
	switch v := v.(type) {
	case *service.Object:
		out := v.Clone()
		for name, e := range v.All() {
			if slices.Contains(secrets, name) {
				out.Set(name, "***")
			} else {
				out.Set(name, hidden(e, secretsBelow(secrets, name)))
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = hidden(e, secrets)
		}
		return out
	default:
		return v
	}
}

// builtin is a function without arguments.
func builtin(name string, fn func() (starlark.Value, error)) *starlark.Builtin {
	return starlark.NewBuiltin(name, func(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		if err := starlark.UnpackArgs(b.Name(), args, kwargs); err != nil {
			return nil, err
		}
		return fn()
	})
}
