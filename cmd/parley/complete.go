package main

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/parley-run/parley/runtime/node"
)

// completeTime bounds how long a cluster may take to name what a shell asks for.
const completeTime = 2 * time.Second

// names are the words that may stand where a shell completes one.
type names func(ctx context.Context, c *cobra.Command, args []string) []string

// complete adds to the commands below root what shells may complete: names are asked of the cluster, if it runs.
func (o *options) complete(root *cobra.Command) {
	byPath := map[string]*cobra.Command{}
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		byPath[strings.TrimPrefix(c.CommandPath(), "parley ")] = c
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(root)
	for path, args := range o.argumentNames() {
		byPath[path].ValidArgsFunction = o.asked(args)
	}
	for path, endings := range map[string][]string{"deploy": {"star"}, "enmasse import": {"yaml", "yml", "json"}, "enmasse diff": {"yaml", "yml", "json"}} {
		byPath[path].ValidArgsFunction = cobra.FixedCompletions(endings, cobra.ShellCompDirectiveFilterFileExt)
	}
	for flag, values := range o.flagNames() {
		for _, c := range byPath {
			if f := c.Flags().Lookup(flag); f != nil {
				_ = c.RegisterFlagCompletionFunc(flag, o.asked(values)) // a flag of every command is registered once
			}
		}
	}
	_ = root.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json", "yaml", "csv"}, cobra.ShellCompDirectiveNoFileComp))
	_ = root.MarkPersistentFlagDirname("dir")
	_ = root.RegisterFlagCompletionFunc("address", cobra.NoFileCompletions)
	_ = root.RegisterFlagCompletionFunc("user", cobra.NoFileCompletions)
	_ = root.MarkPersistentFlagFilename("ca", "pem", "crt")
}

// argumentNames are the arguments of the commands whose arguments can be completed.
func (o *options) argumentNames() map[string]names {
	services := first(o.serviceNames)
	out := map[string]names{
		"invoke": services, "stats": services, "stats summary": services, "stats slow": services, "stats samples": services, "stats watch": services,
		"cache list": first(o.channelNames), "cache clear": first(o.channelNames),
		"kinds": first(func(context.Context) []string { return kindNames("") }),
		"ping":  first(o.outconnNames), "outconns ping": first(o.outconnNames),
		"server online": first(o.serverNames), "server offline": first(o.serverNames), "server weight": first(o.serverNames),
		"start": every(o.serverNames), "stop": every(o.serverNames), "restart": every(o.serverNames),
		"undeploy": every(func(ctx context.Context) []string { return append(o.serviceNames(ctx), o.fileNames(ctx)...) }),
	}
	for use, group := range map[string]string{"channels": node.GroupChannels, "outconns": node.GroupOutconns, "security": node.GroupSecurity, "objects": ""} {
		of := func(ctx context.Context) []string { return o.objectNames(ctx, group) }
		out[use+" get"], out[use+" delete"] = first(of), first(of)
		out[use+" create"] = func(_ context.Context, c *cobra.Command, args []string) []string {
			if len(args) == 0 {
				return nil
			}
			kind, err := c.Flags().GetString("kind")
			if all := kindNames(group); err != nil || kind == "" && len(all) == 1 {
				kind = all[0]
			}
			return keysOf(kind)
		}
		out[use+" edit"] = func(ctx context.Context, c *cobra.Command, args []string) []string {
			if len(args) == 0 {
				return of(ctx)
			}
			kind, err := c.Flags().GetString("kind")
			if err != nil || kind == "" {
				kind = o.kindNamed(ctx, group, args[0])
			}
			return keysOf(kind)
		}
	}
	return out
}

// flagNames are the values of flags, by name, that mean the same wherever they are.
func (o *options) flagNames() map[string]names {
	return map[string]names{
		"server": every(func(ctx context.Context) []string { return append(o.serverNames(ctx), "supervisor") }),
		"level":  every(func(context.Context) []string { return []string{"debug", "info", "warn", "error"} }),
		"last":   every(func(context.Context) []string { return []string{"minute", "hour", "day", "week", "month", "year"} }),
		"compat": every(func(context.Context) []string { return []string{"zato"} }),
		"kind": func(_ context.Context, c *cobra.Command, _ []string) []string {
			group, known := map[string]string{"channels": node.GroupChannels, "outconns": node.GroupOutconns, "security": node.GroupSecurity}[c.Parent().Name()]
			if !known && c.Parent().Name() == "stats" {
				return []string{"service", "channel", "outconn", "server"}
			}
			return kindNames(group)
		},
	}
}

// first completes the first argument, every any of them.
func first(of func(context.Context) []string) names {
	return func(ctx context.Context, _ *cobra.Command, args []string) []string {
		if len(args) > 0 {
			return nil
		}
		return of(ctx)
	}
}

func every(of func(context.Context) []string) names {
	return func(ctx context.Context, _ *cobra.Command, args []string) []string {
		return slices.DeleteFunc(of(ctx), func(name string) bool { return slices.Contains(args, name) })
	}
}

// asked is what a shell calls. What goes wrong is not said: nothing is completed then. A word that ends in = is to be gone on
// with.
func (o *options) asked(of names) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(c.Context(), completeTime)
		defer cancel()
		o.stderr = io.Discard
		found := slices.DeleteFunc(of(ctx, c, args), func(name string) bool { return !strings.HasPrefix(name, begun) })
		slices.Sort(found)
		directive := cobra.ShellCompDirectiveNoFileComp
		switch c.Name() {
		case "undeploy", "start", "stop", "restart":
			directive = cobra.ShellCompDirectiveDefault // a file or a folder may be meant
		case "create", "edit":
			directive |= cobra.ShellCompDirectiveNoSpace
		}
		return slices.Compact(found), directive
	}
}

func (o *options) serviceNames(ctx context.Context) []string {
	var all []struct{ Name string }
	return namesOfAll(o.call(ctx, "parley.service.list", struct{}{}, &all), all, func(one struct{ Name string }) string { return one.Name })
}

func (o *options) fileNames(ctx context.Context) []string {
	var all []struct{ File string }
	return namesOfAll(o.call(ctx, "parley.service.list", struct{}{}, &all), all, func(one struct{ File string }) string { return one.File })
}

func (o *options) objectNames(ctx context.Context, group string) []string {
	var all []listedObject
	err := o.call(ctx, "parley.object.list", map[string]any{"kinds": kindNames(group)}, &all)
	return namesOfAll(err, all, func(one listedObject) string { return one.Name })
}

func (o *options) channelNames(ctx context.Context) []string {
	return o.objectNames(ctx, node.GroupChannels)
}

func (o *options) outconnNames(ctx context.Context) []string {
	return append(o.objectNames(ctx, node.GroupOutconns), "kvdb")
}

func (o *options) serverNames(ctx context.Context) []string {
	if f, err := o.open(""); err == nil {
		var out []string
		for _, s := range f.Cluster.Servers {
			out = append(out, s.Name)
		}
		return out
	}
	var all []elsewhere
	return namesOfAll(o.call(ctx, "parley.cluster.members", struct{}{}, &all), all, func(one elsewhere) string { return one.Name })
}

// kindNamed is the kind of the one object of that name.
func (o *options) kindNamed(ctx context.Context, group, name string) string {
	var all []listedObject
	if err := o.call(ctx, "parley.object.list", map[string]any{"kinds": kindNames(group)}, &all); err != nil {
		return ""
	}
	found := slices.DeleteFunc(all, func(one listedObject) bool { return one.Name != name })
	if len(found) != 1 {
		return ""
	}
	return found[0].Kind
}

func namesOfAll[T any](err error, all []T, name func(T) string) []string {
	if err != nil {
		return nil
	}
	var out []string
	for _, one := range all {
		if n := name(one); n != "" {
			out = append(out, n)
		}
	}
	return out
}

// kindNames are the kinds of a group; an empty one: all.
func kindNames(group string) []string {
	var out []string
	for _, k := range node.Kinds() {
		if group == "" || k.Group == group {
			out = append(out, k.Name)
		}
	}
	return out
}

// keysOf are the keys of a kind, as create and edit take them.
func keysOf(kind string) []string {
	var out []string
	for _, k := range node.Kinds() {
		if k.Name != kind {
			continue
		}
		for _, f := range k.Fields {
			out = append(out, f.Name+"=")
		}
	}
	return out
}
