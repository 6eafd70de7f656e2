package report_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/bench/markup"
	"github.com/parley-run/parley/steps/report"
)

func page(t *testing.T, p *report.Page) string {
	var out bytes.Buffer
	require.NoError(t, p.WriteHTML(&out))
	return out.String()
}

func TestAFaultBesideTheScenariosFailsThePage(t *testing.T) {
	r := sample()
	r.Features = r.Features[:1]
	r.Features[0].Scenarios = r.Features[0].Scenarios[:1]
	p := &report.Page{Title: "Demo", Run: r}
	assert.True(t, p.Passed())
	assert.Contains(t, page(t, p), `<b class="verdict passed">Passed</b>`)
	p.Faults = []string{"3 requests were lost"}
	assert.False(t, p.Passed())
	assert.Contains(t, page(t, p), `<b class="verdict failed">Failed</b>`)
	assert.Contains(t, page(t, p), `<pre class="fault">3 requests were lost</pre>`)
}

func TestHTML(t *testing.T) {
	text := page(t, &report.Page{
		Title: "Demo", Subtitle: "All of it", Run: sample(), Facts: []report.Fact{{Name: "requests failed", Value: "0"}},
		Sections: []report.Section{{Title: "Load", HTML: "<p id=load>500 requests/s</p>"}},
	})
	for _, part := range []string{
		"All of it · 21 November 2026, 09:30:00 UTC", "<b>2 of 6</b><span>scenarios passed, 1 flaky</span>", "<b>8 of 13</b><span>steps passed</span>",
		"<b>0</b><span>requests failed</span>", "<p id=load>500 requests/s</p>", "Bad &lt;script&gt;", "Rule: Names have letters", "Each name (row 2)",
		`<tr><th scope="row">/name</th><td class="expected"><div>&#34;Joe&#34;</div></td><td class="got"><div>&#34;Sean&#34;</div></td></tr>`,
		"did you mean: When the request is sent", "the reply is not that document", "(still so after 2 seconds)", "features/names.feature:16",
		"2 steps before, passed", "FLAKY: passed in attempt 2", "Attempt 1 failed", "no reply from 127.0.0.1:1: connection refused",
		`curl -i -X GET &#39;http://127.0.0.1:8080/names?a=1&amp;b=2&#39; -u joe:&#34;$PASSWORD&#34;`, "404 Not Found", "all after 4.7 ms", `&#34;bell&#34;: &#34;\x07&#34;`,
	} {
		assert.Contains(t, text, part)
	}
	assert.Equal(t, 1, strings.Count(text, "<script"))
	for _, never := range []string{`src="`, "@import", "url(", " style=", " onclick="} {
		assert.NotContains(t, text, never, "the page must need nothing else, and work where a policy forbids what stands in attributes")
	}
}

// What sections run, they run once, and the page's policy lets it.
func TestScriptsOfSections(t *testing.T) {
	const first, second = "const a = 1;", "const b = a;"
	text := page(t, &report.Page{Title: "Demo", Run: sample(), Sections: []report.Section{
		{Title: "Load", HTML: "<p>one</p>", Scripts: []string{first, second}}, {Title: "More", HTML: "<p>two</p>", Scripts: []string{first, second}},
	}})
	assert.Equal(t, 3, strings.Count(text, "<script"))
	assert.Contains(t, text, "<script>"+first+"</script>\n<script>"+second+"</script>\n</body>")
	policy := regexp.MustCompile(`script-src ([^;]*);`).FindStringSubmatch(text)[1]
	assert.Contains(t, policy, "'"+markup.Hash(first)+"' '"+markup.Hash(second)+"'")
	assert.Len(t, strings.Fields(policy), 3)
}

// The description of a feature keeps the ends of lines that mean something.
func TestDescriptionsAreUnwrapped(t *testing.T) {
	r := sample()
	r.Features[0].Description = "  As a tester\n  I want to read\n\n  what somebody has written with a line end behind every so many\n  letters.\n  * one"
	assert.Contains(t, page(t, &report.Page{Title: "Demo", Run: r}),
		`<p class="description">As a tester`+"\nI want to read\n\nwhat somebody has written with a line end behind every so many letters.\n* one</p>")
}

// A page must have each id once, and each of its links must lead somewhere.
func TestLinksOfThePage(t *testing.T) {
	text := page(t, &report.Page{Title: "Demo", Run: report.Join(sample(), sample())})
	ids := map[string]bool{}
	for _, m := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(text, -1) {
		assert.False(t, ids[m[1]], "id %s is there twice", m[1])
		ids[m[1]] = true
	}
	assert.True(t, ids["features/names.feature:12"])
	assert.True(t, ids["features/names.feature:12.2"], "the same file once more")
	assert.True(t, ids["features/my-orders.feature:3"])
	links := regexp.MustCompile(` href="#([^"]*)"`).FindAllStringSubmatch(text, -1)
	assert.Len(t, links, 12+6+10, "each scenario, what failed or was flaky, the slowest")
	for _, m := range links {
		id, err := url.PathUnescape(m[1])
		require.NoError(t, err)
		assert.True(t, ids[id], "no scenario has the id %s", id)
	}
}

// Whether elements are closed is told by a strict reader of XML, but for those of HTML that have no end.
func TestThePageIsWellFormed(t *testing.T) {
	text := page(t, &report.Page{Title: "Demo", Run: sample()})
	text = regexp.MustCompile(`(?s)<(style|script)>.*?</(style|script)>`).ReplaceAllString(text, "")
	text = regexp.MustCompile(`<(meta|link|input)([^>]*)>`).ReplaceAllString(text, "<$1$2/>")
	text = strings.NewReplacer(" hidden>", ` hidden="">`, " open>", ` open="">`).Replace(strings.TrimPrefix(text, "<!DOCTYPE html>"))
	decoder := xml.NewDecoder(strings.NewReader(text))
	for {
		_, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err)
	}
}

func TestTenThousandScenariosAreALightPage(t *testing.T) {
	text := page(t, &report.Page{Title: "Many", Run: many(100, 100)})
	assert.Less(t, len(text), 30_000_000)
	assert.Less(t, strings.Count(text, "<"), 10_000*40, "elements, opened and closed")
	assert.Equal(t, 10_000, strings.Count(text, `<details class="scenario passed"`))
}
