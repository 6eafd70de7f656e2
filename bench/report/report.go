// Package report renders a benchmark's result as HTML that needs no network: a whole page, or a fragment to put into another.
// uPlot draws the charts, of data that the page carries; without JavaScript the tables tell the same. Colours follow the
// reader's light or dark setting.
package report

import (
	_ "embed"
	"fmt"
	"io"
	"strings"

	"github.com/parley-run/parley/bench"
	"github.com/parley-run/parley/bench/markup"
	"github.com/parley-run/parley/uplot"
)

//go:embed style.css
var style string

//go:embed page.css
var pageStyle string

//go:embed charts.js
var charts string

// Scripts are what a page with fragments runs at its end, once, however many fragments it has. They draw the charts.
func Scripts() []string {
	return []string{"/*\nuPlot, https://github.com/leeoniya/uPlot\n\n" + uplot.Licence() + "\n*/\n" + uplot.Script(), charts}
}

// Page writes a whole HTML page. Its policy lets it load nothing.
func Page(w io.Writer, r *bench.Result) error {
	fragment, err := Fragment(r)
	if err != nil {
		return err
	}
	v := judge(r)
	var allowed []string
	for _, script := range Scripts() {
		allowed = append(allowed, "'"+markup.Hash(script)+"'")
	}
	m := markup.To(w)
	m.Put(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src %s; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>%s %s – load report</title>
<link rel="icon" href="data:image/svg+xml,%%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%%3E%%3Ccircle cx='8' cy='8' r='7' fill='%s'/%%3E%%3C/svg%%3E">
<style>
%s</style>
</head>
<body>
<main>
%s</main>
`, markup.Safe(strings.Join(allowed, " ")), v.Mark, r.Name, markup.Safe(v.Icon), markup.Safe(pageStyle), fragment)
	for _, script := range Scripts() {
		m.Put("<script>%s</script>\n", markup.Safe(script))
	}
	m.Put("</body>\n</html>\n")
	return m.Flush()
}

// loadOf is how much was sent, in a few words.
func loadOf(r *bench.Result) string {
	switch {
	case r.Users > 0:
		return fmt.Sprintf("%d users in a closed loop for %g s", r.Users, r.Duration)
	case len(r.Parts) > 0:
		return fmt.Sprintf("%d phases of %g s in all, %.4g requests a second on the average", len(r.Parts), r.Duration, r.Rate)
	}
	return fmt.Sprintf("%g requests a second for %g s", r.Rate, r.Duration)
}

// count writes n with thin spaces between thousands.
func count(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "\u202f" + text[i:]
	}
	return text
}

func share(n, of int) string {
	if of == 0 {
		return ""
	}
	return fmt.Sprintf("%.4g %%", 100*float64(n)/float64(of))
}
