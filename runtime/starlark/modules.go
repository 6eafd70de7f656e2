package starlark

import (
	"go.starlark.net/starlark"
)

// ToValue is v, which is in the neutral form, as services see it. It is for modules that are passed to Load.
func ToValue(v any) starlark.Value { return toStarlark(v) }

// FromValue is v in the neutral form. Its errors name the type that has none.
func FromValue(v starlark.Value) (any, error) { return fromStarlark(v) }
