package main

import (
	"fmt"
	"io"
	"path/filepath"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/parley-run/parley/runtime/certificate"
)

func tlsCommand(o *options) *cobra.Command {
	c := &cobra.Command{Use: "tls", Short: "Certificates of an authority of one's own"}
	var server, name string
	var hosts, clients []string
	create := &cobra.Command{
		Use:   "create DIR",
		Short: "Make certificates of servers and clients, and in a new folder an authority that signs them",
		Long: "Make certificates of servers and clients in DIR, and where it has none yet, the certificate authority that signs them: ca.pem, which others\n" +
			"may have, and ca.key, which nobody else may. The folder tls of a cluster made with quickstart create --tls is such a DIR.\n\n" +
			"A certificate that is there is made anew, as before it expires (397 days): a running cluster takes it in by itself.",
		Example: "  parley tls create ~/bank/tls --server balancer --hosts bank.example.com,localhost,127.0.0.1\n" +
			"  parley tls create ~/bank/tls --client crm --client erp",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			dir, err := filepath.Abs(args[0])
			if err != nil {
				return err
			}
			if len(hosts) == 0 && len(clients) == 0 {
				return usage(fmt.Errorf("whose certificate? give --hosts with the names of a server, or --client with that of a client"))
			}
			for _, one := range append([]string{server}, clients...) {
				if len(one) > 64 || !plainName.MatchString(one) || one == "ca" {
					return usage(fmt.Errorf("%q cannot be the name of a certificate: expected letters, digits, ., - and _, and not ca", one))
				}
			}
			return o.createTLS(c, dir, name, server, hosts, clients)
		},
	}
	flags := create.Flags()
	flags.StringVar(&name, "ca-name", "Parley", "name of a new authority")
	flags.StringVar(&server, "server", "server", "name of the server's files")
	flags.StringSliceVar(&hosts, "hosts", nil, "names and addresses that clients call the server by, such as bank.example.com,127.0.0.1")
	flags.StringSliceVar(&clients, "client", nil, "name of a client; may be given again")
	c.AddCommand(create)
	return c
}

// plainName is fit for the name of a file.
var plainName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)

func (o *options) createTLS(c *cobra.Command, dir, authority, server string, hosts, clients []string) error {
	a, fresh, err := certificate.OpenAuthority(dir, authority)
	if err != nil {
		return err
	}
	type made struct {
		What        string `json:"what"`
		Certificate string `json:"certificate"`
		Key         string `json:"key"`
	}
	var all []made
	if fresh {
		all = append(all, made{"authority", filepath.Join(dir, certificate.CAFile), filepath.Join(dir, "ca.key")})
	}
	if len(hosts) > 0 {
		f, err := a.Server(server, hosts)
		if err != nil {
			return err
		}
		all = append(all, made{"server", f.Certificate, f.Key})
	}
	for _, client := range clients {
		f, err := a.Client(client)
		if err != nil {
			return err
		}
		all = append(all, made{"client", f.Certificate, f.Key})
	}
	return o.print(c, all, func(w io.Writer) {
		for _, one := range all {
			line(w, "%-10s %s, its key in %s", one.What, one.Certificate, one.Key)
		}
	})
}
