package node_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/internal/locked"
	"github.com/parley-run/parley/runtime/admin"
	"github.com/parley-run/parley/runtime/folder"
	"github.com/parley-run/parley/runtime/node"
	"github.com/parley-run/parley/runtime/service"
)

// ground is a cluster's folder, its Redis, and the servers that a test runs in this process.
type ground struct {
	t      *testing.T
	folder *folder.Folder
	logs   *locked.Buffer
	redis  *miniredis.Miniredis
}

func newGround(t *testing.T) *ground {
	t.Helper()
	redis := miniredis.RunT(t)
	f, _, err := folder.Create(filepath.Join(t.TempDir(), "c"), folder.Options{Servers: 2, FreePorts: true, RedisURL: "redis://" + redis.Addr() + "/0"})
	require.NoError(t, err)
	return &ground{t: t, folder: f, logs: &locked.Buffer{}, redis: redis}
}

// run starts a server and returns what stops it.
func (g *ground) run(name string, compiled ...service.Service) (stop func()) {
	g.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	n, err := node.New(ctx, node.Config{Folder: g.folder, Server: name, Services: compiled, Log: slog.New(slog.NewTextHandler(g.logs, nil))})
	require.NoError(g.t, err)
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		assert.NoError(g.t, <-done)
	})
	g.t.Cleanup(stop)
	require.Eventually(g.t, func() bool {
		res, err := http.Get(g.url(name) + g.ready())
		if err != nil {
			return false
		}
		_ = res.Body.Close()
		return res.StatusCode == http.StatusOK
	}, time.Minute, 5*time.Millisecond)
	return stop
}

// ready is the path at which servers say that they are.
func (g *ground) ready() string {
	if g.folder.Cluster.Compat == "zato" {
		return "/zato/ready"
	}
	return "/parley/ready"
}

func (g *ground) url(server string) string {
	s, err := g.folder.Server(server)
	require.NoError(g.t, err)
	return "http://" + s.Address
}

func (g *ground) call(server, name string, in, out any) error {
	s, err := g.folder.Server(server)
	require.NoError(g.t, err)
	token, err := g.folder.Token()
	require.NoError(g.t, err)
	client := admin.NewClient(s.Admin, token)
	defer client.CloseIdle()
	return client.Call(g.t.Context(), name, in, out)
}

func (g *ground) deploy(server string, files ...string) error {
	var in struct {
		Files []map[string]string `json:"files"`
	}
	for i := 0; i < len(files); i += 2 {
		in.Files = append(in.Files, map[string]string{"name": files[i], "source": files[i+1]})
	}
	var out struct {
		Servers []struct {
			Server, Error string
			OK            bool
		}
	}
	if err := g.call(server, "parley.service.deploy", in, &out); err != nil {
		return err
	}
	for _, s := range out.Servers {
		if !s.OK {
			return fmt.Errorf("%s: %s", s.Server, s.Error)
		}
	}
	return nil
}

func (g *ground) define(yaml string) error {
	in := map[string]any{"files": []map[string]string{{"name": "defs.yaml", "content": yaml}}}
	return g.call("server1", "parley.enmasse.import", in, nil)
}

func (g *ground) request(method, url, body string) (int, http.Header, string) {
	g.t.Helper()
	req, err := http.NewRequestWithContext(g.t.Context(), method, url, strings.NewReader(body))
	require.NoError(g.t, err)
	res, err := http.DefaultClient.Do(req)
	require.NoError(g.t, err)
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	require.NoError(g.t, err)
	return res.StatusCode, res.Header, string(raw)
}

func details(body string) string {
	var reply struct {
		Env struct{ Details string } `json:"parley_env"`
	}
	_ = json.Unmarshal([]byte(body), &reply)
	return reply.Env.Details
}

const hello = "def handle(self):\n    self.response.payload = {\"hello\": %q, \"input\": self.request.input}\n"

func TestRoutes(t *testing.T) {
	g := newGround(t)
	g.run("server1")
	require.NoError(t, g.define(`
channel_rest:
  - {name: By id, service: hello, url_path: "/customers/{cust_id}", method: GET}
  - {name: All, service: hello, url_path: /customers/, method: [GET, POST]}
  - {name: Off, service: hello, url_path: /off, is_active: false}
  - {name: Nobody, service: not-there, url_path: /nobody}
`))
	require.NoError(t, g.deploy("server1", "hello.star", fmt.Sprintf(hello, "you")))
	for _, tt := range []struct {
		method, path string
		status       int
		want         string
	}{
		{"GET", "/customers/7?a=1", 200, `{"hello":"you","input":{"a":"1","cust_id":"7"}}`},
		{"POST", "/customers/", 200, `{"hello":"you","input":null}`},
		{"HEAD", "/customers/7", 200, ``},
		{"GET", "/customers", 404, "nothing is served at /customers"},
		{"GET", "/customers//", 404, "nothing is served at /customers//"},
		{"GET", "/customers/7/8", 404, "nothing is served at /customers/7/8"},
		{"GET", "/off", 404, "nothing is served at /off"},
		{"GET", "/", 404, "nothing is served at /"},
		{"DELETE", "/customers/", 405, "the method DELETE is not allowed at /customers/; allowed: GET, HEAD, OPTIONS, POST"},
		{"GET", "/nobody", 404, `channel "Nobody": its service "not-there" is not deployed; deploy the file that declares it`},
	} {
		status, header, body := g.request(tt.method, g.url("server1")+tt.path, "")
		if status >= 400 {
			body = details(body)
		}
		assert.Equal(t, tt.status, status, tt.path)
		assert.Equal(t, tt.want, body, tt.path)
		assert.Regexp(t, "^[0-9a-f]{24}$", header.Get("X-Parley-CID"), tt.path)
		if status == 405 {
			assert.Equal(t, "GET, HEAD, OPTIONS, POST", header.Get("Allow"))
		}
	}
}

func TestClashesAreRefused(t *testing.T) {
	g := newGround(t)
	g.run("server1")
	require.NoError(t, g.define("channel_rest:\n  - {name: One, service: s, url_path: /one, method: POST}\n"))
	err := g.define("channel_rest:\n  - {name: Two, service: s, url_path: /one, method: [GET, POST]}\n")
	require.Error(t, err)
	assert.Contains(t, err.Error(), `defs.yaml:2:`)
	assert.Contains(t, err.Error(), `POST /one is served by channel "One" already`)
	require.NoError(t, g.define("channel_rest:\n  - {name: Left, service: s, url_path: \"/a/{x}\"}\n"))
	err = g.define("channel_rest:\n  - {name: Right, service: s, url_path: \"/{y}/b\"}\n")
	require.Error(t, err)
	assert.Contains(t, err.Error(), "url_path /{y}/b cannot be served beside /a/{x}: some paths match both, and neither is the more specific")
	status, _, _ := g.request("GET", g.url("server1")+"/one", "")
	assert.Equal(t, 405, status, "nothing of the refused change serves")
	require.NoError(t, g.define("channel_rest:\n  - {name: Two, service: s, url_path: /one, method: GET}\n"))
}

func TestDeployReachesEveryServerAndRefusals(t *testing.T) {
	g := newGround(t)
	g.run("server1")
	stop := g.run("server2")
	require.NoError(t, g.define("channel_rest:\n  - {name: Hello, service: hello, url_path: /hello}\n"))
	for i := range 5 {
		word := fmt.Sprint("v", i)
		require.NoError(t, g.deploy("server2", "hello.star", fmt.Sprintf(hello, word)))
		for _, server := range []string{"server1", "server2"} {
			_, _, body := g.request("GET", g.url(server)+"/hello", "")
			assert.Contains(t, body, word)
		}
	}
	for _, tt := range []struct{ file, source, want string }{
		{"hello.star", "def handle(self)\n", "hello.star:1:17: got newline, want ':'"},
		{"hello.star", "def handle(self):\n    nope()\n", "hello.star:2:5: undefined: nope"},
		{"other.star", "def h(self):\n    pass\nservice('hello', h)\n", `other.star:3:8: the service "hello" is declared by hello.star:1:1 already; give one of them another name or undeploy hello.star`},
	} {
		assert.EqualError(t, g.deploy("server1", tt.file, tt.source), tt.want)
	}
	_, _, body := g.request("GET", g.url("server2")+"/hello", "")
	assert.Contains(t, body, "v4")

	stop()
	require.NoError(t, g.deploy("server1", "hello.star", fmt.Sprintf(hello, "while you were away")))
	g.run("server2")
	_, _, body = g.request("GET", g.url("server2")+"/hello", "")
	assert.Contains(t, body, "while you were away", "a server that starts later has it too")
}

// A request that is under way when a new version arrives finishes on the version it began with, connections included.
func TestInFlightFinishesOnItsVersion(t *testing.T) {
	g := newGround(t)
	g.run("server1")
	entered, leave := make(chan struct{}, 1), make(chan struct{})
	var asked atomic.Int32
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 1 {
			entered <- struct{}{}
			<-leave
		}
		_, _ = io.WriteString(w, `{"from":"the old back end"}`)
	}))
	t.Cleanup(backend.Close)
	source := `
def handle(self):
    first = self.out.rest.get("Back").conn.get(self.cid).data["from"]
    second = self.out.rest.get("Back").conn.get(self.cid).data["from"]
    self.response.payload = [%q, first, second]
`
	require.NoError(t, g.define(fmt.Sprintf("channel_rest:\n  - {name: V, service: v, url_path: /v}\noutgoing_rest:\n  - {name: Back, host: %s}\n", backend.URL)))
	require.NoError(t, g.deploy("server1", "v.star", fmt.Sprintf(source, "v1")))
	answer := make(chan string, 1)
	go func() {
		_, _, body := g.request("GET", g.url("server1")+"/v", "")
		answer <- body
	}()
	<-entered
	require.NoError(t, g.deploy("server1", "v.star", fmt.Sprintf(source, "v2")))
	newer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"from":"the new back end"}`)
	}))
	t.Cleanup(newer.Close)
	require.NoError(t, g.define(fmt.Sprintf("outgoing_rest:\n  - {name: Back, host: %s}\n", newer.URL)))
	_, _, body := g.request("GET", g.url("server1")+"/v", "")
	assert.JSONEq(t, `["v2","the new back end","the new back end"]`, body)
	close(leave)
	assert.JSONEq(t, `["v1","the old back end","the old back end"]`, <-answer)
}

func TestServiceErrors(t *testing.T) {
	g := newGround(t)
	panics := service.New("go.panics", func(context.Context, service.Runtime, struct{}) (any, error) { panic("secret") })
	g.run("server1", panics)
	require.NoError(t, g.define(`
channel_rest:
  - {name: Fails, service: fails, url_path: /fails}
  - {name: Down, service: down, url_path: /down}
  - {name: Loops, service: loops, url_path: /loops, timeout: 50ms}
  - {name: Panics, service: go.panics, url_path: /panics}
  - {name: Itself, service: itself, url_path: /itself, timeout: 5}
  - {name: Nowhere, service: nowhere, url_path: /nowhere}
  - {name: Small, service: fails, url_path: /small, max_body: 10}
outgoing_rest:
  - {name: Down, host: "http://127.0.0.1:1"}
`))
	require.NoError(t, g.deploy("server1",
		"fails.star", "def inner(x):\n    return x[\"secret\"]\n\ndef handle(self):\n    inner({})\n",
		"down.star", "def handle(self):\n    self.out.rest.get('Down').conn.get(self.cid)\n",
		"itself.star", "def handle(self):\n    self.response.payload = self.invoke('itself')\n",
		"nowhere.star", "def handle(self):\n    self.out.rest.get('Dwon')\n",
		"loops.star", "def handle(self):\n    for i in range(1000000000000):\n        pass\n"))
	for _, tt := range []struct {
		path, body string
		status     int
		details    string
		logged     string
	}{
		{"/fails", "", 500, "internal error", "fails.star:5:10 in handle, fails.star:2:13 in inner"},
		{"/down", "", 502, `outconn "Down": cannot reach http://127.0.0.1:1: connection refused`, "down.star:2:39 in handle"},
		{"/loops", "", 504, `service "loops" did not answer before the request's deadline`, "loops.star:2:5 in handle"},
		{"/itself", "", 500, `services invoked each other 50 deep, the last one "itself"`, "itself.star:2:40 in handle"},
		{"/nowhere", "", 500, `there is no rest outgoing connection "Dwon"; did you mean "Down"?`, "nowhere.star:2:"},
		{"/panics", "", 500, "internal error", "service \\\"go.panics\\\" panicked: secret"},
		{"/small", `"01234567890"`, 413, "the request's body is over the limit of 10 bytes of channel Small", "Small"},
	} {
		status, header, body := g.request("POST", g.url("server1")+tt.path, tt.body)
		assert.Equal(t, tt.status, status, tt.path)
		assert.Equal(t, tt.details, details(body), tt.path)
		cid := header.Get("X-Parley-CID")
		assert.Contains(t, body, cid)
		var lines []string
		for line := range strings.Lines(g.logs.String()) {
			if strings.Contains(line, "cid="+cid) {
				lines = append(lines, line)
			}
		}
		require.NotEmpty(t, lines, tt.path)
		assert.Contains(t, strings.Join(lines, ""), tt.logged, tt.path)
	}
}

func TestGoServicesAndInvoke(t *testing.T) {
	g := newGround(t)
	type in struct{ CustID int64 }
	type out struct{ Doubled int64 }
	double := service.New("go.double", func(_ context.Context, _ service.Runtime, in in) (out, error) { return out{2 * in.CustID}, nil })
	outer := service.New("go.outer", func(ctx context.Context, rt service.Runtime, in in) (any, error) {
		return rt.Invoke(ctx, "star", service.ObjectOf("n", in.CustID))
	})
	g.run("server1", double, outer)
	require.NoError(t, g.define("channel_rest:\n  - {name: D, service: go.double, url_path: /d}\n  - {name: O, service: go.outer, url_path: /o}\n"))
	require.NoError(t, g.deploy("server1", "star.star", `
def handle(self):
    self.response.payload = {"n": self.request.input.n, "via": self.channel, "double": self.invoke("go.double", {"cust_id": str(self.request.input.n)})}
`))
	_, _, body := g.request("POST", g.url("server1")+"/d", `{"cust_id":21}`)
	assert.JSONEq(t, `{"response":{"doubled":42}}`, body)
	status, _, body := g.request("POST", g.url("server1")+"/d", `{"cust_id":"x"}`)
	assert.Equal(t, 400, status)
	assert.Equal(t, `input is not valid: cust_id: expected an integer, not "x"`, details(body))
	_, _, body = g.request("POST", g.url("server1")+"/o", `{"cust_id":4}`)
	assert.JSONEq(t, `{"n":4,"via":"invoke:go.outer","double":{"doubled":8}}`, body)

	err := g.deploy("server1", "x.star", "def h(self):\n    pass\nservice('go.double', h)\n")
	assert.EqualError(t, err, `x.star:3:8: the service "go.double" is compiled into this server already`)
	var listed []struct {
		Name, File string
		Revision   int64
	}
	require.NoError(t, g.call("server1", "parley.service.list", struct{}{}, &listed))
	require.Len(t, listed, 3)
	assert.Equal(t, "star", listed[2].Name)
	assert.Equal(t, "star.star", listed[2].File)
	assert.EqualValues(t, 2, listed[2].Revision)
}

func TestStatisticsAreSummedOverServers(t *testing.T) {
	g := newGround(t)
	g.run("server1")
	stop := g.run("server2")
	require.NoError(t, g.define("channel_rest:\n  - {name: Hello, service: hello, url_path: /hello}\n"))
	require.NoError(t, g.deploy("server1", "hello.star", "def handle(self):\n    if self.request.payload:\n        error(400, 'no')\n"))
	for range 7 {
		g.request("POST", g.url("server1")+"/hello", "")
		g.request("POST", g.url("server2")+"/hello", "1")
	}
	summed := func() (count, errors int64) {
		var out []struct {
			Service       string
			Count, Errors int64
		}
		require.NoError(t, g.call("server1", "parley.stats.get", map[string]string{"service": "hello"}, &out))
		require.Len(t, out, 1)
		return out[0].Count, out[0].Errors
	}
	count, errs := summed()
	assert.EqualValues(t, []int64{14, 7}, []int64{count, errs})
	stop()
	count, _ = summed()
	assert.EqualValues(t, 14, count, "a server that is down still counts with what it saved")
}

func TestNothingIsLostOverARestart(t *testing.T) {
	g := newGround(t)
	stop := g.run("server1")
	require.NoError(t, g.define("channel_rest:\n  - {name: Hello, service: hello, url_path: /hello}\n"))
	require.NoError(t, g.deploy("server1", "hello.star", fmt.Sprintf(hello, "new")))
	inbox := filepath.Join(g.folder.Incoming("server1"), "hello.star")
	stop()
	g.run("server1")
	_, _, body := g.request("GET", g.url("server1")+"/hello", "")
	assert.Contains(t, body, "new")
	require.NoFileExists(t, inbox)
	require.NoError(t, os.WriteFile(inbox, fmt.Appendf(nil, hello, "from the pickup folder"), 0o600))
	require.Eventually(t, func() bool {
		_, _, body := g.request("GET", g.url("server1")+"/hello", "")
		return strings.Contains(body, "from the pickup folder")
	}, time.Minute, 10*time.Millisecond)
}
