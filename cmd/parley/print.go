package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"
)

// print writes v as JSON or YAML where that was asked for, else what text writes.
func (o *options) print(c *cobra.Command, v any, text func(w io.Writer)) error {
	if o.output == "text" {
		text(c.OutOrStdout())
		return nil
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	written := out.Bytes()
	if o.output == "yaml" {
		var err error
		if written, err = yaml.JSONToYAML(written); err != nil {
			return err
		}
	}
	_, _ = c.OutOrStdout().Write(written) // a closed pipe is the reader's wish
	return nil
}

// table writes rows under a header, columns aligned; numbers to the right.
func table(w io.Writer, header []string, rows [][]string) {
	width := make([]int, len(header))
	for _, row := range append([][]string{header}, rows...) {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range append([][]string{header}, rows...) {
		cells := make([]string, len(row))
		for i, cell := range row {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if len(rows) > 0 && isNumber(rows[0][i]) {
				cells[i] = pad + cell
			} else {
				cells[i] = cell + pad
			}
		}
		line(w, "%s", strings.TrimRight(strings.Join(cells, "  "), " "))
	}
}

func isNumber(cell string) bool {
	return cell != "" && strings.Trim(cell, "0123456789.-") == "" && cell != "-"
}

func line(w io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(w, format+"\n", args...) // a closed pipe is the reader's wish
}
