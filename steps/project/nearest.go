package project

import (
	"fmt"
	"strings"

	"github.com/parley-run/parley/spelling"
)

// unknownKey is the message about a name that is none of the known ones.
func unknownKey(what, name string, known []string) error {
	if hint := DidYouMean(name, known); hint != "" {
		return fmt.Errorf("there is no %s %q%s", what, name, hint)
	}
	return fmt.Errorf("there is no %s %q; there are %s", what, name, strings.Join(known, ", "))
}

// DidYouMean is such as "; did you mean tags?", with the one of known that is spelled most like name, or is empty.
func DidYouMean(name string, known []string) string {
	if near := spelling.Nearest(name, known); near != "" {
		return fmt.Sprintf("; did you mean %s?", near)
	}
	return ""
}
