package project

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

//go:embed template
var template embed.FS

// Init makes a project with a first feature that passes, in a folder that is missing or empty. It gives the paths of the
// files that it made, with slashes and below dir.
func Init(dir string) ([]string, error) {
	switch inside, err := os.ReadDir(dir); {
	case dir == "":
		return nil, errors.New("give the name of the project's folder")
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("%s cannot be a project's folder: %w", dir, err)
	case len(inside) > 0:
		return nil, fmt.Errorf("%s is not empty, it has %s: name a folder that is not there yet", dir, inside[0].Name())
	}
	made := []string{FileName}
	if err := write(dir, FileName, []byte(settingsText())); err != nil {
		return nil, err
	}
	err := fs.WalkDir(template, "template", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := template.ReadFile(path)
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(path, "template/")
		if name == "gitignore" {
			name = ".gitignore"
		}
		made = append(made, name)
		return write(dir, name, text)
	})
	return made, err
}

func write(dir, name string, text []byte) error {
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}

// settingsText is an apitest.yaml with every key explained. Those that Init does not set are comments.
func settingsText() string {
	var b strings.Builder
	b.WriteString(`# Settings of these tests. A flag of "apitest run" wins over an environment variable (APITEST_TAGS, APITEST_FAIL_FAST, ...),
# and that over this file. ${NAME} in a value is an environment variable; $${ is a literal ${.

# What tests use as @name: texts, or lists of texts.
user:
  tester: Kim
`)
	group := ""
	for _, r := range table() {
		fmt.Fprintf(&b, "\n# %s\n", r.doc)
		outer, inner, isInner := strings.Cut(r.name, ".")
		switch {
		case r.name == "state":
			fmt.Fprintf(&b, "%s: %s\n", r.name, r.example)
		case !isInner:
			fmt.Fprintf(&b, "#%s: %s\n", r.name, r.example)
		default:
			if outer != group {
				fmt.Fprintf(&b, "#%s:\n", outer)
				group = outer
			}
			fmt.Fprintf(&b, "#  %s: %s\n", inner, r.example)
		}
	}
	b.WriteString("\n# Where the feature files are, below this folder. Without it: features.\n#features: [features]\n")
	return b.String()
}
