// Package yamlfile reads YAML files that people write: strictly, and with every fault at its line and column.
package yamlfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/parley-run/parley/spelling"
)

// File is a file that was read, and knows where each of its values stands.
type File struct {
	name string
	file *ast.File
}

// Read decodes raw into out, a pointer to a struct with yaml tags. Unknown keys, repeated keys and values of other types are
// faults, each as "name:line:column: message", an unknown key with the nearest one that there is. A byte order mark is passed over.
func Read(name string, raw []byte, out any) (*File, error) {
	raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
	if at := notUTF8(raw); at >= 0 {
		return nil, fmt.Errorf("%s:%d:1: it is no text in UTF-8; save it as UTF-8", name, 1+bytes.Count(raw[:at], []byte("\n")))
	}
	file, err := parser.ParseBytes(raw, 0)
	if err != nil {
		return nil, located(name, err)
	}
	if len(file.Docs) > 1 {
		return nil, fmt.Errorf("%s: %d YAML documents, one is allowed", name, len(file.Docs))
	}
	if len(file.Docs) == 1 {
		if err := unknownKeys(name, file.Docs[0].Body, reflect.TypeOf(out)); err != nil {
			return nil, err
		}
	}
	err = yaml.NewDecoder(bytes.NewReader(raw), yaml.Strict(), yaml.AllowDuplicateMapKey()).Decode(out) // those in one mapping the parser refuses
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, located(name, err)
	}
	return &File{name: name, file: file}, nil
}

// notUTF8 is where the first byte is that is not UTF-8; -1: there is none.
func notUTF8(raw []byte) int {
	for at := 0; at < len(raw); {
		r, size := utf8.DecodeRune(raw[at:])
		if r == utf8.RuneError && size == 1 {
			return at
		}
		at += size
	}
	return -1
}

// Fault is an error at the value that path names, such as "$.stubs[0].path", or at its nearest parent that is there.
func (f *File) Fault(path, format string, args ...any) error {
	message := fmt.Sprintf(format, args...)
	for ; path != "" && path != "$"; path = path[:max(0, strings.LastIndexAny(path, ".["))] {
		p, err := yaml.PathString(path)
		if err != nil {
			continue
		}
		node, err := p.FilterFile(f.file)
		if err != nil || node == nil {
			continue
		}
		return faultAt(f.name, start(node), "%s", message)
	}
	return fmt.Errorf("%s:1:1: %s", f.name, message)
}

// Errorf is a fault of a node, for methods UnmarshalYAML.
func Errorf(node ast.Node, format string, args ...any) error {
	return &nodeError{*start(node), fmt.Sprintf(format, args...)}
}

// ErrorAt is Errorf, so many columns further on.
func ErrorAt(node ast.Node, column int, message string) error {
	at := *start(node)
	at.Column += column
	return &nodeError{at, message}
}

// start is where a node begins: a mapping's own token is its first colon, so its first key stands for it.
func start(node ast.Node) *token.Position {
	switch n := node.(type) {
	case *ast.MappingNode:
		if len(n.Values) > 0 {
			return start(n.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return start(n.Key)
	}
	return node.GetToken().Position
}

// unknownKeys finds every key in node that type t has no field for.
func unknownKeys(name string, node ast.Node, t reflect.Type) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	var faults []error
	switch n := node.(type) {
	case *ast.FloatNode: // the decoder would cut it off; of other kinds than int are those that read themselves, such as Duration
		if t.Kind() == reflect.Int {
			return faultAt(name, start(n), "%q is no %s", n.GetToken().Value, wordFor(t))
		}
	case *ast.AnchorNode: // what its aliases stand for is looked at where it is written out
		return unknownKeys(name, n.Value, t)
	case *ast.SequenceNode:
		if t.Kind() != reflect.Slice {
			return nil // of another type than wanted: the decoder says so
		}
		for _, one := range n.Values {
			faults = append(faults, unknownKeys(name, one, t.Elem()))
		}
	case *ast.MappingNode:
		for i, pair := range n.Values {
			if _, merge := pair.Key.(*ast.MergeKeyNode); merge && i > 0 { // the decoder would let it win over those before it
				faults = append(faults, faultAt(name, start(pair), "put << before the other keys, which win over it"))
			}
			faults = append(faults, unknownKeys(name, pair, t))
		}
	case *ast.MappingValueNode:
		if _, merge := n.Key.(*ast.MergeKeyNode); merge {
			return unknownKeys(name, n.Value, t)
		}
		switch t.Kind() {
		case reflect.Map:
			return unknownKeys(name, n.Value, t.Elem())
		case reflect.Struct:
			return unknownKey(name, n, t)
		}
	}
	return errors.Join(faults...)
}

// unknownKey looks at one key that should be a field of struct t, and into its value.
func unknownKey(file string, n *ast.MappingValueNode, t reflect.Type) error {
	key := n.Key.GetToken().Value
	fields := fieldsOf(t)
	names := make([]string, 0, len(fields))
	for _, field := range fields {
		name := tagOf(field)
		if name == key {
			return unknownKeys(file, n.Value, field.Type)
		}
		names = append(names, name)
	}
	if len(names) == 0 { // a text, or a number
		return nil
	}
	meant := ""
	if near := spelling.Nearest(key, names); near != "" {
		meant = fmt.Sprintf("; did you mean %q", near)
	}
	return faultAt(file, start(n), "unknown field %q%s; there are %s", key, meant, strings.Join(names, ", "))
}

// fieldsOf are the fields of a struct that have a key in a file, those of inlined structs among them.
func fieldsOf(t reflect.Type) (out []reflect.StructField) {
	for field := range t.Fields() {
		switch tag := field.Tag.Get("yaml"); {
		case tag == ",inline":
			out = append(out, fieldsOf(field.Type)...)
		case tag != "" && tag != "-":
			out = append(out, field)
		}
	}
	return out
}

func tagOf(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
	return name
}

// faultAt is an error at a place of a file.
func faultAt(file string, at *token.Position, format string, args ...any) error {
	return fmt.Errorf("%s:%d:%d: %s", file, at.Line, at.Column, fmt.Sprintf(format, args...))
}

// located puts the file's name, line and column before the library's message.
func located(name string, err error) error {
	if mistyped := (*yaml.TypeError)(nil); errors.As(err, &mistyped) && mistyped.Token != nil {
		return faultAt(name, mistyped.Token.Position, "%q is no %s", mistyped.Token.Value, wordFor(mistyped.DstType))
	}
	if other := (*yaml.UnexpectedNodeTypeError)(nil); errors.As(err, &other) && other.GetToken() != nil {
		return faultAt(name, other.GetToken().Position, "expected a %s here, not a %s", plainNode(other.Expected), plainNode(other.Actual))
	}
	if large := (*yaml.OverflowError)(nil); errors.As(err, &large) && large.GetToken() != nil {
		at := large.GetToken().Position
		return fmt.Errorf("%s:%d:%d: %s is too large a number", name, at.Line, at.Column, large.SrcNum)
	}
	var positioned yaml.Error
	if errors.As(err, &positioned) && positioned.GetToken() != nil {
		return faultAt(name, positioned.GetToken().Position, "%s", positioned.GetMessage())
	}
	var own *nodeError
	if errors.As(err, &own) {
		return faultAt(name, &own.at, "%s", own.message)
	}
	return fmt.Errorf("%s: %w", name, err)
}

// wordFor is what a type is called where nobody has to know Go.
func wordFor(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Float32, reflect.Float64:
		return "number, such as 500 or 0.5"
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return "whole number"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "list"
	case reflect.Map, reflect.Struct:
		return "group of keys with values"
	case reflect.Pointer:
		return wordFor(t.Elem())
	default:
		return "text"
	}
}

func plainNode(t ast.NodeType) string {
	switch t {
	case ast.MappingType, ast.MappingValueType:
		return "group of keys with values"
	case ast.SequenceType:
		return "list"
	default:
		return "value"
	}
}

// nodeError is a fault found while one node was decoded.
type nodeError struct {
	at      token.Position
	message string
}

func (e *nodeError) Error() string { return e.message }
