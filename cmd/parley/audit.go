package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/parley-run/parley/runtime/deploy"
)

// auditRow is one write to the catalog.
type auditRow struct {
	Revision int64         `json:"revision"`
	At       time.Time     `json:"at"`
	Who      string        `json:"who"`
	What     string        `json:"what"`
	CID      string        `json:"cid"`
	Chain    string        `json:"chain"`
	Changes  []auditChange `json:"changes"`
}

type auditChange struct {
	Kind   string `json:"kind"`
	Name   string `json:"name"`
	Action string `json:"action"`
	Before string `json:"hash_before"`
	After  string `json:"hash_after"`
}

func auditCommand(o *options) *cobra.Command {
	c := &cobra.Command{Use: "audit", Short: "Who changed what, and whether somebody changed the log of it"}
	c.AddCommand(auditListCommand(o), auditVerifyCommand(o))
	return c
}

func auditListCommand(o *options) *cobra.Command {
	var limit int
	var kind, name string
	c := &cobra.Command{
		Use:   "list",
		Short: "List the newest writes to the catalog",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if limit < 1 {
				return usage(fmt.Errorf("--limit: expected 1 or more, not %d", limit))
			}
			if known := append(kindNames(""), deploy.FileKind); kind != "" && !slices.Contains(known, kind) {
				return usage(fmt.Errorf("--kind: there is no kind %q%s; parley kinds lists all, and service files are %s", kind, strings.TrimSuffix(nearest(kind, known), "?"), deploy.FileKind))
			}
			var out []auditRow
			if err := o.call(c.Context(), "parley.audit.list", map[string]any{"limit": limit, "kind": kind, "name": name}, &out); err != nil {
				return err
			}
			return o.print(c, out, func(w io.Writer) {
				if len(out) == 0 {
					line(w, "No write is in the audit log.")
					return
				}
				rows := make([][]string, len(out))
				for i, r := range out {
					rows[i] = []string{strconv.FormatInt(r.Revision, 10), r.At.UTC().Format("2006-01-02 15:04:05"), r.CID, r.Who, r.What}
				}
				table(w, []string{"REVISION", "AT (UTC)", "CID", "WHO", "WHAT"}, rows)
			})
		},
	}
	c.Flags().IntVar(&limit, "limit", 50, "how many at most")
	c.Flags().StringVar(&kind, "kind", "", "only writes to objects of this kind, such as channel_rest; service files are service_file")
	c.Flags().StringVar(&name, "name", "", "only writes to objects of this name")
	return c
}

// auditCheck is what parley audit verify prints.
type auditCheck struct {
	Rows      int      `json:"rows"`
	Revision  int64    `json:"revision"`
	Chain     string   `json:"chain"`
	Unchained int      `json:"unchained"`
	Problems  []string `json:"problems"`
}

func auditVerifyCommand(o *options) *cobra.Command {
	var noted string
	c := &cobra.Command{
		Use:   "verify",
		Short: "Find what was changed in the audit log, or in the catalog without it",
		Long: "Find what was changed in the audit log, or in the catalog without it.\n\n" +
			"Every write is chained to those before it by a hash. Whoever can write all of the database can write all of the chain anew:\n" +
			"note the chain that this command prints elsewhere, and give it back with --chain to find that too.\n\n" +
			"Exits 0 where all is as it was written, 1 where it is not, and 4 where the newest rows are of servers of an older release,\n" +
			"which do not chain: the next write vouches for them.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			var out auditCheck
			if err := o.call(c.Context(), "parley.audit.verify", map[string]any{"chain": noted}, &out); err != nil {
				return err
			}
			err := o.print(c, out, func(w io.Writer) {
				for _, p := range out.Problems {
					line(w, "%s", p)
				}
				if len(out.Problems) == 0 {
					line(w, "The audit log holds: up to revision %d all is as it was written (rows: %d)", out.Revision, out.Rows)
				}
				if out.Chain != "" {
					line(w, "chain %s", out.Chain)
				}
			})
			switch {
			case err != nil:
				return err
			case len(out.Problems) > 0:
				return errors.New("the audit log does not hold")
			case out.Unchained > 0:
				return &exitError{code: exitUnclear, err: fmt.Errorf("the newest %d writes are of servers of an older release, which do not chain: nothing vouches for them until the next write", out.Unchained)}
			}
			return nil
		},
	}
	c.Flags().StringVar(&noted, "chain", "", "a chain that was noted earlier: it must still be there")
	return c
}
