package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/parley-run/parley/steps/project"
)

func initCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "init DIR",
		Short: "Make a project of API tests, with a first test that passes",
		Long: `Makes a folder with a feature file that runs against a mock and passes, the files that it names, and apitest.yaml with
every setting explained. DIR must be missing or empty.`,
		Example: "  apitest init my-tests\n  apitest run my-tests",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			made, err := project.Init(args[0])
			if err != nil {
				return err
			}
			return tellMade(cmd.OutOrStdout(), args[0], made)
		},
	}
}

// tellMade says which files there are now, and what to do next.
func tellMade(w io.Writer, dir string, made []string) error {
	var text strings.Builder
	for _, name := range made {
		fmt.Fprintf(&text, "made  %s\n", filepath.Join(dir, filepath.FromSlash(name)))
	}
	fmt.Fprintf(&text, "\nRun the tests:     apitest run %s\nThen change them:  %s\nWhat they may say: apitest steps\n",
		shellWord(dir), filepath.Join(dir, "features", "demo.feature"))
	_, err := io.WriteString(w, text.String())
	return err
}

// shellWord is a path as it is written on a command line.
func shellWord(path string) string {
	if strings.ContainsAny(path, " \t\"'$&;|<>()*?[]\\`!#~") {
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return path
}
