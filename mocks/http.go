package mocks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// maxBody is the largest request body an HTTP mock takes, in bytes; larger ones get 413.
const maxBody = 16 << 20

// HTTPOptions says what an HTTP mock is.
type HTTPOptions struct {
	Name       string         // for reports, such as "CRM"; default: "http"
	Address    string         // host:port; default: 127.0.0.1 and a free port
	Stubs      []Stub         // what it answers
	OnReceived func(Received) // called for each call, from many goroutines at once; may be nil
	Log        *slog.Logger   // default: none
}

// HTTP is an HTTP server that answers from stubs. A call that fits none is answered with 501 and JSON that names the
// nearest stub and why it was not that. Safe for concurrent use.
type HTTP struct {
	name       string
	stubs      []Stub
	onReceived func(Received)
	log        *slog.Logger
	history    history

	mu        sync.Mutex
	behaviour Behaviour
	address   string
	server    *http.Server  // nil while down
	served    chan struct{} // closed when server's Serve has returned
	closed    bool
}

// StartHTTP starts a mock; it serves until Close. ctx bounds the start alone.
func StartHTTP(ctx context.Context, o HTTPOptions) (*HTTP, error) {
	h := &HTTP{name: o.Name, stubs: o.Stubs, onReceived: o.OnReceived, log: o.Log, address: o.Address}
	if h.name == "" {
		h.name = "http"
	}
	if h.address == "" {
		h.address = "127.0.0.1:0"
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.up(ctx); err != nil {
		return nil, err
	}
	return h, nil
}

// up listens and serves; h.mu is held. A free port, once chosen, stays.
func (h *HTTP) up(ctx context.Context) error {
	l, err := listen(ctx, h.name, h.address)
	if err != nil {
		return err
	}
	h.address = l.Addr().String()
	server := &http.Server{Handler: http.HandlerFunc(h.serve), ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(h.log.Handler(), slog.LevelDebug)}
	server.ConnContext = func(ctx context.Context, _ net.Conn) context.Context { return withConversation(ctx) }
	served := make(chan struct{})
	h.server, h.served = server, served
	go func() {
		defer close(served)
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			h.log.Error("mock stopped serving", "mock", h.name, "err", err)
		}
	}()
	return nil
}

// down closes the listener and every connection; h.mu is held.
func (h *HTTP) down() error {
	if h.server == nil {
		return nil
	}
	err := h.server.Close()
	<-h.served
	h.server = nil
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	return err
}

// Name is the mock's name.
func (h *HTTP) Name() string { return h.name }

// Kind is "http".
func (h *HTTP) Kind() string { return "http" }

// Address is the host:port that the mock serves, also while it is down.
func (h *HTTP) Address() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.address
}

// URL is "http://" and the address.
func (h *HTTP) URL() string { return "http://" + h.Address() }

// Received is every call since the start or the last Clear, oldest first; past 64 MiB the oldest are forgotten.
func (h *HTTP) Received() []Received { return h.history.list() }

// Unexpected are those of Received that no stub was fit for: a test fails where there is one.
func (h *HTTP) Unexpected() []Received {
	var out []Received
	for _, r := range h.history.list() {
		if r.Unexpected != nil {
			out = append(out, r)
		}
	}
	return out
}

// Count is how many calls there were since the start or the last Clear, forgotten ones included.
func (h *HTTP) Count() int { return h.history.count() }

// Clear forgets what was received.
func (h *HTTP) Clear() { h.history.clear() }

// WaitFor blocks until n calls have been received since the start or the last Clear, and gives them all. When ctx
// ends first, it gives those received and an error that says how many they were.
func (h *HTTP) WaitFor(ctx context.Context, n int) ([]Received, error) {
	return h.history.waitFor(ctx, fmt.Sprintf("mock %q", h.name), n)
}

// Behaviour is how the mock behaves now.
func (h *HTTP) Behaviour() Behaviour {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.behaviour
}

// SetBehaviour replaces how the mock behaves, from the next call on. Down closes its listener and connections before
// SetBehaviour returns; without Down it listens on the same port again.
func (h *HTTP) SetBehaviour(ctx context.Context, b Behaviour) error {
	if b.Status != 0 && (b.Status < 200 || b.Status > 599) {
		return fmt.Errorf("mock %q: status %d is not from 200 to 599", h.name, b.Status)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return fmt.Errorf("mock %q is closed", h.name)
	}
	switch {
	case b.Down:
		if err := h.down(); err != nil {
			return fmt.Errorf("mock %q: %w", h.name, err)
		}
	case h.server == nil:
		if err := h.up(ctx); err != nil {
			return err
		}
	}
	h.behaviour = b
	return nil
}

// Close ends the mock for good; calls in flight are cut off.
func (h *HTTP) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	return h.down()
}

func (h *HTTP) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, fmt.Sprintf("mock %q: request body: %s", h.name, err), http.StatusRequestEntityTooLarge)
		return
	}
	stub, unexpected := match(h.stubs, r)
	if stub != nil && stub.Auth != nil {
		if refused := stub.Auth.verify(r, body); refused != nil {
			w.Header().Set("WWW-Authenticate", refused.challenge)
			answerJSON(w, http.StatusUnauthorized, map[string]any{"error": fmt.Sprintf("mock %q: %s", h.name, refused.why)})
			return
		}
	}
	got := Received{
		Mock: h.name, Time: time.Now(), Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.Query(),
		Headers: r.Header, Body: body, CID: cid(r.Header), Unexpected: unexpected,
	}
	if stub != nil {
		got.Stub = stub.label()
	}
	// Before the answer goes out, so that whoever has the answer finds the call recorded.
	h.history.add(got)
	if h.onReceived != nil {
		h.onReceived(got)
	}
	if stub == nil {
		h.refuse(w, &got)
		return
	}
	behaviour := h.Behaviour()
	if !pause(r.Context(), behaviour.delay(&stub.Reply).Std()) {
		return
	}
	status, header, content := behaviour.over(&stub.Reply)
	for k, v := range header {
		w.Header()[k] = v
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	w.WriteHeader(status)
	_, _ = w.Write(content) // the caller may be gone; nothing to tell it
}

// refuse answers a call that no stub is for.
func (h *HTTP) refuse(w http.ResponseWriter, got *Received) {
	answerJSON(w, http.StatusNotImplemented, map[string]any{
		"error":   fmt.Sprintf("mock %q has no stub for %s %s", h.name, got.Method, got.Path),
		"nearest": got.Unexpected.Nearest,
		"why":     got.Unexpected.Why,
	})
}

func answerJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}

// pause waits d, or less when ctx ends: then it is false.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func cid(h http.Header) string {
	if v := h.Get("X-Parley-CID"); v != "" {
		return v
	}
	return h.Get("X-Zato-CID")
}
