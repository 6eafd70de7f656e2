package project

import (
	"fmt"
	"strings"
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
	best, bestDistance := "", len(name)/2+1
	for _, k := range known {
		if d := distance(strings.ToLower(name), k); d < bestDistance {
			best, bestDistance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %s?", best)
}

// distance is how many letters must be put in, taken out or replaced to make b of a.
func distance(a, b string) int {
	costs := make([]int, len(b)+1)
	for j := range costs {
		costs[j] = j
	}
	for i := range len(a) {
		corner := costs[0]
		costs[0] = i + 1
		for j := range len(b) {
			change := corner
			if a[i] != b[j] {
				change++
			}
			corner = costs[j+1]
			costs[j+1] = min(change, costs[j]+1, corner+1)
		}
	}
	return costs[len(b)]
}
