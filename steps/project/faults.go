package project

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// faults collects what is wrong with one file, each at its place.
type faults struct {
	file string
	all  []fault
}

type fault struct {
	line, column int // column 0: the line as a whole
	message      string
}

func (f *faults) add(line, column int, format string, values ...any) {
	f.all = append(f.all, fault{line, column, fmt.Sprintf(format, values...)})
}

// err is all of them in the order of the file, one a line.
func (f *faults) err() error {
	slices.SortStableFunc(f.all, func(a, b fault) int { return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.column, b.column)) })
	var out []error
	for _, one := range f.all {
		at := fmt.Sprintf("%s:%d", f.file, one.line)
		if one.column > 0 {
			at += fmt.Sprintf(":%d", one.column)
		}
		out = append(out, fmt.Errorf("%s: %s", at, one.message))
	}
	return errors.Join(out...)
}
