package sqlconn

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

var (
	plainName  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_$]*$`)
	quotedName = regexp.MustCompile("^(?:\"(?:[^\"]|\"\")+\"|`(?:[^`]|``)+`|\\[[^\\]]+\\])$")
	nameParts  = regexp.MustCompile("\"(?:[^\"]|\"\")*\"|`(?:[^`]|``)*`|\\[[^\\]]*\\]|[^.\"`\\[]+|.")
)

// Names is how a database has names and parameters in its statements.
type Names struct {
	Quote   string // around names
	Folds   bool   // a name without quotes is taken in lower case
	Numbers bool   // parameters are $1, $2 and not ?
}

// Name is a table's or column's name as a statement has it: quoted, so that it may be any word. It means what it would
// mean without quotes; what is in quotes already stays as it is. Points stand between a schema, a table and a column.
func (n Names) Name(text string) (string, error) {
	var parts []string
	wantsPart := true
	for _, part := range nameParts.FindAllString(text, -1) {
		if part == "." && !wantsPart {
			wantsPart = true
			continue
		}
		part = strings.TrimSpace(part)
		if !wantsPart || part == "" || part == "." {
			return "", fmt.Errorf("%q is no name of a table or column", text)
		}
		wantsPart = false
		switch {
		case quotedName.MatchString(part):
		case strings.ContainsAny(part[:1], "\"`["):
			return "", fmt.Errorf("%q is no name of a table or column: a quote is not closed", text)
		case n.Folds && plainName.MatchString(part):
			part = n.Exact(strings.ToLower(part))
		default:
			part = n.Exact(part)
		}
		parts = append(parts, part)
	}
	if wantsPart {
		return "", fmt.Errorf("%q is no name of a table or column", text)
	}
	return strings.Join(parts, "."), nil
}

// Exact is a name that means itself, points and capital letters included.
func (n Names) Exact(name string) string {
	return n.Quote + strings.ReplaceAll(name, n.Quote, n.Quote+n.Quote) + n.Quote
}

// Parameter is how parameter i, from 1, stands in a statement.
func (n Names) Parameter(i int) string {
	if n.Numbers {
		return "$" + strconv.Itoa(i)
	}
	return "?"
}

// PlainText says how a name stands in a text that any database reads: as it is where it needs no quotes or has some.
func PlainText(name string) string {
	if plainName.MatchString(strings.ReplaceAll(name, ".", "")) || quotedName.MatchString(name) {
		return name
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}
