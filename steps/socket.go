package steps

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"

	"github.com/parley-run/parley/steps/report"
)

// socket is what steps said about a WebSocket.
type socket struct {
	wire *wire       // nil: none was opened
	sent *Exchange   // the last message sent over it
	zato *zatoClient // where it is a channel of Zato's, with a session; nil: it is not
	used bool        // the URL is invoked over it
	name string      // of the Zato service behind it
}

func socketSteps() []Step {
	return []Step{
		either(`I connect to the WebSocket`, "Opens a WebSocket at the address, URL path and query string, with the headers said before. http stands for ws, https for wss.",
			`I connect to the WebSocket`, func(ctx context.Context, w *World, _ Args) error { return w.openSocket(ctx, nil) }),
		either(`I connect to the WebSocket with subprotocol "{name}"`, "Opens a WebSocket, and the server must speak that subprotocol.",
			`I connect to the WebSocket with subprotocol "graphql-transport-ws"`, func(ctx context.Context, w *World, a Args) error {
				return w.openSocket(ctx, []string{a.Text(0)})
			}),
		either(`I send the WebSocket message "{text}"`, "Sends a text over the WebSocket.", `I send the WebSocket message "{"action": "subscribe"}"`,
			func(ctx context.Context, w *World, a Args) error { return w.sendMessage(ctx, []byte(a.Text(0))) }),
		either(`the request is sent over the WebSocket`, "Sends what request steps have built.", `the request is sent over the WebSocket`,
			func(ctx context.Context, w *World, _ Args) error { return w.sendMessage(ctx, w.body()) }),
		either(`I close the WebSocket`, "Says goodbye to the server.", `I close the WebSocket`, closeSocket),
		then(`a WebSocket message is received`, "Takes the next message, the oldest first, for later steps to look at as a reply. Say how long it may take.",
			`a WebSocket message is received within 5 seconds`, receiveMessage),
		then(`no WebSocket message is received for {seconds} second(s)`, "Waits so long, and nothing comes.",
			`no WebSocket message is received for 0.5 seconds`, receiveNothing),
		then(`the WebSocket is open`, "Neither side has closed it.", `the WebSocket is open`, assertSocketOpen),
		then(`the WebSocket is closed`, "The server or a step has closed it.", `the WebSocket is closed within 5 seconds`, assertSocketClosed),
		then(`the WebSocket is closed with code "{code}"`, "It was closed with that code of RFC 6455, such as 1000 for a normal end and 1008 for a policy.",
			`the WebSocket is closed with code "1000"`, assertSocketCode),
	}
}

// overSocket says whether the URL is invoked over a WebSocket and not by HTTP.
func (w *World) overSocket() bool { return w.socket != nil && w.socket.used }

// onSocket is what was said about a WebSocket so far, to say more about it.
func (w *World) onSocket() *socket {
	if w.socket == nil {
		w.socket = &socket{}
	}
	return w.socket
}

func (w *World) openSocket(ctx context.Context, subprotocols []string) error {
	c, err := w.connect(ctx, subprotocols)
	if err != nil {
		return err
	}
	c.run(ctx, nil)
	w.OnClose(c.close)
	s := w.onSocket()
	s.wire, s.zato, s.sent = c, nil, nil
	if got := c.conn.Subprotocol(); len(subprotocols) > 0 && got == "" {
		return differs("the server speaks another subprotocol", subprotocols[0], plain("none"))
	}
	return nil
}

// opened is the WebSocket that steps opened.
func (w *World) opened() (*wire, error) {
	if w.socket == nil || w.socket.wire == nil {
		return nil, errors.New("there is no WebSocket; open one with: Given I connect to the WebSocket")
	}
	return w.socket.wire, nil
}

// methodSocket stands for HTTP's method in what went over a WebSocket.
const methodSocket = "WebSocket"

func (w *World) sendMessage(ctx context.Context, text []byte) error {
	c, err := w.opened()
	if err != nil {
		return err
	}
	if len(text) == 0 {
		return errors.New(`there is no request to send; say one with: request is "..."`)
	}
	kind := websocket.MessageText
	if !utf8.Valid(text) {
		kind = websocket.MessageBinary
	}
	e := &Exchange{Method: methodSocket, URL: c.url, RequestBody: text, Began: time.Now()}
	w.socket.sent, w.last = e, e
	ctx, cancel := context.WithTimeout(ctx, w.suite.options.Timeout)
	defer cancel()
	return c.send(ctx, kind, text)
}

func closeSocket(_ context.Context, w *World, _ Args) error {
	c, err := w.opened()
	if err != nil {
		return err
	}
	return c.close()
}

// anyMessage is one that is not Zato's answer to somebody's request.
func (s *socket) anyMessage(m message) bool { return s.zato == nil || !s.zato.isReply(m) }

// receive takes the next message where it comes within d, and makes it the reply. One that is not of the response format
// is a reply too: steps that look into it say what is wrong with it.
func (w *World) receive(ctx context.Context, d time.Duration) (came bool, err error) {
	c, err := w.opened()
	if err != nil {
		return false, err
	}
	limited, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	m, err := c.take(limited, w.socket.anyMessage)
	switch {
	case err != nil && ctx.Err() != nil:
		return false, ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		return false, nil
	case err != nil:
		return false, err
	}
	e := &Exchange{Method: methodSocket, URL: c.url, Status: http.StatusSwitchingProtocols, Header: http.Header{}, Body: m.data, Began: m.at}
	if sent := w.socket.sent; sent != nil {
		e.RequestBody, e.Began, e.Took = sent.RequestBody, sent.Began, m.at.Sub(sent.Began)
	}
	w.last = e
	w.reply, _ = w.decode(e)
	return true, nil
}

func receiveMessage(ctx context.Context, w *World, _ Args) error {
	came, err := w.receive(ctx, retryEvery)
	if err == nil && !came {
		return &Failure{What: "no WebSocket message has come", Hint: "how long it may take is said so: a WebSocket message is received within 5 seconds"}
	}
	return err
}

// again gets another reply for a step that is tried again: the same request is sent, or where the reply was a message of
// a WebSocket the next one is taken.
func (w *World) again(ctx context.Context) error {
	if w.reply == nil || w.reply.Method != methodSocket || w.overSocket() {
		return w.invoke(ctx, w.target)
	}
	_, err := w.receive(ctx, retryEvery) // where none came the step looks at the last one again
	return err
}

func receiveNothing(ctx context.Context, w *World, a Args) error {
	d, err := a.Duration(0)
	if err != nil {
		return err
	}
	came, err := w.receive(ctx, d)
	if came {
		return differs("a WebSocket message was received", plain("none for "+a.Text(0)+" seconds"), plain(beginning(string(w.reply.Body))))
	}
	return err
}

func assertSocketOpen(_ context.Context, w *World, _ Args) error {
	c, err := w.opened()
	if err != nil {
		return err
	}
	if ended := c.end(); ended != nil {
		return failf("the WebSocket is closed: %s", whyEnded(ended))
	}
	return nil
}

func assertSocketClosed(_ context.Context, w *World, _ Args) error {
	c, err := w.opened()
	if err == nil && c.end() == nil {
		return failf("the WebSocket is open")
	}
	return err
}

func assertSocketCode(_ context.Context, w *World, a Args) error {
	want, err := a.Int(0)
	if err != nil {
		return err
	}
	c, err := w.opened()
	if err != nil {
		return err
	}
	ended := c.end()
	switch got := websocket.CloseStatus(ended); {
	case ended == nil:
		return failf("the WebSocket is open")
	case got != websocket.StatusCode(want):
		return differs("the WebSocket was closed in another way", plain("code "+strconv.Itoa(want)), plain(whyEnded(ended)))
	}
	return nil
}

// unansweredMessage is the failure of a message to which nothing came.
func unansweredMessage(c *wire, err error, took, limit time.Duration) error {
	f := &Failure{What: fmt.Sprintf("no reply from %s", c.url), Note: "tried for " + report.Duration(took)}
	if errors.Is(err, context.DeadlineExceeded) {
		f.Note += ", the limit is " + report.Duration(limit)
	} else {
		f.What += ": " + err.Error()
	}
	return f
}
