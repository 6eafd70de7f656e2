package starlark

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// FileError is what is wrong with a service file: one line for each fault, as file:line:column: message.
type FileError struct {
	File   string
	Faults []string
}

func (e *FileError) Error() string { return strings.Join(e.Faults, "\n") }

func faultAt(pos syntax.Position, format string, args ...any) string {
	return fmt.Sprintf("%s:%d:%d: %s", pos.Filename(), pos.Line, pos.Col, fmt.Sprintf(format, args...))
}

// compileError turns what the parser and the resolver say of a source into a FileError.
func compileError(file string, source []byte, err error) *FileError {
	out := &FileError{File: file}
	var syntaxErr syntax.Error
	var unresolved resolve.ErrorList
	switch {
	case errors.As(err, &syntaxErr):
		out.Faults = []string{faultAt(endOfLine(syntaxErr, source), "%s%s", syntaxErr.Msg, hint(syntaxErr.Msg))}
	case errors.As(err, &unresolved):
		for _, one := range unresolved {
			out.Faults = append(out.Faults, faultAt(one.Pos, "%s", one.Msg))
		}
	default:
		out.Faults = []string{file + ":1:1: " + err.Error()}
	}
	return out
}

// hint says how to write in Starlark what a Python programmer tried.
func hint(message string) string {
	for _, h := range []struct{ start, hint string }{
		{"got class", "a service is a function: def handle(self)"},
		{"got import", "there is nothing to import: json, math and struct are there, load(...) takes names from other files"},
		{"got from", "there is nothing to import: json, math and struct are there, load(...) takes names from other files"},
		{"got try", "use attempt(fn, ...), which gives (ok, value, error)"},
		{"got raise", "use error(status, message)"},
		{"got with", "there is no with in Starlark"},
		{"got string literal, want newline", "there are no f-strings: use \"...\".format(...)"},
	} {
		if strings.HasPrefix(message, h.start) {
			return "; " + h.hint
		}
	}
	return ""
}

// endOfLine is where e is. The parser places a newline that it did not expect at the start of the next line: the end
// of the line before is where something is missing.
func endOfLine(e syntax.Error, source []byte) syntax.Position {
	pos := e.Pos
	if pos.Col != 1 || pos.Line < 2 || !strings.HasPrefix(e.Msg, "got newline") {
		return pos
	}
	lines := bytes.Split(source, []byte("\n"))
	if int(pos.Line) > len(lines) {
		return pos
	}
	before := bytes.TrimRight(lines[pos.Line-2], "\r")
	pos.Line, pos.Col = pos.Line-1, int32(utf8.RuneCount(before))+1
	return pos
}

// runError places an error of running code where the file was executing.
func runError(file string, err error) *FileError {
	var fileErr *FileError
	if errors.As(err, &fileErr) {
		return fileErr
	}
	var evalErr *starlark.EvalError
	if errors.As(err, &evalErr) {
		if pos, ok := innermost(evalErr.CallStack); ok {
			return &FileError{File: file, Faults: []string{faultAt(pos, "%s", evalErr.Msg)}}
		}
	}
	return &FileError{File: file, Faults: []string{file + ":1:1: " + err.Error()}}
}

// panicked is what is wrong with a file that made Go panic, such as by text too long to be made.
func panicked(thread *starlark.Thread, file string, p any) *FileError {
	place := file + ":1:1"
	if pos, ok := innermost(thread.CallStack()); ok {
		place = fmt.Sprintf("%s:%d:%d", pos.Filename(), pos.Line, pos.Col)
	}
	return &FileError{File: file, Faults: []string{fmt.Sprintf("%s: the operation cannot be done: %v", place, p)}}
}

// innermost is the last place in Starlark code on the stack.
func innermost(stack starlark.CallStack) (syntax.Position, bool) {
	for i := range stack {
		if pos := stack.At(i).Pos; pos.IsValid() && pos.Line > 0 && pos.Filename() != "<builtin>" {
			return pos, true
		}
	}
	return syntax.Position{}, false
}

// Place is one place on the call stack of a service.
type Place struct {
	File     string // empty: what is called there is built in
	Line     int
	Column   int
	Function string
}

// stacked is the text of a call stack, and the stack.
type stacked struct {
	text  string
	stack starlark.CallStack
}

func (e *stacked) Error() string { return e.text }

// Stack is where in a service err came from, the outermost call first; nil: from none.
func Stack(err error) []Place {
	var stack starlark.CallStack
	var evalErr *starlark.EvalError
	var noted *stacked
	switch {
	case errors.As(err, &evalErr):
		stack = evalErr.CallStack
	case errors.As(err, &noted):
		stack = noted.stack
	}
	var out []Place
	for _, frame := range stack {
		one := Place{Function: frame.Name}
		if name := frame.Pos.Filename(); name != "<builtin>" {
			one.File, one.Line, one.Column = name, int(frame.Pos.Line), int(frame.Pos.Col)
		}
		out = append(out, one)
	}
	return out
}

// stackOf is where in Starlark err came from, outermost call first: "at a.star:20:5 in handle, a.star:3:9 in pick".
func stackOf(err error) string {
	var evalErr *starlark.EvalError
	if !errors.As(err, &evalErr) {
		return "after handle returned"
	}
	places := make([]string, 0, len(evalErr.CallStack))
	for _, frame := range evalErr.CallStack {
		if frame.Pos.Filename() == "<builtin>" {
			places = append(places, frame.Name)
			continue
		}
		places = append(places, fmt.Sprintf("%s:%d:%d in %s", frame.Pos.Filename(), frame.Pos.Line, frame.Pos.Col, frame.Name))
	}
	return "at " + strings.Join(places, ", ")
}
