package steps_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps"
	"github.com/parley-run/parley/steps/report"
)

const (
	plainSocket = "Given format \"JSON\"\nAnd URL path \"/echo\"\nAnd I connect to the WebSocket\n"
	talked      = plainSocket + "When I send the WebSocket message \"{\"n\": 1}\"\nThen a WebSocket message is received within 5 seconds\n"
	wsx         = "Given format \"JSON\"\nAnd URL path \"/wsx\"\nAnd I use Zato WSX\nAnd I connect to a Zato WSX channel without credentials\n"
)

func socketRows() []thenRow {
	return []thenRow{
		{plainSocket, `the WebSocket is open`, ""},
		{plainSocket + "When I close the WebSocket\n", `the WebSocket is open`, "the WebSocket is closed: code 1000"},
		{"Given format \"JSON\"\n", `the WebSocket is open`, "there is no WebSocket; open one with: Given I connect to the WebSocket"},
		{plainSocket + "When I close the WebSocket\n", `the WebSocket is closed`, ""},
		{plainSocket, `the WebSocket is closed`, "the WebSocket is open"},
		{plainSocket + "When I send the WebSocket message \"bye\"\n", `the WebSocket is closed within 5 seconds`, ""},
		{plainSocket + "When I send the WebSocket message \"bye\"\n", "the WebSocket is closed within 5 seconds\nAnd the WebSocket is closed with code \"1008\"", ""},
		{plainSocket + "When I close the WebSocket\n", `the WebSocket is closed with code "1000"`, ""},
		{plainSocket + "When I close the WebSocket\n", `the WebSocket is closed with code "1008"`, "expected: code 1008\n  got:      code 1000"},
		{plainSocket, `the WebSocket is closed with code "1008"`, "the WebSocket is open"},
		{plainSocket + "When I send the WebSocket message \"{}\"\n", `a WebSocket message is received within 5 seconds`, ""},
		{plainSocket, `a WebSocket message is received within 0.2 seconds`, "no WebSocket message has come (still so after 0.2 seconds)"},
		{plainSocket, `no WebSocket message is received for 0.1 seconds`, ""},
		{plainSocket + "When I send the WebSocket message \"{}\"\n", `no WebSocket message is received for 5 seconds`, "expected: none for 5 seconds\n  got:      {}"},
		{talked, `JSON Pointer "/n" is an integer "1"`, ""},
		{talked, `JSON Pointer "/n" is an integer "2"`, "WebSocket ws://"},
		{
			plainSocket + "Given request is \"{\"n\": 2}\"\nWhen the request is sent over the WebSocket\nThen a WebSocket message is received within 5 seconds\n",
			`JSON Pointer "/n" is an integer "2"`, "",
		},
		{
			plainSocket + "When I send the WebSocket message \"count\"\nThen a WebSocket message is received within 5 seconds\n",
			`JSON Pointer "/n" is an integer "3" within 5 seconds`, "",
		},
		{
			plainSocket + "When I send the WebSocket message \"no JSON\"\nThen a WebSocket message is received within 5 seconds\n",
			`JSON Pointer "/n" is an integer "3"`, "the reply is not JSON",
		},
		{plainSocket + "When I send the WebSocket message \"large\"\nThen a WebSocket message is received within 5 seconds\n", `JSON Pointer "/n" is not empty`, ""},
		{talked + "Given URL path \"/text\"\nAnd response format \"RAW\"\nWhen the URL is invoked\n", `response is equal to "plain text"`, ""},
	}
}

func zatoRows() []thenRow {
	invoked := wsx + "And request is \"{\"name\": \"Seán\"}\"\nWhen the URL is invoked\n"
	return []thenRow{
		{wsx, `WSX client is authenticated`, ""},
		{wsx + "Given I close WSX connection\n", `WSX client is authenticated`, "the WSX client is disconnected: code 1000"},
		{"Given I use Zato WSX\n", `WSX client is authenticated`, "there is no WSX client"},
		{wsx + "Given I close WSX connection\n", `WSX client is disconnected`, ""},
		{wsx, `WSX client is disconnected`, "the WSX client is connected"},
		{invoked, `JSON Pointer "/echo/name" is "Seán"`, ""},
		{invoked, `JSON Pointer "/envelope" is JSON "{"action": "invoke-service", "client_name": "zato-apitest", "token": true, "answered": "zwsxc.rsp"}"`, ""},
		{invoked, `status is "200"`, ""},
		{invoked, `header "msg_type" is "zwsx.rspok"`, ""},
		{invoked, `JSON Pointer "/echo/name" is "Joe"`, "got:      \"Seán\""},
		{invoked, "a WebSocket message is received\nAnd JSON Pointer \"/data/hello\" is \"client\"", ""},
		{wsx + "And request is \"{\"fail\": true}\"\nWhen the URL is invoked\n", "status is \"500\"\nAnd header \"error_message\" is \"Internal server error\"", ""},
		{wsx + "And request is \"{\"nothing\": true}\"\nWhen the URL is invoked\n", `JSON response does not exist`, ""},
		{wsx + "And request is \"{\"forbid\": true}\"\nWhen the URL is invoked\n", `status is "403"`, ""},
	}
}

// socketServer speaks WebSocket at /echo and, at /wsx and /closed, Zato's protocol on top of it.
func socketServer(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/text", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("plain text")) })
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"chat.v2"}})
		if err != nil {
			return
		}
		defer func() { _ = c.CloseNow() }()
		for {
			kind, text, err := c.Read(r.Context())
			switch {
			case err != nil:
				return
			case string(text) == "bye":
				_ = c.Close(websocket.StatusPolicyViolation, "not allowed")
				return
			case string(text) == "large":
				text = []byte(`{"n": "` + strings.Repeat("x", 1<<20) + `"}`)
			case string(text) == "count":
				for _, n := range []string{"1", "2", "3"} {
					_ = c.Write(r.Context(), websocket.MessageText, []byte(`{"n": `+n+`}`))
				}
				continue
			}
			if c.Write(r.Context(), kind, text) != nil {
				return
			}
		}
	})
	mux.HandleFunc("/wsx", func(w http.ResponseWriter, r *http.Request) { zatoChannel(w, r, true) })
	mux.HandleFunc("/forbidden", func(w http.ResponseWriter, r *http.Request) { zatoChannel(w, r, false) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

// zatoMessage is a message of either side, as Zato's server has it.
type zatoMessage struct {
	Meta map[string]any `json:"meta"`
	Data any            `json:"data,omitempty"`
}

// zatoChannel is a WSX channel: the order of messages, the checks of the token and what an error looks like are those of
// Zato's server, zato/server/connection/web_socket.
func zatoChannel(w http.ResponseWriter, r *http.Request, allowed bool) {
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = c.CloseNow() }()
	ctx := r.Context()
	send := func(kind string, status int, to any, data any, more ...string) {
		m := zatoMessage{Meta: map[string]any{"id": "cid1", "timestamp": "2026-01-01T00:00:00", "msg_type": kind}, Data: data}
		if status > 0 {
			m.Meta["status"] = status
		}
		if to != nil {
			m.Meta["in_reply_to"] = to
		}
		for i := 0; i+1 < len(more); i += 2 {
			m.Meta[more[i]] = more[i+1]
		}
		_ = wsjson.Write(ctx, c, m)
	}
	token, answered := "", ""
	for {
		var m zatoMessage
		if wsjson.Read(ctx, c, &m) != nil {
			return
		}
		data, _ := m.Data.(map[string]any)
		action, _ := m.Meta["action"].(string)
		switch {
		case action == "create-session" && allowed && strings.HasPrefix(m.Meta["client_id"].(string), "zato-apitest.20"):
			token = "zwsxt.123456"
			send("zwsx.rspa", 200, m.Meta["id"], map[string]string{"token": token})
			send("zwsx.rqc", 0, nil, map[string]string{"hello": "client"})
		case token == "" || m.Meta["token"] != token || data["forbid"] == true:
			send("zwsx.merr", 403, nil, "You are not authorized to access this resource")
			return
		case action == "client-response":
			answered, _ = m.Meta["id"].(string)
			answered = answered[:min(len(answered), 9)]
		case data["fail"] == true:
			send("zwsx.rsperr", 500, m.Meta["id"], map[string]string{"cid": "cid1"}, "error_message", "Internal server error")
		case data["nothing"] == true:
			send("zwsx.rspok", 200, m.Meta["id"], nil)
		case data["silent"] == true:
		default:
			send("zwsx.rspok", 200, m.Meta["id"], map[string]any{"echo": data, "envelope": map[string]any{
				"action": action, "client_name": m.Meta["client_name"], "token": m.Meta["token"] == token, "answered": answered,
			}})
		}
	}
}

func TestThenOfWebSockets(t *testing.T) {
	t.Setenv("SERVER", socketServer(t))
	checkRows(t, socketRows(), `Given address "$SERVER"`, steps.Options{})
}

func TestThenOfZato(t *testing.T) {
	t.Setenv("SERVER", socketServer(t))
	checkRows(t, zatoRows(), `Given address "$SERVER"`, steps.Options{})
}

// socketSays is what the steps of the only row say that fail.
func socketSays(t *testing.T, before string, options steps.Options) string {
	t.Helper()
	scenario := runRows(t, []thenRow{{before, `I sleep for "0"`, ""}}, `Given address "$SERVER"`, options)[0]
	require.Equal(t, report.Failed, scenario.Status)
	var all string
	for _, s := range scenario.Steps {
		if s.Failure != nil {
			all += s.Failure.Text()
		}
	}
	return all
}

func TestWebSocketsThatDoNotOpenSayWhy(t *testing.T) {
	server := socketServer(t)
	t.Setenv("SERVER", server)
	rows := []struct{ name, before, want string }{
		{"no WebSocket there", "Given URL path \"/text\"\nAnd I connect to the WebSocket\n", "expected: 101 Switching Protocols\n  got:      200 OK"},
		{"nothing there", "Given URL path \"/none\"\nAnd I connect to a Zato WSX channel without credentials\n", "got:      404 Not Found"},
		{"nobody listens", "Given address \"ws://127.0.0.1:1\"\nAnd I connect to the WebSocket\n", "no reply from 127.0.0.1:1: dial tcp 127.0.0.1:1: connect: connection refused"},
		{"another scheme", "Given address \"ftp://127.0.0.1:1\"\nAnd I connect to the WebSocket\n", "write it like ws://host:port"},
		{"another subprotocol", "Given URL path \"/echo\"\nAnd I connect to the WebSocket with subprotocol \"chat.v9\"\n", "the server speaks another subprotocol"},
		{"no session", "Given URL path \"/forbidden\"\nAnd I connect to a Zato WSX channel without credentials\n", "You are not authorized to access this resource"},
		{"a server that is silent", "Given URL path \"/echo\"\nAnd I connect to the WebSocket\nWhen I send the WebSocket message \"bye\"\n" +
			"Then the WebSocket is closed within 5 seconds\nWhen I send the WebSocket message \"x\"\n", `the WebSocket is closed: code 1008, "not allowed"`},
		{"no session when invoked", "Given I use Zato WSX\nWhen the URL is invoked\n", "there is no session with a Zato WSX channel"},
		{"no message to send", "Given URL path \"/echo\"\nAnd I connect to the WebSocket\nWhen the request is sent over the WebSocket\n", "there is no request to send"},
		{"no reply in time", wsx + "And Zato WebSockets service \"demo\"\nAnd request is \"{\"silent\": true}\"\nWhen the URL is invoked\n", `service "demo": no reply from ws://`},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			assert.Contains(t, socketSays(t, row.before, steps.Options{Timeout: 3 * time.Second}), row.want)
		})
	}
}

func TestTheSubprotocolIsSpoken(t *testing.T) {
	t.Setenv("SERVER", socketServer(t))
	checkRows(t, []thenRow{{"Given URL path \"/echo\"\nAnd I connect to the WebSocket with subprotocol \"chat.v2\"\n", `the WebSocket is open`, ""}},
		`Given address "$SERVER"`, steps.Options{})
}

func TestTheTokenIsMasked(t *testing.T) {
	t.Setenv("SERVER", socketServer(t))
	text := socketSays(t, wsx+"And request is \"{}\"\nWhen the URL is invoked\nThen status is \"999\"\n", steps.Options{})
	assert.NotContains(t, text, "zwsxt.123456")
	assert.Contains(t, text, `"token": "***"`)
}

// python is a WebSocket server of the library websockets, which echoes, sends fragments and pings.
const python = `
import asyncio, websockets
async def serve(ws, path=None):
    async for text in ws:
        if text == "bye":
            await ws.close(4001, "bye then")
            return
        if text == "pieces":
            await ws.send(['{"n":', ' 4}'])
            continue
        await (await ws.ping())
        await ws.send(text)
async def main():
    async with websockets.serve(serve, "127.0.0.1", 0) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.Future()
asyncio.run(main())
`

func TestWebSocketsOfAnotherLibrary(t *testing.T) {
	const interpreter = "/usr/bin/python3"
	if err := exec.Command(interpreter, "-c", "import websockets").Run(); err != nil {
		required := slices.Contains(strings.Split(os.Getenv("PARLEY_REQUIRE"), ","), "websockets")
		require.False(t, required, "PARLEY_REQUIRE asks for websockets: %s", err)
		t.Skip("no python3-websockets is installed: ", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, interpreter, "-c", python)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { cancel(); _ = cmd.Wait() })
	var port json.Number
	require.NoError(t, json.NewDecoder(out).Decode(&port))
	t.Setenv("SERVER", "http://127.0.0.1:"+port.String())
	connected := "Given format \"JSON\"\nAnd I connect to the WebSocket\n"
	checkRows(t, []thenRow{
		{connected + "When I send the WebSocket message \"{\"n\": 3}\"\nThen a WebSocket message is received within 5 seconds\n", `JSON Pointer "/n" is an integer "3"`, ""},
		{connected + "When I send the WebSocket message \"pieces\"\nThen a WebSocket message is received within 5 seconds\n", `JSON Pointer "/n" is an integer "4"`, ""},
		{connected + "When I send the WebSocket message \"bye\"\n", "the WebSocket is closed within 5 seconds\nAnd the WebSocket is closed with code \"4001\"", ""},
		{connected + "When I close the WebSocket\n", `the WebSocket is closed with code "1000"`, ""},
	}, `Given address "$SERVER"`, steps.Options{})
}
