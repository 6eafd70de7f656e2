package run

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
)

// parseTags parses a tag expression. The old forms of godog and behave, which would match nothing, are errors.
func parseTags(text string) (tagexpressions.Evaluatable, error) {
	fault := func(why string) error {
		return &UsageError{fmt.Sprintf("tag expression %q: %s; write such as: @smoke and not (@slow or @wip)", text, why)}
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
		return nil, fault("it does not parse: " + err.Error())
	}
	return parsed, nil
}

// parseOrRecover parses with the library, which panics where an operand is missing.
func parseOrRecover(text string) (parsed tagexpressions.Evaluatable, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("a tag is missing")
		}
	}()
	return tagexpressions.Parse(text)
}
