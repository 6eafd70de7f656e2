// Package clipage writes the reference page of a command from its cobra commands. Only tests import it, so that it is in no
// binary.
package clipage

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Page is the page of root and of all commands below it, in the order of their names. Intro stands below its title.
func Page(root *cobra.Command, intro string) string {
	root.InitDefaultHelpCmd()
	var b strings.Builder
	text := root.Long
	if text == "" {
		text = root.Short + "."
	}
	fmt.Fprintf(&b, "# %s\n\n%s\n\n%s\n", root.Name(), text, intro)
	if all := flags(root.PersistentFlags()); len(all) > 0 {
		b.WriteString("\nFlags of every command:\n\n")
		table(&b, all)
	}
	b.WriteString("\n| command | what it does |\n| --- | --- |\n")
	each(root, func(c *cobra.Command) {
		if c.Runnable() && c != root && (!c.HasAvailableSubCommands() || len(flags(c.LocalNonPersistentFlags())) > 0) {
			fmt.Fprintf(&b, "| [%s](#%s) | %s |\n", c.CommandPath(), strings.ReplaceAll(c.CommandPath(), " ", "-"), cell(c.Short))
		}
	})
	each(root, func(c *cobra.Command) {
		if c != root {
			section(&b, c)
		}
	})
	return b.String()
}

// each visits the commands that people see.
func each(c *cobra.Command, visit func(*cobra.Command)) {
	visit(c)
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() && sub.Name() != "help" {
			each(sub, visit)
		}
	}
}

func section(b *strings.Builder, c *cobra.Command) {
	fmt.Fprintf(b, "\n## %s\n\n", c.CommandPath())
	text := c.Long
	if text == "" {
		text = c.Short
	}
	if text = strings.TrimSpace(text); !strings.HasSuffix(text, ".") && !strings.Contains(text, "\n") {
		text += "."
	}
	b.WriteString(prose(text))
	if c.HasAvailableSubCommands() && c.Short != "" {
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() {
				fmt.Fprintf(b, "- [%s](#%s): %s\n", sub.CommandPath(), strings.ReplaceAll(sub.CommandPath(), " ", "-"), sub.Short)
			}
		}
		if !c.HasLocalFlags() {
			return
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(b, "```\n%s\n```\n", c.UseLine())
	if c.Example != "" {
		var lines []string
		for text := range strings.SplitSeq(strings.TrimRight(c.Example, "\n"), "\n") {
			lines = append(lines, strings.TrimPrefix(text, "  "))
		}
		fmt.Fprintf(b, "\nFor example:\n\n```\n%s\n```\n", strings.Join(lines, "\n"))
	}
	if all := flags(c.LocalNonPersistentFlags()); len(all) > 0 {
		b.WriteString("\n")
		table(b, all)
	}
}

// prose is text as Markdown: indented lines are as they are.
func prose(text string) string {
	var b strings.Builder
	within := false
	for one := range strings.SplitSeq(text, "\n") {
		if indented := strings.HasPrefix(one, "  "); indented != within && one != "" {
			b.WriteString("```\n")
			within = indented
		}
		if !within {
			one = strings.ReplaceAll(one, "<", "&lt;")
		}
		b.WriteString(one + "\n")
	}
	if within {
		b.WriteString("```\n")
	}
	return b.String() + "\n"
}

func flags(set *pflag.FlagSet) []*pflag.Flag {
	var out []*pflag.Flag
	set.VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && f.Name != "help" {
			out = append(out, f)
		}
	})
	return out
}

func table(b *strings.Builder, all []*pflag.Flag) {
	b.WriteString("| flag | default | meaning |\n| --- | --- | --- |\n")
	for _, f := range all {
		kind, usage := pflag.UnquoteUsage(f)
		name := "`--" + f.Name
		if f.Shorthand != "" {
			name = "`-" + f.Shorthand + "`, " + name
		}
		if kind != "" {
			name += " " + kind
		}
		value := ""
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" && f.DefValue != "0" && f.DefValue != "0s" {
			value = "`" + f.DefValue + "`"
		}
		fmt.Fprintf(b, "| %s` | %s | %s |\n", name, cell(value), cell(usage))
	}
}

func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;").Replace(text)
}
