package gate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Server is a program that a gate starts, once a cycle, in an empty folder of its own.
type Server struct {
	Name string `json:"name"` // what reports call it, such as a path or a commit
	// Command is given to sh. In it, and in Memory, stand {dir}, the folder; {binary}, Binary; {port}, {port2} and {port3},
	// free TCP ports of 127.0.0.1, the first of which serves.
	Command string `json:"command"`
	Binary  string `json:"binary,omitempty"`
	Ready   string `json:"ready"` // path that answers 2xx once the server is ready; empty: any answer at / will do
	Memory  Probe  `json:"-"`
}

// Probe asks a server what it has allocated: a JSON object that holds, at any depth, "Mallocs" and "TotalAlloc" as Go's
// runtime.MemStats has them, or "mallocs" and "total_alloc". No URL: nothing is asked.
type Probe struct {
	Method string
	URL    string
	Header map[string]string
	Body   string
}

// readyTime bounds a server's start.
const readyTime = 30 * time.Second

// started is a server that runs.
type started struct {
	server Server
	cmd    *exec.Cmd
	said   *tail
	done   chan struct{} // closed when it has ended
	url    string
	fill   *strings.Replacer
	client *http.Client
}

// start runs a server in dir, which is emptied before, and waits until it is ready.
func start(ctx context.Context, s Server, dir string) (*started, error) {
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	ports, err := freePorts(ctx, 3)
	if err != nil {
		return nil, err
	}
	r := &started{server: s, said: &tail{}, done: make(chan struct{}), url: "http://127.0.0.1:" + ports[0]}
	r.fill = strings.NewReplacer("{dir}", dir, "{binary}", s.Binary, "{port}", ports[0], "{port2}", ports[1], "{port3}", ports[2])
	r.client = &http.Client{
		Transport:     &http.Transport{MaxConnsPerHost: 1, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       10 * time.Second,
	}
	r.cmd = exec.CommandContext(context.WithoutCancel(ctx), "sh", "-c", r.fill.Replace(s.Command))
	r.cmd.Dir, r.cmd.Stdout, r.cmd.Stderr = dir, r.said, r.said
	r.cmd.WaitDelay = time.Second // what it started in a group of its own may hold what it writes to
	group(r.cmd)
	if err := r.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", s.Name, err)
	}
	go func() { // ends with the process
		_ = r.cmd.Wait()
		close(r.done)
	}()
	if err := r.awaitReady(ctx); err != nil {
		r.stop()
		return nil, err
	}
	return r, nil
}

func (r *started) awaitReady(ctx context.Context) error {
	deadline := time.Now().Add(readyTime)
	every := time.NewTicker(10 * time.Millisecond)
	defer every.Stop()
	for {
		status, err := r.ask(ctx)
		if err == nil && (r.server.Ready == "" || status/100 == 2) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-r.done:
			return fmt.Errorf("%s ended before it was ready: %s", r.server.Name, r.said)
		case <-every.C:
		}
		if time.Now().After(deadline) {
			what := fmt.Sprintf("answered %d at %s", status, r.server.Ready)
			if err != nil {
				what = err.Error()
			}
			return fmt.Errorf("%s was not ready after %s (%s): %s", r.server.Name, readyTime, what, r.said)
		}
	}
}

func (r *started) ask(ctx context.Context) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url+"/"+strings.TrimPrefix(r.server.Ready, "/"), http.NoBody)
	if err != nil {
		return 0, err
	}
	res, err := r.client.Do(req)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, errors.Join(err, res.Body.Close())
}

// send sends one request and reads its reply. The time is from before the first byte went out until the last one was there.
func (r *started) send(ctx context.Context, q Request) (took time.Duration, status int, err error) {
	req, err := http.NewRequestWithContext(ctx, q.Method, r.url+q.Path, strings.NewReader(q.Body))
	if err != nil {
		return 0, 0, err
	}
	for name, value := range q.Headers {
		req.Header.Set(name, value)
	}
	began := time.Now()
	res, err := r.client.Do(req)
	if err != nil {
		return time.Since(began), 0, err
	}
	_, err = io.Copy(io.Discard, res.Body)
	took = time.Since(began)
	return took, res.StatusCode, errors.Join(err, res.Body.Close())
}

// mostMemory bounds what a server says of its memory.
const mostMemory = 16 << 20

// memory is how many objects and bytes the server has allocated since its start; -1 where it does not say.
func (r *started) memory(ctx context.Context) (allocs, size float64) {
	p := r.server.Memory
	if p.URL == "" {
		return -1, -1
	}
	method := p.Method
	if method == "" {
		method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(ctx, method, r.fill.Replace(p.URL), strings.NewReader(p.Body))
	if err != nil {
		return -1, -1
	}
	for name, value := range p.Header {
		req.Header.Set(name, value)
	}
	res, err := (&http.Client{Timeout: 10 * time.Second}).Do(req)
	if err != nil {
		return -1, -1
	}
	defer func() { _ = res.Body.Close() }()
	var doc any
	if json.NewDecoder(io.LimitReader(res.Body, mostMemory)).Decode(&doc) != nil {
		return -1, -1
	}
	return number(doc, "mallocs"), number(doc, "totalalloc")
}

// number finds a number by its key, in whatever case and with or without _; -1 where there is none.
func number(doc any, key string) float64 {
	switch v := doc.(type) {
	case map[string]any:
		for name, value := range v {
			if n, ok := value.(float64); ok && strings.ToLower(strings.ReplaceAll(name, "_", "")) == key {
				return n
			}
		}
		for _, value := range v {
			if n := number(value, key); n >= 0 {
				return n
			}
		}
	case []any:
		for _, value := range v {
			if n := number(value, key); n >= 0 {
				return n
			}
		}
	}
	return -1
}

// stop ends the server and all that it started.
func (r *started) stop() {
	r.client.CloseIdleConnections()
	end(r.cmd, false)
	until := time.NewTimer(5 * time.Second)
	defer until.Stop()
	every := time.NewTicker(10 * time.Millisecond)
	defer every.Stop()
	for done := r.done; done != nil || inGroup(r.cmd); {
		select {
		case <-done:
			done = nil
			continue
		case <-every.C:
			continue
		case <-until.C:
		}
		break
	}
	end(r.cmd, true) // what the first has left behind, too
	<-r.done
}

func freePorts(ctx context.Context, n int) ([]string, error) {
	out := make([]string, n)
	for i := range out {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer func() { _ = l.Close() }()
		_, out[i], _ = net.SplitHostPort(l.Addr().String())
	}
	return out, nil
}

// tail keeps the end of what a process says.
type tail struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

const tailSize = 4 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf.Write(p)
	if extra := t.buf.Len() - tailSize; extra > 0 {
		t.buf.Next(extra)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := strings.TrimSpace(t.buf.String())
	if text == "" {
		return "it said nothing"
	}
	return "it said " + strconv.Quote(text)
}

// slots are the folders of the two servers: which server has which is drawn anew for each cycle, and their paths are equally
// long.
func slots(root string) [2]string {
	return [2]string{filepath.Join(root, "0"), filepath.Join(root, "1")}
}
