package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/parley-run/parley/internal/clifault"
	"github.com/parley-run/parley/steps/project"
)

// sayWhatWasMeant makes each fault of a command line one line that names what was probably meant, or how the command is used.
func sayWhatWasMeant(c *cobra.Command) {
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fmt.Errorf("%w; see: %s --help", withHint(c.Flags(), clifault.Value(err)), c.CommandPath())
	})
	if c.HasSubCommands() {
		usual := new(cobra.Command).UsageFunc()
		c.SetUsageFunc(func(of *cobra.Command) error {
			if of != c { // one below, which takes after this one
				return usual(of)
			}
			return groupUsage(c)
		})
		c.Args = cobra.ArbitraryArgs
		c.RunE = oneOfGroup
	} else if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error { return clifault.Arguments(c, check, args) }
	}
	for _, sub := range c.Commands() {
		sayWhatWasMeant(sub)
	}
}

// oneOfGroup is what a command does that others are below: it tells which there are.
func oneOfGroup(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return c.Help()
	}
	var known []string
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			known = append(known, sub.Name())
		}
	}
	return fmt.Errorf("unknown command %q for %q%s; see: %s --help", args[0], c.CommandPath(), project.DidYouMean(args[0], known), c.CommandPath())
}

// groupUsage is how to use such a command; cobra's own shows it as one that does something by itself.
func groupUsage(c *cobra.Command) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage:\n  %s COMMAND [flags]\n\nCommands:\n", c.CommandPath())
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			fmt.Fprintf(&b, "  %-11s %s\n", sub.Name(), sub.Short)
		}
	}
	if flags := c.Flags().FlagUsages(); flags != "" {
		fmt.Fprintf(&b, "\nFlags:\n%s", flags)
	}
	fmt.Fprintf(&b, "\nSee %s COMMAND --help for more.\n", c.CommandPath())
	_, err := fmt.Fprint(c.OutOrStderr(), b.String())
	return err
}
