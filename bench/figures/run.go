package figures

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Part is one thing that a benchmark measures, by what its command line says.
type Part[O any] struct {
	Name    string
	Measure func(context.Context, O) (Section, error)
}

// Select gives the parts that are named, in their own order; of no names, all. A name that no part has is an error.
func Select[O any](parts []Part[O], only []string) ([]Part[O], error) {
	if len(only) == 0 {
		return parts, nil
	}
	names := make([]string, len(parts))
	for i, p := range parts {
		names[i] = p.Name
	}
	for _, name := range only {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("--only: %q is none of %s", name, strings.Join(names, ", "))
		}
	}
	return slices.DeleteFunc(slices.Clone(parts), func(p Part[O]) bool { return !slices.Contains(only, p.Name) }), nil
}

// Run measures the parts and writes each to w as it is done, or all of them at the end as JSON. What could not be measured
// is an Invalid.
func Run[O any](ctx context.Context, w io.Writer, asJSON bool, parts []Part[O], o O) error {
	report := New()
	if !asJSON {
		report.WriteHead(w)
	}
	for _, p := range parts {
		section, err := p.Measure(ctx, o)
		if err != nil {
			return Invalid{Err: fmt.Errorf("%s: %w", p.Name, err)}
		}
		section.Name = p.Name
		report.Sections = append(report.Sections, section)
		if !asJSON {
			section.Write(w)
		}
	}
	if asJSON {
		return report.WriteJSON(w)
	}
	report.WriteFoot(w)
	return nil
}
