// Command parley runs and operates Parley: clusters, deployments, definitions and statistics.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/parley-run/parley/internal/clifault"
	"github.com/parley-run/parley/runtime/admin"
)

// Exit codes, the same in every command of the project.
const (
	exitFailed      = 1   // refused, or not all servers serve it
	exitUsage       = 2   // wrong usage or configuration
	exitUnclear     = 4   // inconclusive, or a difference found: enmasse diff
	exitInterrupted = 130 // by Ctrl-C
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the whole command: it returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o := &options{stderr: stderr}
	root := rootCommand(o) //nolint:contextcheck // making a cluster takes milliseconds
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if ctx.Err() != nil {
		_, _ = fmt.Fprintln(stderr, "parley: interrupted")
		return exitInterrupted
	}
	var coded *exitError
	if !errors.As(err, &coded) {
		coded = &exitError{code: exitFailed, err: err}
		if !o.parsed {
			coded.code = exitUsage
		}
	}
	if coded.err != nil {
		_, _ = fmt.Fprintln(stderr, "parley:", coded.err)
	}
	return coded.code
}

// exitError is an error with the exit code that it means. A nil err has been reported already.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return "failed"
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func usage(err error) error {
	if err == nil {
		return nil
	}
	return &exitError{code: exitUsage, err: err}
}

// options are the flags that every command has.
type options struct {
	dir     string
	address string // of one server's admin API, in place of dir
	ca      string // file of the authorities that its certificate is of
	user    string // who logs in there; empty: whoever has the token
	remote  *admin.Client
	output  string
	stderr  io.Writer
	parsed  bool // the command line was understood: what fails from here on is no wrong usage
}

func rootCommand(o *options) *cobra.Command {
	root := &cobra.Command{
		Use:           "parley",
		Short:         "Run and operate Parley, the lean integration runtime",
		Long:          "Run and operate Parley, the lean integration runtime.\n\nCommands find their cluster by --dir, the environment variable PARLEY_DIR, or the current folder. One elsewhere is called over --address.",
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(c *cobra.Command, _ []string) error {
			if o.output != "text" && o.output != "json" && o.output != "yaml" && (o.output != "csv" || c.Annotations[csvOutput] == "") {
				return usage(fmt.Errorf("--output is %s, not %q", outputs(c), o.output))
			}
			o.parsed = true
			return nil
		},
	}
	root.PersistentFlags().StringVar(&o.dir, "dir", "", "folder of the cluster")
	root.PersistentFlags().StringVar(&o.address, "address", "", "of a cluster elsewhere: host:port of an admin API, or https://host:port; PARLEY_ADMIN_TOKEN holds the cluster's token")
	root.PersistentFlags().StringVar(&o.ca, "ca", "", "of --address https://...: PEM file of the authority that its certificate is of; empty: those that the system trusts")
	root.PersistentFlags().StringVar(&o.user, "user", "", "of --address: who logs in, in place of the token; PARLEY_ADMIN_PASSWORD holds the password")
	root.PersistentFlags().StringVarP(&o.output, "output", "o", "text", "text, json or yaml; csv, too, for what stats tells of a time")
	root.SetFlagErrorFunc(flagFault)
	root.AddCommand(
		quickstartCommand(o), startCommand(o), stopCommand(o), restartCommand(o), upgradeCommand(o), statusCommand(o),
		deployCommand(o), undeployCommand(o), servicesCommand(o), invokeCommand(o),
		statsCommand(o), logsCommand(o), kvdbCommand(o), cacheCommand(o), pingCommand(o), infoCommand(o), enmasseCommand(o), auditCommand(o), kindsCommand(o), catalogCommand(o), secretsCommand(o),
		checkConfigCommand(o), versionCommand(o), serveCommand(o), readyCommand(o), balancerCommand(o), haproxyCommand(o), tlsCommand(o), superviseCommand(), serverCommand(o),
	)
	root.AddCommand(objectsCommands(o)...)
	root.InitDefaultCompletionCmd()
	completeWithoutPackage(root)
	rejectUnknown(root)
	for _, c := range root.Commands() {
		wrapArgs(c)
	}
	o.complete(root)
	return root
}

// csvOutput is the annotation of commands that print CSV, too.
const csvOutput = "csv"

// outputs are what --output may be for a command.
func outputs(c *cobra.Command) string {
	if c.Annotations[csvOutput] != "" {
		return "text, json, yaml or csv"
	}
	return "text, json or yaml"
}

// wrapArgs makes a wrong number of arguments a usage error, everywhere.
func wrapArgs(c *cobra.Command) {
	if check := c.Args; check != nil && !c.HasSubCommands() {
		c.Args = func(c *cobra.Command, args []string) error {
			return usage(clifault.Arguments(c, check, args))
		}
	}
	for _, sub := range c.Commands() {
		wrapArgs(sub)
	}
}
