package report

import (
	"fmt"
	"io"
	"strings"
)

// summaryLimit is how many bytes the failures of a summary may take: GitHub refuses one of more than 1 MiB.
const summaryLimit = 900_000

// WriteSummary writes a run as Markdown, for the file that GitHub Actions names in GITHUB_STEP_SUMMARY (to be appended
// to): the verdict, the counts, and each scenario that failed or was flaky to unfold. It stays below GitHub's limit of
// 1 MiB, and says how many failures it has left out for that.
func WriteSummary(w io.Writer, r *Run) error {
	var b strings.Builder
	verdict := "✅ Passed"
	switch {
	case r.Interrupted:
		verdict = "❌ Interrupted"
	case !r.Passed():
		verdict = "❌ Failed"
	}
	fmt.Fprintf(&b, "### %s: %s\n\n", verdict, counted("scenario", r.Scenarios()))
	b.WriteString("| | total | passed | failed | undefined | flaky | skipped |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for _, row := range []struct {
		what string
		c    Counts
	}{{"features", r.FeatureFiles()}, {"scenarios", r.Scenarios()}, {"steps", r.Steps()}} {
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d | %d |\n",
			row.what, row.c.Total(), row.c.Passed, row.c.Failed, row.c.Undefined, row.c.Flaky, row.c.Skipped)
	}
	fmt.Fprintf(&b, "\n%s\n", ending(r))
	left := 0
	for _, f := range r.Faults {
		if text := fenced(clean(f)); b.Len()+len(text) < summaryLimit {
			b.WriteString("\n" + text)
		} else {
			left++
		}
	}
	for _, f := range r.Features {
		for _, s := range f.Scenarios {
			if s.quiet() {
				continue
			}
			text := folded(f, s)
			if b.Len()+len(text) > summaryLimit {
				left++
				continue
			}
			b.WriteString(text)
		}
	}
	if left > 0 {
		fmt.Fprintf(&b, "\n%s more had no room here: the report files have them all.\n", number(left, "failure"))
	}
	b.WriteString("\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// folded is a scenario that can be unfolded.
func folded(f *Feature, s *Scenario) string {
	icon := "❌"
	if s.Status == Flaky {
		icon = "⚠️"
	}
	return fmt.Sprintf("\n<details><summary>%s %s: %s <code>%s</code></summary>\n\n%s\n</details>\n",
		icon, htmlText(f.title()), htmlText(s.Title()), htmlText(s.Location()), fenced(s.Text()))
}

// fenced is text as a block of code, whatever is in it.
func fenced(text string) string {
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fence + "text\n" + strings.TrimRight(text, "\n") + "\n" + fence + "\n"
}

// htmlText is text in one line of Markdown's HTML.
func htmlText(text string) string {
	text = strings.Join(strings.Fields(clean(text)), " ")
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "`", "&#96;", "*", "&#42;", "_", "&#95;").Replace(text)
}
