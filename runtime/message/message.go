// Package message takes messages apart and builds them: JSON Pointer (RFC 6901) and JSONPath (RFC 9535) on data in the
// neutral form, XPath 1.0 with namespaces on XML, XML of data, and SOAP envelopes. Services in Go use it as it is; those
// in Starlark have the same as the modules jsonpointer, jsonpath, xpath, xml and soap.
//
// Compiled paths are made once and used from many goroutines; Paths keeps those that are not known beforehand.
package message

import (
	"sync"
)

// maxPath bounds how long a path may be, in characters: readers of paths recurse.
const maxPath = 10_000

// Paths keeps compiled paths by their text. When it is full it forgets all and begins anew, so that paths made of input
// take no more than that. The zero value has room for 1,000 of each sort.
type Paths struct {
	Max int // of each sort; 0: 1,000

	pointers  kept[Pointer]
	jsonPaths kept[*JSONPath]
	xpaths    kept[*XPath]
}

// Pointer is ParsePointer, once for each text.
func (p *Paths) Pointer(text string) (Pointer, error) {
	return p.pointers.get(p.Max, text, func() (Pointer, error) { return ParsePointer(text) })
}

// JSONPath is CompileJSONPath, once for each text.
func (p *Paths) JSONPath(text string) (*JSONPath, error) {
	return p.jsonPaths.get(p.Max, text, func() (*JSONPath, error) { return CompileJSONPath(text) })
}

// XPath is CompileXPath, once for each text and its namespaces.
func (p *Paths) XPath(text string, namespaces map[string]string) (*XPath, error) {
	return p.xpaths.get(p.Max, keyOf(text, namespaces), func() (*XPath, error) { return CompileXPath(text, namespaces) })
}

// kept are the compiled paths of one sort.
type kept[P any] struct {
	mu   sync.Mutex
	byID map[string]P
}

func (k *kept[P]) get(most int, id string, compile func() (P, error)) (P, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if p, ok := k.byID[id]; ok {
		return p, nil
	}
	p, err := compile()
	if err != nil {
		return p, err
	}
	if most == 0 {
		most = 1000
	}
	if k.byID == nil || len(k.byID) >= most {
		k.byID = map[string]P{}
	}
	k.byID[id] = p
	return p, nil
}
