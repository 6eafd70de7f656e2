package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/parley-run/parley/runtime/deploy"
	"github.com/parley-run/parley/runtime/enmasse"
	"github.com/parley-run/parley/runtime/folder"
	"github.com/parley-run/parley/runtime/node"
)

// configFile is what cluster.yaml is called, wherever it is.
const configFile = "cluster.yaml"

func checkConfigCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "check-config [FILE-or-DIR...]",
		Short: "Check cluster.yaml, definitions and service files, without a running cluster",
		Long: "Check a cluster.yaml, files of definitions (.yaml, .yml, .json) and service files (.star), or folders of them, without a running cluster. The\n" +
			"definitions and services are built as a server would build them, together and into an empty catalog; with --dir, into what the catalog of the\n" +
			"cluster in that folder holds. Without an argument the cluster's folder is checked: cluster.yaml, and what its catalog holds.\n\n" +
			"Every fault is named, with file:line:column. What definitions say of each other is looked at once each is right by itself. Secrets that are not\n" +
			"on this machine, such as env:NAME, are noted and taken for right. Exits 0 where nothing is wrong, and 2 where something is.",
		Example: "  parley check-config config/*.yaml services/*.star\n  parley check-config ~/bank",
		RunE:    func(c *cobra.Command, args []string) error { return o.checkConfig(c, args) },
	}
}

// toCheck are the files of one parley check-config.
type toCheck struct {
	clusters              []string // folders
	definitions, services []string // files
	checked               []string // what was looked at, for people
	faults                []string
	base                  *folder.Folder // whose catalog all else comes into; nil: an empty one
	brought               node.Brought
}

func (o *options) checkConfig(c *cobra.Command, args []string) error {
	var t toCheck
	if o.address != "" {
		return usage(errors.New("check-config reads files; leave out --address"))
	}
	if len(args) == 0 || o.dir != "" {
		dir, err := folder.Find(o.dir)
		if err != nil {
			return usage(err)
		}
		t.clusters = append(t.clusters, dir)
	}
	for _, arg := range args {
		if err := t.sort(arg, false); err != nil {
			return usage(err)
		}
	}
	t.openClusters(o.dir != "" || len(args) == 0)
	if err := t.read(); err != nil {
		return err
	}
	found := node.CheckedFiles{Notes: []string{}, Services: []string{}}
	if t.base != nil || len(t.definitions)+len(t.services) > 0 {
		var err error
		if found, err = node.CheckFiles(c.Context(), t.base, t.brought); err != nil {
			return err
		}
	}
	found.Faults = slices.Concat(t.faults, found.Faults, []string{})
	if err := o.print(c, found, func(w io.Writer) { t.write(w, found) }); err != nil {
		return err
	}
	if n := len(found.Faults); n > 0 {
		return usage(fmt.Errorf("%s", plural(n, "fault")))
	}
	return nil
}

// sort puts a file, or what a folder holds, where it belongs.
func (t *toCheck) sort(path string, within bool) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	switch ext := filepath.Ext(path); {
	case info.IsDir():
		return t.sortDir(path)
	case filepath.Base(path) == configFile:
		t.clusters = append(t.clusters, filepath.Dir(path))
	case ext == deploy.Extension:
		t.services = append(t.services, path)
	case ext == ".yaml" || ext == ".yml" || ext == ".json":
		t.definitions = append(t.definitions, path)
	case !within:
		return fmt.Errorf("%s: expected %s, definitions (.yaml, .yml, .json), services (%s) or a folder of them", path, configFile, deploy.Extension)
	}
	return nil
}

// sortDir takes what a folder holds: the folder of a cluster is checked as such, with nothing else in it.
func (t *toCheck) sortDir(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, configFile)); err == nil {
		t.clusters = append(t.clusters, dir)
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	before := len(t.definitions) + len(t.services) + len(t.clusters)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if err := t.sort(filepath.Join(dir, e.Name()), true); err != nil {
			return err
		}
	}
	if len(t.definitions)+len(t.services)+len(t.clusters) == before {
		return fmt.Errorf("%s holds no %s, no definitions (.yaml, .yml, .json) and no services (%s)", dir, configFile, deploy.Extension)
	}
	return nil
}

// openClusters reads each cluster.yaml. Where only one is checked, its catalog is, too.
func (t *toCheck) openClusters(asked bool) {
	slices.Sort(t.clusters)
	t.clusters = slices.Compact(t.clusters)
	for _, dir := range t.clusters {
		f, err := folder.Open(dir)
		if err != nil {
			t.faults = append(t.faults, strings.Split(err.Error(), "\n")...)
			continue
		}
		t.checked = append(t.checked, filepath.Join(dir, configFile))
		if _, err := f.Token(); err == nil && len(t.clusters) == 1 && (asked || len(t.definitions)+len(t.services) == 0) {
			t.base = f
		}
	}
}

// read reads the files, and those that they include.
func (t *toCheck) read() error {
	of := func(name string) (string, error) {
		raw, err := os.ReadFile(name)
		return string(raw), err
	}
	included := map[string]bool{}
	for _, name := range t.definitions {
		files, err := enmasse.Gather([]string{name}, of)
		if err != nil {
			t.faults = append(t.faults, err.Error())
		}
		for _, f := range files {
			included[filepath.Clean(f.Name)] = included[filepath.Clean(f.Name)] || f.Included
		}
	}
	// A folder's file that another one includes is read there.
	t.definitions = slices.DeleteFunc(t.definitions, func(name string) bool { return included[filepath.Clean(name)] })
	files, err := enmasse.Gather(t.definitions, of)
	if err != nil && len(t.faults) == 0 {
		t.faults = append(t.faults, err.Error())
	}
	t.brought.Env = map[string]string{}
	for _, f := range files {
		t.brought.Definitions = append(t.brought.Definitions, enmasse.ImportFile(f))
		for _, name := range enmasse.Variables(f.Content) {
			if v, ok := os.LookupEnv(name); ok {
				t.brought.Env[name] = v
			}
		}
	}
	for _, path := range t.services {
		source, err := os.ReadFile(path)
		if err != nil {
			return usage(err)
		}
		t.brought.Services = append(t.brought.Services, deploy.File{Name: path, Source: string(source)})
	}
	return nil
}

func (t *toCheck) write(w io.Writer, found node.CheckedFiles) {
	for _, fault := range found.Faults {
		line(w, "%s", fault)
	}
	for _, note := range found.Notes {
		line(w, "note: %s", note)
	}
	if len(found.Faults) > 0 {
		return
	}
	what := slices.Clone(t.checked)
	if t.base != nil {
		what = append(what, "the catalog of "+t.base.Cluster.Name)
	}
	if n := len(t.definitions); n > 0 {
		what = append(what, plural(found.Definitions, "definition")+" in "+plural(n, "file"))
	}
	if n := len(t.services); n > 0 {
		what = append(what, plural(n, "service file"))
	}
	line(w, "Nothing is wrong with %s", strings.Join(what, ", "))
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
