// Command apitest runs API tests in plain English, mock back ends and load profiles.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/testcontainers/testcontainers-go/log"
)

func main() {
	log.SetDefault(log.NewNoopLogger()) // what is wrong with containers comes back as an error
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	ctx, unread := context.WithCancel(ctx)
	endUnread(unread)
	root := rootCommand()
	err := root.ExecuteContext(ctx)
	stop()
	os.Exit(exitCode(err))
}

// endUnread calls end where nobody reads any more what the process prints, as of apitest ... | head. It would die there and
// then, and leave the clusters that it holds.
func endUnread(end func()) {
	unread := make(chan os.Signal, 1)
	signal.Notify(unread, syscall.SIGPIPE)
	go func() {
		<-unread
		end()
	}()
}

// The exit codes, the same in every command.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitNothing     = 5
	exitInterrupted = 130
	exitUnread      = 141 // as where SIGPIPE ends a process
)

// exit is an error with the command's exit code. Where silent, all has been said.
type exit struct {
	code   int
	err    error
	silent bool
}

func (e *exit) Error() string { return e.err.Error() }
func (e *exit) Unwrap() error { return e.err }
func (e *exit) ExitCode() int { return e.code }

// exitCode says what went wrong, on standard error, and gives the exit code. What no command gave a code is
// wrong usage.
func exitCode(err error) int {
	if err == nil {
		return 0
	}
	if errors.Is(err, syscall.EPIPE) {
		return exitUnread
	}
	var e *exit
	if !errors.As(err, &e) || !e.silent {
		fmt.Fprintln(os.Stderr, "apitest:", err)
	}
	var coded interface{ ExitCode() int }
	if errors.As(err, &coded) {
		return coded.ExitCode()
	}
	return exitUsage
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "apitest",
		Short:         "API tests in plain English, mock back ends and load",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(initCommand(), runCommand(), demoCommand(), stepsCommand(), mockCommand(), benchCommand(openCluster), clusterCommand(), versionCommand())
	root.InitDefaultCompletionCmd()
	sayWhatWasMeant(root)
	return root
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "apitest", version())
			return err
		},
	}
}

// version is that of the module.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return "unknown"
}
