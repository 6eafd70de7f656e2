package project

import (
	"fmt"
	"regexp"
)

var (
	reference = regexp.MustCompile(`\$\$\{|\$\{[^}]*\}?`)
	variable  = regexp.MustCompile(`^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$`)
)

// expand fills in ${NAME} from the environment; $${ is a literal ${.
func expand(text string, env func(string) (string, bool)) (string, []string) {
	var problems []string
	filled := reference.ReplaceAllStringFunc(text, func(found string) string {
		if found == "$${" {
			return "${"
		}
		m := variable.FindStringSubmatch(found)
		if m == nil {
			problems = append(problems, fmt.Sprintf("%s is no environment variable; write ${NAME}, or $${ for a literal ${", found))
			return found
		}
		v, there := env(m[1])
		if !there {
			problems = append(problems, fmt.Sprintf("the environment variable %s is not set; set it, or write $${%s} for that text itself", m[1], m[1]))
		}
		return v
	})
	return filled, problems
}
