// Package clifault says what is wrong with a command line, in the words of people who never saw the library that reads it.
package clifault

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Value is err, or where it is the value of an option that cannot be, what the option expects.
func Value(err error) error {
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return err
	}
	expected := map[string]string{
		"int": "a whole number", "int64": "a whole number", "float64": "a number", "bool": "true or false", "duration": "a time such as 500ms, 30s or 2m",
	}[invalid.GetFlag().Value.Type()]
	if expected == "" {
		return err
	}
	return fmt.Errorf("--%s: expected %s, not %q", invalid.GetFlag().Name, expected, invalid.GetValue())
}

// Arguments is the fault of args, which c.Args refuses with err: which argument is missing, or is too many, and how c is used. An
// error of a check of one's own stays as it is.
func Arguments(c *cobra.Command, check cobra.PositionalArgs, args []string) error {
	err := check(c, args)
	if err == nil {
		return nil
	}
	if why := miscounted(c, check, args, err.Error()); why != "" {
		return fmt.Errorf("%s; usage: %s", why, c.UseLine())
	}
	return fmt.Errorf("%w; usage: %s", err, c.UseLine())
}

// miscounted is empty where said is no fault that cobra finds by counting, which it has no types for.
func miscounted(c *cobra.Command, check cobra.PositionalArgs, args []string, said string) string {
	if !strings.Contains(said, " arg(s), ") && !strings.HasPrefix(said, "unknown command ") {
		return ""
	}
	for n := len(args) - 1; n >= 0; n-- {
		if check(c, args[:n]) == nil {
			return fmt.Sprintf("%q is one argument too many", args[n])
		}
	}
	words := strings.Fields(c.Use)[1:]
	if len(args) < len(words) {
		return strings.ReplaceAll(strings.Trim(words[len(args)], "[]."), "|", " or ") + " is missing"
	}
	return "an argument is missing"
}
