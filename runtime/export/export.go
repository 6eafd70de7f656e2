// Package export sends what a server knows, such as spans and errors, to systems elsewhere: in batches, by HTTP, behind a
// bounded queue, so that no request waits for them. One folder below for each protocol.
package export

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Format is how a protocol writes batches and what its answers mean.
type Format[T any] interface {
	// Post is a batch that is not empty, as it is sent. It is asked again for each try.
	Post(batch []T) (Post, error)
	// Answer says what an answer means. body is its first 4 KB.
	Answer(status int, header http.Header, body []byte) Verdict
}

// Post is one request to send.
type Post struct {
	URL    string
	Header http.Header // without those of the body's form and length
	Body   []byte      // as it is before it is compressed
}

// Verdict is what an answer means for what was sent.
type Verdict struct {
	Taken   bool          // it was taken, but for as many as are Refused
	Refused int           // of a batch that was taken
	Again   bool          // it may be sent again: later, or as said by After
	After   time.Duration // how long nothing is to be sent; 0: it does not say
	Split   bool          // it was too large: send halves of it
	Shed    bool          // what comes before After is over is to be dropped, not kept
	Problem string        // why, where it was not taken
}

// Options are those of one exporter. The zero value works but for Name.
type Options struct {
	Name   string        // for logs and metrics, such as "traces"
	Queue  int           // how many items wait at most; 0: 4096
	Batch  int           // how many are sent at once at most; 0: 512
	Every  time.Duration // how long an item waits for others; 0: 5 s
	Give   time.Duration // how long a batch is tried; 0: 2 minutes
	First  time.Duration // the wait before it is tried again, doubled each time; 0: 1 s
	Most   time.Duration // the longest such wait; 0: 30 s
	Client *http.Client  // nil: one of NewClient
	Log    *slog.Logger  // nil: nobody is told
}

// Counts are what became of the items of an exporter. Dropped ones were never tried, failed ones were.
type Counts struct {
	Server    string `json:"server"` // empty until somebody says whose exporter it is
	Name      string `json:"name"`
	Sent      int64  `json:"sent"`
	Dropped   int64  `json:"dropped"` // the queue was full, or the other side had asked for silence
	Failed    int64  `json:"failed"`  // refused, or tried until it was given up
	Waiting   int64  `json:"waiting"`
	Requests  int64  `json:"requests"` // that were answered by success
	Retries   int64  `json:"retries"`
	LastError string `json:"last_error"` // empty: the last request succeeded
}

// Exporter sends items of one kind. Put is safe for concurrent use.
type Exporter[T any] struct {
	options Options
	format  Format[T]

	mu      sync.Mutex
	waiting []T
	full    chan struct{} // one token: a batch is complete
	silent  time.Time     // until when nothing is taken in
	last    string        // error

	sent, dropped, failed, requests, retries atomic.Int64
}

// New is an exporter that sends nothing until Run.
func New[T any](format Format[T], o Options) *Exporter[T] {
	set(&o.Queue, 4096)
	set(&o.Batch, 512)
	set(&o.Every, 5*time.Second)
	set(&o.Give, 2*time.Minute)
	set(&o.First, time.Second)
	set(&o.Most, 30*time.Second)
	if o.Client == nil {
		o.Client = NewClient()
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Exporter[T]{options: o, format: format, full: make(chan struct{}, 1)}
}

func set[V comparable](v *V, usual V) {
	var zero V
	if *v == zero {
		*v = usual
	}
}

// NewClient is a client that follows no redirection: keys go to nobody but who was named.
func NewClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost, transport.ResponseHeaderTimeout = 2, 10*time.Second
	return &http.Client{
		Transport: transport, Timeout: 20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Put takes an item in, to be sent later. It never waits: where too many wait already, the item is counted and dropped.
func (e *Exporter[T]) Put(item T) {
	e.mu.Lock()
	if len(e.waiting) >= e.options.Queue || !e.silent.IsZero() && time.Now().Before(e.silent) {
		e.mu.Unlock()
		e.dropped.Add(1)
		return
	}
	e.waiting = append(e.waiting, item)
	complete := len(e.waiting) >= e.options.Batch
	e.mu.Unlock()
	if complete {
		select {
		case e.full <- struct{}{}:
		default:
		}
	}
}

// Counts are what became of the items so far.
func (e *Exporter[T]) Counts() Counts {
	e.mu.Lock()
	waiting, last := len(e.waiting), e.last
	e.mu.Unlock()
	return Counts{
		Name: e.options.Name, Sent: e.sent.Load(), Dropped: e.dropped.Load(), Failed: e.failed.Load(), Waiting: int64(waiting),
		Requests: e.requests.Load(), Retries: e.retries.Load(), LastError: last,
	}
}

// lastTry is how long the items that wait at the end are tried.
const lastTry = 3 * time.Second

// Run sends until ctx ends, then what still waits, without trying anything twice.
func (e *Exporter[T]) Run(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-e.full:
		case <-time.After(e.options.Every):
		}
		e.drain(ctx)
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastTry)
	defer cancel()
	for batch := e.take(); len(batch) > 0; batch = e.take() {
		if v := e.post(last, batch); v.Taken {
			e.settle(batch, v)
		} else {
			e.settle(batch, Verdict{Problem: v.Problem})
		}
	}
}

// drain sends the batches that are complete, and one that is not.
func (e *Exporter[T]) drain(ctx context.Context) {
	for ctx.Err() == nil {
		batch := e.take()
		if len(batch) == 0 {
			return
		}
		e.deliver(ctx, batch)
		if len(batch) < e.options.Batch {
			return
		}
	}
}

func (e *Exporter[T]) take() []T {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := min(len(e.waiting), e.options.Batch)
	batch := append([]T(nil), e.waiting[:n]...)
	rest := copy(e.waiting, e.waiting[n:])
	clear(e.waiting[rest:])
	e.waiting = e.waiting[:rest]
	return batch
}

// giveBack puts a batch back that could not be tried to its end.
func (e *Exporter[T]) giveBack(batch []T) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.waiting = append(batch, e.waiting...)
}

// deliver sends a batch, again and again where that may help.
func (e *Exporter[T]) deliver(ctx context.Context, batch []T) {
	wait, until := e.options.First, time.Now().Add(e.options.Give)
	for {
		v := e.post(ctx, batch)
		if ctx.Err() != nil && !v.Taken {
			e.giveBack(batch)
			return
		}
		if v.Shed {
			e.hush(v.After)
		}
		switch {
		case v.Split && len(batch) > 1:
			e.deliver(ctx, batch[:len(batch)/2])
			e.deliver(ctx, batch[len(batch)/2:])
			return
		case !v.Again || v.Taken:
			e.settle(batch, v)
			return
		}
		pause := max(v.After, jittered(wait))
		wait = min(2*wait, e.options.Most)
		if time.Now().Add(pause).After(until) {
			v.Problem += "; given up"
			e.settle(batch, v)
			return
		}
		e.retries.Add(1)
		e.say(v.Problem)
		select {
		case <-ctx.Done():
			e.giveBack(batch)
			return
		case <-time.After(pause):
		}
	}
}

// hush takes nothing in for a time, and drops what waits.
func (e *Exporter[T]) hush(d time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.silent = time.Now().Add(d)
	e.dropped.Add(int64(len(e.waiting)))
	clear(e.waiting)
	e.waiting = e.waiting[:0]
}

// settle counts what became of a batch.
func (e *Exporter[T]) settle(batch []T, v Verdict) {
	if !v.Taken {
		e.failed.Add(int64(len(batch)))
		e.say(v.Problem)
		return
	}
	e.requests.Add(1)
	refused := min(int64(v.Refused), int64(len(batch)))
	e.sent.Add(int64(len(batch)) - refused)
	e.failed.Add(refused)
	e.say(v.Problem)
}

// say notes how the last request went, and logs where that changes.
func (e *Exporter[T]) say(problem string) {
	e.mu.Lock()
	before := e.last
	e.last = problem
	e.mu.Unlock()
	switch {
	case problem != "" && before == "":
		e.options.Log.Warn("an exporter cannot send", "exporter", e.options.Name, "err", problem)
	case problem == "" && before != "":
		e.options.Log.Info("an exporter sends again", "exporter", e.options.Name)
	}
}

// Metrics writes counts in Prometheus's text format.
func Metrics(w io.Writer, all []Counts) {
	if len(all) == 0 {
		return
	}
	family := func(name, help, kind string, of func(Counts) int64) {
		_, _ = fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
		for _, c := range all {
			_, _ = fmt.Fprintf(w, "%s{exporter=%q,server=%q} %d\n", name, c.Name, c.Server, of(c))
		}
	}
	family("parley_export_sent_total", "Spans, errors or metrics that were taken.", "counter", func(c Counts) int64 { return c.Sent })
	family("parley_export_dropped_total", "Those that were never tried: too many waited, or silence was asked for.", "counter", func(c Counts) int64 { return c.Dropped })
	family("parley_export_failed_total", "Those that were refused, or given up.", "counter", func(c Counts) int64 { return c.Failed })
	family("parley_export_retries_total", "Requests that were made again.", "counter", func(c Counts) int64 { return c.Retries })
	family("parley_export_waiting", "Those that wait to be sent.", "gauge", func(c Counts) int64 { return c.Waiting })
}

// mostAnswer is how much of an answer is read.
const mostAnswer = 4096

func (e *Exporter[T]) post(ctx context.Context, batch []T) Verdict {
	p, err := e.format.Post(batch)
	if err != nil {
		return Verdict{Problem: err.Error()}
	}
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	if err != nil {
		return Verdict{Problem: err.Error()}
	}
	if _, err := w.Write(p.Body); err != nil { // it is in memory
		return Verdict{Problem: err.Error()}
	}
	if err := w.Close(); err != nil {
		return Verdict{Problem: err.Error()}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL, &packed)
	if err != nil {
		return Verdict{Problem: err.Error()}
	}
	for name, values := range p.Header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	req.Header.Set("Content-Encoding", "gzip")
	req.Header.Set("User-Agent", "parley")
	res, err := e.options.Client.Do(req)
	if err != nil { // it names the address, a password in it hidden
		return Verdict{Again: true, Problem: err.Error()}
	}
	answer, _ := io.ReadAll(io.LimitReader(res.Body, mostAnswer))
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20)) // so that the connection can be used again
	_ = res.Body.Close()
	v := e.format.Answer(res.StatusCode, res.Header, answer)
	if v.Problem == "" && !v.Taken {
		v.Problem = fmt.Sprintf("%s answered %s: %s", req.URL.Redacted(), res.Status, strings.TrimSpace(string(answer)))
	}
	return v
}

// Answered is what most protocols mean by an answer: a 2xx has taken all; 408, 413, 429 and 5xx other than 500, 501 and 505 say what
// is to be done, anything else refuses for good.
func Answered(status int, header http.Header) Verdict {
	switch status {
	case http.StatusRequestEntityTooLarge:
		return Verdict{Split: true}
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return Verdict{Again: true, After: RetryAfter(header)}
	case http.StatusRequestTimeout, http.StatusBadGateway, http.StatusGatewayTimeout:
		return Verdict{Again: true}
	}
	return Verdict{Taken: status >= 200 && status < 300}
}

// mostAfter bounds what an answer may ask for.
const mostAfter = time.Hour

// RetryAfter is how long nothing is to be sent, by the header of that name: seconds, or a time. 0: it does not say.
func RetryAfter(header http.Header) time.Duration {
	text := strings.TrimSpace(header.Get("Retry-After"))
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds > 0 {
		return time.Duration(min(seconds, mostAfter.Seconds()) * float64(time.Second))
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, min(time.Until(at), mostAfter))
	}
	return 0
}

// jittered is d, or up to half of it less, so that not all servers come back at one moment.
func jittered(d time.Duration) time.Duration { return d - time.Duration(rand.Int64N(int64(d/2)+1)) }
