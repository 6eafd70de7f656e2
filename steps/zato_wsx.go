package steps

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// A WebSocket channel of Zato's, WSX, speaks JSON in envelopes {"meta": {...}, "data": ...}. A client begins with the action
// create-session and gets a token, which every later message has; a reply names the request in meta.in_reply_to and has a
// status like HTTP's in meta.status; a message without in_reply_to is the server's own request, and is answered with the
// action client-response. Source: https://zato.io/en/docs/3.2/dev/wsx.html and the client that comes with Zato.

func zatoSocketSteps() []Step {
	return []Step{
		given(`I use Zato WSX`, "The URL is invoked over a Zato WebSocket channel from here on. A reply's status and header are those of its metadata.",
			`I use Zato WSX`, func(_ context.Context, w *World, _ Args) error {
				w.onSocket().used = true
				return nil
			}),
		given(`I connect to a Zato WSX channel without credentials`, "Opens a WebSocket at the address and URL path, http standing for ws, and creates a session.",
			`I connect to a Zato WSX channel without credentials`, connectZato),
		given(`I close WSX connection`, "Closes the connection to the channel.", `I close WSX connection`, closeZato),
		given(`Zato WebSockets service "{service}"`, "Names the service behind the channel, for failures. Which one it is, the channel's definition in Zato says.",
			`Zato WebSockets service "demo.echo"`, func(_ context.Context, w *World, a Args) error {
				w.onSocket().name = a.Text(0)
				return nil
			}),
		then(`WSX client is authenticated`, "The session was created, and the connection is open.", `WSX client is authenticated`, assertZatoSession),
		then(`WSX client is disconnected`, "The server or a step has closed the connection.", `WSX client is disconnected`, assertNoZatoSession),
	}
}

// The actions of a client's messages, and Zato's type of a message that is an error of no request in particular.
const (
	actionSession = "create-session"
	actionInvoke  = "invoke-service"
	actionAnswer  = "client-response"
	typeError     = "zwsx.merr"
)

const (
	zatoClientName = "zato-apitest"
	zatoTime       = "2006-01-02T15:04:05.000000" // UTC, as Python's isoformat writes it
	zatoPingEvery  = 20 * time.Second             // Zato wants one in 30 s
)

// zatoClient is the client's side of a WSX session.
type zatoClient struct {
	wire    *wire
	id      string       // of the client
	session string       // identifier of the message that asked for it
	token   atomic.Value // a string; none before the session
}

// zatoMeta is the metadata of a message of Zato's.
type zatoMeta struct {
	ID        string      `json:"id"`
	Type      string      `json:"msg_type"`
	InReplyTo string      `json:"in_reply_to"`
	Status    json.Number `json:"status"`
	Error     string      `json:"error_message"`
}

func metaOf(m message) zatoMeta {
	var envelope struct{ Meta zatoMeta }
	if json.Unmarshal(m.data, &envelope) != nil {
		return zatoMeta{} // of what is no envelope nothing is known
	}
	return envelope.Meta
}

func (m zatoMeta) status() int {
	n, err := strconv.Atoi(m.Status.String())
	if err != nil {
		return 0
	}
	return n
}

// isReply says whether a message answers a request of this client or refuses it.
func (*zatoClient) isReply(m message) bool {
	meta := metaOf(m)
	return meta.InReplyTo != "" || meta.Type == typeError
}

// newZatoID is an identifier of a message, the first part telling what it is, as Zato's own clients have it.
func newZatoID(kind string) string {
	raw := make([]byte, 12)
	_, _ = rand.Read(raw) // it never fails
	return "zwsxc." + kind + "." + hex.EncodeToString(raw)
}

// envelope is a message to Zato. more are pairs of names and values in its metadata.
func (z *zatoClient) envelope(action, id string, data any, more ...string) []byte {
	meta := newObject()
	token, _ := z.token.Load().(string)
	fields := []string{"action", action, "id", id, "timestamp", time.Now().UTC().Format(zatoTime), "token", token, "client_id", z.id, "client_name", zatoClientName}
	fields = append(fields, more...)
	for i := 0; i+1 < len(fields); i += 2 {
		meta.set(fields[i], fields[i+1])
	}
	whole := newObject()
	whole.set("meta", meta)
	whole.set("data", data)
	return asciiJSON(encodeJSON(whole, ""))
}

// ask sends a message and waits for what answers it.
func (z *zatoClient) ask(ctx context.Context, id string, envelope []byte) (message, error) {
	if err := z.wire.send(ctx, websocket.MessageText, envelope); err != nil {
		return message{}, err
	}
	return z.wire.take(ctx, func(m message) bool {
		meta := metaOf(m)
		return meta.InReplyTo == id || (meta.InReplyTo == "" && meta.Type == typeError)
	})
}

// arrived looks at each message as it comes. It takes the token out of the session's reply, since the next message may
// be a request already; each request of Zato's own it tells that there is nothing to say. Steps can still look at it.
func (z *zatoClient) arrived(ctx context.Context, m message) {
	meta := metaOf(m)
	if meta.InReplyTo == z.session {
		var granted struct{ Data struct{ Token string } }
		if json.Unmarshal(m.data, &granted) == nil && meta.status() == http.StatusOK {
			z.token.Store(granted.Data.Token)
		}
		return
	}
	if meta.ID == "" || z.isReply(m) {
		return
	}
	data := newObject()
	data.set("response", nil)
	// Where it fails the connection has ended, which the next step notices.
	_ = z.wire.send(ctx, websocket.MessageText, z.envelope(actionAnswer, newZatoID("rsp"), data, "in_reply_to", meta.ID))
}

// ping keeps the connection alive until it ends.
func (z *zatoClient) ping(ctx context.Context) {
	ticker := time.NewTicker(zatoPingEvery)
	defer ticker.Stop()
	for {
		select {
		case <-z.wire.done:
			return
		case <-ticker.C:
			limited, cancel := context.WithTimeout(ctx, zatoPingEvery)
			_ = z.wire.conn.Ping(limited) // where it fails the connection has ended, which the next step notices
			cancel()
		}
	}
}

func connectZato(ctx context.Context, w *World, _ Args) error {
	c, err := w.connect(ctx, nil)
	if err != nil {
		return err
	}
	z := &zatoClient{wire: c, id: zatoClientName + "." + time.Now().UTC().Format(zatoTime), session: newZatoID("auth")}
	outlives := context.WithoutCancel(ctx)
	c.run(ctx, func(m message) { z.arrived(outlives, m) })
	w.OnClose(c.close)
	c.busy.Go(func() { z.ping(outlives) })
	s := w.onSocket()
	s.wire, s.zato, s.sent = c, nil, nil
	m, err := w.exchangeZato(ctx, z, z.session, z.envelope(actionSession, z.session, newObject(), "username", "", "secret", ""))
	if err != nil {
		return err
	}
	token, _ := z.token.Load().(string)
	if token == "" {
		return &Failure{What: fmt.Sprintf("Zato created no session at %s", c.url), Expected: "status 200 and a token", Got: beginning(string(m.data))}
	}
	w.suite.mask.Add("wsx_token", token)
	s.zato, w.last = z, nil
	return nil
}

// exchangeZato sends a message and gives what answers it. It is the evidence for what fails then.
func (w *World) exchangeZato(ctx context.Context, z *zatoClient, id string, envelope []byte) (message, error) {
	e := &Exchange{Method: methodSocket, URL: z.wire.url, RequestBody: envelope, Began: time.Now()}
	w.last = e
	limited, cancel := context.WithTimeout(ctx, w.suite.options.Timeout)
	defer cancel()
	m, err := z.ask(limited, id, envelope)
	e.Took = time.Since(e.Began)
	if err != nil {
		return message{}, unansweredMessage(z.wire, err, e.Took, w.suite.options.Timeout)
	}
	e.FirstByte = e.Took
	e.Status, e.Header, e.Body = metaOf(m).status(), metaHeader(m), m.data
	return m, nil
}

// metaHeader is the metadata of a message, for the steps that look at headers.
func metaHeader(m message) http.Header {
	var envelope struct{ Meta map[string]any }
	header := http.Header{}
	if json.Unmarshal(m.data, &envelope) == nil {
		for name, value := range envelope.Meta {
			header.Set(name, textOf(value))
		}
	}
	return header
}

// invokeSocket sends the request over the Zato channel that steps connected to. The reply's body is what the service gave.
func (w *World) invokeSocket(ctx context.Context) error {
	w.reply, w.last = nil, nil
	z := w.socket.zato
	if z == nil {
		return errors.New("there is no session with a Zato WSX channel; begin one with: Given I connect to a Zato WSX channel without credentials")
	}
	id := newZatoID("inv")
	m, err := w.exchangeZato(ctx, z, id, z.envelope(actionInvoke, id, w.socketData()))
	if err != nil {
		if w.socket.name != "" {
			return fmt.Errorf("service %q: %w", w.socket.name, err)
		}
		return err
	}
	tree, err := decodeJSON(m.data)
	if err != nil {
		return fmt.Errorf("the reply is %w", err)
	}
	envelope, _ := tree.(*object) // it has metadata
	e := w.last
	e.Body = encodeJSON(envelope.values["data"], "")
	w.reply = &Reply{Exchange: e, format: formatJSON, json: envelope.values["data"], isJSON: true}
	return nil
}

// socketData is the request as Zato's service gets it: JSON, or a text.
func (w *World) socketData() any {
	switch {
	case w.payload.given && w.payload.raw == nil:
		return w.payload.json
	case len(w.body()) > 0:
		return string(w.body())
	}
	return newObject()
}

func closeZato(_ context.Context, w *World, _ Args) error {
	c, err := w.zatoWire()
	if err != nil {
		return err
	}
	return c.close()
}

func (w *World) zatoWire() (*wire, error) {
	if w.socket == nil || w.socket.zato == nil {
		return nil, errors.New("there is no WSX client; connect one with: Given I connect to a Zato WSX channel without credentials")
	}
	return w.socket.zato.wire, nil
}

func assertZatoSession(_ context.Context, w *World, _ Args) error {
	c, err := w.zatoWire()
	if err != nil {
		return err
	}
	if ended := c.end(); ended != nil {
		return failf("the WSX client is disconnected: %s", whyEnded(ended))
	}
	return nil
}

func assertNoZatoSession(_ context.Context, w *World, _ Args) error {
	c, err := w.zatoWire()
	if err == nil && c.end() == nil {
		return failf("the WSX client is connected")
	}
	return err
}
