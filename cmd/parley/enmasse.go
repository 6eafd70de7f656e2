package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/parley-run/parley/runtime/enmasse"
	"github.com/parley-run/parley/runtime/service"
)

// What enmasse diff found, as its exit code says; both is exitDeletes + 1.
const exitDeletes = 5

func enmasseCommand(o *options) *cobra.Command {
	c := &cobra.Command{Use: "enmasse", Short: "Definitions as YAML or JSON files: config-as-code"}
	c.AddCommand(exportCommand(o), diffCommand(o), importCommand(o))
	return c
}

func exportCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "export",
		Short: "Print all definitions as YAML, or with -o json as JSON",
		Long:  "Print all definitions as YAML, or with -o json as JSON.\n\nSecrets are never printed: references such as env:NAME are, and (kept) stands for those that the cluster keeps.",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			in := map[string]string{}
			if o.output == "json" {
				in["format"] = "json"
			}
			var out struct {
				Content string `json:"content"`
			}
			if err := o.call(c.Context(), "parley.enmasse.export", in, &out); err != nil {
				return err
			}
			_, _ = io.WriteString(c.OutOrStdout(), out.Content) // a closed pipe is the reader's wish
			return nil
		},
	}
}

// request is what import and diff send: files, what they include, and those of this shell's variables that they name.
// A definition such as ${CRM_ADDRESS} means the environment of whoever imports it.
func request(c *cobra.Command, names []string, zato bool) (map[string]any, error) {
	files, err := enmasse.Gather(names, func(name string) (string, error) {
		if name == "-" {
			raw, err := io.ReadAll(c.InOrStdin())
			return string(raw), err
		}
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			return "", fmt.Errorf("%s is a folder; name its files, such as %s", name, filepath.Join(name, "*.yaml"))
		}
		raw, err := os.ReadFile(name)
		return string(raw), err
	})
	if err != nil {
		return nil, usage(err)
	}
	env, sent := map[string]string{}, make([]map[string]any, len(files))
	for i, f := range files {
		sent[i] = map[string]any{"name": f.Name, "content": f.Content, "included": f.Included}
		for _, name := range enmasse.Variables(f.Content) {
			if v, ok := os.LookupEnv(name); ok {
				env[name] = v
			}
		}
	}
	in := map[string]any{"files": sent, "env": env}
	if zato {
		in["dialect"] = "zato"
	}
	return in, nil
}

// namedItem is an object of the catalog.
type namedItem struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
}

// imported is what parley enmasse import prints.
type imported struct {
	Revision  int64       `json:"revision"`
	Created   []namedItem `json:"created"`
	Updated   []namedItem `json:"updated"`
	Deleted   []namedItem `json:"deleted"`
	Unchanged int         `json:"unchanged"`
	LeftOut   []string    `json:"left_out"`
	Behind    []string    `json:"behind"`
}

func importCommand(o *options) *cobra.Command {
	var zato, prune bool
	var deletes int
	c := &cobra.Command{
		Use:   "import FILE...",
		Short: "Create and update what the files define, all of it or nothing",
		Long: "Create and update what the files define, all of it or nothing; - is the standard input.\n\n" +
			"What no file names stays as it is, unless --prune is given. Where that would delete more than half of all definitions, the files may be\n" +
			"cut off: nothing is done unless --deletes says how many are to go.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if deletes != 0 && !prune {
				return usage(errors.New("--deletes says how many definitions --prune deletes; give --prune too"))
			}
			in, err := request(c, args, zato)
			if err != nil {
				return err
			}
			in["prune"], in["deletes"] = prune, deletes
			var out imported
			err = o.call(c.Context(), "parley.enmasse.import", in, &out)
			var refusal *service.Error
			if errors.As(err, &refusal) && refusal.Code == service.Invalid {
				return usage(fmt.Errorf("nothing was imported:\n%w", err))
			}
			if err != nil {
				return err
			}
			err = o.print(c, out, func(w io.Writer) { out.print(w) })
			if err == nil && len(out.Behind) > 0 {
				return fmt.Errorf("not served by %s", strings.Join(out.Behind, "; "))
			}
			return err
		},
	}
	c.Flags().BoolVar(&zato, "zato", false, "the files are Zato's: import what has a counterpart, and list what was left out")
	c.Flags().BoolVar(&prune, "prune", false, "delete the definitions that no file names")
	c.Flags().IntVar(&deletes, "deletes", 0, "with --prune: how many definitions are deleted, where it is more than half of them")
	return c
}

func (i imported) print(w io.Writer) {
	deleted := ""
	if len(i.Deleted) > 0 {
		deleted = fmt.Sprintf(", %d deleted", len(i.Deleted))
	}
	line(w, "Imported at revision %d: %d created, %d updated%s, %d unchanged", i.Revision, len(i.Created), len(i.Updated), deleted, i.Unchanged)
	for _, part := range []struct {
		did   string
		items []namedItem
	}{{"created", i.Created}, {"updated", i.Updated}, {"deleted", i.Deleted}} {
		for _, one := range part.items {
			line(w, "  %s  %s %q", part.did, one.Kind, one.Name)
		}
	}
	leftOut(w, i.LeftOut)
}

func leftOut(w io.Writer, notes []string) {
	if len(notes) == 0 {
		return
	}
	line(w, "Left out of Zato's files:")
	for _, note := range notes {
		line(w, "  %s", note)
	}
}

// differences are what parley enmasse diff prints.
type differences struct {
	Revision    int64        `json:"revision"`
	Differences []difference `json:"differences"`
	LeftOut     []string     `json:"left_out"`
}

type difference struct {
	Kind   string `json:"kind"`
	Name   string `json:"name"`
	Action string `json:"action"`
	Keys   []struct {
		Key    string `json:"key"`
		Before string `json:"before"`
		After  string `json:"after"`
	} `json:"keys"`
}

func diffCommand(o *options) *cobra.Command {
	var zato bool
	c := &cobra.Command{
		Use:   "diff FILE...",
		Short: "Show what an import of the files would change",
		Long: "Show what an import of the files would change; - is the standard input.\n\n" +
			"Exits 0 where nothing would, 4 where it would add (+) or change (~) definitions, 5 where some are in no file (-: import deletes them\n" +
			"with --prune alone), and 6 where both.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			in, err := request(c, args, zato)
			if err != nil {
				return err
			}
			var out differences
			err = o.call(c.Context(), "parley.enmasse.diff", in, &out)
			var refusal *service.Error
			if errors.As(err, &refusal) && refusal.Code == service.Invalid {
				return usage(fmt.Errorf("the files cannot be imported:\n%w", err))
			}
			if err != nil {
				return err
			}
			if err := o.print(c, out, func(w io.Writer) { out.print(w) }); err != nil {
				return err
			}
			if code := out.exitCode(); code != 0 {
				return &exitError{code: code}
			}
			return nil
		},
	}
	c.Flags().BoolVar(&zato, "zato", false, "the files are Zato's: compare what has a counterpart, and list what is left out")
	return c
}

func (d differences) exitCode() int {
	puts, deletes := false, false
	for _, one := range d.Differences {
		deletes = deletes || one.Action == "delete"
		puts = puts || one.Action != "delete"
	}
	switch {
	case puts && deletes:
		return exitDeletes + 1
	case deletes:
		return exitDeletes
	case puts:
		return exitUnclear
	}
	return 0
}

func (d differences) print(w io.Writer) {
	for _, one := range d.Differences {
		line(w, "%s %s %q", map[string]string{"add": "+", "change": "~", "delete": "-"}[one.Action], one.Kind, one.Name)
		for _, k := range one.Keys {
			line(w, "    %s: %s -> %s", k.Key, orNone(k.Before), orNone(k.After))
		}
	}
	leftOut(w, d.LeftOut)
}

func orNone(value string) string {
	if value == "" {
		return "(none)"
	}
	return value
}
