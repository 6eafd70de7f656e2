// Package spelling finds what was meant where a name is not known, for messages that end in "did you mean ...?".
package spelling

import "strings"

// Nearest is the one of known that is spelled most like written, upper and lower case alike, or "" where none is near: where
// more than half of its letters would have to change.
func Nearest(written string, known []string) string {
	best, least := "", len(written)/2+1
	for _, word := range known {
		if d := Distance(strings.ToLower(written), strings.ToLower(word)); d < least {
			best, least = word, d
		}
	}
	return best
}

// Distance is how many bytes must be put in, taken out, changed or swapped with their neighbour to make b of a (Damerau and
// Levenshtein's, where no part is changed twice).
func Distance(a, b string) int {
	before, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before, above, row = above, row, before
		row[0] = i + 1
		for j := range len(b) {
			change := 1
			if a[i] == b[j] {
				change = 0
			}
			row[j+1] = min(above[j+1]+1, row[j]+1, above[j]+change)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(b)]
}
