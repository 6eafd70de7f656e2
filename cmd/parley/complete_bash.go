package main

import (
	_ "embed"
	"io"

	"github.com/spf13/cobra"
)

// bashWords is what cobra's script for bash wants of the package bash-completion, for machines that have it not.
//
//go:embed complete.bash
var bashWords string

// completeWithoutPackage makes the script for bash work on its own.
func completeWithoutPackage(root *cobra.Command) {
	c, _, err := root.Find([]string{"completion", "bash"})
	if err != nil || c.RunE == nil {
		return
	}
	script := c.RunE
	c.RunE = func(c *cobra.Command, args []string) error {
		if _, err := io.WriteString(c.OutOrStdout(), bashWords); err != nil {
			return err
		}
		return script(c, args)
	}
}
