package steps

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path"
	"slices"
	"sync/atomic"
	"time"

	"github.com/antchfx/xmlquery"

	"github.com/parley-run/parley/fixtures"
	"github.com/parley-run/parley/redisurl"
)

// World is what one scenario has said and got so far, and under PerFeature those before it in its file. A step's
// function reads and changes it; only one step runs at a time.
type World struct {
	suite  *Suite
	file   *File
	random *rand.Rand // of random values

	address, path, query string
	method               string
	requestFormat        string // JSON, XML, RAW, FORM; empty: none given
	responseFormat       string // empty: as requestFormat
	header               http.Header
	typed                string // the Content-Type in header, where a body and no step put it there
	payload              payload
	form                 form
	oauth2               oauth2
	encryption           encryption
	namespaces           map[string]string
	dateFormats          map[string]string // Arrow patterns such as YYYY-MM-DD, by name
	vars                 map[string]any
	filters              map[string]filter // of SQL and CQL, by the text that is stored for them
	cassandra            cassandraAddress

	target   int // server to which the last request went; 0: by the address
	reply    *Reply
	last     *Exchange // the last request and, where one came, its reply: evidence for whatever fails from then on
	received *fixtures.Received
	mocks    []*fixtures.HTTPMock // that steps started from files
	change   *change
	load     *load            // sent beside the steps; nil: none is
	loadRun  *loadRun         // declared, or run, by steps; nil: none was
	recorded string           // the Redis list where the service records the numbers of requests; empty: none
	redis    *redisurl.Client // named by a step; nil: the cluster's
	socket   *socket          // a WebSocket that steps use in the place of HTTP; nil: none

	pending    chan outcome // of a request sent in the background; nil: there is none
	endPending context.CancelFunc

	abandoned *atomic.Bool   // a step goes on, though the run is over
	closers   []func() error // of what steps opened; called last first
}

// payload is the request's body before it is written: a JSON tree, an XML document or bytes.
type payload struct {
	given bool
	json  any
	xml   *xmlquery.Node
	raw   []byte
}

// Reply is what came back, with its body decoded by the response format.
type Reply struct {
	*Exchange
	format string
	json   any
	isJSON bool
	xml    *xmlquery.Node
}

// change is the outcome of the last deploy or import that was tried.
type change struct {
	what string
	err  error
}

// defaultDateFormat is the pattern of the date format called default.
const defaultDateFormat = "YYYY-MM-DDTHH:mm:ss"

func newWorld(f *File, random *rand.Rand) *World {
	w := &World{suite: f.suite, file: f, random: random, abandoned: &atomic.Bool{}}
	w.forget()
	return w
}

// forget takes back all that was said, as at the beginning of a scenario. What was opened stays open.
func (w *World) forget() {
	*w = World{
		suite: w.suite, file: w.file, random: w.random, abandoned: w.abandoned, closers: w.closers,
		load: w.load, pending: w.pending, endPending: w.endPending, mocks: w.mocks,
		header: http.Header{}, namespaces: map[string]string{}, vars: map[string]any{},
		dateFormats: map[string]string{"default": defaultDateFormat},
	}
}

// End is called after a scenario's last step, with the outcome of what ran beside it.
func (w *World) End() error {
	f := w.file
	f.mu.Lock()
	f.running--
	f.mu.Unlock()
	if w.abandoned.Load() {
		return nil
	}
	w.endBackground()
	if f.shared == w {
		return nil // the file ends it
	}
	return w.close()
}

// Abandon says that a step goes on though the run is over, and nobody waits for it: from then on the world is that step's
// alone. It is left as it is, with what it has opened, to the end of the process.
func (w *World) Abandon() { w.abandoned.Store(true) }

// Finish is called after a scenario's last step, before End, where all its steps passed: it does what they only
// declared.
func (w *World) Finish(ctx context.Context) error { return w.runLoad(ctx) }

// endBackground ends what runs beside the steps.
func (w *World) endBackground() {
	if w.load != nil {
		w.load.stop()
		w.load = nil
	}
	w.loadRun = nil
	if w.pending != nil {
		w.endPending()
		<-w.pending
		w.pending = nil
	}
}

func (w *World) close() error {
	if w.abandoned.Load() {
		return nil
	}
	w.endBackground()
	var faults []error
	for _, end := range slices.Backward(w.closers) {
		faults = append(faults, end())
	}
	w.closers = nil
	return errors.Join(faults...)
}

// OnClose registers what ends something that a step opened. It is called once, when nothing can use it any more: after
// the scenario, or with state per feature after the file's last.
func (w *World) OnClose(end func() error) { w.closers = append(w.closers, end) }

// client sends requests. Through a cluster each has a connection of its own: one that was kept may lead to a server
// that has died.
func (w *World) client() *http.Client {
	if w.file.cluster != nil {
		return w.secured(w.suite.fresh)
	}
	return w.secured(w.suite.kept)
}

// Store puts a value under a name, for later steps to use as #name.
func (w *World) Store(name string, value any) {
	if text, isText := value.(string); isText {
		w.suite.mask.Named(name, text)
	}
	w.vars[name] = value
}

// cluster is the feature's, or an error that says how to have one.
func (w *World) cluster() (*fixtures.Cluster, error) {
	if w.file.cluster == nil {
		return nil, errors.New("there is no cluster; start one with: Given a cluster of 2 servers")
	}
	return w.file.cluster, nil
}

// read reads a file that a step names: beside the feature file, else in a folder above it that is still in the project,
// else one of the samples that come with fixtures. It gives the path under which it was found.
func (w *World) read(name string) (text []byte, found string, err error) {
	beside := path.Dir(w.file.path)
	for _, folder := range foldersUp(beside, w.suite.options.Root) {
		found = path.Join(folder, name)
		if text, err = w.readFile(found); err == nil || !errors.Is(err, fs.ErrNotExist) {
			return text, found, err
		}
	}
	if text, err := fs.ReadFile(fixtures.Samples(), name); err == nil {
		return text, name, nil
	}
	return nil, "", fmt.Errorf("no file %q: looked for %s", name, path.Join(beside, name))
}

// readFile reads a file that may stand in the suite's FS.
func (w *World) readFile(name string) ([]byte, error) {
	if w.suite.options.FS != nil {
		return fs.ReadFile(w.suite.options.FS, name)
	}
	return os.ReadFile(name)
}

// put is such a file, in the cluster's temporary folder.
func (w *World) put(name string) (string, error) {
	c, err := w.cluster()
	if err != nil {
		return "", err
	}
	text, _, err := w.read(name)
	if err != nil {
		return "", err
	}
	return c.Put(name, text)
}

// wait pauses for d, or until ctx ends.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
