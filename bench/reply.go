package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// captured is what was kept of replies, by name.
type captured struct {
	mu     sync.RWMutex
	values map[string]string
	before *captured // what was captured before the load; may be nil
}

func (c *captured) get(name string) (string, bool) {
	if c == nil {
		return "", false
	}
	c.mu.RLock()
	text, there := c.values[name]
	c.mu.RUnlock()
	if there {
		return text, true
	}
	return c.before.get(name)
}

func (c *captured) put(name, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.values == nil {
		c.values = map[string]string{}
	}
	c.values[name] = text
}

// wanted says whether the status is one of success, by the check or by itself.
func (c *compiled) wanted(status int) bool {
	if c.Check != nil && len(c.Check.Status) > 0 {
		return slices.Contains(c.Check.Status, status)
	}
	return status >= 200 && status < 300
}

// look holds a reply of success against the check, and keeps what is to be captured. The error says what is wrong with it.
func (c *compiled) look(h http.Header, body []byte, keep *captured) error {
	decode := sync.OnceValues(func() (any, error) {
		var v any
		d := json.NewDecoder(bytes.NewReader(body))
		d.UseNumber() // a captured number must come out as it went in
		if err := d.Decode(&v); err != nil {
			return nil, fmt.Errorf("the body is not JSON: %w", err)
		}
		return v, nil
	})
	if c.Check != nil {
		for _, name := range slices.Sorted(maps.Keys(c.Check.Headers)) {
			if got, want := h.Get(name), c.Check.Headers[name]; len(h.Values(name)) == 0 || !strings.Contains(got, want) {
				return fmt.Errorf("header %s is %q, expected %q in it", name, short(got), want)
			}
		}
		if c.Check.Body != "" && !bytes.Contains(body, []byte(c.Check.Body)) {
			return fmt.Errorf("the body does not hold %q", c.Check.Body)
		}
		for _, at := range slices.Sorted(maps.Keys(c.json)) {
			v, err := decode()
			if err != nil {
				return err
			}
			got, err := pointer(v, at)
			if err != nil {
				return err
			}
			if want := c.json[at]; !same(got, want) {
				return fmt.Errorf("%s is %s, expected %s", at, inJSON(got), inJSON(want))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Capture)) {
		text, err := c.Capture[name].find(h, body, decode)
		if err != nil {
			return fmt.Errorf("capture %s: %w", name, err)
		}
		keep.put(name, text)
	}
	return nil
}

func (c Capture) find(h http.Header, body []byte, decode func() (any, error)) (string, error) {
	switch {
	case c.Header != "":
		if len(h.Values(c.Header)) == 0 {
			return "", fmt.Errorf("no header %s", c.Header)
		}
		return h.Get(c.Header), nil
	case c.compiled != nil:
		m := c.compiled.FindSubmatch(body)
		if m == nil {
			return "", fmt.Errorf("nothing in the body matches %s", c.Regex)
		}
		return string(m[min(1, len(m)-1)]), nil
	}
	v, err := decode()
	if err != nil {
		return "", err
	}
	got, err := pointer(v, c.JSON)
	if err != nil {
		return "", err
	}
	switch got := got.(type) {
	case string:
		return got, nil
	case json.Number:
		return got.String(), nil
	}
	return inJSON(got), nil
}

// pointer finds a value by its JSON Pointer (RFC 6901).
func pointer(v any, at string) (any, error) {
	if at == "" {
		return v, nil
	}
	for token := range strings.SplitSeq(at[1:], "/") {
		name := strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
		switch in := v.(type) {
		case map[string]any:
			next, there := in[name]
			if !there {
				return nil, fmt.Errorf("%s: there is no %q", at, name)
			}
			v = next
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(in) {
				return nil, fmt.Errorf("%s: the list of %d has no element %s", at, len(in), name)
			}
			v = in[i]
		default:
			return nil, fmt.Errorf("%s: what holds %q is neither object nor list", at, name)
		}
	}
	return v, nil
}

// same says whether a value of a reply is the wanted one, where 1 and 1.0 are the same.
func same(got, want any) bool {
	raw, err := json.Marshal(got)
	if err != nil {
		return false
	}
	var plain any
	return json.Unmarshal(raw, &plain) == nil && reflect.DeepEqual(plain, want)
}

func inJSON(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return short(string(raw))
}

// short bounds what of a reply goes into a message.
func short(text string) string {
	if len(text) > 80 {
		return text[:77] + "..."
	}
	return text
}
