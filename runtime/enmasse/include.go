package enmasse

import (
	"fmt"
	"path/filepath"
	"strings"
)

// includeKey is the top-level key under which a file lists others that are read with it.
const includeKey = "include"

// filePrefix begins, where an object of a kind is expected, the path of a file that holds one object, or a list of them.
const filePrefix = "file://"

// maxIncluded bounds how many files one import takes.
const maxIncluded = 1000

// Gather is the files of those names with all that they include, each read once. Where a file cannot be read, the error
// names the place that includes it.
func Gather(names []string, read func(name string) (string, error)) ([]File, error) {
	type wanted struct {
		name string
		from string // position, or empty
	}
	var queue []wanted
	for _, name := range names {
		queue = append(queue, wanted{name: name})
	}
	known := map[string]bool{}
	var out []File
	for ; len(queue) > 0; queue = queue[1:] {
		w := queue[0]
		if known[filepath.Clean(w.name)] && w.from != "" {
			continue
		}
		known[filepath.Clean(w.name)] = true
		if len(out) == maxIncluded {
			return nil, fmt.Errorf("more than %d files, with those that are included", maxIncluded)
		}
		content, err := read(w.name)
		if err != nil {
			if w.from != "" {
				err = fmt.Errorf("%s: include: %w", w.from, err)
			}
			return nil, err
		}
		file := File{Name: w.name, Content: content, Included: w.from != ""}
		out = append(out, file)
		for _, ref := range references(file) {
			queue = append(queue, wanted{beside(w.name, ref.text), ref.at.String()})
		}
	}
	return out, nil
}

// beside is the file that a file refers to as ref: relative to its folder.
func beside(name, ref string) string {
	ref = strings.TrimPrefix(ref, filePrefix)
	if filepath.IsAbs(ref) {
		return filepath.Clean(ref)
	}
	return filepath.Join(filepath.Dir(name), ref)
}

// references are the texts that name other files. What is wrong with the file is for Parse to say.
func references(file File) []*node {
	var out []*node
	add := func(n *node) {
		if n.form == text {
			out = append(out, n)
		}
	}
	files := func(n *node) {
		for _, item := range n.items {
			if isFile(item) {
				add(item)
			}
		}
	}
	for _, doc := range documents(file, &Faults{}) {
		if file.Included {
			files(doc)
		}
		for _, m := range doc.members {
			if m.name != includeKey {
				files(m.value)
				continue
			}
			add(m.value)
			for _, item := range m.value.items {
				add(item)
			}
		}
	}
	return out
}

func isFile(n *node) bool { return n.form == text && strings.HasPrefix(n.text, filePrefix) }

// include reads the files that a document lists.
func (r *reader) include(from string, n *node) {
	items := n.items
	if n.form == text {
		items = []*node{n}
	} else if n.form != list && n.form != null {
		r.faults.add(n.at, "%s: expected a list of files, not %s", includeKey, n.form)
	}
	for _, item := range items {
		if item.form != text {
			r.faults.add(item.at, "%s: expected the path of a file, not %s", includeKey, item.form)
			continue
		}
		if file, ok := r.found(from, item); ok && !r.read[file.Name] {
			r.file(file)
		}
	}
}

// objectsOf are the objects of a kind that item, of the file from, stands for: itself, or those of the file that it names.
func (r *reader) objectsOf(from string, item *node, depth int) []placed {
	if !isFile(item) {
		return []placed{{item, from}}
	}
	file, ok := r.found(from, item)
	if !ok {
		return nil
	}
	if depth == maxNested {
		r.faults.add(item.at, "the files include each other")
		return nil
	}
	var out []placed
	for _, doc := range documents(file, &r.faults) {
		items := []*node{doc}
		if doc.form == list {
			items = doc.items
		} else if doc.form == null {
			items = nil
		}
		for _, one := range items {
			out = append(out, r.objectsOf(file.Name, one, depth+1)...)
		}
	}
	return out
}

// placed is a value and the file that it is of.
type placed struct {
	*node
	from string
}

func (r *reader) found(from string, n *node) (File, bool) {
	file, ok := r.included[beside(from, n.text)]
	if !ok {
		r.faults.add(n.at, "the file %s was not sent along", beside(from, n.text))
	}
	return file, ok
}
