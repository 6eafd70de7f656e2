// Package project finds a project of API tests on disk: its settings, and where its feature files are. It understands
// apitest.yaml, and the folders and config.ini of zato-apitest; Init makes a new one.
package project

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// The files that make a folder a project.
const (
	FileName     = "apitest.yaml"
	ZatoFileName = "config.ini" // of zato-apitest; in the project's folder features

	featuresFolder = "features"
	misspelt       = "apitest.yml"
)

// Project is a folder of API tests.
type Project struct {
	// Root is the folder up to which files that steps name are looked for. It is written as the path that was given to
	// Find, relative or absolute, with slashes, so that feature files found below that path begin with it.
	Root string
	// Features are what a run of the path means: feature files and folders with such, with :12 where lines were given.
	Features []string
	// File is the settings' file; empty: there is none.
	File string
	// Zato says that File is a config.ini of zato-apitest.
	Zato     bool
	Settings Settings
}

// Find finds the project that the given paths are of: folders, feature files with or without :12 behind them, or the
// project's own folder. It looks for the settings' file there and in the folders above, up to one with a .git. With none
// found it is the folder itself, with default settings. An error in the settings' file has all faults of that file, one
// a line, as file:line: message. Paths of two projects are an error.
func Find(paths ...string) (*Project, error) {
	if len(paths) == 0 {
		return nil, errors.New("give the path of a feature file, or of a folder with such")
	}
	var places []place
	for _, path := range paths {
		one, err := find(path)
		if err != nil {
			return nil, err
		}
		if len(places) > 0 && one.file != places[0].file {
			return nil, fmt.Errorf("%s belongs to %s, and %s to %s: run them one by one", paths[0], places[0].called(), path, one.called())
		}
		places = append(places, one)
	}
	return open(places)
}

// place is where one of the paths given to Find leads, in absolute paths.
type place struct {
	path       string // as given
	root, file string
	whole      bool // the path is that of the project as a whole
}

func (l place) called() string {
	if l.file == "" {
		return "no project"
	}
	return l.file
}

func find(path string) (place, error) {
	name, err := existing(path)
	if err != nil {
		return place{}, err
	}
	folder, err := filepath.Abs(name)
	if err != nil {
		return place{}, err
	}
	isWhole := isFolder(folder)
	if !isWhole {
		folder = filepath.Dir(folder)
	}
	root, file, err := locate(folder)
	if file == "" {
		return place{path: path, root: folder}, err
	}
	inFeatures := filepath.Base(file) == ZatoFileName && filepath.Base(root) == featuresFolder
	isWhole = isWhole && (folder == root || inFeatures && folder == filepath.Dir(root))
	return place{path: path, root: root, file: file, whole: isWhole}, nil
}

// open reads the settings' file that all places have in common.
func open(places []place) (*Project, error) {
	like, err := writtenLike(places[0].path)
	if err != nil {
		return nil, err
	}
	p := &Project{Settings: defaults()}
	root := places[0].root
	for _, l := range places {
		root = above(root, l.root)
	}
	p.Root = like(root)
	var features []string
	if file := places[0].file; file != "" {
		p.File, p.Zato = like(file), filepath.Base(file) == ZatoFileName
		if features, err = p.read(); err != nil {
			return nil, err
		}
	}
	for _, l := range places {
		if l.whole {
			p.Features = append(p.Features, p.all(features)...)
		} else {
			p.Features = append(p.Features, l.path)
		}
	}
	return p, nil
}

var lines = regexp.MustCompile(`(?::\d+)+$`)

// existing is path without the :12 that may stand behind a file.
func existing(path string) (string, error) {
	_, err := os.Stat(path)
	if err == nil {
		return path, nil
	}
	if at := lines.FindStringIndex(path); at != nil {
		if _, err := os.Stat(path[:at[0]]); err == nil {
			return path[:at[0]], nil
		}
	}
	if errors.Is(err, os.ErrNotExist) {
		inside := featuresFolder + "/" + path
		if _, err := os.Stat(lines.ReplaceAllString(inside, "")); err == nil {
			return "", fmt.Errorf("%s: there is no such file or folder; did you mean %s?", path, inside)
		}
		return "", fmt.Errorf("%s: there is no such file or folder", path)
	}
	return "", err
}

// locate looks for a settings' file in an absolute folder and those above it.
func locate(folder string) (root, file string, err error) {
	for {
		for _, candidate := range candidates(folder) {
			if isFile(candidate.file) && candidate.ours() {
				return candidate.root, candidate.file, nil
			}
		}
		if wrong := filepath.Join(folder, misspelt); isFile(wrong) {
			return "", "", fmt.Errorf("%s is not read: the settings' file is called %s, so rename it", wrong, FileName)
		}
		if _, err := os.Stat(filepath.Join(folder, ".git")); err == nil || folder == filepath.Dir(folder) {
			return "", "", nil
		}
		folder = filepath.Dir(folder)
	}
}

type candidate struct {
	root, file string
	certain    bool // by where it stands; else by what is in it
}

// candidates are the files that would make folder a project, the first that is there counts. A project that has both
// files is one of apitest.yaml, also when its folder features is asked for.
func candidates(folder string) []candidate {
	inFeatures := filepath.Base(folder) == featuresFolder
	all := []candidate{{folder, filepath.Join(folder, FileName), true}}
	if parent := filepath.Dir(folder); inFeatures {
		all = append(all, candidate{parent, filepath.Join(parent, FileName), true})
	}
	features := filepath.Join(folder, featuresFolder)
	return append(all, candidate{features, filepath.Join(features, ZatoFileName), true}, candidate{folder, filepath.Join(folder, ZatoFileName), inFeatures})
}

var behaveSection = regexp.MustCompile(`(?m)^\s*\[\s*["']?behave["']?\s*\]`)

// ours tells a config.ini of zato-apitest from those of other programs: it stands in a folder features, or has a section
// behave.
func (c candidate) ours() bool {
	if c.certain {
		return true
	}
	text, err := os.ReadFile(c.file)
	return err == nil && behaveSection.Match(text)
}

// read reads the settings' file, and gives the features that it names.
func (p *Project) read() (features []string, err error) {
	text, err := os.ReadFile(p.File)
	if err != nil {
		return nil, err
	}
	if p.Zato {
		p.Settings = zatoDefaults()
		return nil, decodeINI(p.File, string(text), &p.Settings)
	}
	features, err = decodeYAML(p.File, text, os.LookupEnv, func(path string) bool {
		_, err := os.Stat(p.below(path))
		return err == nil
	}, &p.Settings)
	if p.Settings.Out != "" {
		p.Settings.Out = p.below(p.Settings.Out)
	}
	for i, f := range p.Settings.Formats {
		if f.File != "" {
			p.Settings.Formats[i].File = p.below(f.File)
		}
	}
	return features, err
}

// all are the features of the project as a whole: those that its settings name, else its folder of features, else all
// that is in it.
func (p *Project) all(named []string) []string {
	var out []string
	for _, name := range named {
		out = append(out, p.below(name))
	}
	switch {
	case len(named) > 0:
		return out
	case !p.Zato && isFolder(p.below(featuresFolder)):
		return []string{p.below(featuresFolder)}
	}
	return []string{p.Root}
}

// below is a path that the settings' file names.
func (p *Project) below(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.ToSlash(filepath.Join(p.Root, name))
}

// writtenLike gives a function that writes an absolute path as the given one is written: relative where that is.
func writtenLike(given string) (func(string) string, error) {
	if filepath.IsAbs(given) {
		return filepath.ToSlash, nil
	}
	here, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	return func(path string) string {
		if short, err := filepath.Rel(here, path); err == nil {
			path = short
		}
		return filepath.ToSlash(path)
	}, nil
}

// above is the folder in which both absolute ones are.
func above(a, b string) string {
	for a != b && !strings.HasPrefix(b, strings.TrimSuffix(a, string(filepath.Separator))+string(filepath.Separator)) {
		a = filepath.Dir(a)
	}
	return a
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
