package export_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/export"
)

// plain sends numbers as a JSON list.
type plain struct {
	url    string
	answer func(status int, header http.Header) export.Verdict
}

func (p plain) Post(batch []int) (export.Post, error) {
	for _, n := range batch {
		if n < 0 {
			return export.Post{}, errors.New("a negative number")
		}
	}
	body, err := json.Marshal(batch)
	return export.Post{URL: p.url, Body: body, Header: http.Header{"Api-Key": {"k"}}}, err
}

func (p plain) Answer(status int, header http.Header, _ []byte) export.Verdict {
	if p.answer != nil {
		return p.answer(status, header)
	}
	return export.Answered(status, header)
}

// receiver notes batches, and answers as reply says of the n-th.
type receiver struct {
	*httptest.Server
	mu    sync.Mutex
	got   [][]int
	reply func(n int, batch []int, w http.ResponseWriter)
}

func newReceiver(t *testing.T, reply func(n int, batch []int, w http.ResponseWriter)) *receiver {
	t.Helper()
	r := &receiver{reply: reply}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		assert.Equal(t, "k", req.Header.Get("Api-Key"))
		unpacked, err := gzip.NewReader(req.Body)
		if !assert.NoError(t, err) {
			return
		}
		raw, err := io.ReadAll(unpacked)
		assert.NoError(t, err)
		var batch []int
		assert.NoError(t, json.Unmarshal(raw, &batch))
		r.mu.Lock()
		r.got = append(r.got, batch)
		n := len(r.got)
		r.mu.Unlock()
		if r.reply != nil {
			r.reply(n, batch, w)
		}
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) batches() [][]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.got
}

// run sends until the test ends, or stop is called.
func run(t *testing.T, p plain, o export.Options) (e *export.Exporter[int], stop func()) {
	t.Helper()
	o.Name = "numbers"
	if o.Every == 0 {
		o.Every = 10 * time.Millisecond
	}
	if o.First == 0 {
		o.First = 5 * time.Millisecond
	}
	e = export.New[int](p, o)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { e.Run(ctx) })
	stop = func() {
		cancel()
		running.Wait()
	}
	t.Cleanup(stop)
	return e, stop
}

func put(e *export.Exporter[int], from, to int) {
	for i := from; i <= to; i++ {
		e.Put(i)
	}
}

func settled(t *testing.T, e *export.Exporter[int], want string) {
	t.Helper()
	got := ""
	ok := assert.Eventually(t, func() bool {
		c := e.Counts()
		got = fmt.Sprintf("sent %d dropped %d failed %d", c.Sent, c.Dropped, c.Failed)
		return got == want && c.Waiting == 0
	}, time.Minute, 2*time.Millisecond)
	require.True(t, ok, got)
}

func TestBatches(t *testing.T) {
	r := newReceiver(t, nil)
	e, _ := run(t, plain{url: r.URL}, export.Options{Batch: 3, Every: time.Second})
	put(e, 1, 7)
	settled(t, e, "sent 7 dropped 0 failed 0")
	assert.Equal(t, [][]int{{1, 2, 3}, {4, 5, 6}, {7}}, r.batches())
	assert.Empty(t, e.Counts().LastError)
}

func TestAFullQueueDropsAndNeverWaits(t *testing.T) {
	held := make(chan struct{})
	r := newReceiver(t, func(int, []int, http.ResponseWriter) { <-held })
	e, _ := run(t, plain{url: r.URL}, export.Options{Queue: 10, Batch: 2, Every: time.Minute})
	put(e, 1, 2)
	require.Eventually(t, func() bool { return len(r.batches()) == 1 }, time.Minute, time.Millisecond)
	begun := time.Now()
	put(e, 3, 100_000)
	assert.Less(t, time.Since(begun), 20*time.Second, "nothing waits for what hangs")
	assert.EqualValues(t, 10, e.Counts().Waiting, "memory is bounded")
	close(held)
	settled(t, e, "sent 12 dropped 99988 failed 0")
}

func TestAnswers(t *testing.T) {
	for _, row := range []struct {
		name    string
		reply   func(n int, batch []int, w http.ResponseWriter)
		options export.Options
		want    string
		least   int // requests
	}{
		{"an outage ends", func(n int, _ []int, w http.ResponseWriter) {
			if n < 4 {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		}, export.Options{}, "sent 4 dropped 0 failed 0", 4},
		{"an outage goes on", func(_ int, _ []int, w http.ResponseWriter) { w.WriteHeader(http.StatusBadGateway) }, export.Options{Give: time.Second}, "sent 0 dropped 0 failed 4", 2},
		{"refused for good", func(_ int, _ []int, w http.ResponseWriter) { w.WriteHeader(http.StatusForbidden) }, export.Options{}, "sent 0 dropped 0 failed 4", 1},
		{"a redirection is not followed", func(_ int, _ []int, w http.ResponseWriter) {
			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.WriteHeader(http.StatusTemporaryRedirect)
		}, export.Options{}, "sent 0 dropped 0 failed 4", 1},
		{"too large", func(_ int, batch []int, w http.ResponseWriter) {
			if len(batch) > 1 && batch[0] != 3 || len(batch) == 1 && batch[0] == 1 {
				w.WriteHeader(http.StatusRequestEntityTooLarge)
			}
		}, export.Options{}, "sent 3 dropped 0 failed 1", 5},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := newReceiver(t, row.reply)
			row.options.Batch = 4
			e, _ := run(t, plain{url: r.URL}, row.options)
			put(e, 1, 4)
			settled(t, e, row.want)
			assert.GreaterOrEqual(t, len(r.batches()), row.least)
		})
	}
}

func TestRetryAfterIsKept(t *testing.T) {
	var at []time.Time
	r := newReceiver(t, func(n int, _ []int, w http.ResponseWriter) {
		at = append(at, time.Now())
		if n == 1 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
		}
	})
	e, _ := run(t, plain{url: r.URL}, export.Options{})
	e.Put(1)
	settled(t, e, "sent 1 dropped 0 failed 0")
	require.Len(t, at, 2)
	assert.GreaterOrEqual(t, at[1].Sub(at[0]), time.Second)
	assert.EqualValues(t, 1, e.Counts().Retries)
}

func TestRetryAfterForms(t *testing.T) {
	of := func(text string) time.Duration { return export.RetryAfter(http.Header{"Retry-After": {text}}) }
	assert.Equal(t, 30*time.Second, of("30"))
	assert.Equal(t, time.Hour, of("1e12"), "bounded")
	assert.InDelta(t, 60, of(time.Now().Add(time.Minute).UTC().Format(http.TimeFormat)).Seconds(), 30)
	for _, text := range []string{"", "-5", "soon", "NaN", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat)} {
		assert.Zero(t, of(text), text)
	}
}

func TestNobodyListens(t *testing.T) {
	var log strings.Builder
	r := newReceiver(t, nil)
	r.Close()
	e, stop := run(t, plain{url: strings.Replace(r.URL, "http://", "http://user:pass-word@", 1)}, export.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	put(e, 1, 3)
	require.Eventually(t, func() bool { return e.Counts().LastError != "" }, time.Minute, time.Millisecond)
	stop()
	c := e.Counts()
	assert.EqualValues(t, 3, c.Failed, "tried once more at the end, and given up")
	assert.Zero(t, c.Waiting)
	assert.Contains(t, log.String(), "an exporter cannot send")
	assert.NotContains(t, log.String()+c.LastError, "pass-word")
}

func TestWhatWaitsAtTheEndIsSent(t *testing.T) {
	r := newReceiver(t, nil)
	e, stop := run(t, plain{url: r.URL}, export.Options{Every: time.Hour, Batch: 2})
	e.Put(1)
	stop()
	assert.Equal(t, [][]int{{1}}, r.batches())
	assert.EqualValues(t, 1, e.Counts().Sent)
}

func TestSilence(t *testing.T) {
	r := newReceiver(t, nil)
	silent := func(status int, _ http.Header) export.Verdict {
		return export.Verdict{Taken: status == http.StatusOK, Shed: true, After: time.Hour}
	}
	e, _ := run(t, plain{url: r.URL, answer: silent}, export.Options{Batch: 1})
	e.Put(1)
	require.Eventually(t, func() bool { return e.Counts().Sent == 1 }, time.Minute, time.Millisecond)
	put(e, 2, 5)
	settled(t, e, "sent 1 dropped 4 failed 0")
	assert.Len(t, r.batches(), 1)
}

func TestABatchThatCannotBeWritten(t *testing.T) {
	r := newReceiver(t, nil)
	e, _ := run(t, plain{url: r.URL}, export.Options{})
	e.Put(-1)
	settled(t, e, "sent 0 dropped 0 failed 1")
	assert.Equal(t, "a negative number", e.Counts().LastError)
}

func TestMetrics(t *testing.T) {
	var text strings.Builder
	export.Metrics(&text, []export.Counts{{Server: "server1", Name: "a", Sent: 1, Dropped: 2, Failed: 3, Waiting: 4, Retries: 5}})
	for _, line := range []string{
		`parley_export_sent_total{exporter="a",server="server1"} 1`, `parley_export_dropped_total{exporter="a",server="server1"} 2`,
		`parley_export_failed_total{exporter="a",server="server1"} 3`, `parley_export_waiting{exporter="a",server="server1"} 4`,
		`parley_export_retries_total{exporter="a",server="server1"} 5`, "# TYPE parley_export_waiting gauge",
	} {
		assert.Contains(t, text.String(), line+"\n")
	}
}
