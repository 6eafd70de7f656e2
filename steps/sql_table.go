package steps

import (
	"strings"
	"unicode/utf8"
)

// table writes rows below the names of their columns, for people: values as Python writes them, and > before the rows
// that are marked.
func table(columns []string, rows []any, marked map[int]bool) string {
	lines := [][]string{columns}
	for _, row := range rows {
		var cells []string
		values, _ := row.([]any)
		for _, v := range values {
			cells = append(cells, inPython(v))
		}
		lines = append(lines, cells)
	}
	var widths []int
	for _, line := range lines {
		for i, cell := range line {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for n, line := range lines {
		if n > 0 {
			b.WriteString("\n")
		}
		switch {
		case len(marked) == 0:
		case marked[n-1]:
			b.WriteString("> ")
		default:
			b.WriteString("  ")
		}
		for i, cell := range line {
			if i > 0 {
				b.WriteString(" | ")
			}
			b.WriteString(cell)
			if i < len(line)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)))
			}
		}
	}
	if len(rows) == 0 {
		b.WriteString("\n(no rows)")
	}
	return b.String()
}
