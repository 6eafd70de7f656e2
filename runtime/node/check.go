package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"

	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/folder"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/stats"
)

// Checked is what a program of servers says of a cluster that it might run: it understands cluster.yaml and may use the
// database. It is printed as JSON.
type Checked struct {
	Program     string   `json:"program"`     // import path of its main package
	Version     string   `json:"version"`     // such as "v1.2.0", or "(devel) 1a2b3c4d5e6f"
	Go          string   `json:"go"`          // such as go1.26
	Revision    int64    `json:"revision"`    // of the catalog that it looked at
	Services    []string `json:"services"`    // that it would run, deployed and compiled in
	Quarantined []string `json:"quarantined"` // "kind name: why", of the catalog: what it could not run
	Notes       []string `json:"notes"`       // what could not be tried, and why
}

// Check tries a server with these services on the cluster in the folder dir, without starting it, and writes what it found
// to out. Nothing is changed, no address is listened on, and nobody is called but the vault that secrets are in.
func Check(ctx context.Context, dir, name string, out io.Writer, services ...service.Service) error {
	f, err := folder.Open(dir)
	if err != nil {
		return err
	}
	if _, err := f.Server(name); err != nil {
		return err
	}
	c := Checked{Services: []string{}, Quarantined: []string{}, Notes: []string{}}
	c.Program, c.Version, c.Go = build()
	if err := c.try(ctx, f, name, services); err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(c)
}

// try builds what the server would run, and lets go of it.
func (c *Checked) try(ctx context.Context, f *folder.Folder, name string, services []service.Service) (err error) {
	n, done, err := trial(ctx, f, name, services)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	snapshot, err := catalog.Inspect(ctx, f.Cluster.Database.URL, f.CatalogDB())
	if errors.Is(err, catalog.ErrPending) {
		c.Notes = append(c.Notes, "this program changes the database's schema when it starts, so the catalog was not tried on it")
		snapshot, err = n.emptySnapshot(), nil
	}
	if err != nil {
		return err
	}
	c.Revision = snapshot.Revision
	next, report, err := n.Build(ctx, nil, snapshot, false)
	if err != nil {
		return err
	}
	made, _ := next.(built)
	c.Services = slices.DeleteFunc(append(c.Services, slices.Sorted(maps.Keys(made.state.services))...), n.isOwn)
	for key, why := range report.Quarantined {
		c.Quarantined = append(c.Quarantined, fmt.Sprintf("%s %s: %v", key.Kind, key.Name, why))
	}
	slices.Sort(c.Quarantined)
	next.Discard()
	n.closing.Wait()
	return nil
}

// trial is a server that can build what it would run, and nothing else. Whoever has it calls done.
func trial(ctx context.Context, f *folder.Folder, name string, services []service.Service) (_ *Node, done func() error, err error) {
	n, err := newNode(Config{Folder: f, Server: name, Services: services, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, nil, err
	}
	var undo []func() error
	undoAll := func() (err error) {
		for _, one := range slices.Backward(undo) {
			err = errors.Join(err, one())
		}
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, undoAll())
		}
	}()
	scratch, err := os.MkdirTemp("", "parley-check-*")
	if err != nil {
		return nil, nil, err
	}
	undo = append(undo, func() error { return os.RemoveAll(scratch) })
	if n.stats, err = stats.Open(ctx, filepath.Join(scratch, "stats.db"), name, n.log); err != nil {
		return nil, nil, err
	}
	undo = append(undo, n.stats.Close)
	if err := n.addCompiled(slices.Concat(n.ownServices(), services)); err != nil {
		return nil, nil, err
	}
	if n.has(folder.AreaKVDB) {
		if err := n.openKVDB(); err != nil {
			return nil, nil, err
		}
		undo = append(undo, func() error { return n.kvdb.conn.Close(ctx) })
	}
	if err := n.addInternals(); err != nil {
		return nil, nil, err
	}
	n.leaving, n.leave = context.WithCancel(ctx)
	undo = append(undo, func() error {
		n.leave()
		return nil
	})
	n.runners = newRunners(ctx)
	n.current.Store(n.nothing())
	n.live = catalog.NewLive(nil, n, n.log)
	return n, undoAll, nil
}

// build is what this program is made of.
func build() (program, version, goVersion string) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "", "(unknown)", ""
	}
	version = info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			version += " " + s.Value[:min(12, len(s.Value))]
		}
	}
	return info.Path, version, info.GoVersion
}
