package steps

import (
	"path"
	"strings"
)

// foldersUp are a folder and those above it up to root; where root is empty, the folder alone. Both are relative, also
// with .. where root is above the current folder, or both are absolute.
func foldersUp(folder, root string) []string {
	all := []string{folder}
	if root == "" {
		return all
	}
	root = path.Clean(root)
	for folder != root {
		parent := path.Dir(folder)
		if folder == "." || path.Base(folder) == ".." {
			parent = path.Join(folder, "..")
		}
		if parent == folder || strings.Count(parent, "..") > strings.Count(root, "..") {
			break // root is not above
		}
		folder = parent
		all = append(all, folder)
	}
	return all
}
