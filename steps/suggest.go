package steps

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/parley-run/parley/spelling"
)

const (
	suggestions = 3   // at most
	alikeEnough = 0.5 // likeness from which a step is worth a suggestion
	// longestSuggested is how many letters a line may have, what is between quotes left out: no step has more.
	longestSuggested = 1000
)

// phrase is one of the ways to say a row, ready to be compared.
type phrase struct {
	kind  Kind
	text  string
	words []int // their places in phrasebook.words
	row   int
}

// phrasebook is all ways to say all rows.
type phrasebook struct {
	phrases []phrase
	words   []string // each once
}

func newPhrasebook(rows []*compiled) *phrasebook {
	b := &phrasebook{}
	places := map[string]int{}
	for i, row := range rows {
		for _, text := range append([]string{row.Pattern}, row.Wordings()...) {
			p := phrase{kind: row.kind, text: text, row: i}
			for _, word := range skeleton(text) {
				if _, there := places[word]; !there {
					places[word] = len(b.words)
					b.words = append(b.words, word)
				}
				p.words = append(p.words, places[word])
			}
			b.phrases = append(b.phrases, p)
		}
	}
	return b
}

// distances are those of each word of a line from each of the book.
func (b *phrasebook) distances(words []string) [][]float64 {
	all := make([][]float64, len(words))
	for i, word := range words {
		all[i] = make([]float64, len(b.words))
		for j, other := range b.words {
			all[i][j] = wordDistance(word, other)
		}
	}
	return all
}

// near are the phrases that are most like a line, one of each row.
func (v *Vocabulary) near(kind Kind, line string) []string {
	words := skeleton(line)
	if len(strings.Join(words, "")) > longestSuggested {
		return nil
	}
	best := map[int]int{} // by row: the place of its phrase that is most like the line
	worth := map[int]float64{}
	book := v.book()
	all, distances := book.phrases, book.distances(words)
	for i, p := range all {
		w := likeness(distances, p.words)
		if p.kind != kind {
			w -= 0.05 // of two as near, the one with the same keyword
		}
		if w >= alikeEnough && w > worth[p.row] {
			best[p.row], worth[p.row] = i, w
		}
	}
	rows := slices.Sorted(maps.Keys(best))
	slices.SortStableFunc(rows, func(a, b int) int { return cmp.Compare(worth[b], worth[a]) })
	var out []string
	for _, row := range rows[:min(len(rows), suggestions)] {
		p := all[best[row]]
		out = append(out, p.kind.String()+" "+p.text)
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

// likeness is how alike two lists of words are, from 0 to 1, each word counting by its letters. The first is given by its
// words' distances from those in the second.
func likeness(a [][]float64, b []int) float64 {
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
			change := previous + a[i][b[j]]
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
	return float64(spelling.Distance(a, b)) / float64(max(len(a), len(b)))
}
