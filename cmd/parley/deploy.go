package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/parley-run/parley/runtime/deploy"
)

// deployed is the answer to a deployment: what each server that counts made of it.
type deployed struct {
	Revision int64    `json:"revision"`
	Services []string `json:"services"`
	Servers  []struct {
		Server   string  `json:"server"`
		Revision int64   `json:"revision"`
		OK       bool    `json:"ok"`
		MS       float64 `json:"ms"`
		Error    string  `json:"error"`
	} `json:"servers"`
	Gone   []string `json:"gone"`   // services that were declared before
	Idle   []string `json:"idle"`   // files without a service
	Silent []string `json:"silent"` // servers that do not count
}

func deployCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "deploy FILE...",
		Short: "Deploy service files to every server",
		Long:  "Deploy service files to every server, all or none of them. Exits 0 only when all servers that count serve them.",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			type file struct {
				Name   string `json:"name"`
				Source string `json:"source"`
			}
			var in struct {
				Files []file `json:"files"`
			}
			var problems error
			for _, path := range args {
				source, err := os.ReadFile(path)
				if errors.Is(err, syscall.EISDIR) {
					return usage(fmt.Errorf("%s is a folder; name the files in it, such as %s", path, filepath.Join(path, "*.star")))
				}
				if err != nil {
					return usage(err)
				}
				if len(source) == 0 {
					return fmt.Errorf("%s is empty; parley undeploy %s takes a file away", path, filepath.Base(path))
				}
				// Here, because JSON cannot carry what is not UTF-8.
				_, err = deploy.NewObject(filepath.Base(path), string(source))
				problems = errors.Join(problems, err)
				in.Files = append(in.Files, file{Name: filepath.Base(path), Source: string(source)})
			}
			if problems != nil {
				return problems
			}
			var out deployed
			if err := o.call(c.Context(), "parley.service.deploy", in, &out); err != nil {
				return err
			}
			return o.printDeployed(c, out, "Deployed")
		},
	}
}

func undeployCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "undeploy FILE-or-SERVICE...",
		Short: "Take service files away from every server",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			var out deployed
			if err := o.call(c.Context(), "parley.service.undeploy", map[string]any{"names": args}, &out); err != nil {
				return err
			}
			return o.printDeployed(c, out, "Undeployed")
		},
	}
}

func (o *options) printDeployed(c *cobra.Command, out deployed, did string) error {
	var missing []string
	for _, s := range out.Servers {
		if !s.OK {
			missing = append(missing, s.Server)
		}
	}
	err := o.print(c, out, func(w io.Writer) {
		what := ""
		if len(out.Services) > 0 {
			what = " " + strings.Join(out.Services, ", ")
		}
		line(w, "%s%s at revision %d", did, what, out.Revision)
		for _, s := range out.Servers {
			if s.OK {
				line(w, "  %s  serves it, after %.1f ms", s.Server, s.MS)
			} else {
				line(w, "  %s  does NOT serve it: %s", s.Server, s.Error)
			}
		}
		for _, s := range out.Silent {
			line(w, "  %s  did not answer for 6 s and does not count", s)
		}
		for _, s := range out.Gone {
			line(w, "note: %s is not declared any more", s)
		}
		for _, f := range out.Idle {
			line(w, "note: %s declares no service", f)
		}
	})
	if err == nil && len(missing) > 0 {
		return fmt.Errorf("not served by %s", strings.Join(missing, ", "))
	}
	return err
}

func servicesCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "services",
		Short: "List the services that are deployed",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			var out []struct {
				Service  string `json:"name"`
				File     string `json:"file"`
				Revision int64  `json:"revision"`
				Doc      string `json:"doc"`
			}
			if err := o.call(c.Context(), "parley.service.list", struct{}{}, &out); err != nil {
				return err
			}
			return o.print(c, out, func(w io.Writer) {
				if len(out) == 0 {
					line(w, "No services are deployed. Deploy one: parley deploy FILE.star")
					return
				}
				rows := make([][]string, len(out))
				for i, s := range out {
					rows[i] = []string{s.Service, s.File, strconv.FormatInt(s.Revision, 10), s.Doc}
				}
				table(w, []string{"SERVICE", "FILE", "REVISION", "WHAT IT DOES"}, rows)
			})
		},
	}
}
