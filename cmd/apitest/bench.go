package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/parley-run/parley/bench"
	"github.com/parley-run/parley/bench/report"
)

// Cluster is what a benchmark asks of a cluster: its address, its events, and the ids that its services recorded.
type Cluster interface {
	// Address is the URL of the balancer.
	Address() string
	// Number is the number of the server of that name; it fails where there is none.
	Number(server string) (int, error)
	// Offers says why the cluster cannot do such an event at all, such as slow a link that it has not.
	Offers(ctx context.Context, e bench.Event) error
	// Prepare makes what events need before the load, such as links to outgoing connections, and undo takes it back.
	Prepare(ctx context.Context, events []bench.Event) (undo func() error, err error)
	// Do does one event other than "run" and returns when it is done.
	Do(ctx context.Context, e bench.Event) error
	// List is the elements of a Redis list of the cluster's KVDB.
	List(ctx context.Context, key string) ([]string, error)
}

// exitInvalid is the exit code of a measurement that does not count.
const exitInvalid = 3

// benchCommand is `apitest bench`. open finds the cluster of a folder, for profiles with events or a record of what
// was executed; it may be nil, and then such profiles are refused.
func benchCommand(open func(ctx context.Context, dir string) (Cluster, error)) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure under load, also while things happen",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(benchRunCommand(open), benchGateCommand(), benchCompareCommand(), benchMergeCommand(), benchSchemaCommand(), gateTargetCommand())
	return cmd
}

// runShell runs a shell command. Where ctx ends, so does all that the command has started in its group of processes.
func runShell(ctx context.Context, command string, out io.Writer) error {
	shell, flag := "sh", "-c"
	if runtime.GOOS == "windows" {
		shell, flag = "cmd", "/C"
	}
	cmd := exec.CommandContext(ctx, shell, flag, command)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.WaitDelay = time.Second // what it left behind may hold what it wrote to
	ownGroup(cmd)
	err := cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) { // it has ended well, and something goes on in the background
		return nil
	}
	return err
}

// checkOut says, before the load, whether reports can be written to the folder.
func checkOut(dir string) error {
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("--out: %w; give a folder", err)
	}
	probe, err := os.CreateTemp(dir, ".writable-")
	if err != nil {
		return fmt.Errorf("--out: nothing can be written there: %w", err)
	}
	err = errors.Join(probe.Close(), os.Remove(probe.Name()))
	for _, name := range outNames() {
		if info, fault := os.Stat(filepath.Join(dir, name)); fault == nil && info.IsDir() {
			err = errors.Join(err, fmt.Errorf("--out: %s is a folder, and a report goes there; move it, or give another folder", filepath.Join(dir, name)))
		}
	}
	return err
}

// outNames are the files of a report.
func outNames() []string {
	names := []string{"report.html"}
	for _, f := range bench.Formats() {
		names = append(names, f.File)
	}
	return names
}

// writeBench prints the result in its format and writes the report's files.
func writeBench(stdout, stderr io.Writer, res *bench.Result, dir, format string) error {
	i := slices.IndexFunc(bench.Formats(), func(f bench.Format) bool { return f.Name == format })
	err := bench.Formats()[i].Write(res, stdout)
	if dir == "" {
		return err
	}
	if fault := os.MkdirAll(dir, 0o755); fault != nil {
		return errors.Join(err, fault)
	}
	page := filepath.Join(dir, "report.html")
	err = errors.Join(err, writeFile(page, func(w io.Writer) error { return report.Page(w, res) }))
	for _, f := range bench.Formats() {
		err = errors.Join(err, writeFile(filepath.Join(dir, f.File), func(w io.Writer) error { return f.Write(res, w) }))
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stderr, "report: %s\n", page)
	return err
}

// checkFormat says whether there is such a format.
func checkFormat(format string) error {
	var names []string
	for _, f := range bench.Formats() {
		names = append(names, f.Name)
	}
	if !slices.Contains(names, format) {
		return &exit{code: exitUsage, err: fmt.Errorf("--format %q is none of %s", format, strings.Join(names, ", "))}
	}
	return nil
}

func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	err = errors.Join(write(f), f.Close())
	if err != nil {
		if info, fault := os.Lstat(path); fault == nil && info.Mode().IsRegular() {
			_ = os.Remove(path) // half a file is worse than none
		}
	}
	return err
}

// benchVerdict is the exit code's error, or nil.
func benchVerdict(res *bench.Result, err error) error {
	switch {
	case errors.Is(err, context.Canceled):
		return &exit{code: exitInterrupted, err: err}
	case err != nil:
		return &exit{code: exitInvalid, err: err}
	case len(res.Invalid) > 0:
		return &exit{code: exitInvalid, err: fmt.Errorf("the measurement is invalid: %s", res.Invalid[0])}
	case len(res.Unmet) > 0:
		return &exit{code: exitFailed, err: fmt.Errorf("not as expected: %s", res.Unmet[0])}
	}
	return nil
}
