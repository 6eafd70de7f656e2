package project

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

var ourExpression = regexp.MustCompile(`[()]|(?:^|\s)(?:and|or|not)\s`)

// tagExpression makes a tag expression of the values of behave's --tags, all of which must hold: "@a,@b" is one of both,
// "~@a", "-@a" and "-a" is not @a. The @ may be left out. A value with and, or, not or brackets is an expression already.
func tagExpression(values []string) (string, error) {
	all := ""
	for _, value := range values {
		one := value
		if !ourExpression.MatchString(value) {
			var err error
			if one, err = oneOfTags(value); err != nil {
				return "", err
			}
		}
		all = both(all, one)
	}
	return all, nil
}

var tagLimit = regexp.MustCompile(`:\d+$`)

// oneOfTags is the expression of tags with commas between.
func oneOfTags(value string) (string, error) {
	var words []string
	for part := range strings.SplitSeq(value, ",") {
		name := strings.TrimSpace(part)
		not := ""
		if bare := strings.TrimLeft(name, "~-"); bare != name {
			name, not = bare, "not "
		}
		// A limit behind a tag, @wip:3, is read by behave and never looked at.
		name = tagLimit.ReplaceAllString(strings.TrimPrefix(name, "@"), "")
		switch {
		case name == "" && strings.TrimSpace(value) == "":
			return "", errors.New("there is no tag")
		case name == "":
			return "", fmt.Errorf("%q has a comma with no tag beside it", value)
		case strings.ContainsAny(name, " \t"):
			return "", fmt.Errorf("%q is no tag; put a comma between tags of which one is enough, and another --tags before one that must hold too", name)
		}
		words = append(words, not+"@"+name)
	}
	return strings.Join(words, " or "), nil
}
