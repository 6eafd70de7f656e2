package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"

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
	cmd.AddCommand(benchRunCommand(open), benchGateCommand(), benchCompareCommand(), gateTargetCommand())
	return cmd
}

func benchRunCommand(open func(ctx context.Context, dir string) (Cluster, error)) *cobra.Command {
	var address, dir, out, output string
	cmd := &cobra.Command{
		Use:   "run PROFILE.yaml [--address URL | --dir DIR]",
		Short: "Run a load profile",
		Long: `Sends the profile's requests at its rate, does its events meanwhile, and says what came of it: requests sent,
failed, lost, unknown and doubled, latency from when each request was due, and each event's time.

The load goes to --address, else to the balancer of the cluster of --dir, PARLEY_DIR or the current folder.

Fields of a profile (a time is in seconds, or such as 500ms):
  name              what the report is called
  rate              requests a second, sent when due whatever the replies take
  duration          how long
  warmup            the same load before it, not measured; default: none
  timeout           for each reply; default: 5s
  workers           most requests under way at once; default: rate times timeout, 64 to 8192
  max_schedule_lag  p99 of how late requests may be sent, else the run is invalid; default: 50ms
  settle            wait before reading what was executed; default: 500ms where an outcome is unknown
  request           method (default: POST), path, headers, body; {{id}} in them is 1, 2, 3, ...
  events            what happens meanwhile, in order of time: at, do, what do needs, and a name for reports
  executed          kvdb_list: the Redis list, empty at first, to which the service appends each id
  expect            what must hold

Events (do):
  deploy            with file: a service file, found from the profile's folder
  undeploy          with file: a service file or a service
  kill              with server: SIGKILL, as a power cut would
  stop              with server: as planned, it finishes what it has begun
  start             with server: until it is ready
  restart           with server: stop, then start
  run               with run: a shell command, such as {at: 4s, run: "echo half way"}

Expect:
  failed, unknown      at most so many
  lost, doubled        at most so many; they need executed
  p50, p95, p99, max   of response time, at most

Exit code: 0 done; 1 an expectation is not met; 2 the profile is wrong; 3 the measurement is invalid.`,
		Example: `  # load.yaml
  name: steady
  rate: 500                # requests a second
  duration: 10s
  request:
    path: /tutorial/first-service
    headers: {Content-Type: application/json}
    body: '{"cust_id":{{id}},"cust_type":"A"}'
  events:
    - {at: 4s, run: "echo half way"}
  expect: {failed: 0, p99: 250ms}

  apitest bench run load.yaml --dir bank --out report
  apitest bench run load.yaml --address http://127.0.0.1:11223`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if output != "text" && output != "json" {
				return &exit{code: exitUsage, err: fmt.Errorf("--output %q is neither text nor json", output)}
			}
			p, err := bench.ReadProfile(args[0])
			if err != nil {
				return &exit{code: exitUsage, err: err}
			}
			filesBeside(args[0], p.Events)
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			o, err := benchOptions(ctx, p, address, dir, open, cmd.ErrOrStderr())
			if err != nil {
				return &exit{code: exitUsage, err: err}
			}
			res, err := bench.Run(ctx, p, o)
			if res == nil {
				return &exit{code: exitUsage, err: err}
			}
			return errors.Join(writeBench(cmd.OutOrStdout(), cmd.ErrOrStderr(), res, out, output), benchVerdict(res, err))
		},
	}
	cmd.Flags().StringVar(&address, "address", "", "URL of the target, such as http://127.0.0.1:11223; default: the cluster's balancer")
	cmd.Flags().StringVar(&dir, "dir", "", "folder of the cluster; default: PARLEY_DIR, or the current one")
	cmd.Flags().StringVar(&out, "out", "", "folder for report.html and result.json")
	cmd.Flags().StringVar(&output, "output", "text", "text or json")
	return cmd
}

func runShell(ctx context.Context, command string, out io.Writer) error {
	shell, flag := "sh", "-c"
	if runtime.GOOS == "windows" {
		shell, flag = "cmd", "/C"
	}
	cmd := exec.CommandContext(ctx, shell, flag, command)
	cmd.Stdout, cmd.Stderr = out, out
	return cmd.Run()
}

func printProgress(w io.Writer, now bench.Progress) {
	if now.Event == nil {
		_, _ = fmt.Fprintf(w, "%7.1f s  %d of %d sent, %d failed, %d unknown\n", now.At.Seconds(), now.Sent, now.Total, now.Failed, now.Unknown)
		return
	}
	what := "begins"
	if now.Ended {
		what = "done in " + bench.FormatMS(now.Event.Took)
	}
	if now.Event.Error != "" {
		what = "FAILED: " + now.Event.Error
	}
	_, _ = fmt.Fprintf(w, "%7.1f s  %s: %s\n", now.At.Seconds(), now.Event.Label, what) // progress only: the run goes on
}

// writeBench prints the result and writes the report's files.
func writeBench(stdout, stderr io.Writer, res *bench.Result, dir, output string) error {
	write := res.WriteText
	if output == "json" {
		write = res.WriteJSON
	}
	if err := write(stdout); err != nil || dir == "" {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	page := filepath.Join(dir, "report.html")
	for path, write := range map[string]func(io.Writer) error{
		page:                              func(w io.Writer) error { return report.Page(w, res) },
		filepath.Join(dir, "result.json"): res.WriteJSON,
	} {
		if err := writeFile(path, write); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(stderr, "report: %s\n", page)
	return err
}

func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
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
