package folder

import (
	"errors"
	"fmt"
	"reflect"
	"sort"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/parley-run/parley/spelling"
)

// fault is one thing that is wrong with the file, at the place that it is wrong at.
type fault struct {
	line, column int
	message      string
}

// faults collects what is wrong with one file.
type faults struct {
	file string
	all  []fault
}

func (f *faults) add(t *token.Token, format string, args ...any) {
	one := fault{line: 1, column: 1, message: fmt.Sprintf(format, args...)}
	if t != nil && t.Position != nil {
		one.line, one.column = t.Position.Line, t.Position.Column
	}
	f.all = append(f.all, one)
}

// err is all faults in the order of the file, one a line.
func (f *faults) err() error {
	if len(f.all) == 0 {
		return nil
	}
	sort.SliceStable(f.all, func(i, j int) bool {
		a, b := f.all[i], f.all[j]
		return a.line < b.line || a.line == b.line && a.column < b.column
	})
	lines := make([]string, len(f.all))
	for i, one := range f.all {
		lines[i] = fmt.Sprintf("%s:%d:%d: %s", f.file, one.line, one.column, one.message)
	}
	return errors.New(strings.Join(lines, "\n"))
}

// decode reads cluster.yaml strictly: unknown keys, wrong types and impossible values are errors.
func decode(path string, raw []byte) (Cluster, error) {
	var c Cluster
	found := &faults{file: path}
	if len(raw) > maxFile {
		found.add(nil, "the file has %d bytes, the limit is %d", len(raw), maxFile)
		return c, found.err()
	}
	tokens := lexer.Tokenize(string(raw))
	if deep := tooDeep(tokens); deep != nil {
		found.add(deep, "nested too deeply for a cluster's file")
		return c, found.err()
	}
	file, err := parser.Parse(tokens, 0)
	if err != nil {
		found.addYAML(err)
		return c, found.err()
	}
	var body ast.Node
	if len(file.Docs) > 0 {
		body = file.Docs[0].Body
	}
	if len(file.Docs) > 1 {
		found.add(file.Docs[1].GetToken(), "a second document; keep one")
		return c, found.err()
	}
	if !isMapping(body) {
		found.add(tokenOf(body), "expected keys and values, with %s", strings.Join(keysOf(reflect.TypeFor[Cluster]()), ", "))
		return c, found.err()
	}
	found.unknownKeys(body, reflect.TypeFor[Cluster](), "")
	if err := yaml.NodeToValue(body, &c); err != nil {
		found.addYAML(err)
		return c, found.err()
	}
	check(&c, body, found)
	return c, found.err()
}

// What the file may be: the YAML library takes long over what is nested deeply, and recurses into it.
const (
	maxFile   = 64 << 10 // bytes
	maxNested = 16       // brackets within brackets, or marks such as - and ? in one line
	maxColumn = 64       // of a line's first character
)

// tooDeep is where nesting begins that no cluster's file needs, or nil.
func tooDeep(tokens token.Tokens) *token.Token {
	line, brackets, marks := 0, 0, 0
	for _, t := range tokens {
		if t.Position == nil {
			continue
		}
		first := t.Position.Line != line
		if first {
			line, marks = t.Position.Line, 0
		}
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			brackets++
		case token.MappingEndType, token.SequenceEndType:
			brackets--
		case token.SequenceEntryType, token.MappingKeyType, token.TagType, token.AnchorType:
			marks++
		}
		if brackets > maxNested || marks > maxNested || first && t.Position.Column > maxColumn && t.Type != token.CommentType {
			return t
		}
	}
	return nil
}

// addYAML adds what the parser or the decoder says, with its place.
func (f *faults) addYAML(err error) {
	var typed *yaml.TypeError
	if errors.As(err, &typed) && typed.DstType != nil {
		f.add(typed.Token, "expected %s%s", article(typed.DstType), got(typed.Token))
		return
	}
	var node *yaml.UnexpectedNodeTypeError
	if errors.As(err, &node) {
		f.add(node.Token, "expected %s%s", nodeWord(node.Expected), got(node.Token))
		return
	}
	var placed yaml.Error
	if errors.As(err, &placed) {
		f.add(placed.GetToken(), "%s", placed.GetMessage())
		return
	}
	f.add(nil, "%v", err)
}

func got(t *token.Token) string {
	if t == nil || t.Value == "" {
		return ""
	}
	return fmt.Sprintf(", not %s", t.Value)
}

func nodeWord(t ast.NodeType) string {
	switch t {
	case ast.SequenceType:
		return "a list"
	case ast.MappingType:
		return "keys and values"
	default:
		return "text"
	}
}

func article(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Slice:
		return "a list"
	case reflect.Struct:
		return "keys and values"
	default:
		return "text"
	}
}

// unknownKeys walks n beside the type it is decoded into.
func (f *faults) unknownKeys(n ast.Node, t reflect.Type, path string) {
	if t.Kind() == reflect.Slice {
		if list, ok := n.(*ast.SequenceNode); ok {
			for i, one := range list.Values {
				f.unknownKeys(one, t.Elem(), fmt.Sprintf("%s[%d]", path, i))
			}
		}
		return
	}
	if t.Kind() != reflect.Struct {
		return
	}
	for _, pair := range pairsOf(n) {
		key := pair.Key.GetToken().Value
		field, ok := fieldOf(t, key)
		if !ok {
			where := ""
			if path != "" {
				where = " under " + path
			}
			meant := "; the"
			if near := spelling.Nearest(key, keysOf(t)); near != "" {
				meant = fmt.Sprintf("; did you mean %q? The", near)
			}
			f.add(pair.Key.GetToken(), "unknown key %q%s keys%s are %s", key, meant, where, strings.Join(keysOf(t), ", "))
			continue
		}
		f.unknownKeys(pair.Value, field.Type, strings.TrimPrefix(path+"."+key, "."))
	}
}

func isMapping(n ast.Node) bool {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return true
	}
	return false
}

func pairsOf(n ast.Node) []*ast.MappingValueNode {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}
	}
	return nil
}

func fieldOf(t reflect.Type, key string) (reflect.StructField, bool) {
	for i := range t.NumField() {
		if t.Field(i).Tag.Get("yaml") == key {
			return t.Field(i), true
		}
	}
	return reflect.StructField{}, false
}

func keysOf(t reflect.Type) []string {
	keys := make([]string, t.NumField())
	for i := range keys {
		keys[i] = t.Field(i).Tag.Get("yaml")
	}
	return keys
}

// tokenAt is the place of a value, or of the nearest thing around it that is there.
func tokenAt(n ast.Node, path ...any) *token.Token {
	place := tokenOf(n)
	for _, step := range path {
		var next ast.Node
		switch step := step.(type) {
		case string:
			for _, pair := range pairsOf(n) {
				if pair.Key.GetToken().Value == step {
					next, place = pair.Value, pair.Key.GetToken()
				}
			}
		case int:
			if list, ok := n.(*ast.SequenceNode); ok && step < len(list.Values) {
				next = list.Values[step]
			}
		}
		if next == nil {
			return place
		}
		n = next
		if !isMapping(n) && tokenOf(n) != nil {
			place = tokenOf(n)
		} else if first := pairsOf(n); len(first) > 0 {
			place = first[0].Key.GetToken()
		}
	}
	return place
}

func tokenOf(n ast.Node) *token.Token {
	if n == nil {
		return nil
	}
	return n.GetToken()
}
