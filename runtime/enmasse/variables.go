package enmasse

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var (
	reference = regexp.MustCompile(`\$\$\{|\$\{[^}]*\}?`)
	// What Zato's files write for a variable of the environment.
	zatoVariable = regexp.MustCompile(`^Zato_?Enmasse_?Env\.([A-Za-z_][A-Za-z0-9_]*)$`)
	zatoWithin   = regexp.MustCompile(`Zato_?Enmasse_?Env\.([A-Za-z_][A-Za-z0-9_]*)`)
	variable     = regexp.MustCompile(`^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$`)
)

// Variables are the names that content refers to as ${NAME}, or as Zato's files do, each once: what a client sends of its
// environment along with the file. Comments count too.
func Variables(content string) []string {
	var out []string
	for _, ref := range reference.FindAllString(content, -1) {
		if m := variable.FindStringSubmatch(ref); m != nil {
			out = append(out, m[1])
		}
	}
	for _, m := range zatoWithin.FindAllStringSubmatch(content, -1) {
		out = append(out, m[1])
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// expand replaces the variables of s.
func expand(s string, env func(string) (string, bool)) (string, []string) {
	var problems []string
	out := reference.ReplaceAllStringFunc(s, func(ref string) string {
		if ref == "$${" {
			return "${"
		}
		m := variable.FindStringSubmatch(ref)
		if m == nil {
			problems = append(problems, fmt.Sprintf("%s names no environment variable; write ${NAME}, or $${ for a literal ${", ref))
			return ""
		}
		value, ok := env(m[1])
		if !ok {
			problems = append(problems, fmt.Sprintf("environment variable %s is not set; set it, or write $${%s} for the text itself", m[1], m[1]))
		}
		return value
	})
	return out, problems
}

// escape is s such that expand gives it back.
func escape(s string) string { return strings.ReplaceAll(s, "${", "$${") }
