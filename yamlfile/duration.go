package yamlfile

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
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
		if err != nil && tooLong.MatchString(v) {
			return fmt.Errorf("the time span %s is too long: at most %s", v, longest)
		}
		if err != nil {
			return fmt.Errorf("%q is not a time span: write seconds, or a text such as \"500ms\"", v)
		}
		span = parsed
	case float64:
		return d.setSeconds(v)
	case uint64:
		return d.setSeconds(float64(v))
	case int64:
		return d.setSeconds(float64(v))
	default:
		return fmt.Errorf("%v is not a time span: write seconds, or a text such as \"500ms\"", v)
	}
	if span < 0 {
		return fmt.Errorf("the time span %s is negative", span)
	}
	*d = Duration(span)
	return nil
}

// tooLong is how a time span looks that package time refuses for its size alone.
var tooLong = regexp.MustCompile(`^[0-9]{4,}(\.[0-9]+)?(ns|us|µs|ms|s|m|h)$`)

// longest is what a time.Duration can hold.
const longest = "2562047h"

func (d *Duration) setSeconds(v float64) error {
	switch span := v * float64(time.Second); {
	case v < 0:
		return fmt.Errorf("the time span %gs is negative", v)
	case !(span < math.MaxInt64): // NaN too
		return fmt.Errorf("%g seconds are no time span: it is at most %s", v, longest)
	default:
		*d = Duration(span)
		return nil
	}
}
