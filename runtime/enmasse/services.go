package enmasse

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/service"
)

// Catalog is what import and export need of it.
type Catalog interface {
	Current() *catalog.Snapshot
	// Apply makes c serve and saves it, or changes nothing. A refusal of what c holds is a *service.Error;
	// where it is a Refusal too, its faults are placed in the files.
	Apply(ctx context.Context, c catalog.Change) (revision int64, err error)
}

// Refusal is an error of Apply that knows which objects cannot run, and why.
type Refusal interface {
	error
	Refused() map[catalog.Key]error
}

// Deps is what the internal services need.
type Deps struct {
	Catalog Catalog
	Kinds   Kinds
	Env     func(string) (string, bool) // this process's environment; nil: none
	By      string                      // who changes the catalog, for the audit log, such as "admin server1"
	// Settle waits until every server that counts serves revision, and says which do not, and why.
	Settle func(ctx context.Context, revision int64) (behind []string, err error)
}

// Services are parley.enmasse.import and parley.enmasse.export.
func Services(d Deps) []service.Service {
	return []service.Service{
		service.New("parley.enmasse.import", d.importFiles).
			WithDoc("puts the definitions of YAML files into the catalog, all or nothing; what they do not name stays"),
		service.New("parley.enmasse.export", d.export).
			WithDoc("the catalog's definitions as a YAML file"),
	}
}

// ImportFile is a file to import.
type ImportFile struct {
	Name    string // for messages
	Content string
}

// ImportIn is the input of parley.enmasse.import.
type ImportIn struct {
	Files []ImportFile
	// Env holds variables of the caller's environment (see Variables); the server's own come after it.
	Env map[string]string `sio:",optional"`
}

// Named is an object of the catalog.
type Named struct{ Kind, Name string }

// ImportOut is the output of parley.enmasse.import.
type ImportOut struct {
	Revision  int64 // that holds the definitions
	Created   []Named
	Updated   []Named
	Unchanged int // how many were there already
	// Behind says which servers do not serve the definitions, and why.
	Behind []string
}

func (d Deps) importFiles(ctx context.Context, _ service.Runtime, in ImportIn) (ImportOut, error) {
	files := make([]File, len(in.Files))
	for i, f := range in.Files {
		files[i] = File(f)
	}
	definitions, faults := Parse(files, d.Kinds, func(name string) (string, bool) {
		if value, ok := in.Env[name]; ok {
			return value, true
		}
		if d.Env == nil {
			return "", false
		}
		return d.Env(name)
	})
	if err := faults.Err(); err != nil {
		return ImportOut{}, &service.Error{Code: service.Invalid, Message: err.Error(), Err: err}
	}
	now := d.Catalog.Current()
	definitions, faults = definitions.settle(now, d.Kinds)
	if err := faults.Err(); err != nil {
		return ImportOut{}, &service.Error{Code: service.Invalid, Message: err.Error(), Err: err}
	}
	change, outcome := definitions.Change(now, d.By)
	out := ImportOut{Revision: now.Revision, Created: named(outcome.Created), Updated: named(outcome.Updated), Unchanged: outcome.Unchanged}
	if len(change.Put) == 0 {
		return out, nil
	}
	revision, err := d.Catalog.Apply(ctx, change)
	if err != nil {
		return ImportOut{}, definitions.placed(err)
	}
	out.Revision = revision
	out.Behind, err = d.Settle(ctx, revision)
	return out, err
}

// placed puts what a Refusal says at the definitions that it is about.
func (d Definitions) placed(err error) error {
	var refusal Refusal
	if !errors.As(err, &refusal) {
		return err
	}
	refused := maps.Clone(refusal.Refused())
	var faults Faults
	for _, def := range d {
		if cause, ok := refused[def.Key]; ok {
			faults.add(def.At, "%s", titled(def.Key, cause))
			delete(refused, def.Key)
		}
	}
	message := ""
	if len(faults) > 0 {
		message = faults.sorted().Error()
	}
	var others []string
	for key, cause := range refused {
		others = append(others, titled(key, cause))
	}
	slices.Sort(others)
	for _, other := range others {
		if message != "" {
			message += "\n"
		}
		message += other
	}
	return &service.Error{Code: service.Invalid, Message: message, Err: err}
}

func named(keys []catalog.Key) []Named {
	out := make([]Named, len(keys))
	for i, key := range keys {
		out[i] = Named(key)
	}
	return out
}

// ExportOut is the output of parley.enmasse.export.
type ExportOut struct {
	Revision int64
	Content  string // a YAML file
}

func (d Deps) export(_ context.Context, _ service.Runtime, _ struct{}) (ExportOut, error) {
	now := d.Catalog.Current()
	content, err := Export(now, d.Kinds)
	return ExportOut{Revision: now.Revision, Content: content}, err
}

// titled is cause, with the object that it is about unless it says so itself.
func titled(key catalog.Key, cause error) string {
	title := fmt.Sprintf("%s %q: ", key.Kind, key.Name)
	return title + strings.TrimPrefix(cause.Error(), title)
}
