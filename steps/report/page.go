package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/parley-run/parley/bench/markup"
)

// put writes the whole page.
func (v *view) put(m *markup.Writer) {
	passed := v.Passed()
	v.head(m, passed)
	v.top(m, passed)
	for _, f := range v.Faults {
		m.Put("<pre class=\"fault\">%s</pre>\n", clean(f))
	}
	v.lists(m)
	v.tools(m)
	for _, c := range v.Features {
		c.put(m)
	}
	for _, s := range v.Sections {
		m.Put(`<section class="feature"><header><h2>%s</h2></header>
<div class="card section">%s</div></section>
`, s.Title, s.HTML)
	}
	order := ""
	switch {
	case v.Run.Shuffled:
		order = " · the order is that of --shuffle --seed " + v.Seed
	case v.Seed != "":
		order = " · seed " + v.Seed
	}
	m.Put(`<footer>Made by apitest%s<span class="keys" id="keys" hidden> · <kbd>/</kbd> search, <kbd>j</kbd> <kbd>k</kbd> next and previous, `+
		`<kbd>n</kbd> next failure, <kbd>Enter</kbd> fold, <kbd>Esc</kbd> show all</span></footer>
</main>
`, order)
	for _, script := range v.scripts() {
		m.Put("<script>%s</script>\n", markup.Safe(script))
	}
	m.Put("</body>\n</html>\n")
}

// pick is yes or no as an attribute or a text has it.
func pick(so bool, yes, no string) string {
	if so {
		return yes
	}
	return no
}

func (v *view) head(m *markup.Writer, passed bool) {
	var allowed []string
	for _, script := range v.scripts() {
		allowed = append(allowed, "'"+markup.Hash(script)+"'")
	}
	m.Put(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src %s; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>%s %s</title>
<link rel="icon" href="data:image/svg+xml,%%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%%3E%%3Ccircle cx='8' cy='8' r='7' fill='%s'/%%3E%%3C/svg%%3E">
<style>
%s</style>
</head>
`, markup.Safe(strings.Join(allowed, " ")), pick(passed, "✓", "✗"), v.Title, pick(passed, "%2314804a", "%23c8202f"), markup.Safe(pageStyle))
}

// top is the heading with the counts.
func (v *view) top(m *markup.Writer, passed bool) {
	subtitle := v.Run.Began.Format("2 January 2006, 15:04:05 MST")
	if v.Subtitle != "" {
		subtitle = v.Subtitle + " · " + subtitle
	}
	verdict := pick(passed, "Passed", pick(v.Run.Interrupted, "Interrupted", "Failed"))
	m.Put(`<body>
<main>
<header class="top">
<div>
<h1>%s</h1>
<p class="dim">%s</p>
</div>
<b class="verdict %s">%s</b>
</header>

<div class="facts">
`, v.Title, subtitle, pick(passed, "passed", "failed"), verdict)
	scenarios := Fact{
		Name: "scenarios passed", Value: fmt.Sprintf("%d of %d", v.Counts.Passed, v.Counts.Total()), Bad: v.Counts.Failed+v.Counts.Undefined+v.Counts.Skipped > 0,
	}
	if v.Counts.Flaky > 0 {
		scenarios.Name += fmt.Sprintf(", %d flaky", v.Counts.Flaky)
	}
	took := Fact{Name: "scenarios took", Value: Duration(v.Run.Took)}
	if v.Run.DryRun {
		took = Fact{Name: "nothing was done", Value: "dry run"}
	}
	facts := append([]Fact{scenarios, {Name: "steps passed", Value: fmt.Sprintf("%d of %d", v.Steps.Passed, v.Steps.Total())}, took}, v.Facts...)
	for _, f := range facts {
		m.Put("<div class=\"fact%s\"><b>%s</b><span>%s</span></div>\n", markup.When(f.Bad, " bad"), f.Value, f.Name)
	}
	m.Put("</div>\n\n")
	if len(v.Statuses) == 0 {
		return
	}
	label := ""
	for i, s := range v.Statuses {
		label += pick(i > 0, ", ", "") + fmt.Sprintf("%d %s", s.N, s.Status)
	}
	m.Put(`<svg class="bar" viewBox="0 0 1000 10" preserveAspectRatio="none" role="img" aria-label="%s">`, label)
	for _, s := range v.Statuses {
		m.Put(`<rect class="%s" x="%d" width="%d" height="10"/>`, s.Status, s.From, s.Wide())
	}
	m.Put("</svg>\n")
}

// lists are the scenarios to look at, and the slowest.
func (v *view) lists(m *markup.Writer) {
	if len(v.Bad) > 0 {
		m.Put(`<nav class="card list" aria-label="Scenarios that did not simply pass">
<h2>What to look at</h2>
<ul>
`)
		for _, r := range v.Bad {
			m.Put(`<li><a href="%s"><span class="mark %s">%s</span><span class="name">%s</span></a><span class="dim path">%s</span></li>`+"\n",
				r.Link, r.Status, r.Mark, r.Title, r.Location())
		}
		if v.MoreBad > 0 {
			m.Put("<li class=\"dim\">and %d more below</li>\n", v.MoreBad)
		}
		m.Put("</ul>\n</nav>\n")
	}
	if len(v.Slow) > 0 {
		m.Put(`<details class="card list slow">
<summary><h2>Slowest scenarios</h2></summary>
<ul>
`)
		for _, r := range v.Slow {
			m.Put(`<li><a href="%s"><span class="name">%s</span></a><span class="dim path">%s</span>`, r.Link, r.Title, r.Location())
			putTook(m, r)
			m.Put("</li>\n")
		}
		m.Put("</ul>\n</details>\n")
	}
}

// putTook is how long a scenario took, with its bar.
func putTook(m *markup.Writer, r *row) {
	m.Put(`<span class="meter"><i class="w%d"></i></span><span class="took">%s</span>`, r.Bar, Duration(r.Took))
}

// tools are for searching and filtering.
func (v *view) tools(m *markup.Writer) {
	if len(v.Features) == 0 {
		return
	}
	m.Put(`<div class="tools" id="tools" hidden>
<input id="search" type="search" placeholder="Search everything" aria-label="Search scenarios" autocomplete="off" spellcheck="false">
`)
	if len(v.Statuses) > 1 {
		m.Put(`<div class="buttons" role="group" aria-label="Show only">`)
		for _, s := range v.Statuses {
			m.Put(`<button type="button" class="%s" data-status="%s" aria-pressed="false">%s <span>%d</span></button>`, s.Status, s.Status, s.Status, s.N)
		}
		m.Put("</div>\n")
	}
	if len(v.Tags) > 0 {
		m.Put(`<select id="tag" aria-label="Tag"><option value="">All tags</option>`)
		for _, t := range v.Tags {
			m.Put(`<option value="%s">%s (%s)</option>`, t.Name, t.Name, strconv.Itoa(t.N))
		}
		m.Put("</select>\n")
	}
	m.Put(`<button type="button" id="fold">Fold all</button>
<output id="shown" aria-live="polite"></output>
</div>
<p class="nothing" id="nothing" hidden>No scenario is like that. <button type="button" id="clear">Show all</button></p>
`)
}
