package mocks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"github.com/parley-run/parley/yamlfile"
)

// Duration is a time span: a number of seconds (2, 0.5), or a text with a unit ("500ms", "1m").
type Duration = yamlfile.Duration

// Methods are HTTP methods, in capitals: one text or a list of them. Empty means any.
type Methods []string

// UnmarshalYAML accepts both forms.
func (m *Methods) UnmarshalYAML(node ast.Node) error {
	var v any
	if err := yaml.NodeToValue(node, &v); err != nil {
		return err
	}
	list, isList := v.([]any)
	if !isList {
		list = []any{v}
	}
	for _, one := range list {
		text, ok := one.(string)
		if !ok || text == "" || strings.ContainsAny(text, " \t/") {
			return yamlfile.Errorf(node, "%v is not an HTTP method", one)
		}
		*m = append(*m, strings.ToUpper(text))
	}
	return nil
}

// JSONText is JSON, written in a stub file as YAML or as JSON itself; the order of keys stays.
type JSONText []byte

// UnmarshalYAML turns the node into JSON.
func (j *JSONText) UnmarshalYAML(node ast.Node) error {
	var v any
	if err := yaml.NodeToValue(node, &v, yaml.UseOrderedMap()); err != nil {
		return err
	}
	var buf bytes.Buffer
	if err := writeJSON(&buf, v); err != nil {
		return yamlfile.Errorf(node, "it cannot be written as JSON: %s", err)
	}
	*j = buf.Bytes()
	return nil
}

func writeJSON(w *bytes.Buffer, v any) error {
	switch v := v.(type) {
	case yaml.MapSlice:
		w.WriteByte('{')
		for i, item := range v {
			if i > 0 {
				w.WriteByte(',')
			}
			if err := writeJSON(w, fmt.Sprint(item.Key)); err != nil {
				return err
			}
			w.WriteByte(':')
			if err := writeJSON(w, item.Value); err != nil {
				return err
			}
		}
		w.WriteByte('}')
		return nil
	case []any:
		w.WriteByte('[')
		for i, item := range v {
			if i > 0 {
				w.WriteByte(',')
			}
			if err := writeJSON(w, item); err != nil {
				return err
			}
		}
		w.WriteByte(']')
		return nil
	default:
		var one bytes.Buffer
		enc := json.NewEncoder(&one)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(v); err != nil {
			return err
		}
		w.Write(bytes.TrimSuffix(one.Bytes(), []byte("\n")))
		return nil
	}
}
