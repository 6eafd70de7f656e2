package main

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/parley-run/parley/steps/project"
)

// splitBehave takes options of behave, with their values, out of a command line. What is a flag of ours stays, and so does
// what nobody knows.
func splitBehave(flags *pflag.FlagSet, args []string) (ours, behave []string) {
	for i := 0; i < len(args); i++ {
		word := args[i]
		if word == "--" {
			return append(ours, args[i:]...), behave
		}
		name, _, hasValue := strings.Cut(word, "=")
		if len(word) < 2 || word[0] != '-' {
			ours = append(ours, word)
			continue
		}
		if !strings.HasPrefix(word, "--") {
			name, hasValue = word[:2], len(word) > 2
		}
		list, takesValue := &ours, false
		if f := lookup(flags, name); f != nil {
			takesValue = f.NoOptDefVal == ""
		} else if takes, known := project.BehaveOption(name); known {
			list, takesValue = &behave, takes
		}
		*list = append(*list, word)
		if takesValue && !hasValue && i+1 < len(args) {
			i++
			*list = append(*list, args[i])
		}
	}
	return ours, behave
}

func lookup(flags *pflag.FlagSet, name string) *pflag.Flag {
	if long, isLong := strings.CutPrefix(name, "--"); isLong {
		return flags.Lookup(long)
	}
	return flags.ShorthandLookup(name[1:])
}

// behaveSettings are the settings that options of behave mean in a project.
func behaveSettings(p *project.Project, words []string) (project.Settings, error) {
	if len(words) > 0 && !p.Zato {
		return project.Settings{}, fmt.Errorf("unknown flag: %s; it is one of behave, and those are for projects of zato-apitest, which have a features/%s",
			words[0], project.ZatoFileName)
	}
	return project.BehaveOptions(words)
}
