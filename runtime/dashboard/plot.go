package dashboard

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
)

const plotWidth, plotHeight = 480, 120

// asList is numbers as JSON, for a chart that moves.
func asList[N int64 | float64](numbers []N) string {
	var b strings.Builder
	b.WriteByte('[')
	for i, n := range numbers {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatFloat(float64(n), 'g', 6, 64))
	}
	b.WriteByte(']')
	return b.String()
}

func mostOf[N int64 | float64](numbers []N) (most float64) {
	for _, n := range numbers {
		most = max(most, float64(n))
	}
	return most
}

// bars is a chart for browsers without JavaScript.
func bars(label string, numbers []int64) template.HTML {
	most := mostOf(numbers)
	if most == 0 {
		return ""
	}
	var path strings.Builder
	step := float64(plotWidth) / float64(len(numbers))
	for i, n := range numbers {
		height := float64(n) / most * (plotHeight - 4)
		fmt.Fprintf(&path, "M%.1f %dv-%.1fh%.1fv%.1fz", float64(i)*step, plotHeight, height, max(step*0.8, 0.5), height)
	}
	return drawn(label, most, path.String(), "filled")
}

// line is likewise; slots without requests are gaps.
func line(label string, numbers []float64) template.HTML {
	most := mostOf(numbers)
	if most == 0 {
		return ""
	}
	var path strings.Builder
	step := float64(plotWidth) / float64(max(1, len(numbers)-1))
	gap := true
	for i, n := range numbers {
		if n == 0 {
			gap = true
			continue
		}
		x, y := float64(i)*step, plotHeight-2-n/most*(plotHeight-4)
		if gap {
			fmt.Fprintf(&path, "M%.1f %.1fh0.1", x, y)
		}
		fmt.Fprintf(&path, "L%.1f %.1f", x, y)
		gap = false
	}
	return drawn(label, most, path.String(), "stroked")
}

func drawn(label string, most float64, path, class string) template.HTML {
	text := template.HTMLEscapeString(fmt.Sprintf("%s, up to %s", label, figure(most)))
	return template.HTML(fmt.Sprintf( //nolint:gosec // numbers, and texts that are escaped
		`<svg class="chart %s" role="img" viewBox="0 0 %d %d" preserveAspectRatio="none"><title>%s</title><path d="%s"/></svg><p class="hint">%s</p>`,
		class, plotWidth, plotHeight, text, path, text))
}
