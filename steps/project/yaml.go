package project

import (
	"errors"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

const (
	featuresKey = "features"
	userKey     = "user"
	vaultKey    = "vault"
)

// decodeYAML reads apitest.yaml into s, strictly, and gives the paths that it names under features. The error has all
// faults, one a line, as name:line:column: message.
func decodeYAML(name string, raw []byte, env func(string) (string, bool), exists func(string) bool, s *Settings) ([]string, error) {
	d := &yamlDecoder{faults: faults{file: name}, env: env, exists: exists, settings: s}
	file, err := parser.ParseBytes(raw, 0)
	switch {
	case err != nil:
		d.addYAML(err)
	case len(file.Docs) > 1:
		d.add(d.at(file.Docs[1].GetToken()), "a second document; keep one")
	case len(file.Docs) == 1:
		d.root(file.Docs[0].Body)
	}
	return d.features, d.err()
}

type yamlDecoder struct {
	faults
	env      func(string) (string, bool)
	exists   func(path string) bool // below the project's folder
	settings *Settings
	features []string
}

type position struct{ line, column int }

func (d *yamlDecoder) at(t *token.Token) position {
	if t == nil || t.Position == nil {
		return position{1, 1}
	}
	return position{t.Position.Line, t.Position.Column}
}

func (d *yamlDecoder) add(p position, format string, values ...any) {
	d.faults.add(p.line, p.column, format, values...)
}

func (d *yamlDecoder) addYAML(err error) {
	var placed yaml.Error
	if errors.As(err, &placed) {
		d.add(d.at(placed.GetToken()), "%s", placed.GetMessage())
		return
	}
	d.add(position{1, 1}, "%v", err)
}

// pairs are the keys and values of a mapping.
func pairs(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

func (d *yamlDecoder) root(body ast.Node) {
	switch body.(type) {
	case nil, *ast.NullNode, *ast.CommentGroupNode:
		return
	}
	all, isMapping := pairs(body)
	if !isMapping {
		d.add(d.at(body.GetToken()), "expected keys and values, such as state: scenario")
		return
	}
	for _, pair := range all {
		switch key := pair.Key.GetToken().Value; key {
		case userKey:
			d.user(pair)
		case vaultKey:
			d.group(pair)
		case featuresKey:
			d.paths(pair.Value)
		default:
			d.setting("", pair)
		}
	}
}

// paths reads where the feature files are.
func (d *yamlDecoder) paths(n ast.Node) {
	before := len(d.all)
	d.features = d.texts(n)
	if len(d.all) > before {
		return
	}
	nodes := []ast.Node{n}
	if list, isList := n.(*ast.SequenceNode); isList {
		nodes = list.Values
	}
	for i, path := range d.features {
		if !d.exists(path) {
			d.add(d.at(start(nodes[i])), "features: there is no file or folder %q beside this file", path)
		}
	}
}

// topKeys are the keys that may stand at the beginning of a line.
func topKeys() []string {
	out := []string{featuresKey, userKey}
	for _, name := range namesOf(table()) {
		name, _, _ = strings.Cut(name, ".")
		out = append(out, name)
	}
	return slices.Compact(out)
}

// setting reads one key; group is empty, or "vault." before its keys.
func (d *yamlDecoder) setting(group string, pair *ast.MappingValueNode) {
	key := pair.Key.GetToken().Value
	all := table()
	i := slices.IndexFunc(all, func(r setting) bool { return r.name == group+key })
	if i < 0 || strings.Contains(key, ".") {
		known := topKeys()
		if group != "" {
			known = nil
			for _, name := range namesOf(all) {
				if inner, isIn := strings.CutPrefix(name, group); isIn {
					known = append(known, inner)
				}
			}
		}
		d.add(d.at(pair.Key.GetToken()), "%v", unknownKey("key", key, known))
		return
	}
	before := len(d.all)
	texts := d.texts(pair.Value)
	if len(d.all) > before {
		return
	}
	if err := d.settings.put(i, all[i], texts); err != nil {
		d.add(d.at(start(pair.Value)), "%v", err)
	}
}

// group reads vault.
func (d *yamlDecoder) group(pair *ast.MappingValueNode) {
	name := pair.Key.GetToken().Value
	inner, isMapping := pairs(pair.Value)
	if !isMapping {
		d.add(d.at(start(pair.Value)), "%s must be keys and values: address and token", name)
		return
	}
	for _, p := range inner {
		d.setting(name+".", p)
	}
}

// user reads the values that steps use as @name.
func (d *yamlDecoder) user(pair *ast.MappingValueNode) {
	inner, isMapping := pairs(pair.Value)
	if !isMapping {
		d.add(d.at(start(pair.Value)), "user must be names and values, one a line below it, such as host: http://localhost:8080")
		return
	}
	values := map[string]any{}
	for _, p := range inner {
		texts := d.texts(p.Value)
		if _, isList := p.Value.(*ast.SequenceNode); !isList && len(texts) == 1 {
			values[p.Key.GetToken().Value] = texts[0]
			continue
		}
		elements := []any{}
		for _, t := range texts {
			elements = append(elements, t)
		}
		values[p.Key.GetToken().Value] = elements
	}
	d.settings.addUser(values)
}

// texts are the text of a value, or those of a list, with their variables filled in.
func (d *yamlDecoder) texts(n ast.Node) []string {
	list, isList := n.(*ast.SequenceNode)
	if !isList {
		list = &ast.SequenceNode{Values: []ast.Node{n}}
	}
	out := []string{}
	for _, element := range list.Values {
		raw, isText := scalar(element)
		if !isText {
			d.add(d.at(start(element)), "expected a text%s", map[bool]string{true: "", false: ", or a list of texts"}[isList])
			continue
		}
		filled, problems := expand(raw, d.env)
		for _, p := range problems {
			d.add(d.at(start(element)), "%s", p)
		}
		out = append(out, filled)
	}
	return out
}

// scalar is a single value as it was written, less its quotes. One that was left out, or is null, is none.
func scalar(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	return "", false
}

// start is where a node begins: a mapping's own token is its first colon, so its first key stands for it.
func start(n ast.Node) *token.Token {
	if all, isMapping := pairs(n); isMapping && len(all) > 0 {
		return all[0].Key.GetToken()
	}
	return n.GetToken()
}
