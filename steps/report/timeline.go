package report

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// timeline is a load over time as a table; the rows to look at are marked, and in colour.
func (l *look) timeline(b *strings.Builder, moments []Moment) {
	if len(moments) == 0 {
		return
	}
	rows := [][]string{{"", "sent", "ok", "failed", "unknown", "slowest"}}
	for _, m := range moments {
		rows = append(rows, append([]string{clean(m.When)}, m.cells()...))
	}
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	for i, row := range rows {
		var line strings.Builder
		for j, cell := range row {
			if j == 0 {
				fmt.Fprintf(&line, "%-*s", width[j], cell)
				continue
			}
			fmt.Fprintf(&line, "  %*s", width[j], cell)
		}
		if i == 0 {
			b.WriteString("\n    " + l.paint(faint, line.String()))
			continue
		}
		m, mark := moments[i-1], "  "
		for _, note := range m.Notes {
			line.WriteString("  " + clean(firstLine(note)))
		}
		text := strings.TrimRight(line.String(), " ")
		if m.Bad {
			mark, text = "✗ ", l.paint(red, text)
		}
		b.WriteString("\n  " + mark + text)
	}
}

// cells are the figures of a row, none of them where nothing was sent.
func (m *Moment) cells() []string {
	figure := func(n int) string {
		if n == 0 {
			return "-"
		}
		return strconv.Itoa(n)
	}
	slowest := m.Slowest
	if slowest == "" {
		slowest = "-"
	}
	return []string{figure(m.Sent), figure(m.OK), figure(m.Failed), figure(m.Unknown), slowest}
}
