package bench

import "github.com/parley-run/parley/spelling"

// meant is the word of the list that is nearest to what was written, for the end of a message, or nothing where none is near.
func meant(written string, list []string) string {
	if near := spelling.Nearest(written, list); near != "" {
		return `; did you mean "` + near + `"?`
	}
	return ""
}
