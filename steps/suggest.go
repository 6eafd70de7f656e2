package steps

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

const (
	suggestions = 3   // at most
	alikeEnough = 0.5 // likeness from which a step is worth a suggestion
	// longestSuggested is how many letters a line may have, what is between quotes left out: no step has more.
	longestSuggested = 1000
)

func (v *Vocabulary) near(kind Kind, line string) []string {
	type candidate struct {
		text  string
		worth float64
	}
	var found []candidate
	words, patterns := skeleton(line), v.words()
	if len(strings.Join(words, "")) > longestSuggested {
		return nil
	}
	for i, row := range v.rows {
		worth := likeness(words, patterns[i])
		if row.kind != kind {
			worth -= 0.05 // of two as near, the one with the same keyword
		}
		if worth >= alikeEnough {
			found = append(found, candidate{row.kind.String() + " " + row.Pattern, worth})
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return cmp.Compare(b.worth, a.worth) })
	var out []string
	for _, c := range found[:min(len(found), suggestions)] {
		out = append(out, c.text)
	}
	return out
}

var (
	quoted = regexp.MustCompile(`"[^"]*"`)
	digits = regexp.MustCompile(`\{\w+\}|\d+`)
)

// skeleton is the words of a line, with its parameters taken out.
func skeleton(line string) []string {
	line = quoted.ReplaceAllString(strings.ToLower(line), `""`)
	return strings.Fields(digits.ReplaceAllString(strings.ReplaceAll(line, "(s)", "s"), "0"))
}

// likeness is how alike two lists of words are, from 0 to 1, each word counting by its letters.
func likeness(a, b []string) float64 {
	if len(a) == 0 || len(b) == 0 {
		return 0
	}
	costs := make([]float64, len(b)+1)
	for j := range costs {
		costs[j] = float64(j)
	}
	for i := range a {
		previous := costs[0]
		costs[0] = float64(i + 1)
		for j := range b {
			change := previous + wordDistance(a[i], b[j])
			previous = costs[j+1]
			costs[j+1] = min(change, costs[j]+1, costs[j+1]+1)
		}
	}
	return 1 - costs[len(b)]/float64(max(len(a), len(b)))
}

// wordDistance is 0 for the same word and 1 for another, with what lies between for misspellings.
func wordDistance(a, b string) float64 {
	if a == b {
		return 0
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		previous := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := previous
			if a[i] != b[j] {
				change++
			}
			previous = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return float64(row[len(b)]) / float64(max(len(a), len(b)))
}
