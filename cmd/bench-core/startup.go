package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/parley-run/parley/bench/figures"
	"github.com/parley-run/parley/fixtures"
)

const (
	smallServices = 1000
	starts        = 5
	readyTarget   = 500.0 // ms
	emptyTarget   = 100.0 // ms
	heapTarget    = 20.0  // KB a service
	readyLimit    = 30 * time.Second
)

// smallService is a service file as most are: about ten lines.
func smallService(n int) sourceFile {
	return sourceFile{
		Name: fmt.Sprintf("small_%04d.star", n),
		Source: fmt.Sprintf(`# Greets a customer, in the manner of department %[1]d.

def greeting(name, is_new):
    return "Welcome, {}".format(name) if is_new else "Hello again, {}".format(name)

def handle(self):
    text = greeting(self.request.input.name, self.request.input.is_new)
    self.response.payload = {"greeting": text, "department_id": %[1]d}

service(
    name = "small.department-%[1]d", handle = handle,
    simple_io = SimpleIO(input_required = ["name", "is_new"], output_required = ["greeting", "department_id"]),
)
`, n),
	}
}

// startup measures how long a server with many services takes until it is ready, and what heap each of them takes.
func startup(ctx context.Context, o options) (s figures.Section, err error) {
	binary, err := o.parleyBinary()
	if err != nil {
		return s, err
	}
	cluster, err := o.startCluster(ctx, 1)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, cluster.Close()) }()
	m := &starter{binary: binary, cluster: cluster}
	if err := cluster.StopServer(ctx, 1); err != nil {
		return s, err
	}
	empty, err := m.several(ctx)
	if err != nil {
		return s, err
	}
	before, err := m.liveHeap(ctx)
	if err != nil {
		return s, err
	}
	loading, err := m.deployAll(ctx)
	if err != nil {
		return s, err
	}
	full, err := m.several(ctx)
	if err != nil {
		return s, err
	}
	after, err := m.liveHeap(ctx)
	if err != nil {
		return s, err
	}
	s.Title = fmt.Sprintf("a server with %d small services, from the start of its process to GET /parley/ready", smallServices)
	s.Figures = []figures.Figure{
		figures.Median("startup.ready", fmt.Sprintf("ready with %d services", smallServices), full, "ms").AtMost(readyTarget),
		figures.Median("startup.ready_empty", "ready with none", empty, "ms").AtMost(emptyTarget),
		figures.Of("startup.heap", "heap of an idle service", float64(after-before)*1024/smallServices, "KB").AtMost(heapTarget),
		figures.Of("startup.deploy_all", "deploying all of them in one call", loading, "ms"),
	}
	s.Notes = []string{
		fmt.Sprintf("%d starts each; heap: live after a collection, %d MB with all services and %d MB with none, which the Go runtime reports rounded down", starts, after, before),
	}
	return s, nil
}

// starter starts server 1 of a cluster by hand, as its supervisor does.
type starter struct {
	binary  string
	cluster *fixtures.Cluster
}

// several is how long starts of the server took, in ms.
func (m *starter) several(ctx context.Context) ([]float64, error) {
	var took []float64
	for range starts {
		began := time.Now()
		p, err := m.start(ctx, nil)
		if err != nil {
			return nil, err
		}
		took = append(took, figures.MS(time.Since(began)))
		if _, err := p.stop(); err != nil {
			return nil, err
		}
	}
	return took, nil
}

// deployAll deploys the small services in one call, and says how long that took, in ms.
func (m *starter) deployAll(ctx context.Context) (took float64, err error) {
	p, err := m.start(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer func() {
		_, stopped := p.stop()
		err = errors.Join(err, stopped)
	}()
	a, err := newAPI(ctx, m.cluster, 1)
	if err != nil {
		return 0, err
	}
	defer a.close()
	files := make([]sourceFile, smallServices)
	for i := range files {
		files[i] = smallService(i + 1)
	}
	began := time.Now()
	err = a.deploy(ctx, files...)
	return figures.MS(time.Since(began)), err
}

// start starts the server and returns when it is ready.
func (m *starter) start(ctx context.Context, env []string) (*serverProcess, error) {
	p, err := startServer(ctx, m.binary, m.cluster.Dir(), m.cluster.ServerName(1), env)
	if err != nil {
		return nil, err
	}
	if err := m.waitReady(ctx, p); err != nil {
		output, _ := p.stop()
		return nil, fmt.Errorf("%w\n%s", err, output)
	}
	return p, nil
}

func (m *starter) waitReady(ctx context.Context, p *serverProcess) error {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	address := hostPort(m.cluster.ServerAddress(1))
	for {
		err := isReady(ctx, address)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the server is not ready: %w", err)
		case <-p.ended:
			return errors.New("the server ended while it started")
		case <-time.After(time.Millisecond):
		}
	}
}

func isReady(ctx context.Context, address string) error {
	w, err := dial(ctx, address, requestOf(http.MethodGet, address, "/parley/ready", ""))
	if err != nil {
		return err
	}
	defer w.close()
	status, _, err := w.roundTrip()
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("GET /parley/ready: status %d", status)
	}
	return err
}

// liveHeap is the server's heap that is in use when it idles, in MB. The Go runtime is told to collect whenever
// the heap has grown by 1 %, and to say what it found.
func (m *starter) liveHeap(ctx context.Context) (int, error) {
	p, err := m.start(ctx, []string{"GODEBUG=gctrace=1", "GOGC=1"})
	if err != nil {
		return 0, err
	}
	address := hostPort(m.cluster.ServerAddress(1))
	w, err := dial(ctx, address, requestOf(http.MethodGet, address, "/parley/ping", ""))
	for i := 0; i < 1000 && err == nil; i++ { // what they leave behind makes it collect
		_, _, err = w.roundTrip()
	}
	if w != nil {
		w.close()
	}
	output, stopped := p.stop()
	if err := errors.Join(err, stopped); err != nil {
		return 0, err
	}
	return lastLive(output)
}
