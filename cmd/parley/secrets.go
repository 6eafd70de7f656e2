package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

func secretsCommand(o *options) *cobra.Command {
	c := &cobra.Command{Use: "secrets", Short: "The keys that secrets in definitions are encrypted by"}
	c.AddCommand(&cobra.Command{
		Use:   "rotate",
		Short: "Encrypt all secrets by a new key",
		Long: "Encrypt all secrets by a new key.\n\n" +
			"The key is put in front of the others in DIR/secrets.key. When every server is known to have it, one change of the catalog encrypts\n" +
			"everything anew. Servers go on serving throughout; a rotation that is cut off is gone on with by the next one. The old keys stay in the\n" +
			"file: backups of the catalog need them.\n\n" +
			"Where servers run on several machines, the first call makes the key and names those that do not have it. Copy secrets.key to them and\n" +
			"call again.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.rotateSecrets(c) },
	}, &cobra.Command{
		Use:   "status",
		Short: "Which key encrypts, and how many secrets each has encrypted",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return o.secretsStatus(c) },
	})
	return c
}

// rotated is what parley secrets rotate prints.
type rotated struct {
	Key      string   `json:"key"`
	Revision int64    `json:"revision"`
	Sealed   int      `json:"sealed"`
	Lost     []string `json:"lost"`
	Behind   []string `json:"behind"`
}

func (o *options) rotateSecrets(c *cobra.Command) error {
	var out rotated
	if err := o.call(c.Context(), "parley.secrets.rotate", struct{}{}, &out); err != nil {
		return err
	}
	err := o.print(c, out, func(w io.Writer) {
		line(w, "Encrypted %s anew, by the key %s, at revision %d", plural(out.Sealed, "secret"), out.Key, out.Revision)
		for _, lost := range out.Lost {
			line(w, "no key opens %s", lost)
		}
	})
	if err == nil && len(out.Behind) > 0 {
		return fmt.Errorf("not served by %s", strings.Join(out.Behind, "; "))
	}
	return err
}

func (o *options) secretsStatus(c *cobra.Command) error {
	var out struct {
		Keys []struct {
			ID     string `json:"id"`
			Seals  bool   `json:"seals"`
			Sealed int    `json:"sealed"`
		} `json:"keys"`
		Lost int `json:"lost"`
	}
	if err := o.call(c.Context(), "parley.secrets.status", struct{}{}, &out); err != nil {
		return err
	}
	return o.print(c, out, func(w io.Writer) {
		var rows [][]string
		for _, k := range out.Keys {
			encrypts := ""
			if k.Seals {
				encrypts = "yes"
			}
			rows = append(rows, []string{k.ID, strconv.Itoa(k.Sealed), encrypts})
		}
		table(w, []string{"KEY", "SECRETS", "ENCRYPTS"}, rows)
		if out.Lost > 0 {
			line(w, "%s: encrypted by keys that are not there", plural(out.Lost, "secret"))
		}
	})
}
