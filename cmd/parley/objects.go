package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"github.com/parley-run/parley/runtime/node"
)

// objectsOf are the commands of one group of kinds; an empty group is all of them.
func objectsOf(o *options, use, group, what string) *cobra.Command {
	g := &objectGroup{options: o, use: use, group: group, what: what}
	for _, k := range node.Kinds() {
		if group == "" || k.Group == group {
			g.kinds = append(g.kinds, k.Name)
		}
	}
	c := &cobra.Command{Use: use, Short: "List, get, create, edit and delete " + what}
	c.AddCommand(g.list(), g.get(), g.create(), g.edit(), g.remove())
	return c
}

func objectsCommands(o *options) []*cobra.Command {
	outconns := objectsOf(o, "outconns", node.GroupOutconns, "outgoing connections")
	outconns.AddCommand(pingCommand(o))
	return []*cobra.Command{
		objectsOf(o, "channels", node.GroupChannels, "channels"),
		outconns,
		objectsOf(o, "security", node.GroupSecurity, "security definitions"),
		objectsOf(o, "objects", "", "definitions of every kind"),
	}
}

// mostNamed is how many objects a message names.
const mostNamed = 10

type objectGroup struct {
	*options
	use, group, what string
	kinds            []string
}

// listedObject is what list prints.
type listedObject struct {
	Kind     string `json:"kind"`
	Name     string `json:"name"`
	IsActive bool   `json:"is_active"`
	Revision int64  `json:"revision"`
}

// objectItem is what get, create and edit print.
type objectItem struct {
	Kind     string          `json:"kind"`
	Name     string          `json:"name"`
	Revision int64           `json:"revision"`
	Config   json.RawMessage `json:"config"`
	Behind   []string        `json:"behind"`
}

// all are the objects of the group, or of one kind of it.
func (g *objectGroup) all(c *cobra.Command, kind string) ([]listedObject, error) {
	kinds := g.kinds
	if kind != "" {
		kinds = []string{kind}
	}
	var out []listedObject
	err := g.call(c.Context(), "parley.object.list", map[string]any{"kinds": kinds}, &out)
	return out, err
}

// kindOf is the kind of the one object of that name, unless it is given.
func (g *objectGroup) kindOf(c *cobra.Command, kind, name string) (string, error) {
	if kind != "" {
		return kind, nil
	}
	all, err := g.all(c, "")
	if err != nil {
		return "", err
	}
	var kinds, names []string
	for _, one := range all {
		names = append(names, one.Name)
		if one.Name == name {
			kinds = append(kinds, one.Kind)
		}
	}
	switch len(kinds) {
	case 1:
		return kinds[0], nil
	case 0:
		slices.Sort(names)
		names = slices.Compact(names)
		there := "there are none"
		if near := nearest(name, names); near != "" {
			there = strings.TrimPrefix(near, ", ")
		} else if len(names) > mostNamed {
			there = fmt.Sprintf("there are %d: parley %s list", len(names), g.use)
		} else if len(names) > 0 {
			there = "there are " + strings.Join(names, ", ")
		}
		return "", fmt.Errorf("there is no %q among the %s; %s", name, g.what, there)
	}
	return "", fmt.Errorf("there are several named %q: say which with --kind %s", name, strings.Join(kinds, " or --kind "))
}

func (g *objectGroup) kindFlag(c *cobra.Command, kind *string) {
	c.Flags().StringVar(kind, "kind", "", "kind of the definition: "+strings.Join(g.kinds, ", "))
}

func (g *objectGroup) list() *cobra.Command {
	var kind string
	c := &cobra.Command{Use: "list", Short: "List the " + g.what, Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		out, err := g.all(c, kind)
		if err != nil {
			return err
		}
		return g.print(c, out, func(w io.Writer) {
			if len(out) == 0 {
				line(w, "There are none.")
				return
			}
			rows := make([][]string, len(out))
			for i, one := range out {
				rows[i] = []string{one.Kind, one.Name, map[bool]string{true: "yes", false: "no"}[one.IsActive], strconv.FormatInt(one.Revision, 10)}
			}
			table(w, []string{"KIND", "NAME", "ACTIVE", "REVISION"}, rows)
		})
	}}
	g.kindFlag(c, &kind)
	return c
}

func (g *objectGroup) get() *cobra.Command {
	var kind string
	c := &cobra.Command{Use: "get NAME", SuggestFor: []string{"show"}, Short: "Show one, every key of it", Args: cobra.ExactArgs(1), RunE: func(c *cobra.Command, args []string) error {
		kind, err := g.kindOf(c, kind, args[0])
		if err != nil {
			return err
		}
		var out objectItem
		if err := g.call(c.Context(), "parley.object.get", map[string]any{"kind": kind, "name": args[0]}, &out); err != nil {
			return err
		}
		return g.show(c, out)
	}}
	g.kindFlag(c, &kind)
	return c
}

func (g *objectGroup) create() *cobra.Command {
	var kind string
	c := &cobra.Command{
		Use: "create NAME KEY=VALUE...", Short: "Create one",
		Long:    "Create one.\n\n" + keysHelp,
		Example: "  parley channels create Hello --kind channel_rest service=hello url_path=/hello",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if kind == "" && len(g.kinds) == 1 {
				kind = g.kinds[0]
			}
			if kind == "" {
				return usage(fmt.Errorf("of which kind? Say so with --kind %s", strings.Join(g.kinds, " or --kind ")))
			}
			return g.write(c, "parley.object.create", kind, args)
		},
	}
	g.kindFlag(c, &kind)
	return c
}

func (g *objectGroup) edit() *cobra.Command {
	var kind string
	c := &cobra.Command{
		Use: "edit NAME KEY=VALUE...", SuggestFor: []string{"change", "set", "update"}, Short: "Change keys of one; the others stay",
		Long: "Change keys of one; the others stay as they are.\n\n" + keysHelp,
		Args: cobra.MinimumNArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			kind, err := g.kindOf(c, kind, args[0])
			if err != nil {
				return err
			}
			return g.write(c, "parley.object.edit", kind, args)
		},
	}
	g.kindFlag(c, &kind)
	return c
}

const keysHelp = "A VALUE is YAML: text, 10, true, [a, b], {a: b}. See parley kinds NAME for the keys. Arguments are seen by others on this machine:\n" +
	"give secrets as references, such as password=env:NAME, or import them from a file."

func (g *objectGroup) write(c *cobra.Command, name, kind string, args []string) error {
	config := map[string]any{}
	for _, arg := range args[1:] {
		key, text, ok := strings.Cut(arg, "=")
		if !ok || key == "" {
			return usage(fmt.Errorf("expected KEY=VALUE, not %q", arg))
		}
		var value any
		if err := yaml.Unmarshal([]byte(text), &value); err != nil {
			return usage(fmt.Errorf("%s: its value is no YAML: %w", key, err))
		}
		config[key] = value
	}
	var out objectItem
	if err := g.call(c.Context(), name, map[string]any{"kind": kind, "name": args[0], "config": config}, &out); err != nil {
		return err
	}
	if err := g.show(c, out); err != nil {
		return err
	}
	return behind(out.Behind)
}

func (g *objectGroup) remove() *cobra.Command {
	var kind string
	c := &cobra.Command{Use: "delete NAME", Short: "Delete one; nothing is deleted that others need", Args: cobra.ExactArgs(1), RunE: func(c *cobra.Command, args []string) error {
		kind, err := g.kindOf(c, kind, args[0])
		if err != nil {
			return err
		}
		var out struct {
			Revision int64    `json:"revision"`
			Behind   []string `json:"behind"`
		}
		if err := g.call(c.Context(), "parley.object.delete", map[string]any{"kind": kind, "name": args[0]}, &out); err != nil {
			return err
		}
		if err := g.print(c, out, func(w io.Writer) { line(w, "Deleted %s %q at revision %d", kind, args[0], out.Revision) }); err != nil {
			return err
		}
		return behind(out.Behind)
	}}
	g.kindFlag(c, &kind)
	return c
}

func behind(servers []string) error {
	if len(servers) == 0 {
		return nil
	}
	return errors.New("not served by " + strings.Join(servers, "; "))
}

func (g *objectGroup) show(c *cobra.Command, out objectItem) error {
	config, err := yaml.JSONToYAML(out.Config)
	if err != nil {
		return err
	}
	return g.print(c, out, func(w io.Writer) {
		line(w, "%s %q at revision %d", out.Kind, out.Name, out.Revision)
		for text := range strings.Lines(string(config)) {
			_, _ = io.WriteString(w, "  "+text) // a closed pipe is the reader's wish
		}
	})
}
