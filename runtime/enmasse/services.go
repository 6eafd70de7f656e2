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
	Areas   []Area
	Env     func(string) (string, bool) // this process's environment; nil: none
	By      string                      // who changes the catalog, for the audit log, such as "admin server1"
	// Settle waits until every server that counts serves revision, and says which do not, and why.
	Settle func(ctx context.Context, revision int64) (behind []string, err error)
}

// Services are the internal services parley.enmasse.*, parley.object.* and those of the areas.
func Services(d Deps) []service.Service {
	return slices.Concat([]service.Service{
		service.New("parley.enmasse.import", d.importFiles).
			WithDoc("puts the definitions of YAML files into the catalog, all or nothing; what they do not name stays, unless prune is given").Needs(service.Manage),
		service.New("parley.enmasse.diff", d.diff).
			WithDoc("what an import of YAML files would add, change, and with prune delete").Needs(service.Manage),
		service.New("parley.enmasse.export", d.export).
			WithDoc("the catalog's definitions as a YAML or JSON file").Needs(service.Read),
	}, d.objectServices(), d.areaServices())
}

// ImportFile is a file to import.
type ImportFile struct {
	Name     string // for messages
	Content  string
	Included bool `json:",omitempty" sio:",optional"` // read where another file names it: see Gather
}

// ImportIn is the input of parley.enmasse.import.
type ImportIn struct {
	Files []ImportFile
	// Env holds variables of the caller's environment (see Variables); the server's own come after it.
	Env     map[string]string `sio:",optional"`
	Dialect string            `sio:",optional"` // zato: the files are Zato's; empty: our own
	Prune   bool              `sio:",optional"` // delete what no file names
	// Deletes says how many that are: where it is more than half of all definitions, nothing happens unless it is given.
	Deletes int `sio:",optional"`
}

// Named is an object of the catalog.
type Named struct{ Kind, Name string }

// ImportOut is the output of parley.enmasse.import.
type ImportOut struct {
	Revision  int64 // that holds the definitions
	Created   []Named
	Updated   []Named
	Deleted   []Named
	Unchanged int      // how many were there already
	LeftOut   []string // what of Zato's files has no counterpart here, and why, a line each
	// Behind says which servers do not serve the definitions, and why.
	Behind []string
}

func (d Deps) importFiles(ctx context.Context, _ service.Runtime, in ImportIn) (ImportOut, error) {
	definitions, leftOut, now, err := d.read(in.Files, in.Env, in.Dialect)
	if err != nil {
		return ImportOut{}, err
	}
	change, outcome := definitions.Change(now, d.By)
	if in.Prune {
		change.Delete = definitions.missing(now, d.Kinds)
		if err := mayDelete(change.Delete, now, d.Kinds, in.Deletes); err != nil {
			return ImportOut{}, err
		}
	}
	out := ImportOut{
		Revision: now.Revision, Created: named(outcome.Created), Updated: named(outcome.Updated), Deleted: named(change.Delete),
		Unchanged: outcome.Unchanged, LeftOut: leftOut,
	}
	if len(change.Put) == 0 && len(change.Delete) == 0 {
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

// read is the definitions of files as the catalog would keep them, and the snapshot that they were compared with.
func (d Deps) read(in []ImportFile, env map[string]string, dialect string) (Definitions, []string, *catalog.Snapshot, error) {
	files := make([]File, len(in))
	for i, f := range in {
		files[i] = File(f)
	}
	lookUp := func(name string) (string, bool) {
		if value, ok := env[name]; ok {
			return value, true
		}
		if d.Env == nil {
			return "", false
		}
		return d.Env(name)
	}
	var definitions Definitions
	var faults Faults
	leftOut := []string{}
	switch dialect {
	case "":
		definitions, faults = Parse(files, d.Kinds, lookUp)
	case "zato":
		definitions, leftOut, faults = ParseZato(files, d.Kinds, lookUp)
	default:
		return nil, nil, nil, service.Errorf(service.Invalid, "unknown dialect %q; expected zato, or nothing for our own files", dialect)
	}
	now := d.Catalog.Current()
	if len(faults) == 0 {
		definitions, faults = definitions.settle(now, d.Kinds)
	}
	if err := faults.Err(); err != nil {
		return nil, nil, nil, &service.Error{Code: service.Invalid, Message: err.Error(), Err: err}
	}
	return definitions, leftOut, now, nil
}

// missing are the objects of now that d does not define. Those of kinds that nobody knows here are let alone.
func (d Definitions) missing(now *catalog.Snapshot, kinds Kinds) []catalog.Key {
	defined := make(map[catalog.Key]bool, len(d))
	for _, def := range d {
		defined[def.Key] = true
	}
	var out []catalog.Key
	for _, key := range definedIn(now, kinds) {
		if !defined[key] {
			out = append(out, key)
		}
	}
	return out
}

// definedIn are the objects of now that files define: all but service files.
func definedIn(now *catalog.Snapshot, kinds Kinds) []catalog.Key {
	known := kinds.Names()
	var out []catalog.Key
	for _, o := range now.Objects {
		if slices.Contains(known, o.Kind) {
			out = append(out, o.Key())
		}
	}
	return out
}

// mayDelete refuses what a file that is empty or cut off would do. said is how many the caller expects to lose; 0: not said.
func mayDelete(keys []catalog.Key, now *catalog.Snapshot, kinds Kinds, said int) error {
	all := len(definedIn(now, kinds))
	switch {
	case said != 0 && said != len(keys):
		return &service.Error{
			Code: service.Invalid, Message: fmt.Sprintf("%d definitions would be deleted, not the %d that were said", len(keys), said),
			Fix: "see which with parley enmasse diff",
		}
	case said == 0 && 2*len(keys) > all:
		return &service.Error{
			Code:    service.Invalid,
			Message: fmt.Sprintf("%d of %d definitions would be deleted, for no file names them", len(keys), all),
			Fix:     fmt.Sprintf("is a file empty, cut off or missing? If not, say so with --prune --deletes %d", len(keys)),
		}
	}
	return nil
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

// ExportIn is the input of parley.enmasse.export.
type ExportIn struct {
	Format string `sio:",optional"` // yaml or json; empty: yaml
}

// ExportOut is the output of parley.enmasse.export.
type ExportOut struct {
	Revision int64
	Content  string // the file
}

func (d Deps) export(_ context.Context, _ service.Runtime, in ExportIn) (ExportOut, error) {
	now := d.Catalog.Current()
	write := Export
	switch in.Format {
	case "", "yaml":
	case "json":
		write = ExportJSON
	default:
		return ExportOut{}, service.Errorf(service.Invalid, "unknown format %q; expected yaml or json", in.Format)
	}
	content, err := write(now, d.Kinds)
	return ExportOut{Revision: now.Revision, Content: content}, err
}

// titled is cause, with the object that it is about unless it says so itself.
func titled(key catalog.Key, cause error) string {
	title := fmt.Sprintf("%s %q: ", key.Kind, key.Name)
	return title + strings.TrimPrefix(cause.Error(), title)
}
