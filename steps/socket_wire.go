package steps

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

const (
	largestMessage = 64 << 20 // bytes of one message
	largestInbox   = 64 << 20 // bytes of messages that no step has taken yet
	socketGoodbye  = 500 * time.Millisecond
)

// wire is an open WebSocket. Messages are read as they come, so that pings are answered and an end is noticed while no
// step looks; steps take them out of the inbox.
type wire struct {
	url     string
	conn    *websocket.Conn
	arrived func(message) // called with each message before it is in the inbox; may be nil
	hasty   func() bool   // says that there is no time for a goodbye
	stop    context.CancelFunc
	done    chan struct{}  // closed when nothing is read any more
	busy    sync.WaitGroup // what runs as long as it is open

	mu    sync.Mutex
	inbox []message
	size  int
	ended error         // why nothing is read any more
	news  chan struct{} // closed, and another made, when something changes
}

type message struct {
	kind websocket.MessageType
	data []byte
	at   time.Time
}

// dial opens a WebSocket. The reply is the server's to the handshake, where there was one.
func dial(ctx context.Context, client *http.Client, address string, header http.Header, subprotocols []string) (*wire, *http.Response, error) {
	conn, resp, err := websocket.Dial(ctx, address, &websocket.DialOptions{HTTPClient: client, HTTPHeader: header, Subprotocols: subprotocols})
	if err != nil {
		return nil, resp, err
	}
	conn.SetReadLimit(largestMessage)
	return &wire{url: address, conn: conn, done: make(chan struct{}), news: make(chan struct{})}, resp, nil
}

// run begins to read. arrived may be nil.
func (c *wire) run(ctx context.Context, arrived func(message)) {
	c.arrived = arrived
	reading, stop := context.WithCancel(context.WithoutCancel(ctx)) // it outlives the step that opened it
	c.stop = stop
	c.busy.Go(func() {
		defer close(c.done)
		defer stop()
		for c.read(reading) {
		}
	})
}

func (c *wire) read(ctx context.Context) bool {
	kind, data, err := c.conn.Read(ctx)
	m := message{kind, data, time.Now()}
	if err == nil && c.arrived != nil {
		c.arrived(m)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		c.inbox, c.size = append(c.inbox, m), c.size+len(data)
		if c.size > largestInbox {
			err = fmt.Errorf("it has sent more than %d MiB that no step has taken", largestInbox>>20)
			defer func() { _ = c.conn.CloseNow() }() // the reason is known, and told to whoever asks
		}
	}
	c.ended = err
	close(c.news)
	c.news = make(chan struct{})
	return err == nil
}

// take waits for a message that is wanted, and takes it out of the inbox. Others stay.
func (c *wire) take(ctx context.Context, wanted func(message) bool) (message, error) {
	for {
		c.mu.Lock()
		at := slices.IndexFunc(c.inbox, wanted)
		if at >= 0 {
			m := c.inbox[at]
			c.inbox, c.size = slices.Delete(c.inbox, at, at+1), c.size-len(m.data)
			c.mu.Unlock()
			return m, nil
		}
		ended, news := c.ended, c.news
		c.mu.Unlock()
		if ended != nil {
			return message{}, fmt.Errorf("the WebSocket is closed: %s", whyEnded(ended))
		}
		select {
		case <-ctx.Done():
			return message{}, ctx.Err()
		case <-news:
		}
	}
}

// end is why nothing is read any more; nil while the WebSocket is open.
func (c *wire) end() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended
}

func (c *wire) send(ctx context.Context, kind websocket.MessageType, data []byte) error {
	if ended := c.end(); ended != nil {
		return fmt.Errorf("the WebSocket is closed: %s", whyEnded(ended))
	}
	if err := c.conn.Write(ctx, kind, data); err != nil {
		return fmt.Errorf("sending to %s: %w", c.url, err)
	}
	return nil
}

// close says goodbye, waits a moment for the other side's, and ends the reading. It may be called more than once.
func (c *wire) close() error {
	open := c.end() == nil
	if c.hasty() {
		c.stop()
	}
	timer := time.AfterFunc(socketGoodbye, c.stop)
	defer timer.Stop()
	// Its error tells how the other side took it, which is no fault of the scenario.
	err := c.conn.Close(websocket.StatusNormalClosure, "")
	c.busy.Wait()
	if open && err == nil {
		c.mu.Lock()
		c.ended = websocket.CloseError{Code: websocket.StatusNormalClosure}
		c.mu.Unlock()
	}
	return nil
}

// whyEnded is the end of a connection for people.
func whyEnded(err error) string {
	var closed websocket.CloseError
	if !errors.As(err, &closed) {
		text := err.Error()
		return "it broke off: " + strings.TrimSpace(text[strings.LastIndexByte(text, ':')+1:])
	}
	if closed.Reason == "" {
		return fmt.Sprintf("code %d", closed.Code)
	}
	return fmt.Sprintf("code %d, %q", closed.Code, closed.Reason)
}

// socketAddress is where a WebSocket is, by the address, URL path and query string that steps said: HTTP's schemes stand
// for those of WebSockets.
func (w *World) socketAddress() (string, error) {
	address, err := w.addressOf(0)
	if err != nil {
		return "", err
	}
	u, err := url.Parse(requote(address + w.pathOrRoot() + w.query))
	if err != nil {
		return "", fmt.Errorf("address, path and query string make no URL: %w", err)
	}
	scheme, known := map[string]string{"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}[u.Scheme]
	if !known || u.Host == "" {
		return "", fmt.Errorf("address %q is none of a WebSocket; write it like ws://host:port", address)
	}
	u.Scheme = scheme
	return u.String(), nil
}

// connect opens a WebSocket at the address in the place of one that steps opened before.
func (w *World) connect(ctx context.Context, subprotocols []string) (*wire, error) {
	address, err := w.socketAddress()
	if err != nil {
		return nil, err
	}
	w.reply, w.last = nil, nil
	header := w.header.Clone()
	header.Del("Content-Type") // a WebSocket's handshake has no body
	if len(header.Values("User-Agent")) == 0 {
		header.Set("User-Agent", w.suite.options.UserAgent)
	}
	began := time.Now()
	met := false
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { met = true }})
	c, resp, err := dial(traced, w.client(), address, header, subprotocols) //nolint:bodyclose // the WebSocket is made of it, or it is in memory
	if err != nil {
		return nil, w.notConnected(address, header, resp, began, err, met)
	}
	c.hasty = w.suite.hasty
	if s := w.socket; s != nil && s.wire != nil {
		_ = s.wire.close()
	}
	return c, nil
}

// notConnected is the failure of a handshake; what the server said instead is its evidence.
func (w *World) notConnected(address string, header http.Header, resp *http.Response, began time.Time, err error, met bool) error {
	at := httpAddress(address)
	e := &Exchange{Method: http.MethodGet, URL: at.String(), RequestHeader: header, Began: began, Took: time.Since(began)}
	w.last = e
	if resp == nil {
		var unsent *url.Error
		if errors.As(err, &unsent) {
			err = unsent
		}
		return unanswered(&http.Request{URL: at}, err, e.Took, w.suite.options.Timeout, met)
	}
	e.Status, e.Header = resp.StatusCode, resp.Header
	if resp.Body != nil {
		e.Body, _ = io.ReadAll(resp.Body) // the beginning of it, which is in memory
	}
	f := &Failure{What: "no WebSocket was opened at " + address, Expected: statusText(http.StatusSwitchingProtocols), Got: statusText(e.Status)}
	if e.Status == http.StatusSwitchingProtocols {
		f.What, f.Expected, f.Got = f.What+": "+err.Error(), "", ""
	}
	return f
}

// httpAddress is a WebSocket's address as the handshake sees it.
func httpAddress(address string) *url.URL {
	u, err := url.Parse(address)
	if err != nil {
		return &url.URL{Opaque: address}
	}
	u.Scheme = map[string]string{"ws": "http", "wss": "https"}[u.Scheme]
	return u
}
