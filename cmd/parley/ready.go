package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/parley-run/parley/runtime/folder"
	"github.com/parley-run/parley/runtime/service"
)

// readyCommand is for health checks, such as those of a container, which has no other program to ask with.
func readyCommand(o *options) *cobra.Command {
	var patience time.Duration
	c := &cobra.Command{
		Use:   "ready",
		Short: "Exit with 0 where every server is ready to serve, for health checks",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			f, err := o.open("")
			if err != nil {
				return err
			}
			names := service.ParleyNames()
			if f.Cluster.Compat == "zato" {
				names = service.ZatoNames()
			}
			ctx, cancel := context.WithTimeout(c.Context(), patience)
			defer cancel()
			type answer struct {
				Server string `json:"server"`
				Ready  bool   `json:"ready"`
			}
			var out []answer
			for _, s := range f.Cluster.Servers {
				if err := askReady(ctx, f, s.URL()+names.Prefix+"/ready"); err != nil {
					return fmt.Errorf("%s is not ready: %w", s.Name, err)
				}
				out = append(out, answer{s.Name, true})
			}
			return o.print(c, out, func(w io.Writer) {
				for _, one := range out {
					line(w, "%s is ready", one.Server)
				}
			})
		},
	}
	c.Flags().DurationVar(&patience, "timeout", 3*time.Second, "how long the servers may take to answer, together")
	return c
}

// askReady asks a server. Where it serves https, its certificate is not verified: whoever answers is told nothing, and that
// it answers is all that is asked.
func askReady(ctx context.Context, f *folder.Folder, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	own := &tls.Config{InsecureSkipVerify: true} //nolint:gosec // see above
	if m, err := f.ServersTLS().Load(); err == nil && m.Certificate != nil {
		own.Certificates = []tls.Certificate{*m.Certificate}
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: own}}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: status %d", url, res.StatusCode)
	}
	return nil
}
