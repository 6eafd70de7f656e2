package bench

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Duration is a time span: a number of seconds (10, 0.5), or a text with a unit ("500ms", "1m").
type Duration time.Duration

// Std is d for package time.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String is as of time.Duration.
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalJSON writes a text such as "500ms".
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(d.String()) }

// UnmarshalYAML accepts both forms.
func (d *Duration) UnmarshalYAML(node ast.Node) error {
	var v any
	if err := yaml.NodeToValue(node, &v); err != nil {
		return err
	}
	var span time.Duration
	switch v := v.(type) {
	case string:
		parsed, err := time.ParseDuration(v)
		if err != nil {
			return &nodeError{start(node), fmt.Sprintf("%q is not a time span: write seconds, or a text such as \"500ms\"", v)}
		}
		span = parsed
	case float64:
		span = time.Duration(v * float64(time.Second))
	case uint64:
		span = time.Duration(v) * time.Second
	case int64:
		span = time.Duration(v) * time.Second
	default:
		return &nodeError{start(node), fmt.Sprintf("%v is not a time span: write seconds, or a text such as \"500ms\"", v)}
	}
	if span < 0 {
		return &nodeError{start(node), fmt.Sprintf("the time span %s is negative", span)}
	}
	*d = Duration(span)
	return nil
}

// decode reads raw strictly into out: unknown and repeated keys are faults, and each fault is "name:line:column:
// message". The file that it gives tells where a value stands.
func decode(name string, raw []byte, out any) (*ast.File, error) {
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
	err = yaml.NewDecoder(bytes.NewReader(raw), yaml.Strict()).Decode(out)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, located(name, err)
	}
	return file, nil
}

// unknownKeys finds every key in node that type t has no field for.
func unknownKeys(name string, node ast.Node, t reflect.Type) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	var faults []error
	switch n := node.(type) {
	case *ast.FloatNode: // the decoder would cut it off
		if t.Kind() == reflect.Int {
			at := start(n)
			return fmt.Errorf("%s:%d:%d: %q is no %s", name, at.Line, at.Column, n.GetToken().Value, wordFor(t))
		}
	case *ast.SequenceNode:
		if t.Kind() != reflect.Slice {
			return nil // of another type than wanted: the decoder says so
		}
		for _, one := range n.Values {
			faults = append(faults, unknownKeys(name, one, t.Elem()))
		}
	case *ast.MappingNode:
		for _, pair := range n.Values {
			faults = append(faults, unknownKeys(name, pair, t))
		}
	case *ast.MappingValueNode:
		if t.Kind() == reflect.Map {
			return unknownKeys(name, n.Value, t.Elem())
		}
		if t.Kind() != reflect.Struct {
			return nil
		}
		key := n.Key.GetToken().Value
		names := make([]string, 0, t.NumField())
		for i := range t.NumField() {
			field := t.Field(i)
			switch tag := field.Tag.Get("yaml"); tag {
			case key:
				return unknownKeys(name, n.Value, field.Type)
			case "", "-":
			default:
				names = append(names, tag)
			}
		}
		at := start(n)
		if len(names) == 0 { // a text, or a number
			return nil
		}
		return fmt.Errorf("%s:%d:%d: unknown field %q%s; there are %s", name, at.Line, at.Column, key, strings.TrimSuffix(meant(key, names), "?"), strings.Join(names, ", "))
	}
	return errors.Join(faults...)
}

// faultAt is an error at the value that path names, such as "$.events[0].at", or at its nearest parent that exists.
func faultAt(name string, file *ast.File, path, message string) error {
	for ; path != "" && path != "$"; path = path[:max(0, strings.LastIndexAny(path, ".["))] {
		p, err := yaml.PathString(path)
		if err != nil {
			continue
		}
		node, err := p.FilterFile(file)
		if err != nil || node == nil {
			continue
		}
		at := start(node)
		return fmt.Errorf("%s:%d:%d: %s", name, at.Line, at.Column, message)
	}
	return fmt.Errorf("%s:1:1: %s", name, message)
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

// located puts the file's name, line and column before the library's message.
func located(name string, err error) error {
	if mistyped := (*yaml.TypeError)(nil); errors.As(err, &mistyped) && mistyped.Token != nil {
		at := mistyped.Token.Position
		return fmt.Errorf("%s:%d:%d: %q is no %s", name, at.Line, at.Column, mistyped.Token.Value, wordFor(mistyped.DstType))
	}
	if other := (*yaml.UnexpectedNodeTypeError)(nil); errors.As(err, &other) && other.GetToken() != nil {
		at := other.GetToken().Position
		return fmt.Errorf("%s:%d:%d: expected a %s here, not a %s", name, at.Line, at.Column, plainNode(other.Expected), plainNode(other.Actual))
	}
	var positioned yaml.Error
	if errors.As(err, &positioned) && positioned.GetToken() != nil {
		at := positioned.GetToken().Position
		return fmt.Errorf("%s:%d:%d: %s", name, at.Line, at.Column, positioned.GetMessage())
	}
	var own *nodeError
	if errors.As(err, &own) {
		return fmt.Errorf("%s:%d:%d: %s", name, own.at.Line, own.at.Column, own.message)
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
	at      *token.Position
	message string
}

func (e *nodeError) Error() string { return e.message }
