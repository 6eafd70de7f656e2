package run

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// find lists the feature files of paths, each once however it is named, a folder's sorted by name.
func (c *choice) find(files fs.FS, paths []string) ([]string, error) {
	var out []string
	seen := map[string]string{} // by what tells that two names are one file: its first name
	add := func(given, name string, lines []int) {
		same := name
		if files == nil {
			same = real(name)
		}
		if first, again := seen[same]; again {
			name = first
		} else {
			seen[same] = name
			if (c.include == nil || c.include.MatchString(name)) && (c.exclude == nil || !c.exclude.MatchString(name)) {
				out = append(out, name)
			}
		}
		if len(lines) == 0 {
			c.whole[name] = true
		}
		for _, line := range lines {
			c.lines[name] = append(c.lines[name], asked{line, given})
		}
	}
	for _, given := range paths {
		name, lines := withoutLines(files, given)
		name = path.Clean(filepath.ToSlash(name))
		info, err := stat(files, name)
		switch {
		case err != nil:
			return nil, &UsageError{fmt.Sprintf("%s: there is no such file or folder", given)}
		case !info.IsDir():
			add(given, name, lines)
			continue
		case len(lines) > 0:
			return nil, &UsageError{fmt.Sprintf("%s: lines are those of a file, and %s is a folder", given, name)}
		}
		inside, err := within(files, name)
		if err != nil {
			return nil, &UsageError{err.Error()}
		}
		if len(inside) == 0 && len(paths) > 1 && !c.options.AllowEmpty {
			return nil, fmt.Errorf("%w: no feature file was found in %s", ErrNothing, given)
		}
		for _, f := range inside {
			add(given, f, nil)
		}
	}
	return out, nil
}

// real is the absolute name of a file with its links followed.
func real(name string) string {
	if followed, err := filepath.EvalSymlinks(name); err == nil {
		name = followed
	}
	return absolute(name)
}

// asked is a line that was asked for, and in which of the paths.
type asked struct {
	line int
	path string
}

var lineSuffix = regexp.MustCompile(`(?::\d+)+$`)

// withoutLines takes the :12 off that may stand behind a file; there may be one that is called so.
func withoutLines(files fs.FS, given string) (name string, lines []int) {
	at := lineSuffix.FindStringIndex(given)
	if at == nil {
		return given, nil
	}
	if _, err := stat(files, path.Clean(filepath.ToSlash(given))); err == nil {
		return given, nil
	}
	for _, text := range strings.Split(given[at[0]+1:], ":") {
		n, err := strconv.Atoi(text)
		if err != nil {
			n = -1 // no line has such a number
		}
		lines = append(lines, n)
	}
	return given[:at[0]], lines
}

// within are the feature files of a folder and those below.
func within(files fs.FS, folder string) ([]string, error) {
	root := files
	if root == nil {
		root = os.DirFS(folder)
	}
	start := "."
	if files != nil {
		start = folder
	}
	var out []string
	err := fs.WalkDir(root, start, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(name, ".feature") {
			if files == nil {
				name = path.Join(folder, name)
			}
			out = append(out, name)
		}
		return err
	})
	return out, err
}

func stat(files fs.FS, name string) (fs.FileInfo, error) {
	if files != nil {
		return fs.Stat(files, name)
	}
	return os.Stat(name)
}

func read(files fs.FS, name string) ([]byte, error) {
	if files != nil {
		return fs.ReadFile(files, name)
	}
	return os.ReadFile(name)
}

// meant says whether a scenario is one of the lines that were asked for; where none were it is.
func (c *choice) meant(f *feature, name string, i int) bool {
	lines := c.lines[name]
	return c.whole[name] || len(lines) == 0 || slices.ContainsFunc(lines, func(a asked) bool { return covers(f.scenarios, i, a.line) })
}

// unmet is the error of a line that was asked for where no scenario is.
func (c *choice) unmet(f *feature, name string) error {
	for _, a := range c.lines[name] {
		on := c.options.AllowEmpty
		var begin []string
		for i, s := range f.scenarios {
			on = on || covers(f.scenarios, i, a.line)
			begin = append(begin, strconv.Itoa(s.known.Line))
		}
		switch {
		case on:
		case len(begin) == 0:
			return fmt.Errorf("%w: %s: the file has no scenarios", ErrNothing, a.path)
		default:
			return fmt.Errorf("%w: %s: no scenario is on line %d; they begin on %s", ErrNothing, a.path, a.line, strings.Join(slices.Compact(begin), ", "))
		}
	}
	return nil
}
