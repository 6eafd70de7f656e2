package node

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"syscall"

	"github.com/parley-run/parley/runtime/folder"
	"github.com/parley-run/parley/runtime/logs"
	"github.com/parley-run/parley/runtime/outconn/kvdb"
	"github.com/parley-run/parley/runtime/service"
)

// Main is the whole of a program that runs servers with services of its own compiled in:
//
//	func main() { node.Main(service.New("customer.get", getCustomer)) }
//
// The cluster's supervisor starts it where cluster.yaml says server_command: /path/of/the/program. It takes the
// flags --dir and --name, and exits with 0, 1 where the server failed, or 2 where it was called wrongly. With --check it
// only tells what it would run: see Check.
func Main(services ...service.Service) {
	os.Exit(run(os.Args[1:], services))
}

func run(args []string, services []service.Service) int {
	flags := flag.NewFlagSet(os.Args[0], flag.ContinueOnError)
	dir := flags.String("dir", "", "folder of the cluster")
	name := flags.String("name", "", "name of the server")
	check := flags.Bool("check", false, "only tell whether it could run that server, and what")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if *dir == "" || *name == "" || flags.NArg() > 0 {
		_, _ = fmt.Fprintf(os.Stderr, "%s: it is started by a cluster's supervisor, as %s --dir DIR --name SERVER; name it in cluster.yaml as server_command\n",
			os.Args[0], os.Args[0])
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	do := Serve
	if *check {
		do = Check
	}
	if err := do(ctx, *dir, *name, os.Stdout, services...); err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "%s: %v\n", os.Args[0], err)
		return 1
	}
	return 0
}

// Serve runs one server of the cluster in the folder dir as a process: until ctx ends, or the supervisor that started
// it does. It logs to out.
func Serve(ctx context.Context, dir, name string, out io.Writer, services ...service.Service) error {
	f, err := folder.Open(dir)
	if err != nil {
		return err
	}
	return ServeConfig(ctx, Config{Folder: f, Server: name, Services: services}, out)
}

// ServeConfig runs the server that c says, as Serve does. Where c has no log, it logs to out.
func ServeConfig(ctx context.Context, c Config, out io.Writer) (err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if fd, err := strconv.Atoi(os.Getenv("PARLEY_SUPERVISOR_FD")); err == nil {
		go func() {
			// Nothing is ever sent: the read ends when the supervisor does.
			_, _ = io.Copy(io.Discard, os.NewFile(uintptr(fd), "supervisor"))
			stop()
		}()
	} else {
		c.ring = &logs.Ring{}
		out = io.MultiWriter(out, c.ring)
	}
	tuneMemory()
	kvdb.Quiet()
	buffer := newBufferedLog(out)
	defer func() { err = errors.Join(err, buffer.Close()) }()
	if c.Log == nil {
		c.buffer, c.Log = buffer, slog.New(slog.NewTextHandler(buffer, nil)).With("server", c.Server)
	}
	n, err := New(ctx, c)
	if err != nil {
		return err
	}
	return n.Run(ctx)
}

// tuneMemory trades memory for speed, unless the environment says otherwise: a server's live heap is a few megabytes,
// and at Go's default it would be collected a hundred times a second under load. Past the limit the collector works as
// hard as it must.
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(2 << 30)
	}
}
