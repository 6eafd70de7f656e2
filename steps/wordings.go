package steps

import "strings"

// Wordings are the other ways to say the step, besides its Pattern.
func (s Step) Wordings() []string {
	all := []string{s.Pattern}
	for _, pair := range [][2]string{{"JSON Pointer ", "path "}, {" is not ", " isn't "}, {" does not ", " doesn't "}} {
		for _, said := range all {
			if other := strings.ReplaceAll(said, pair[0], pair[1]); other != said {
				all = append(all, other)
			}
		}
	}
	return all[1:]
}
