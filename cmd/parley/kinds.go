package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/parley-run/parley/runtime/node"
)

// kindItem is a kind of definition as parley kinds prints it.
type kindItem struct {
	Name    string      `json:"name"`
	Group   string      `json:"group"`
	Doc     string      `json:"doc"`
	Fields  []fieldItem `json:"fields"`
	Example string      `json:"example"` // an object as YAML, as a file of definitions lists it
}

type fieldItem struct {
	Name     string          `json:"name"`
	Type     string          `json:"type"`
	Required bool            `json:"required"`
	Default  json.RawMessage `json:"default"` // null where it is required
	Secret   bool            `json:"secret"`
	Within   []string        `json:"secrets_at"` // places of secrets in it: * is any key of an object, or any element of a list
	Doc      string          `json:"doc"`
	Choices  []string        `json:"choices"` // all values that it, or an element of a list, may have; empty: any
	Names    string          `json:"names"`   // what it names: services, a group of kinds, or one kind; empty: nothing
	Parts    []partItem      `json:"parts"`   // the keys of each element of a list of objects; one without a name: it has texts by name
}

type partItem struct {
	Name    string   `json:"name"`
	Type    string   `json:"type"`
	Doc     string   `json:"doc"`
	Choices []string `json:"choices"` // as of a field
	Names   string   `json:"names"`   // likewise
}

func kindItems() []kindItem {
	var out []kindItem
	for _, k := range node.Kinds() {
		item := kindItem{Name: k.Name, Group: k.Group, Doc: k.Doc, Fields: []fieldItem{}, Example: k.Example}
		for _, f := range k.Fields {
			field := fieldItem{
				Name: f.Name, Type: f.Type, Required: f.Default == "", Default: json.RawMessage(f.Default), Secret: f.Secret, Doc: f.Doc,
				Within: append([]string{}, f.Within...), Choices: append([]string{}, f.Choices...), Names: f.Names,
				Parts: []partItem{},
			}
			for _, p := range f.Parts {
				field.Parts = append(field.Parts, partItem{p.Name, p.Type, p.Doc, append([]string{}, p.Choices...), p.Names})
			}
			if field.Required {
				field.Default = json.RawMessage("null")
			}
			item.Fields = append(item.Fields, field)
		}
		out = append(out, item)
	}
	return out
}

func kindsCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "kinds [NAME]",
		Short: "List the kinds of definitions, or the keys of one",
		Long:  "List the kinds of definitions that this program knows, or the keys of one: their types, defaults and meaning.\nThe same as docs/kinds.md; no cluster is asked.",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			all := kindItems()
			if len(args) == 0 {
				return o.print(c, all, func(w io.Writer) {
					rows := make([][]string, len(all))
					for i, k := range all {
						rows[i] = []string{k.Name, k.Group, k.Doc}
					}
					table(w, []string{"KIND", "GROUP", "WHAT IT IS"}, rows)
				})
			}
			names := make([]string, len(all))
			for i, k := range all {
				if names[i] = k.Name; k.Name == args[0] {
					return o.print(c, k, func(w io.Writer) { k.print(w) })
				}
			}
			return usage(fmt.Errorf("there is no kind %q%s parley kinds lists all", args[0], orSemicolon(nearest(args[0], names))))
		},
	}
}

func (k kindItem) print(w io.Writer) {
	line(w, "%s: %s\n", k.Name, k.Doc)
	for _, f := range k.Fields {
		line(w, "%s (%s)", f.Name, strings.Join(f.facts(), "; "))
		line(w, "    %s", f.about())
	}
	if k.Example != "" {
		line(w, "\nFor example:\n\n%s:\n%s", k.Name, strings.TrimRight(k.Example, "\n"))
	}
}

// about is what it is, and what each of the objects in it has.
func (f fieldItem) about() string {
	parts := []string{}
	for _, p := range f.Parts {
		if p.Name == "" {
			return f.Doc // texts by name: its type and its doc say so
		}
		about := p.Doc
		if about == "" {
			about = fieldItem{Type: p.Type, Choices: p.Choices}.accepts("")
		}
		parts = append(parts, fmt.Sprintf("%s (%s)", p.Name, about))
	}
	if len(parts) == 0 {
		return f.Doc
	}
	return f.Doc + ": objects with " + strings.Join(parts, " and ")
}

// facts are a field's type and what must be known of its value.
func (f fieldItem) facts() []string {
	facts := []string{f.accepts("")}
	switch {
	case f.Required:
		facts = append(facts, "required")
	case !f.empty():
		facts = append(facts, "default "+string(f.Default))
	}
	if f.Secret {
		facts = append(facts, "secret")
	}
	if len(f.Within) > 0 {
		facts = append(facts, "secret: "+strings.Join(f.Within, ", "))
	}
	return facts
}

// accepts is its type, or what it may be, each value between two quotes.
func (f fieldItem) accepts(quote string) string {
	if len(f.Choices) == 0 {
		return f.Type
	}
	choices := make([]string, len(f.Choices))
	for i, c := range f.Choices {
		if choices[i] = "empty"; c != "" {
			choices[i] = quote + c + quote
		}
	}
	last := len(choices) - 1
	if last == 0 && f.Choices[0] == "" {
		return "always empty"
	}
	if last == 0 {
		return choices[0]
	}
	return strings.Join(choices[:last], ", ") + " or " + choices[last]
}

// empty says that the default is what any key is without one.
func (f fieldItem) empty() bool {
	switch string(f.Default) {
	case `""`, "null", "[]", "{}":
		return true
	}
	return false
}

// kindsPage is docs/kinds.md.
func kindsPage() string {
	var b strings.Builder
	b.WriteString("# Kinds of definitions\n\n" +
		"What config files (see [enmasse.md](enmasse.md)), `parley channels`, `parley outconns`, `parley security` and `parley objects` can define.\n" +
		"`parley kinds NAME` prints the same, with `-o json` and `-o yaml` for programs.\n\n" +
		"This page is made from the program's own structs; after a change of them run `go test ./cmd/parley -run KindsPage -update`.\n")
	all := kindItems()
	groups := []struct{ name, title string }{
		{node.GroupChannels, "Channels"},
		{node.GroupOutconns, "Outgoing connections"},
		{node.GroupSecurity, "Security definitions"},
		{node.GroupAdapters, "Adapters"},
		{node.GroupRules, "Rules"},
		{node.GroupUsers, "Users"},
	}
	for _, group := range groups {
		fmt.Fprintf(&b, "\n## %s\n", group.title)
		for _, k := range all {
			if k.Group == group.name {
				k.markdown(&b)
			}
		}
	}
	return b.String()
}

func (k kindItem) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "\n### %s\n\n%s.\n\n| key | type | default | meaning |\n| --- | --- | --- | --- |\n", k.Name, capital(k.Doc))
	cell := strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;")
	for _, f := range k.Fields {
		value := "`" + string(f.Default) + "`"
		switch {
		case f.Required:
			value = "**required**"
		case f.empty():
			value = ""
		}
		doc := f.about()
		if f.Secret {
			doc += " (secret)"
		}
		if len(f.Within) > 0 {
			doc += " (secret: " + strings.Join(f.Within, ", ") + ")"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", f.Name, cell.Replace(f.accepts("`")), cell.Replace(value), cell.Replace(doc))
	}
	if k.Example != "" {
		fmt.Fprintf(b, "\n```yaml\n%s:\n%s```\n", k.Name, k.Example)
	}
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
