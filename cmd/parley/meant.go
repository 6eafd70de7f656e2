package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/parley-run/parley/internal/clifault"
)

// flagFault is a flag that cannot be: an unknown one comes with the one that was probably meant.
func flagFault(c *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) || len(unknown.GetSpecifiedName()) < 2 {
		return usage(fmt.Errorf("%w; see %s --help", clifault.Value(err), c.CommandPath()))
	}
	var known []string
	add := func(f *pflag.Flag) {
		if !f.Hidden {
			known = append(known, "--"+f.Name)
		}
	}
	c.Flags().VisitAll(add)
	c.InheritedFlags().VisitAll(add)
	return usage(fmt.Errorf("unknown flag: --%s%s see %s --help", unknown.GetSpecifiedName(), orSemicolon(nearest("--"+unknown.GetSpecifiedName(), known)), c.CommandPath()))
}

func orSemicolon(text string) string {
	if text == "" {
		return ";"
	}
	return text
}

// rejectUnknown makes a word that names no command an error, in every group of commands, with the command that was probably
// meant.
func rejectUnknown(c *cobra.Command) {
	for _, sub := range c.Commands() {
		rejectUnknown(sub)
	}
	if !c.HasSubCommands() || c.Runnable() {
		return
	}
	useAsGroup(c)
	c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
}

// useAsGroup is for a command that others are below: how it is used, and that a word after it is one of them.
func useAsGroup(c *cobra.Command) {
	usual := new(cobra.Command).UsageFunc()
	c.SetUsageFunc(func(of *cobra.Command) error {
		if of != c { // one below, which takes after this one
			return usual(of)
		}
		return groupUsage(of)
	})
	c.Args = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		var known []string
		near := ""
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() || sub.Name() == "help" {
				known = append(known, sub.Name())
			}
			if slices.Contains(sub.SuggestFor, args[0]) {
				near = ", did you mean " + sub.Name() + "?"
			}
		}
		if near == "" {
			near = nearest(args[0], known)
		}
		return usage(fmt.Errorf("unknown command %q for %q%s see %s --help", args[0], c.CommandPath(), orSemicolon(near), c.CommandPath()))
	}
}

// groupUsage is how to use a command that others are below. (Theirs is cobra's own, with which a group is a command of its own,
// too; a template of one's own would take in text/template.)
func groupUsage(c *cobra.Command) error {
	w := c.OutOrStderr()
	line(w, "Usage:\n  %s COMMAND [flags]\n\nCommands:", c.CommandPath())
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			line(w, "  %-12s %s", sub.Name(), sub.Short)
		}
	}
	if flags := c.Flags().FlagUsages(); flags != "" {
		line(w, "\nFlags:\n%s", strings.TrimRight(flags, "\n"))
	}
	line(w, "\nSee %s COMMAND --help for more.", c.CommandPath())
	return nil
}
