package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/parley-run/parley/runtime/admin"
	"github.com/parley-run/parley/runtime/service"
)

func catalogCommand(o *options) *cobra.Command {
	c := &cobra.Command{Use: "catalog", Short: "What the cluster keeps of definitions and services"}
	c.AddCommand(&cobra.Command{
		Use:   "accept-restore",
		Short: "Make a database that was restored or replaced the truth for all servers",
		Long: "Make a database that was restored or replaced the truth for all servers.\n\n" +
			"Servers refuse a catalog that is older than the one they serve, or has another history: they serve on what they have, refuse changes,\n" +
			"and parley status says so. This command tells them that a backup was restored on purpose: what changed since is given up.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.acceptRestore(c) },
	})
	return c
}

// accepted is what parley catalog accept-restore prints.
type accepted struct {
	Revision int64    `json:"revision"`
	Behind   []string `json:"behind"`
}

// acceptRestore asks each server until one had something to accept: the others follow that one.
func (o *options) acceptRestore(c *cobra.Command) error {
	f, err := o.open("")
	if err != nil {
		return err
	}
	token, err := f.Token()
	if err != nil {
		return err
	}
	var refused error
	for _, s := range f.Cluster.Servers {
		if knock(c.Context(), f, s.Admin, knockAgain) != answers {
			continue
		}
		client := admin.NewClient(s.Admin, token).Secured(f.AdminTLS(s.Admin))
		var out accepted
		err := client.Call(c.Context(), "parley.catalog.accept-restore", struct{}{}, &out)
		client.CloseIdle()
		var known *service.Error
		if errors.As(err, &known) && known.Code == service.Conflict {
			refused = fmt.Errorf("%s: %w", s.Name, err)
			continue
		}
		if err != nil {
			return err
		}
		err = o.print(c, out, func(w io.Writer) { line(w, "The database is accepted as it is, at revision %d", out.Revision) })
		if err == nil && len(out.Behind) > 0 {
			return fmt.Errorf("not served by %s", strings.Join(out.Behind, "; "))
		}
		return err
	}
	if refused != nil {
		return refused
	}
	return fmt.Errorf("no server of the cluster in %s answers; start it: parley start %s", f.Dir, f.Dir)
}
