// Package markup writes HTML in which every value is escaped. It stands in the place of html/template, which calls methods by
// name: a program with it carries every method of all that it is made of, since any might be called.
package markup

import (
	"bufio"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"io"
)

// Safe is HTML that stands as it is.
type Safe string

// Writer writes HTML to an io.Writer.
type Writer struct{ out *bufio.Writer }

// To is a Writer to out. Flush it at the end.
func To(out io.Writer) *Writer { return &Writer{bufio.NewWriter(out)} }

// Put writes a piece of HTML with values at the verbs of fmt. They are escaped, so that they are text, or the value of an
// attribute that stands in quotes; numbers and Safe are not.
func (w *Writer) Put(format string, values ...any) {
	for i, v := range values {
		switch v := v.(type) {
		case Safe, int, int64, uint64, float64:
		case string:
			values[i] = html.EscapeString(v)
		default:
			values[i] = html.EscapeString(fmt.Sprint(v))
		}
	}
	if len(values) == 0 {
		_, _ = w.out.WriteString(format) // Flush tells
		return
	}
	_, _ = fmt.Fprintf(w.out, format, values...) // as above
}

// When is yes where it is so, else nothing: a class or an attribute that may be there.
func When(so bool, yes string) Safe {
	if so {
		return Safe(yes)
	}
	return ""
}

// Flush writes what is left. The error is the first that there was.
func (w *Writer) Flush() error { return w.out.Flush() }

// Hash is that of a script, as a Content-Security-Policy has it to let that script run, and no other.
func Hash(script string) string {
	sum := sha256.Sum256([]byte(script))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}
