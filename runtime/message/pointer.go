package message

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/parley-run/parley/runtime/service"
)

// Pointer is a JSON Pointer (RFC 6901), such as /customer/names/0. It is immutable: make it once and use it from many
// goroutines.
type Pointer struct {
	text   string
	tokens []string
}

// ParsePointer reads a pointer. "" is the whole document; all others begin with /. In a token ~1 stands for / and ~0 for ~.
func ParsePointer(text string) (Pointer, error) {
	p := Pointer{text: text}
	if len(text) > maxPath {
		return p, fmt.Errorf("JSON Pointer %.40q...: it is longer than %d characters", text, maxPath)
	}
	if text == "" {
		return p, nil
	}
	if text[0] != '/' {
		return p, fmt.Errorf("JSON Pointer %q: it must begin with /", text)
	}
	for token := range strings.SplitSeq(text[1:], "/") {
		for i := 0; i < len(token); i++ {
			if token[i] == '~' && (i+1 == len(token) || token[i+1] != '0' && token[i+1] != '1') {
				return p, fmt.Errorf("JSON Pointer %q: ~ must be followed by 0 (for ~) or 1 (for /)", text)
			}
		}
		p.tokens = append(p.tokens, strings.NewReplacer("~1", "/", "~0", "~").Replace(token))
	}
	return p, nil
}

// String is the pointer as it was given.
func (p Pointer) String() string { return p.text }

// Tokens are its parts, unescaped; the whole document has none.
func (p Pointer) Tokens() []string { return slices.Clone(p.tokens) }

// Index is the place that a token has in a list of n elements: -1 where it is no place there. Leading zeros are none.
func Index(token string, n int) int {
	if token == "" || len(token) > 1 && token[0] == '0' {
		return -1
	}
	for _, c := range []byte(token) {
		if c < '0' || c > '9' {
			return -1
		}
	}
	if i, err := strconv.Atoi(token); err == nil && i < n {
		return i
	}
	return -1
}

// Get is the value there in doc, which is in the neutral form, and whether there is one.
func (p Pointer) Get(doc any) (any, bool) {
	for _, token := range p.tokens {
		switch at := doc.(type) {
		case *service.Object:
			v, ok := at.Get(token)
			if !ok {
				return nil, false
			}
			doc = v
		case []any:
			i := Index(token, len(at))
			if i < 0 {
				return nil, false
			}
			doc = at[i]
		default:
			return nil, false
		}
	}
	return doc, true
}

// Set puts v there, and gives the document, which is changed in place wherever its root stays what it is. Objects that
// are missing on the way are made, and lists where - is to be put into them; in a list, - and the place behind the last
// element append.
func (p Pointer) Set(doc, v any) (any, error) {
	if len(p.tokens) == 0 {
		return v, nil
	}
	return p.set(doc, v, 0)
}

func (p Pointer) set(at, v any, depth int) (any, error) {
	token, last := p.tokens[depth], depth == len(p.tokens)-1
	switch at := at.(type) {
	case nil:
		if token == "-" {
			return p.set([]any{}, v, depth)
		}
		return p.set(service.NewObject(1), v, depth)
	case *service.Object:
		if !last {
			var err error
			if v, err = p.set(at.Value(token), v, depth+1); err != nil {
				return nil, err
			}
		}
		at.Set(token, v)
		return at, nil
	case []any:
		i := Index(token, len(at))
		isNew := i < 0 && (token == "-" || Index(token, len(at)+1) == len(at))
		if i < 0 && !isNew {
			return nil, p.noPlace(token, len(at))
		}
		if !last {
			var next any
			if !isNew {
				next = at[i]
			}
			var err error
			if v, err = p.set(next, v, depth+1); err != nil {
				return nil, err
			}
		}
		if isNew {
			return append(at, v), nil
		}
		at[i] = v
		return at, nil
	default:
		return nil, p.notWithin(depth)
	}
}

// Delete takes the value there out of doc, and gives the document and whether there was one. The whole document cannot be
// deleted.
func (p Pointer) Delete(doc any) (any, bool) {
	if len(p.tokens) == 0 {
		return doc, false
	}
	parent := Pointer{tokens: p.tokens[:len(p.tokens)-1]}
	token := p.tokens[len(p.tokens)-1]
	within, ok := parent.Get(doc)
	if !ok {
		return doc, false
	}
	switch at := within.(type) {
	case *service.Object:
		return doc, at.Delete(token)
	case []any:
		i := Index(token, len(at))
		if i < 0 {
			return doc, false
		}
		doc, err := parent.Set(doc, slices.Delete(slices.Clone(at), i, i+1))
		return doc, err == nil
	}
	return doc, false
}

func (p Pointer) noPlace(token string, n int) error {
	return fmt.Errorf("JSON Pointer %q: %q is no place in a list of %d elements; use 0 to %d, or - to append", p.text, token, n, n)
}

func (p Pointer) notWithin(depth int) error {
	return fmt.Errorf("JSON Pointer %q: what stands at /%s is neither an object nor a list", p.text, strings.Join(p.tokens[:depth], "/"))
}
