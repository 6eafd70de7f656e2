// Package starlark runs hot-deployed services: files in Starlark, Google's embedded Python dialect. It
// compiles them, runs their top level within limits, and gives each service they declare as a
// service.Service whose handler sees the self object.
package starlark

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sort"
	"strings"
	"time"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"

	"github.com/parley-run/parley/runtime/service"
)

// File is a service file's source. Name is its base name, such as "tutorial.star".
type File struct {
	Name   string
	Source []byte
}

// Limits bound what the top level of a file may take. A request is bounded by its deadline.
type Limits struct {
	Time  time.Duration
	Steps uint64
}

// RestartLimits are for files that were accepted before: a busy machine must not keep them from running again.
func RestartLimits() Limits {
	l := DefaultLimits()
	l.Time = 30 * time.Second
	return l
}

// DefaultLimits are a second and 5 million steps (a list grown by each of them
// takes 80 MB).
func DefaultLimits() Limits { return Limits{Time: time.Second, Steps: 5_000_000} }

// Deployed is a service and where it was declared.
type Deployed struct {
	service.Service
	File     string
	Position string // file:line:column of its declaration
}

// Set is the compiled files of one snapshot: immutable, safe for concurrent use.
type Set struct{ units map[string]*unit }

// unit is one compiled file: its frozen globals and the services it declares.
type unit struct {
	name     string
	source   []byte
	loads    []loadStatement
	deps     []*unit // what loads gave, in the same order
	globals  starlark.StringDict
	services []Deployed
	err      error
}

// Load compiles files and runs their top levels. Units of prev whose source, and all that they load, is
// unchanged are taken over as they are. Files that cannot run are left out of the Set and named in the map,
// each with a *FileError. Files can use modules beside what is there for all; they must be the same in every call, and safe
// for concurrent use.
func Load(ctx context.Context, files []File, prev *Set, limits Limits, log *slog.Logger, modules ...*starlarkstruct.Module) (*Set, map[string]error) {
	l := &loader{limits: limits, log: log, prev: prev, modules: modules, files: make(map[string]File, len(files)), units: make(map[string]*unit, len(files))}
	for _, f := range files {
		l.files[f.Name] = f
	}
	faults := map[string]error{}
	for _, f := range files {
		if u := l.unit(ctx, f.Name, nil); u.err != nil {
			faults[f.Name] = u.err
			continue
		}
	}
	for name := range faults {
		delete(l.units, name)
	}
	set := &Set{units: l.units}
	set.dropDuplicates(prev, faults)
	return set, faults
}

// Services are those of all files, by file and then in declared order.
func (s *Set) Services() []Deployed {
	if s == nil {
		return nil
	}
	var out []Deployed
	for _, name := range s.names() {
		out = append(out, s.units[name].services...)
	}
	return out
}

// Of is the services that one file declares.
func (s *Set) Of(file string) []Deployed {
	if s == nil || s.units[file] == nil {
		return nil
	}
	return s.units[file].services
}

func (s *Set) names() []string {
	names := make([]string, 0, len(s.units))
	for name := range s.units {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// dropDuplicates leaves out files that claim a service name which another one has. The file that had the name
// before keeps it; among newcomers the first by file name does.
func (s *Set) dropDuplicates(prev *Set, faults map[string]error) {
	names := s.names()
	slices.SortStableFunc(names, func(a, b string) int {
		return rank(s.units[a], prev) - rank(s.units[b], prev)
	})
	owner := map[string]Deployed{}
	for _, name := range names {
		u := s.units[name]
		var clashes []string
		for _, d := range u.services {
			if first, taken := owner[d.Name]; taken {
				clashes = append(clashes, fmt.Sprintf("%s: the service %q is declared by %s already; give one of them another name or undeploy %s",
					d.Position, d.Name, first.Position, first.File))
			}
		}
		if len(clashes) > 0 {
			faults[name] = &FileError{File: name, Faults: clashes}
			delete(s.units, name)
			continue
		}
		for _, d := range u.services {
			owner[d.Name] = d
		}
	}
}

// rank orders files by how long they have been there: unchanged, changed, new.
func rank(u *unit, prev *Set) int {
	switch {
	case prev == nil || prev.units[u.name] == nil:
		return 2
	case prev.units[u.name] != u:
		return 1
	default:
		return 0
	}
}

type loader struct {
	limits Limits
	log    *slog.Logger
	prev   *Set
	files  map[string]File
	units  map[string]*unit

	modules []*starlarkstruct.Module
}

// unit is the compiled form of the file called name, made now if it was not yet. chain is who loads it.
func (l *loader) unit(ctx context.Context, name string, chain []string) *unit {
	if u := l.units[name]; u != nil {
		return u
	}
	if slices.Contains(chain, name) {
		circle := strings.Join(append(chain, name), " loads ")
		return &unit{name: name, err: fmt.Errorf("files load each other in a circle: %s", circle)}
	}
	u := l.compile(ctx, l.files[name], append(slices.Clone(chain), name))
	l.units[name] = u
	return u
}

func (l *loader) compile(ctx context.Context, f File, chain []string) *unit {
	if l.prev != nil {
		if old := l.prev.units[f.Name]; old != nil && bytes.Equal(old.source, f.Source) && l.same(ctx, old, chain) {
			return old
		}
	}
	u := &unit{name: f.Name, source: f.Source}
	f.Source = bytes.TrimPrefix(f.Source, []byte("\ufeff"))
	registry := newRegistry(f.Name)
	predeclared := registry.predeclared()
	for _, m := range l.modules {
		predeclared[m.Name] = m
	}
	tree, program, err := starlark.SourceProgramOptions(dialect(), f.Name, f.Source, predeclared.Has)
	if err != nil {
		u.err = compileError(f.Name, f.Source, err)
		return u
	}
	u.loads = loadsOf(tree)
	for _, load := range u.loads {
		dep, err := l.dependency(ctx, load, chain)
		if err != nil {
			u.err = &FileError{File: f.Name, Faults: []string{faultAt(load.pos, "%s", err)}}
			return u
		}
		u.deps = append(u.deps, dep)
	}
	globals, err := l.runTopLevel(ctx, u, program, predeclared)
	if err != nil {
		u.err = err
		return u
	}
	u.globals = globals
	u.services, u.err = registry.finish(tree, globals)
	return u
}

// same says whether all that old loads is what it was when old was made.
func (l *loader) same(ctx context.Context, old *unit, chain []string) bool {
	for i, load := range old.loads {
		if dep, err := l.dependency(ctx, load, chain); err != nil || dep != old.deps[i] {
			return false
		}
	}
	return true
}

func (l *loader) dependency(ctx context.Context, load loadStatement, chain []string) (*unit, error) {
	if _, ok := l.files[load.module]; !ok {
		return nil, fmt.Errorf("load: no file %q is deployed; deploy it first or together with this one", load.module)
	}
	dep := l.unit(ctx, load.module, chain)
	if dep.err != nil {
		return nil, fmt.Errorf("load: %q cannot be used: %w", load.module, dep.err)
	}
	return dep, nil
}

func (l *loader) runTopLevel(ctx context.Context, u *unit, program *starlark.Program, predeclared starlark.StringDict) (globals starlark.StringDict, err error) {
	thread := &starlark.Thread{Name: u.name, Print: func(_ *starlark.Thread, msg string) { l.log.Info("print", "file", u.name, "text", msg) }}
	thread.Load = func(_ *starlark.Thread, module string) (starlark.StringDict, error) {
		return l.units[module].globals, nil
	}
	thread.SetMaxExecutionSteps(l.limits.Steps)
	limited, cancel := context.WithTimeout(ctx, l.limits.Time)
	defer cancel()
	defer context.AfterFunc(limited, func() { thread.Cancel("time limit") })()
	// A request's panic is the node's to recover; here the caller may be a pickup folder, or a server that starts.
	defer func() {
		if p := recover(); p != nil {
			globals, err = nil, panicked(thread, u.name, p)
		}
	}()
	globals, err = program.Init(thread, predeclared)
	if err == nil {
		globals.Freeze()
		return globals, nil
	}
	fault := runError(u.name, err)
	if limited.Err() != nil || thread.ExecutionSteps() >= l.limits.Steps {
		place, _, _ := strings.Cut(fault.Faults[0], ": ")
		fault.Faults = []string{fmt.Sprintf("%s: the top level of the file does not end (stopped after %s or %d steps); move such work into handle",
			place, l.limits.Time, l.limits.Steps)}
	}
	return nil, fault
}

// dialect is Starlark with sets, and if and for at the top level; without while, recursion and reassigned globals.
func dialect() *syntax.FileOptions { return &syntax.FileOptions{Set: true, TopLevelControl: true} }

// loadStatement is one load("file.star", ...) of a file.
type loadStatement struct {
	module string
	pos    syntax.Position
}

func loadsOf(tree *syntax.File) []loadStatement {
	var out []loadStatement
	for _, stmt := range tree.Stmts {
		if load, ok := stmt.(*syntax.LoadStmt); ok {
			out = append(out, loadStatement{module: load.ModuleName(), pos: load.Module.TokenPos})
		}
	}
	return out
}
