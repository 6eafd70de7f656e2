package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/parley-run/parley/bench"
	"github.com/parley-run/parley/bench/otlp"
	"github.com/parley-run/parley/fixtures"
)

// benchFlags are what bench run is told.
type benchFlags struct {
	address, dir, out, format, output string
	otlp                              string
	shard, startAt                    string
	servers                           int
	source, reload                    string
	links, imports, deploys           []string
	noProbe                           bool

	shardOf, of int
	at          time.Time
	to          *otlp.Receiver // of the result; nil: none
}

func benchRunCommand(open func(ctx context.Context, dir string) (Cluster, error)) *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use:   "run PROFILE.yaml|failover|hot-deploy|statistics [--address URL | --dir DIR | --servers N]",
		Short: "Run a load profile",
		Long: `Sends the profile's requests at its rate, does its events meanwhile, and says what came of it: requests sent,
failed, lost, unknown and doubled, latency from when each request was due, and each event's time.

The load goes to --address, else to the balancer of the cluster of --dir, PARLEY_DIR or the current folder. With --servers or
--source a cluster is started for the run alone. The built-in profiles start one of 2 servers.

Fields of a profile (a time is in seconds, or such as 500ms):
  name              what the report is called
  rate              requests a second, sent when due whatever the replies take
  users, think      in place of rate: so many users, each waiting for its reply and thinking before the next request
  duration          how long
  phases            in place of these: [{name, duration, SHAPE}, ...], and a SHAPE is one of
                      rate | from, to | from, to, steps | rate, peak, peak_for | rate, swing, period | replay, speed | users
  warmup            the same load before it, not measured; default: none
  timeout           for each reply; default: 5s
  protocol          http/1.1 (default); h2, also without TLS; zeromq: each body is PUSHed to tcp://HOST:PORT;
                    zeromq-pub: it is published to a SUB that listens there, path is its topic; file: each body becomes a
                    file, path is its name in the folder file:///FOLDER
  ca                PEM file of the authorities that the target's certificate is of; default: those that the system trusts
  workers           most requests under way at once; default: rate times timeout, 64 to 8192
  max_schedule_lag  p99 of how late requests may be sent, else the run is invalid; default: 50ms
  settle            wait before reading what was executed; default: 500ms where an outcome is unknown
  request           method (default: POST), path, headers, body; {{id}} in them is 1, 2, 3, ...; timeout, check, capture
  requests          in place of request: several, each with a name and a weight
  before            requests that are sent once before the load, such as to log in
  feeders           [{csv: FILE}, ...]: {{column}} in requests is the next row's
  events            what happens meanwhile: at, when or after; do, and what do needs; a name for reports
  executed          kvdb_list: the Redis list, empty at first, to which the service appends each id
  expect            what must hold
  otlp              URL of an OpenTelemetry receiver for the result; see --otlp

Events (do), each at a time, when: "p99 > 200ms for 2s", or after: NAME of another:
  deploy FILE, undeploy FILE            a service file, found from the profile's folder
  kill, stop, start, restart SERVER     kill is SIGKILL, as a power cut would; stop is as planned
  pause, resume, drain, undrain SERVER  pause: it stands still with its connections open
  latency 200ms on LINK, cut, stall, mend LINK
                                        LINK: outconn NAME, an outgoing connection, whose definition names a proxy meanwhile; of a
                                        cluster that is started for the run also those of --links
  reload haproxy                        by --reload COMMAND where it is given
  run                                   with run: a shell command, such as {at: 4s, run: "echo half way"}

Expect, a list such as [p99 < 50ms, lost == 0, error_rate < 0.1%, recovery < 2s]:
  p50 p90 p95 p99 p99.9 max mean        of response time; before them also: service, lag
  sent ok failed unknown wrong error_rate
  lost doubled                          they need executed
  recovery dropped rate
  ... of REQUEST, or ... in PHASE or after an event: p95 of login < 20ms, error_rate in "kill server1" < 1%

With --out DIR all formats are written there, and report.html. With --otlp URL the result goes to that OpenTelemetry receiver as metrics,
by HTTP in JSON; without it OTEL_EXPORTER_OTLP_ENDPOINT and its like say where, as OpenTelemetry has them. Where it cannot be sent,
a warning says so, and the exit code is that of the run.

Exit code: 0 done; 1 an expectation is not met; 2 the profile is wrong; 3 the measurement is invalid; 130 interrupted.`,
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
  expect: [failed == 0, p99 < 250ms]

  apitest bench run load.yaml --dir bank --out report
  apitest bench run load.yaml --address http://127.0.0.1:11223
  apitest bench run failover --servers 2 --source embedded --out report`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0], open) },
	}
	cmd.Flags().StringVar(&f.address, "address", "", "URL of the target, such as http://127.0.0.1:11223; default: the cluster's balancer")
	cmd.Flags().StringVar(&f.dir, "dir", "", "folder of the cluster; default: PARLEY_DIR, or the current one")
	cmd.Flags().StringVar(&f.out, "out", "", "folder for report.html and the result in every format")
	cmd.Flags().StringVar(&f.otlp, "otlp", "", "URL of an OpenTelemetry receiver for the result, such as http://127.0.0.1:4318")
	cmd.Flags().StringVar(&f.format, "format", "text", "what to print: text, json, junit, csv, markdown or prometheus")
	cmd.Flags().StringVar(&f.output, "output", "", "the same as --format")
	cmd.Flags().StringVar(&f.shard, "shard", "", "send only one part of the schedule, such as 3/8; see bench merge")
	cmd.Flags().StringVar(&f.startAt, "start-at", "", "when the schedule begins, such as 2026-05-01T10:00:00Z, so that shards begin together")
	cmd.Flags().IntVar(&f.servers, "servers", 0, "start a cluster of so many servers for this run")
	cmd.Flags().StringVar(&f.source, "source", "", "what that cluster is made of: embedded, installed or containers")
	cmd.Flags().StringSliceVar(&f.links, "links", nil, "links of that cluster that events may cut and slow: database, redis, balancer")
	cmd.Flags().StringSliceVar(&f.imports, "import", nil, "files of definitions to import into that cluster before the load, as parley enmasse import does")
	cmd.Flags().StringSliceVar(&f.deploys, "deploy", nil, "service files to deploy on that cluster before the load")
	cmd.Flags().StringVar(&f.reload, "reload", "", "the shell command of the event reload")
	cmd.Flags().BoolVar(&f.noProbe, "no-probe", false, "do not ask first, with HEAD /, whether the target answers at all")
	_ = cmd.Flags().MarkHidden("output")
	return cmd
}

func (f *benchFlags) check(name string) error {
	if f.output != "" {
		f.format = f.output
	}
	if err := checkFormat(f.format); err != nil {
		return err
	}
	if f.shard != "" {
		which, of, _ := strings.Cut(f.shard, "/")
		var err, other error
		f.shardOf, err = strconv.Atoi(which)
		if f.of, other = strconv.Atoi(of); err != nil || other != nil || f.shardOf < 1 || f.shardOf > f.of {
			return fmt.Errorf("--shard %q is not such as 3/8", f.shard)
		}
		f.shardOf--
	}
	if f.startAt != "" {
		t, err := time.Parse(time.RFC3339Nano, f.startAt)
		if err != nil {
			return fmt.Errorf("--start-at %q is not a time such as 2026-05-01T10:00:00Z", f.startAt)
		}
		f.at = t
	}
	own := f.servers != 0 || f.source != "" || len(f.links) > 0
	if len(f.imports)+len(f.deploys) > 0 && (!own || isBuiltIn(name)) {
		return errors.New("--import and --deploy are for a cluster that is started for a profile of yours: give --servers or --source, too")
	}
	if isBuiltIn(name) {
		if f.address != "" || f.dir != "" || f.shard != "" {
			return fmt.Errorf("%s is built in and starts a cluster of its own: leave out --address, --dir and --shard", name)
		}
		own = true
	}
	if own && (f.address != "" || f.dir != "") {
		return errors.New("--servers, --source and --links start a cluster: leave out --address and --dir")
	}
	if own && f.servers == 0 {
		f.servers = 2
	}
	if own && f.source == "" {
		f.source = string(fixtures.Embedded)
	}
	if own {
		return fixtures.Spec{Servers: f.servers, Source: fixtures.Source(f.source), Links: f.links}.Check()
	}
	return nil
}

func (f *benchFlags) run(cmd *cobra.Command, name string, open func(context.Context, string) (Cluster, error)) error {
	if err := f.check(name); err != nil {
		return &exit{code: exitUsage, err: err}
	}
	if err := checkOut(f.out); err != nil {
		return &exit{code: exitUsage, err: err}
	}
	ctx := cmd.Context()
	var res *bench.Result
	var err error
	if isBuiltIn(name) {
		if f.to, err = receiverOf(f.otlp); err != nil {
			return err
		}
		res, err = runBuiltIn(ctx, name, f, cmd.ErrOrStderr())
	} else {
		res, err = f.profile(ctx, name, open, cmd.ErrOrStderr())
	}
	if res == nil {
		var coded *exit
		switch {
		case errors.As(err, &coded):
			return err
		case errors.Is(err, context.Canceled):
			return &exit{code: exitInterrupted, err: err}
		}
		return &exit{code: exitUsage, err: err}
	}
	written := writeBench(cmd.OutOrStdout(), cmd.ErrOrStderr(), res, f.out, f.format)
	sendBench(ctx, cmd.ErrOrStderr(), f.to, res)
	return errors.Join(written, benchVerdict(res, err))
}

// profile runs the profile of a file.
func (f *benchFlags) profile(ctx context.Context, name string, open func(context.Context, string) (Cluster, error), log io.Writer) (res *bench.Result, err error) {
	p, err := bench.ReadProfile(name)
	if strings.HasPrefix(name, "http://") || strings.HasPrefix(name, "https://") {
		return nil, fmt.Errorf("%s is no profile; name a file that says how much load, and the target with --address %s", name, name)
	}
	if errors.Is(err, os.ErrNotExist) && filepath.Ext(name) == "" {
		return nil, fmt.Errorf("%w; built in are %s", err, strings.Join(builtInNames(), ", "))
	}
	if err != nil {
		return nil, err
	}
	filesBeside(name, p.Events)
	if f.to, err = receiverOf(cmp.Or(f.otlp, p.OTLP)); err != nil {
		return nil, err
	}
	if f.servers > 0 {
		spec := fixtures.Spec{Servers: f.servers, Source: fixtures.Source(f.source), Links: f.links}
		if spec.Binary, err = fixtures.Binary(); err != nil {
			return nil, err
		}
		cluster, err := fixtures.Start(ctx, spec)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, cluster.Close()) }()
		if err := f.furnish(ctx, cluster); err != nil {
			return nil, err
		}
		open = func(context.Context, string) (Cluster, error) {
			return &loaded{cluster: cluster, links: f.links, reload: f.reload}, nil
		}
	} else if f.reload != "" && open != nil {
		inner := open
		open = func(ctx context.Context, dir string) (Cluster, error) {
			c, err := inner(ctx, dir)
			if l, is := c.(*loaded); is && err == nil {
				l.reload = f.reload
			}
			return c, err
		}
	}
	o, undo, err := benchOptions(ctx, p, f.address, f.dir, open, log, f.of > 1)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, undo()) }()
	if !f.noProbe {
		if err := bench.Probe(ctx, p, o.Address); err != nil {
			if errors.Is(err, bench.ErrNoAnswer) {
				err = &exit{code: exitInvalid, err: err}
			}
			return nil, err
		}
	}
	o.Shard, o.Of, o.StartAt = f.shardOf, f.of, f.at
	if slices.ContainsFunc(p.Events, func(e bench.Event) bool { return e.Server != "" }) {
		o.Down = downOf(ctx, f.dir, open)
	}
	return bench.Run(ctx, p, o)
}

// furnish gives a cluster that was started for the run its definitions and services.
func (f *benchFlags) furnish(ctx context.Context, cluster *fixtures.Cluster) error {
	if len(f.imports) > 0 {
		if err := cluster.Import(ctx, nil, f.imports...); err != nil {
			return err
		}
	}
	if len(f.deploys) == 0 {
		return nil
	}
	_, err := cluster.Deploy(ctx, f.deploys...)
	return err
}

// downOf asks the cluster which servers get requests, where it can be asked.
func downOf(ctx context.Context, dir string, open func(context.Context, string) (Cluster, error)) func(context.Context, string) (bool, error) {
	c, err := open(ctx, dir)
	if err != nil {
		return nil
	}
	if l, is := c.(*loaded); is {
		return l.Down
	}
	return nil
}
