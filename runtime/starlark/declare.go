package starlark

import (
	"fmt"
	"strings"

	starlarkmath "go.starlark.net/lib/math"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"

	"github.com/parley-run/parley/runtime/service"
)

// registry collects what one file declares while its top level runs.
type registry struct {
	file     string
	services []Deployed
	open     bool // service(...) is for the top level alone
}

func newRegistry(file string) *registry { return &registry{file: file, open: true} }

// predeclared is what a file can use without declaring it, beside Starlark's own built-ins.
func (r *registry) predeclared() starlark.StringDict {
	names := starlark.StringDict{
		"service":  starlark.NewBuiltin("service", r.service),
		"SimpleIO": starlark.NewBuiltin("SimpleIO", simpleIO),
		"json":     jsonModule(),
		"math":     starlarkmath.Module,
		"struct":   starlark.NewBuiltin("struct", starlarkstruct.Make),
		"attempt":  starlark.NewBuiltin("attempt", attempt),
		"error":    starlark.NewBuiltin("error", endRequest),
	}
	for name, kind := range fieldTypes() {
		names[name] = starlark.NewBuiltin(name, typedField(kind))
	}
	return names
}

// service is the built-in service(name, handle=None, simple_io=None, doc="", and handle_GET= and the like, and hooks).
func (r *registry) service(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if !r.open {
		return nil, fmt.Errorf("service(...) declares a service at the top level of a file, not while one runs")
	}
	var name, doc string
	var handle starlark.Value = starlark.None
	var io starlark.Value = starlark.None
	fns := &functions{}
	own := kwargs[:0:0]
	for _, pair := range kwargs {
		key, _ := starlark.AsString(pair[0])
		taken := false
		if key != "handle" {
			var err error
			if taken, err = fns.add(key, pair[1]); err != nil {
				return nil, fmt.Errorf("service(...): %w", err)
			}
		}
		if !taken {
			own = append(own, pair)
		}
	}
	if err := starlark.UnpackArgs(b.Name(), args, own, "name", &name, "handle?", &handle, "simple_io?", &io, "doc?", &doc); err != nil {
		return nil, err
	}
	if err := checkName(name); err != nil {
		return nil, err
	}
	if _, err := fns.add("handle", handle); err != nil {
		return nil, fmt.Errorf("service %q: %w", name, err)
	}
	if fns.first() == nil {
		return nil, fmt.Errorf("service %q needs a function: handle=handle, or handle_GET=... and the like", name)
	}
	var shape *service.Shape
	switch io := io.(type) {
	case starlark.NoneType:
	case *simpleIOValue:
		shape = io.shape
	default:
		return nil, fmt.Errorf("simple_io of service %q must be SimpleIO(...), not %s", name, io.Type())
	}
	pos := thread.CallFrame(1).Pos
	for _, d := range r.services {
		if d.Name == name {
			return nil, fmt.Errorf("the service %q is declared at %s already", name, d.Position)
		}
	}
	r.add(name, doc, fns, shape, pos)
	return starlark.None, nil
}

func (r *registry) add(name, doc string, fns *functions, shape *service.Shape, pos syntax.Position) {
	if doc == "" {
		doc, _, _ = strings.Cut(strings.TrimSpace(fns.first().Doc()), "\n")
	}
	r.services = append(r.services, Deployed{
		Service:  fns.service(name, doc, shape),
		File:     r.file,
		Position: fmt.Sprintf("%s:%d:%d", r.file, pos.Line, pos.Col),
	})
}

// finish closes the registry. A file with a handle, or with a handle_GET or the like, and no service(...) is a service named
// after the file; functions of hooks' names are its hooks.
func (r *registry) finish(tree *syntax.File, globals starlark.StringDict) ([]Deployed, error) {
	r.open = false
	if len(r.services) > 0 {
		return r.services, nil
	}
	fns := &functions{}
	var faults []string
	for _, name := range globals.Keys() {
		fn, ok := globals[name].(*starlark.Function)
		if !ok {
			continue
		}
		if _, err := fns.add(name, fn); err != nil {
			faults = append(faults, faultAt(fn.Position(), "%s", err))
		}
	}
	_, hasHandle := globals["handle"].(*starlark.Function)
	if fns.first() == nil && !hasHandle {
		return nil, nil // a file that others load
	}
	if len(faults) > 0 {
		return nil, &FileError{File: r.file, Faults: faults}
	}
	name := strings.ReplaceAll(strings.TrimSuffix(r.file, ".star"), "_", "-")
	if err := checkName(name); err != nil {
		start, _ := tree.Span()
		return nil, &FileError{File: r.file, Faults: []string{faultAt(start, "%s", err)}}
	}
	var shape *service.Shape
	if io, ok := globals["simple_io"].(*simpleIOValue); ok {
		shape = io.shape
	}
	r.add(name, "", fns, shape, fns.first().Position())
	return r.services, nil
}

// maxName is how long a service name may be.
const maxName = 200

// checkName accepts the names of services: letters, digits, dots, dashes and underscores.
func checkName(name string) error {
	if name == "" {
		return fmt.Errorf("a service needs a name")
	}
	if len(name) > maxName {
		return fmt.Errorf("the service name %.40q... is longer than %d characters", name, maxName)
	}
	if i := strings.IndexFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r))
	}); i >= 0 {
		return fmt.Errorf("the service name %q has %q in it; use letters, digits, dots, dashes and underscores", name, []rune(name[i:])[0])
	}
	if strings.HasPrefix(name, "parley.") {
		return fmt.Errorf("the service name %q begins with parley., which is kept for internal services", name)
	}
	return nil
}

// attempt is the built-in attempt(fn, *args, **kwargs): (True, value, None), or (False, None, error) where
// error has code and message. A deadline that has passed still ends the request.
func attempt(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if len(args) == 0 {
		return nil, fmt.Errorf("attempt: expected a function and its arguments")
	}
	v, err := starlark.Call(thread, args[0], args[1:], kwargs)
	if err == nil {
		return starlark.Tuple{starlark.True, v, starlark.None}, nil
	}
	if inv, ok := thread.Local(invocationKey).(*invocation); ok && inv.ctx.Err() != nil {
		return nil, err
	}
	message := err.Error()
	status := 500
	if e := service.AsError(err); e.Code != service.Internal {
		message, status = e.Error(), e.HTTPStatus()
	}
	fault := starlarkstruct.FromStringDict(starlark.String("error"), starlark.StringDict{
		"status": starlark.MakeInt(status), "message": starlark.String(message),
	})
	return starlark.Tuple{starlark.False, starlark.None, fault}, nil
}

// endRequest is the built-in error(status, message): the request ends with that status and message.
func endRequest(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var status int
	var message string
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "status", &status, "message", &message); err != nil {
		return nil, err
	}
	if status < 400 || status > 599 {
		return nil, fmt.Errorf("error: the status of an error is 400 to 599, not %d", status)
	}
	return nil, &service.Error{Code: service.CodeOfHTTPStatus(status), Status: status, Message: message}
}
