package clifault_test

import (
	"errors"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/internal/clifault"
)

func TestArguments(t *testing.T) {
	own := errors.New("no such folder")
	for name, row := range map[string]struct {
		use   string
		check cobra.PositionalArgs
		args  []string
		want  string
	}{
		"right":              {"deploy FILE...", cobra.MinimumNArgs(1), []string{"a", "b"}, ""},
		"none of many":       {"deploy FILE...", cobra.MinimumNArgs(1), nil, "FILE is missing; usage: deploy FILE..."},
		"one of several":     {"run FILE|failover", cobra.ExactArgs(1), nil, "FILE or failover is missing; usage: run FILE|failover"},
		"the second":         {"weight SERVER WEIGHT", cobra.ExactArgs(2), []string{"a"}, "WEIGHT is missing; usage: weight SERVER WEIGHT"},
		"one too many":       {"invoke SERVICE", cobra.ExactArgs(1), []string{"a", "b", "c"}, `"b" is one argument too many; usage: invoke SERVICE`},
		"where there are no": {"version", cobra.NoArgs, []string{"a"}, `"a" is one argument too many; usage: version`},
		"a check of our own": {"deploy FILE...", func(*cobra.Command, []string) error { return own }, []string{"a"}, "no such folder; usage: deploy FILE..."},
	} {
		t.Run(name, func(t *testing.T) {
			c := &cobra.Command{Use: row.use, Run: func(*cobra.Command, []string) {}, DisableFlagsInUseLine: true}
			err := clifault.Arguments(c, row.check, row.args)
			if row.want == "" {
				require.NoError(t, err)
				return
			}
			assert.EqualError(t, err, row.want)
		})
	}
}

func TestValue(t *testing.T) {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.Int("servers", 2, "")
	flags.Duration("slow", time.Second, "")
	flags.Bool("fg", false, "")
	flags.IntSlice("ports", nil, "")
	for word, want := range map[string]string{
		"--servers=two": `--servers: expected a whole number, not "two"`,
		"--slow=5":      `--slow: expected a time such as 500ms, 30s or 2m, not "5"`,
		"--fg=ja":       `--fg: expected true or false, not "ja"`,
		"--nope":        "unknown flag: --nope",
	} {
		assert.EqualError(t, clifault.Value(flags.Parse([]string{word})), want)
	}
	assert.ErrorContains(t, clifault.Value(flags.Parse([]string{"--ports=x"})), "--ports")
	assert.NoError(t, clifault.Value(nil))
}
