package project

import (
	"errors"
	"fmt"
	"strings"
)

// zatoTags is the variable with which zato-apitest is told tags, with blanks between: one of them is enough.
const zatoTags = "ZATO_APITEST_TAGS"

// Variable is an environment variable that stands for a setting.
type Variable struct{ Name, Setting, Doc string }

// Variables are those that Environment knows, one a setting: APITEST_TAGS for tags, APITEST_VAULT_ADDRESS for
// vault.address, ...
func Variables() []Variable {
	var out []Variable
	for _, r := range table() {
		out = append(out, Variable{r.variable(), r.name, r.doc})
	}
	return out
}

// Environment sets what the environment says, in the place of what was set. A variable that is empty says nothing. Tags
// of ZATO_APITEST_TAGS are a further condition. The error names every variable that has a wrong value.
func (s *Settings) Environment(lookup func(string) (string, bool)) error {
	var faults []error
	for i, r := range table() {
		v, _ := lookup(r.variable())
		if v == "" {
			continue
		}
		if err := r.parse(s, []string{v}); err != nil {
			faults = append(faults, fmt.Errorf("the environment variable %s %w", r.variable(), err))
			continue
		}
		s.set |= 1 << i
	}
	if v, _ := lookup(zatoTags); strings.TrimSpace(v) != "" {
		more, err := tagExpression([]string{strings.Join(strings.Fields(v), ",")})
		if err != nil {
			faults = append(faults, fmt.Errorf("the environment variable %s: %w", zatoTags, err))
		}
		s.Tags = both(s.Tags, more)
	}
	return errors.Join(faults...)
}
