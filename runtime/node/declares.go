package node

import (
	"context"
	"log/slog"
	"maps"
	"slices"

	"github.com/parley-run/parley/runtime/starlark"
)

// Declares names the services that each of files, sources by name, would declare if all of them were deployed now.
// One that could not run is missing.
func (n *Node) Declares(ctx context.Context, files map[string]string) (map[string][]string, error) {
	s := n.enter()
	defer s.leave()
	all := make(map[string][]byte, len(s.files)+len(files))
	for name, f := range s.files {
		all[name] = f.source
	}
	for name, source := range files {
		all[name] = []byte(source)
	}
	sources := make([]starlark.File, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		sources = append(sources, starlark.File{Name: name, Source: all[name]})
	}
	// What the files print is logged when they are deployed.
	set, faults := starlark.Load(ctx, sources, s.set, starlark.DefaultLimits(), slog.New(slog.DiscardHandler), n.modules...)
	out := make(map[string][]string, len(files))
	for name := range files {
		if faults[name] != nil {
			continue
		}
		out[name] = []string{}
		for _, d := range set.Of(name) {
			out[name] = append(out[name], d.Name)
		}
	}
	return out, ctx.Err()
}

// Silent names the servers that should answer and have not for so long that no change waits for them.
func (n *Node) Silent(ctx context.Context) ([]string, error) {
	members, err := n.table.Members(ctx)
	var names []string
	for _, m := range members {
		if !m.Counts && !m.Draining {
			names = append(names, m.Name)
		}
	}
	return names, err
}
