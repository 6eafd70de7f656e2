package node

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/deploy"
	"github.com/parley-run/parley/runtime/enmasse"
	"github.com/parley-run/parley/runtime/folder"
	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/service"
)

// CheckedFiles is what CheckFiles found.
type CheckedFiles struct {
	Faults      []string `json:"faults"`      // as file:line:column: message, where a file is to blame
	Notes       []string `json:"notes"`       // what could not be tried here, and why
	Definitions int      `json:"definitions"` // how many the files hold, if all can be read
	Services    []string `json:"services"`    // that the service files declare
}

// CheckFiles builds what a server would run of definitions and service files, as an import and a deployment into an empty
// catalog would: or with f, into that of its cluster, which need not run. Nothing is changed, no address is listened on, and
// nobody is called but the vault that secrets are in. A secret that is not on this machine is a note.
func CheckFiles(ctx context.Context, f *folder.Folder, b Brought) (out CheckedFiles, err error) {
	out = CheckedFiles{Faults: []string{}, Notes: []string{}, Services: []string{}}
	if f == nil {
		scratch, err := os.MkdirTemp("", "parley-check-*")
		if err != nil {
			return out, err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
		if f, err = folder.OpenAlone(scratch, folder.Alone{
			Cluster: "check", Server: "check", Address: "127.0.0.1:17010", Admin: "127.0.0.1:18010", Embedded: "127.0.0.1:16379",
		}); err != nil {
			return out, err
		}
	}
	n, done, err := trial(ctx, f, f.Cluster.Servers[0].Name, nil)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, done()) }()
	n.elsewhere = &elsewhere{keys: map[catalog.Key]string{}}
	defer n.closing.Wait()
	c := checking{Node: n, out: &out, now: n.emptySnapshot()}
	if err := c.start(ctx, f); err != nil {
		return out, err
	}
	if err := c.services(ctx, b.Services); err != nil {
		return out, err
	}
	if err := c.definitions(ctx, b); err != nil {
		return out, err
	}
	for _, key := range slices.SortedFunc(maps.Keys(n.elsewhere.keys), catalog.Key.Compare) {
		why, _, _ := strings.Cut(n.elsewhere.keys[key], ";") // what follows is for servers
		out.Notes = append(out.Notes, fmt.Sprintf("%s %q: its secret is not tried: %s", key.Kind, key.Name, why))
	}
	return out, nil
}

// checking is a catalog that only seems to change.
type checking struct {
	*Node
	out   *CheckedFiles
	now   *catalog.Snapshot
	files []string // of services, that are tried
}

// start takes the catalog of the cluster, and says what of it cannot run.
func (c *checking) start(ctx context.Context, f *folder.Folder) error {
	snapshot, err := catalog.Inspect(ctx, f.Cluster.Database.URL, f.CatalogDB())
	if errors.Is(err, catalog.ErrPending) {
		return nil // there is none yet, or none that this program can read as it is
	}
	if err != nil {
		c.out.Notes = append(c.out.Notes, fmt.Sprintf("what the catalog holds is not tried: %v", err))
		return nil
	}
	faults, err := c.build(ctx, snapshot)
	broken := slices.SortedFunc(maps.Keys(faults), catalog.Key.Compare)
	for _, key := range broken {
		c.out.Faults = append(c.out.Faults, fmt.Sprintf("in the catalog: %s %q: %v", key.Kind, key.Name, faults[key]))
	}
	c.now = snapshot.With(snapshot.Revision, catalog.Change{Delete: broken})
	return err
}

// build tries next, strictly, and gives what is wrong with it.
func (c *checking) build(ctx context.Context, next *catalog.Snapshot) (map[catalog.Key]error, error) {
	made, _, err := c.Build(ctx, nil, next, true)
	var refused *catalog.Refusal
	if errors.As(err, &refused) {
		return c.elsewhere.without(refused.Refused()), nil
	}
	if err != nil {
		return nil, err
	}
	if b, ok := made.(built); ok {
		c.out.Services = []string{}
		for _, o := range c.files {
			for _, d := range b.state.set.Of(o) {
				c.out.Services = append(c.out.Services, d.Name)
			}
		}
	}
	made.Discard()
	return nil, nil //nolint:nilnil // nothing is wrong
}

// services tries the service files, all of them together. Those that cannot run are left out of what follows.
func (c *checking) services(ctx context.Context, files []deploy.File) error {
	change := catalog.Change{By: "check"}
	paths := map[string]string{} // by name
	for _, f := range files {
		name := filepath.Base(f.Name)
		if other, twice := paths[name]; twice {
			c.out.Faults = append(c.out.Faults, fmt.Sprintf("%s: %s has the same name: files are deployed by name, without a folder", f.Name, other))
			continue
		}
		o, err := deploy.NewObject(name, f.Source)
		if err != nil {
			c.out.Faults = append(c.out.Faults, at(f.Name, name, err.Error()))
			continue
		}
		paths[name] = f.Name
		change.Put = append(change.Put, o)
	}
	for len(change.Put) > 0 {
		c.files = nil
		for _, o := range change.Put {
			c.files = append(c.files, o.Name)
		}
		next := c.now.With(c.now.Revision+1, change)
		faults, err := c.build(ctx, next)
		if err != nil {
			return err
		}
		kept := slices.DeleteFunc(slices.Clone(change.Put), func(o catalog.Object) bool { return faults[o.Key()] != nil })
		if len(kept) == len(change.Put) {
			c.now = next
			return nil
		}
		for _, o := range change.Put {
			if fault := faults[o.Key()]; fault != nil {
				c.out.Faults = append(c.out.Faults, at(paths[o.Name], o.Name, fault.Error()))
			}
		}
		change.Put = kept // of those that are right by themselves, some may load what is not
	}
	return nil
}

// at is what was said of a service file, under the path that the user knows it by.
func at(path, name, message string) string {
	var lines []string
	for text := range strings.SplitSeq(message, "\n") {
		if rest, ok := strings.CutPrefix(text, name+":"); ok {
			text = path + ":" + rest
		}
		lines = append(lines, text)
	}
	if text := strings.Join(lines, "\n"); strings.HasPrefix(text, path) {
		return text
	}
	return path + ": " + strings.Join(lines, "\n")
}

// definitions tries the definitions on what the catalog would hold then.
func (c *checking) definitions(ctx context.Context, b Brought) error {
	if len(b.Definitions) == 0 {
		return nil
	}
	all := enmasse.Services(enmasse.Deps{Catalog: c, Kinds: kinds{c.Node}, By: "check", Settle: nobody})
	var done enmasse.ImportOut
	err := invoke(ctx, all, "parley.enmasse.import", enmasse.ImportIn{Files: b.Definitions, Env: b.Env}, &done)
	var refusal *service.Error
	if errors.As(err, &refusal) && refusal.Code == service.Invalid {
		c.out.Faults = append(c.out.Faults, strings.Split(refusal.Message, "\n")...)
		return nil
	}
	c.out.Definitions = len(done.Created) + len(done.Updated) + done.Unchanged
	return err
}

// Current is what an import changes.
func (c *checking) Current() *catalog.Snapshot { return c.now }

// Apply tries a change.
func (c *checking) Apply(ctx context.Context, change catalog.Change) (int64, error) {
	next := c.now.With(c.now.Revision+1, change)
	faults, err := c.build(ctx, next)
	if err == nil && len(faults) > 0 {
		err = catalog.NewRefusal(faults)
	}
	return next.Revision, err
}

// elsewhere are the objects of a check whose secrets are not on this machine, and why.
type elsewhere struct {
	mu   sync.Mutex
	keys map[catalog.Key]string
}

// reveal gives a text in place of a secret that is not here.
func (e *elsewhere) reveal(key catalog.Key, look revealer) revealer {
	return func(field string, s kind.Secret) (string, error) {
		text, err := look(field, s)
		if err != nil && s.IsReference() {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.keys[key] = err.Error()
			return "not-here", nil
		}
		return text, err
	}
}

// without leaves out what is said of an object whose secret is not here, or of one that names it: nobody can tell.
func (e *elsewhere) without(faults map[catalog.Key]error) map[catalog.Key]error {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := maps.Clone(faults)
	for key := range e.keys {
		if faults[key] == nil {
			continue
		}
		delete(out, key)
		maps.DeleteFunc(out, func(_ catalog.Key, err error) bool { return strings.Contains(err.Error(), strconv.Quote(key.Name)) })
	}
	return out
}
