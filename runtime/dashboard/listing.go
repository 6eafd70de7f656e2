package dashboard

import (
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// pager is what leads to the pages before and after.
type pager struct {
	Page, Pages  int
	Before, Next string // addresses; empty: there is none
}

// paged is the part of n things that the address asks for, and the way to the others. with are further parameters.
func paged(v *visit, n, size int, with url.Values) (from, to int, p pager) {
	p.Pages = max(1, (n+size-1)/size)
	p.Page = v.number("page", 1, p.Pages)
	at := func(page int) string {
		with.Set("page", strconv.Itoa(page))
		return v.URL.Path + "?" + with.Encode()
	}
	if p.Page > 1 {
		p.Before = at(p.Page - 1)
	}
	if p.Page < p.Pages {
		p.Next = at(p.Page + 1)
	}
	from = (p.Page - 1) * size
	return from, min(n, from+size), p
}

// sourceLine is a line of a listing.
type sourceLine struct {
	Number int // 0: none
	Text   string
	Class  string   // add, del or refused
	Why    []string // what was said of it
}

// numbered is a source as a listing, with what was said of lines in it.
func numbered(source string, said map[int][]string) []sourceLine {
	lines := strings.Split(strings.TrimSuffix(source, "\n"), "\n")
	out := make([]sourceLine, len(lines))
	for i, text := range lines {
		out[i] = sourceLine{Number: i + 1, Text: text, Why: said[i+1]}
		if len(out[i].Why) > 0 {
			out[i].Class = "refused"
		}
	}
	return out
}

// around is the lines within some of those that were refused.
func around(lines []sourceLine, near int) []sourceLine {
	keep := make([]bool, len(lines))
	for i, l := range lines {
		if l.Class == "refused" {
			for j := max(0, i-near); j <= min(len(lines)-1, i+near); j++ {
				keep[j] = true
			}
		}
	}
	var out []sourceLine
	for i, l := range lines {
		if keep[i] {
			if len(out) > 0 && i > 0 && !keep[i-1] {
				out = append(out, sourceLine{Text: "…"})
			}
			out = append(out, l)
		}
	}
	return out
}

var placed = regexp.MustCompile(`^(.+?\.star):(\d+):(\d+): (.*)$`)

// refusals are what a refused deployment says of lines of a file, by line, and the first of them; 0: of none.
func refusals(message, file string) (said map[int][]string, first int) {
	said = map[int][]string{}
	for line := range strings.SplitSeq(message, "\n") {
		m := placed.FindStringSubmatch(line)
		if m == nil || m[1] != file {
			continue
		}
		n, err := strconv.Atoi(m[2])
		if err != nil {
			continue
		}
		if first == 0 {
			first = n
		}
		said[n] = append(said[n], fmt.Sprintf("column %s: %s", m[3], m[4]))
	}
	return said, first
}

// changes are two texts line by line: what only the first has, what only the second has, and up to near lines around them.
func changes(before, after string, near int) []sourceLine {
	a, b := strings.Split(strings.TrimSuffix(before, "\n"), "\n"), strings.Split(strings.TrimSuffix(after, "\n"), "\n")
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	var out []sourceLine
	if head > near {
		out = append(out, sourceLine{Text: "…"})
	}
	for i := max(0, head-near); i < head; i++ {
		out = append(out, sourceLine{Number: i + 1, Text: b[i]})
	}
	out = append(out, middle(a[head:len(a)-tail], b[head:len(b)-tail], head)...)
	for i := len(b) - tail; i < min(len(b), len(b)-tail+near); i++ {
		out = append(out, sourceLine{Number: i + 1, Text: b[i]})
	}
	if tail > near {
		out = append(out, sourceLine{Text: "…"})
	}
	return out
}

// mostCompared bounds the work of comparing: beyond it all of the one stands before all of the other.
const mostCompared = 4_000_000

// middle compares what differs, by the longest common subsequence.
func middle(a, b []string, from int) []sourceLine {
	var out []sourceLine
	del := func(i int) { out = append(out, sourceLine{Text: a[i], Class: "del"}) }
	add := func(j int) { out = append(out, sourceLine{Number: from + j + 1, Text: b[j], Class: "add"}) }
	if len(a)*len(b) > mostCompared {
		for i := range a {
			del(i)
		}
		for j := range b {
			add(j)
		}
		return out
	}
	width := len(b) + 1
	common := make([]int32, (len(a)+1)*width)
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i*width+j] = common[(i+1)*width+j+1] + 1
			} else {
				common[i*width+j] = max(common[(i+1)*width+j], common[i*width+j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			out = append(out, sourceLine{Number: from + j + 1, Text: b[j]})
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[(i+1)*width+j] >= common[i*width+j+1]:
			del(i)
			i++
		default:
			add(j)
			j++
		}
	}
	return out
}
