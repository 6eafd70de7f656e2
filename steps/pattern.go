package steps

import (
	"regexp"
	"strings"
	"sync"
)

var placeholder = regexp.MustCompile(`"\{\w+\}"|\{\w+\}|\(s\)`)

// wordings are the other ways to say the same; both sides are regular expressions over the quoted pattern.
func wordings() *strings.Replacer {
	return strings.NewReplacer(
		"JSON Pointer ", "(?:JSON Pointer|path) ",
		" is not ", " (?:is not|isn't) ",
		" does not ", " (?:does not|doesn't) ",
	)
}

const (
	// capture stands for the opening of a group that captures, until it is known whether it is to.
	capture = "\x00"
	number  = `"?` + capture + `\d+(?:\.\d+)?)"?`
	// The phrases that may stand around a Then step. They capture seconds, servers, and seconds again.
	before = `(?:within ` + number + ` seconds?,? )?`
	onSome = `(?:on ` + capture + `every server|server \d+),? )?`
	after  = `(?: within ` + number + ` seconds?)?`
)

// compiled is a row that is ready to be matched.
type compiled struct {
	Step
	kind   Kind
	source string                // a regular expression without anchors, with capture in it
	expr   func() *regexp.Regexp // made of it when the row is first tried: most rows never are
	fixed  int                   // characters of fixed words: where two rows match, the one that says more wins
	around bool                  // has the phrases around a Then step
}

func compile(s Step, kind Kind) *compiled {
	c := &compiled{Step: s, kind: kind, around: kind == Then}
	c.source = c.body()
	if c.around {
		on := ""
		if s.Reply {
			on = onSome
		}
		c.source = before + on + c.source + after
	}
	c.expr = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile("(?i)^" + strings.ReplaceAll(c.source, capture, "(") + "$") // all but what is ours is quoted
	})
	return c
}

func (c *compiled) body() string {
	var b strings.Builder
	rest, other := c.Pattern, wordings()
	for rest != "" {
		at := placeholder.FindStringIndex(rest)
		if at == nil {
			at = []int{len(rest), len(rest)}
		}
		c.fixed += at[0]
		b.WriteString(other.Replace(regexp.QuoteMeta(rest[:at[0]])))
		switch found := rest[at[0]:at[1]]; {
		case found == "":
		case found == "(s)":
			b.WriteString("s?")
		case found == "{step}":
			b.WriteString(capture + `.+)`)
		case found == "{mock}":
			b.WriteString(capture + `[a-z][\w -]*?)`)
		case found == "{counted}":
			b.WriteString(capture + `service|channel|outconn|server)`)
		case found == "{period}":
			b.WriteString(capture + `minute|hour|day|week|month|year)`)
		case found == "{parts}":
			b.WriteString(capture + `[a-z][\w ,-]*?)`)
		case strings.HasPrefix(found, `"`):
			b.WriteString(`"` + capture + `.+?)"`)
		default:
			b.WriteString(number)
		}
		rest = rest[at[1]:]
	}
	return b.String()
}

// entries are where the row is found in the index, in all its wordings.
func (c *compiled) entries() []entry {
	pattern := strings.ToLower(c.Pattern)
	firsts := []string{firstWord(pattern)}
	if strings.Contains(firsts[0], "{") {
		firsts[0] = anyWord
	}
	if strings.HasPrefix(pattern, "json pointer ") {
		firsts = append(firsts, "path")
	}
	lasts := []string{lastWord(pattern)}
	switch last := placeholder.FindAllStringIndex(c.Pattern, -1); {
	case strings.HasSuffix(pattern, "(s)"):
		word := strings.TrimSuffix(lasts[0], "(s)")
		lasts = []string{word, word + "s"}
	case strings.HasSuffix(pattern, `"}`), strings.HasSuffix(pattern, "}"):
		if len(last) > 0 {
			lasts = []string{anyWord} // a bare number or name
		}
	}
	var out []entry
	for _, first := range firsts {
		for _, last := range lasts {
			out = append(out, entry{c.kind, first, last})
		}
	}
	return out
}

// firstWord is what stands before the first blank.
func firstWord(text string) string {
	word, _, _ := strings.Cut(text, " ")
	return word
}

// lastWord is what stands behind the last blank, or a quote where the text ends with one.
func lastWord(text string) string {
	if strings.HasSuffix(text, `"`) {
		return `"`
	}
	return text[strings.LastIndexByte(text, ' ')+1:]
}

var (
	phraseBefore = regexp.MustCompile(`(?i)^(?:within "?\d+(?:\.\d+)?"? seconds?,? )?(?:on (?:every server|server \d+),? )?`)
	phraseAfter  = regexp.MustCompile(`(?i) within "?\d+(?:\.\d+)?"? seconds?$`)
)

// withoutAround takes the phrases that may stand around a Then step off a line.
func withoutAround(line string) string {
	if at := phraseBefore.FindStringIndex(line); at != nil {
		line = line[at[1]:]
	}
	return phraseAfter.ReplaceAllString(line, "")
}

// match is what a line says to a row: its parameters, and the phrases around it.
type match struct {
	row     *compiled
	params  []string
	seconds string // to try again for; empty: once
	on      string // "every server", "server 2", or empty
}

func (c *compiled) match(line string) *match {
	found := c.expr().FindStringSubmatch(line)
	if found == nil {
		return nil
	}
	m := &match{row: c, params: found[1:]}
	if !c.around {
		return m
	}
	m.seconds, m.params = m.params[0], m.params[1:]
	if c.Reply {
		m.on, m.params = strings.ToLower(m.params[0]), m.params[1:]
	}
	last := len(m.params) - 1
	if m.params[last] != "" {
		m.seconds = m.params[last]
	}
	m.params = m.params[:last]
	return m
}
