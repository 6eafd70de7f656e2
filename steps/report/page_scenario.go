package report

import (
	"strings"

	"github.com/parley-run/parley/bench/markup"
)

func (c *chapter) put(m *markup.Writer) {
	m.Put("<section class=\"feature\">\n<header>\n<h2>%s", c.Title)
	putTags(m, c.Tags)
	m.Put("</h2>\n")
	putDescription(m, c.Description)
	m.Put(`<p class="dim path">%s · %s`, c.Path, c.Count)
	if c.Took > 0 {
		m.Put(" · %s", Duration(c.Took))
	}
	m.Put("</p>\n</header>\n<div class=\"card rows\">\n")
	for _, r := range c.Rows {
		r.put(m)
	}
	m.Put("</div>\n</section>\n")
}

func putTags(m *markup.Writer, tags []Tag) {
	for _, t := range tags {
		m.Put(` <span class="tag">%s</span>`, t.Name)
	}
}

func putDescription(m *markup.Writer, text string) {
	if text != "" {
		m.Put("<p class=\"description\">%s</p>\n", unwrap(text))
	}
}

// wrapped is the length in bytes from which the end of a line is one that an editor has made, and means nothing.
const wrapped = 60

// unwrap is text whose long lines go on with the next: a page breaks lines where it is as wide as they are.
func unwrap(text string) string {
	var b strings.Builder
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		line = strings.TrimSpace(line)
		b.WriteString(line)
		switch {
		case i == len(lines)-1:
		case len(line) >= wrapped && strings.TrimSpace(lines[i+1]) != "":
			b.WriteByte(' ')
		default:
			b.WriteByte('\n')
		}
	}
	return b.String()
}

func (r *row) put(m *markup.Writer) {
	if r.Heading != "" {
		m.Put("<h3>Rule: %s</h3>\n", r.Heading)
	}
	m.Put(`<details class="scenario %s" id="%s" data-status="%s" data-tags="%s"%s>
<summary><span class="mark">%s</span><span class="name">%s`, r.Status, r.ID, r.Status, r.AllTags, markup.When(r.Open, " open"), r.Mark, r.Title)
	if r.Verdict != "" {
		m.Put(" <em>%s</em>", r.Verdict)
	}
	putTags(m, r.Own)
	m.Put("</span>")
	if r.Took > 0 {
		putTook(m, r)
	}
	m.Put(`<a class="link" href="%s" aria-label="Link to %s">#</a></summary>`+"\n", r.Link, r.Title)
	putDescription(m, r.Description)
	if r.Brief != "" {
		m.Put("<pre class=\"brief\">%s</pre>\n", r.Brief)
	}
	for i, a := range r.Attempts {
		m.Put(`<details class="attempt"%s><summary>Attempt %d failed%s</summary>`+"\n", markup.When(!a.Folded, " open"), i+1, markup.When(a.Alike, " as the last did"))
		putWhy(m, a.Failure)
		m.Put("</details>\n")
	}
	for _, g := range r.Groups {
		g.put(m)
	}
	m.Put("</details>\n")
}

func (g group) put(m *markup.Writer) {
	if g.Folded != "" {
		m.Put("<details class=\"more\"><summary>%s</summary>\n", g.Folded)
	}
	m.Put("<ol class=\"steps\">\n")
	for _, s := range g.Steps {
		took := ""
		switch {
		case s.Why != nil:
			took = s.Where
		case s.Took > 0 && s.Status != Skipped:
			took = Duration(s.Took)
		}
		m.Put(`<li class="%s%s"><span class="mark">%s</span><span class="text"><b>%s</b> %s</span><span class="took">%s</span>`,
			s.Status, markup.When(s.Also, " also"), s.Mark, s.Keyword, clean(s.Text), took)
		if s.Argument != "" {
			m.Put(`<pre class="argument">%s</pre>`, s.Argument)
		}
		if s.Why != nil {
			putWhy(m, s.Why)
		}
		m.Put("</li>\n")
	}
	m.Put("</ol>%s\n", markup.When(g.Folded != "", "</details>"))
}

// putWhy is all that is known of a failure.
func putWhy(m *markup.Writer, f *Failure) {
	m.Put("<div class=\"why\">\n<p class=\"what\">%s", clean(f.What))
	if f.Note != "" {
		m.Put(` <span class="dim">(%s)</span>`, f.Note)
	}
	m.Put("</p>\n")
	if len(f.Differences) > 0 {
		m.Put(`<div class="wide"><table>
<thead><tr><th>at</th><th>expected</th><th>got</th></tr></thead>
<tbody>`)
		for _, d := range f.Differences {
			m.Put(`<tr><th scope="row">%s</th><td class="expected"><div>%s</div></td><td class="got"><div>%s</div></td></tr>`+"\n",
				clean(d.Path), clean(d.Expected), clean(d.Got))
		}
		m.Put("</tbody></table></div>\n")
	} else if f.Expected != "" || f.Got != "" {
		m.Put(`<dl><dt>expected</dt><dd class="expected">%s</dd><dt>got</dt><dd class="got">%s</dd></dl>`+"\n", clean(f.Expected), clean(f.Got))
	}
	putTimeline(m, f.Timeline)
	if f.Hint != "" {
		m.Put("<p class=\"hint\">%s</p>\n", clean(f.Hint))
	}
	if f.Exchange != nil {
		f.Exchange.put(m)
	}
	m.Put("</div>")
}

func putTimeline(m *markup.Writer, moments []Moment) {
	if len(moments) == 0 {
		return
	}
	m.Put(`<div class="wide"><table class="timeline">
<thead><tr><th></th><th>sent</th><th>ok</th><th>failed</th><th>unknown</th><th>slowest</th><th></th></tr></thead>
<tbody>`)
	for _, t := range moments {
		m.Put(`<tr%s><th scope="row">%s</th><td>%d</td><td>%d</td><td>%d</td><td>%d</td><td>%s</td><td class="notes">`,
			markup.When(t.Bad, ` class="bad"`), clean(t.When), t.Sent, t.OK, t.Failed, t.Unknown, t.Slowest)
		for _, n := range t.Notes {
			m.Put("%s<br>", clean(n))
		}
		m.Put("</td></tr>\n")
	}
	m.Put("</tbody></table></div>\n")
}

// put is the request, how to repeat it, and the reply.
func (e *Exchange) put(m *markup.Writer) {
	m.Put(`<div class="exchange">
<details><summary><span>Request</span> <code>%s</code></summary><pre>%s</pre></details>
`, clean(firstLine(e.Request)), clean(e.Request))
	if e.Curl != "" {
		m.Put(`<div class="curl"><pre>%s</pre><button type="button" class="copy">Copy</button></div>`+"\n", clean(e.Curl))
	}
	timing := e.timing()
	if e.Reply == "" {
		m.Put("<p class=\"dim\">%s</p>\n</div>\n", timing)
		return
	}
	m.Put(`<details open><summary><span>Reply</span> <code>%s</code>`, clean(firstLine(e.Reply)))
	if strings.TrimSpace(timing) != "" {
		m.Put(` <span class="dim">%s</span>`, timing)
	}
	m.Put("</summary><pre>%s</pre></details>\n</div>\n", clean(e.Reply))
}
