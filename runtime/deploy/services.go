package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/spelling"
)

// Server is what the internal services need of the server that they run on.
type Server interface {
	Catalog
	// WaitFor waits until every server that counts serves revision or a later one, or its own patience or
	// ctx ends. The results name every server that counts, those that do not serve it too.
	WaitFor(ctx context.Context, revision int64) ([]Result, error)
	// Silent names the servers that should answer and have not for so long that they do not count.
	Silent(ctx context.Context) ([]string, error)
}

// Result is one server's part in a change.
type Result struct {
	Server   string
	Revision int64   // that the server serves
	OK       bool    // it serves the change, all of it
	MS       float64 `sio:"ms"` // from the start of the wait until the server said so
	Error    string  // why not; empty where OK
}

// Deps is what the internal services need.
type Deps struct {
	Catalog Server
	By      string // who changes the catalog, for the audit log, such as "admin server1"
	History History
}

// Services are parley.service.deploy, undeploy, source, history and roll-back.
func Services(d Deps) []service.Service {
	return []service.Service{
		service.New("parley.service.deploy", d.deploy).
			WithDoc("deploys service files to every server of the cluster, all or nothing").Needs(service.Deploy),
		service.New("parley.service.undeploy", d.undeploy).
			WithDoc("removes service files from every server of the cluster, all or nothing").Needs(service.Deploy),
		service.New("parley.service.source", d.source).
			WithDoc("the source of a service file, as it is or as it was at a revision").Needs(service.Read),
		service.New("parley.service.history", d.history).
			WithDoc("the last deployments of a service file: when, by whom, and whether it can be rolled back to").Needs(service.Read),
		service.New("parley.service.roll-back", d.rollBack).
			WithDoc("deploys a service file as it was at a revision").Needs(service.Deploy),
	}
}

// File is a service file.
type File struct {
	Name   string // without a folder, such as tutorial.star
	Source string
}

// DeployIn is the input of parley.service.deploy.
type DeployIn struct{ Files []File }

// UndeployIn is the input of parley.service.undeploy: names of files or of services. A service takes its file
// with it, which must hold no other.
type UndeployIn struct{ Names []string }

// Out is what both answer.
type Out struct {
	Revision int64    // that holds the change
	Services []string // that the files declare; of undeploy, that are gone
	Servers  []Result
	Gone     []string // of deploy: services that the files declared before and that nobody declares now
	Idle     []string // of deploy: those of the files that declare no service and that no other file names
	Silent   []string // servers that do not answer and do not count: whether they serve the change is not known
}

func (d Deps) deploy(ctx context.Context, _ service.Runtime, in DeployIn) (Out, error) {
	if len(in.Files) == 0 {
		return Out{}, service.Errorf(service.Invalid, "files: none given; expected at least one {name, source}")
	}
	change := catalog.Change{By: d.By}
	var problems []string
	seen := map[string]bool{}
	for n, f := range in.Files {
		switch {
		case f.Name == "":
			problems = append(problems, fmt.Sprintf("files[%d]: name is missing", n))
			continue
		case isBlank(f.Source):
			problems = append(problems, fmt.Sprintf("files[%d]: source of %q is missing or empty; parley.service.undeploy removes a file", n, f.Name))
			continue
		}
		o, err := NewObject(f.Name, f.Source)
		switch {
		case err != nil:
			problems = append(problems, err.Error())
		case seen[f.Name]:
			problems = append(problems, fmt.Sprintf("file %q is given twice", f.Name))
		}
		seen[f.Name] = true
		change.Put = append(change.Put, o)
	}
	if len(problems) > 0 {
		return Out{}, service.Errorf(service.Invalid, "%s", strings.Join(problems, "\n"))
	}
	var before []string
	for _, f := range in.Files {
		before = append(before, d.Catalog.ServicesOf(f.Name)...)
	}
	revision, err := d.Catalog.Apply(ctx, change)
	if err != nil {
		return Out{}, err
	}
	out := Out{Revision: revision}
	for _, f := range in.Files {
		declared := d.Catalog.ServicesOf(f.Name)
		out.Services = append(out.Services, declared...)
		if len(declared) == 0 && !d.isNamed(f.Name) {
			out.Idle = append(out.Idle, f.Name)
		}
	}
	out.Gone = without(before, out.Services)
	slices.Sort(out.Gone)
	return d.wait(ctx, out)
}

// isNamed says that a deployed file names this one, as those do that load it.
func (d Deps) isNamed(file string) bool {
	for _, o := range d.Catalog.Current().Objects {
		if o.Kind != FileKind || o.Name == file {
			continue
		}
		source, err := Source(o)
		if err == nil && (strings.Contains(source, `"`+file+`"`) || strings.Contains(source, "'"+file+"'")) {
			return true
		}
	}
	return false
}

func (d Deps) undeploy(ctx context.Context, _ service.Runtime, in UndeployIn) (Out, error) {
	if len(in.Names) == 0 {
		return Out{}, service.Errorf(service.Invalid, "names: none given; expected files such as tutorial.star, or services")
	}
	files, err := d.filesOf(in.Names)
	if err != nil {
		return Out{}, err
	}
	change := catalog.Change{By: d.By}
	var out Out
	for _, file := range files {
		change.Delete = append(change.Delete, catalog.Key{Kind: FileKind, Name: file})
		out.Services = append(out.Services, d.Catalog.ServicesOf(file)...)
	}
	if out.Revision, err = d.Catalog.Apply(ctx, change); err != nil {
		return Out{}, err
	}
	return d.wait(ctx, out)
}

// filesOf finds the deployed files that names mean, each once.
func (d Deps) filesOf(names []string) ([]string, error) {
	declared := map[string][]string{} // services by file
	owners := map[string]string{}     // file by service
	var known []string
	for _, o := range d.Catalog.Current().Objects {
		if o.Kind != FileKind {
			continue
		}
		declared[o.Name] = d.Catalog.ServicesOf(o.Name)
		known = append(append(known, o.Name), declared[o.Name]...)
		for _, s := range declared[o.Name] {
			owners[s] = o.Name
		}
	}
	var files, unknown, shared []string
	for _, name := range names {
		if _, ok := declared[name]; ok {
			files = append(files, name)
			continue
		}
		file, ok := owners[name]
		if !ok {
			unknown = append(unknown, unknownName(name, known))
			continue
		}
		if left := without(declared[file], names); len(left) > 0 && !slices.Contains(names, file) {
			shared = append(shared, fmt.Sprintf("service %q is in %s with %s; undeploy the file to remove all of them", name, file, strings.Join(left, ", ")))
		}
		files = append(files, file)
	}
	if len(unknown) > 0 {
		return nil, service.Errorf(service.NotFound, "%s", strings.Join(append(unknown, shared...), "\n"))
	}
	if len(shared) > 0 {
		return nil, service.Errorf(service.Conflict, "%s", strings.Join(shared, "\n"))
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}

func unknownName(name string, known []string) string {
	if near := spelling.Nearest(name, known); near != "" {
		return fmt.Sprintf("no deployed file or service is named %q; did you mean %q?", name, near)
	}
	return fmt.Sprintf("no deployed file or service is named %q", name)
}

// without is all but those in names.
func without(all, names []string) []string {
	var out []string
	for _, one := range all {
		if !slices.Contains(names, one) {
			out = append(out, one)
		}
	}
	return out
}

// wait adds what the servers say. The change is made by now: not knowing what became of it is said as that.
func (d Deps) wait(ctx context.Context, out Out) (Out, error) {
	slices.Sort(out.Services)
	servers, err := d.Catalog.WaitFor(ctx, out.Revision)
	if err == nil {
		out.Silent, err = d.Catalog.Silent(ctx)
	}
	if err != nil {
		code := service.Unavailable
		if errors.Is(err, context.DeadlineExceeded) {
			code = service.Timeout
		}
		return Out{}, &service.Error{
			Code:    code,
			Message: fmt.Sprintf("saved as revision %d, but it is not known which servers serve it", out.Revision),
			Fix:     "ask with parley status", Err: err,
		}
	}
	out.Servers = servers
	return out, nil
}
