package yamlfile

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// Duration is a time span: a number of seconds (10, 0.5), or a text with a unit ("500ms", "1m"). It is never negative.
type Duration time.Duration

// Std is d for package time.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String is as of time.Duration.
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalJSON writes a text such as "500ms".
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(d.String()) }

// UnmarshalJSON accepts both forms.
func (d *Duration) UnmarshalJSON(raw []byte) error {
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return err
	}
	return d.set(v)
}

// UnmarshalYAML accepts both forms.
func (d *Duration) UnmarshalYAML(node ast.Node) error {
	var v any
	if err := yaml.NodeToValue(node, &v); err != nil {
		return err
	}
	if err := d.set(v); err != nil {
		return Errorf(node, "%s", err)
	}
	return nil
}

func (d *Duration) set(v any) error {
	var span time.Duration
	switch v := v.(type) {
	case string:
		parsed, err := time.ParseDuration(v)
		if err != nil {
			return fmt.Errorf("%q is not a time span: write seconds, or a text such as \"500ms\"", v)
		}
		span = parsed
	case float64:
		span = time.Duration(v * float64(time.Second))
	case uint64:
		span = time.Duration(v) * time.Second
	case int64:
		span = time.Duration(v) * time.Second
	default:
		return fmt.Errorf("%v is not a time span: write seconds, or a text such as \"500ms\"", v)
	}
	if span < 0 {
		return fmt.Errorf("the time span %s is negative", span)
	}
	*d = Duration(span)
	return nil
}
