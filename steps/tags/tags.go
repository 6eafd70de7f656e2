// Package tags parses tag expressions such as "@smoke and not (@slow or @wip)".
package tags

import (
	"errors"
	"fmt"
	"regexp"

	tagexpressions "github.com/cucumber/tag-expressions/go/v6"
)

var (
	operand  = regexp.MustCompile(`[^\s()]+`)
	tagName  = regexp.MustCompile(`^@[^\s(),~&|!@]+$`)
	operator = regexp.MustCompile(`^(?:and|or|not)$`)
	whyNot   = regexp.MustCompile(`syntax error: (.*?)\.?$`)
)

// Expression says whether the tags of a scenario, each with its @, are those that are meant.
type Expression interface{ Evaluate(tags []string) bool }

// Parse parses a tag expression. The old forms of godog and behave, which would match nothing, are errors.
func Parse(text string) (Expression, error) {
	fault := func(why string) error {
		return fmt.Errorf("%q is no tag expression: %s; write such as: @smoke and not (@slow or @wip)", text, why)
	}
	words := operand.FindAllString(text, -1)
	if len(words) == 0 {
		return nil, fault("it is empty")
	}
	for _, word := range words {
		if !operator.MatchString(word) && !tagName.MatchString(word) {
			return nil, fault(fmt.Sprintf("%q is no tag", word))
		}
	}
	parsed, err := parseOrRecover(text)
	if err != nil {
		if m := whyNot.FindStringSubmatch(err.Error()); m != nil {
			err = errors.New(m[1])
		}
		return nil, fault(err.Error())
	}
	return parsed, nil
}

// parseOrRecover parses with the library, which panics where an operand is missing.
func parseOrRecover(text string) (parsed Expression, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("a tag is missing")
		}
	}()
	return tagexpressions.Parse(text)
}
