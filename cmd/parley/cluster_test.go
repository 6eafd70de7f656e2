package main_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/fixtures"
	"github.com/parley-run/parley/mocks"
)

// start starts a cluster of the command as the code is now.
func start(t *testing.T, servers int) *fixtures.Cluster {
	t.Helper()
	binary := os.Getenv("PARLEY_BIN")
	if binary == "" {
		var err error
		binary, err = fixtures.Build(t.Context(), t.TempDir())
		require.NoError(t, err)
	}
	return fixtures.New(t, fixtures.Spec{Servers: servers, Binary: binary})
}

func post(t *testing.T, url, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(raw)
}

// wait lets real time pass: what is promised of it is a second.
func wait(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}

// TestKillsLoseNothing kills each sort of process by SIGKILL while versions are deployed, and starts the cluster
// again: what was acknowledged must be there, on every server, and what was written to the Redis a second before.
func TestKillsLoseNothing(t *testing.T) {
	c := start(t, 2)
	definitions, err := c.Put("h.yaml", []byte("channel_rest:\n  - {name: Counter, service: counter, url_path: /counter}\n"))
	require.NoError(t, err)
	require.NoError(t, c.Import(t.Context(), nil, definitions))
	options, err := redis.ParseURL(c.KVDB())
	require.NoError(t, err)
	kvdb := redis.NewClient(options)
	t.Cleanup(func() { _ = kvdb.Close() })

	acknowledged := 0
	deploy := func() error {
		source := fmt.Sprintf("def handle(self):\n    self.response.payload = %d\n", acknowledged+1)
		file, err := c.Put("counter.star", []byte(source))
		require.NoError(t, err)
		if _, err := c.Deploy(t.Context(), file); err != nil {
			return err
		}
		acknowledged++
		return nil
	}
	require.NoError(t, deploy()) // the first kill may well fall before a deployment of its round is done
	for round, victim := range []string{"server1", "supervisor", "server2", "supervisor", "server1"} {
		require.NoError(t, kvdb.RPush(t.Context(), "rounds", round).Err())
		wait(t, time.Second)
		require.Eventually(t, func() bool { // where the machine has other work it takes longer
			raw, err := os.ReadFile(filepath.Join(c.Dir(), "redis.json"))
			_, list, found := strings.Cut(string(raw), `{"key":"rounds",`)
			list, _, _ = strings.Cut(list, "}")
			return err == nil && found && strings.Contains(list, strconv.Quote(strconv.Itoa(round)))
		}, time.Minute, 20*time.Millisecond)
		status, err := c.Status(t.Context())
		require.NoError(t, err)
		pid := status.Supervisor.PID
		for _, s := range status.Servers {
			if s.Name == victim {
				pid = s.PID
			}
		}
		require.NotZero(t, pid)
		// The kill falls into the deployments, each time at another point.
		killed := make(chan error, 1)
		time.AfterFunc(time.Duration(20+17*round)*time.Millisecond, func() { killed <- syscall.Kill(pid, syscall.SIGKILL) })
		for dead := false; !dead; {
			select {
			case err := <-killed:
				require.NoError(t, err)
				dead = true
			default:
				_ = deploy() // a deployment that is cut off was not acknowledged; acknowledged counts the others
			}
		}
		if victim == "supervisor" {
			_, err = c.Parley(t.Context(), "start", c.Dir(), "--no-restart")
			require.NoError(t, err)
		} else {
			require.Eventually(t, func() bool { // a start would be for nothing before the supervisor sees that it has ended
				status, err := c.Status(t.Context())
				return err == nil && !slices.ContainsFunc(status.Servers, func(s fixtures.ServerStatus) bool { return s.PID == pid })
			}, time.Minute, 10*time.Millisecond)
		}
		require.NoError(t, c.WaitUp(t.Context()))
		for n := 1; n <= c.Servers(); n++ {
			_, body := post(t, c.ServerAddress(n)+"/counter", "")
			got, err := strconv.Atoi(body)
			require.NoError(t, err, body)
			assert.GreaterOrEqual(t, got, acknowledged, "server %d after the kill of %s", n, victim)
		}
		rounds, err := kvdb.LRange(t.Context(), "rounds", 0, -1).Result()
		require.NoError(t, err)
		assert.Len(t, rounds, round+1, "a write older than a second is there after the kill of %s", victim)
	}
	assert.Positive(t, acknowledged)
}

// pull is a PULL socket of the real libzmq, in a process of its own.
type pull struct {
	cmd   *exec.Cmd
	lines chan string
}

const pullScript = `
import sys, zmq
socket = zmq.Context().socket(zmq.PULL)
socket.setsockopt(zmq.LINGER, 0)
socket.bind(sys.argv[1])
print("bound", flush=True)
while True:
    print(socket.recv().decode(), flush=True)
`

func startPull(t *testing.T, address string) *pull {
	t.Helper()
	p := &pull{cmd: exec.CommandContext(t.Context(), "/usr/bin/python3", "-c", pullScript, address), lines: make(chan string, 100)}
	out, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	go func() {
		defer close(p.lines)
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			p.lines <- scanner.Text()
		}
	}()
	require.Equal(t, "bound", p.next(t))
	return p
}

func (p *pull) next(t *testing.T) string {
	t.Helper()
	select {
	case line := <-p.lines:
		return line
	case <-time.After(time.Minute):
		require.Fail(t, "libzmq received nothing")
		return ""
	}
}

func (p *pull) stop() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// TestFraudDetectionIsLibzmq tells the tutorial's story with a PULL socket of libzmq in the mock's place: there
// from the start, after the first message, and again after it was stopped and started.
func TestFraudDetectionIsLibzmq(t *testing.T) {
	if err := exec.CommandContext(t.Context(), "/usr/bin/python3", "-c", "import zmq").Run(); err != nil {
		if slices.Contains(strings.Split(os.Getenv("PARLEY_REQUIRE"), ","), "libzmq") {
			require.NoError(t, err, "PARLEY_REQUIRE asks for libzmq")
		}
		t.Skip("needs Python's zmq (Debian: python3-zmq)")
	}
	backEnds, err := mocks.StartTutorial(t.Context(), mocks.TutorialOptions{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = backEnds.Close() })
	address := freeAddress(t)

	c := start(t, 1)
	for _, name := range []string{"tutorial.yaml", "tutorial.star"} {
		file, err := c.Sample(name)
		require.NoError(t, err)
		if filepath.Ext(name) == ".star" {
			_, err = c.Deploy(t.Context(), file)
		} else {
			err = c.Import(t.Context(), map[string]string{
				"CRM_ADDRESS": backEnds.CRM.URL(), "PAYMENTS_ADDRESS": backEnds.Payments.URL(), "FRAUD_DETECTION_ADDRESS": address,
			}, file)
		}
		require.NoError(t, err)
	}
	_, err = c.Parley(t.Context(), "kvdb", "rpush", "myapp:fraud-detection:cust-type", "A")
	require.NoError(t, err)
	id := 0
	ask := func() {
		id++
		status, body := post(t, c.Address()+"/tutorial/first-service", fmt.Sprintf(`{"cust_id":%d,"cust_type":"A"}`, id))
		require.Equal(t, 200, status, body)
	}
	received := func(p *pull) (request string, message map[string]any) {
		require.NoError(t, json.Unmarshal([]byte(p.next(t)), &message))
		return message["request"].(string), message
	}

	ask() // nobody listens yet
	ask()
	first := startPull(t, address)
	for n := 1; n <= 2; n++ {
		request, message := received(first)
		assert.JSONEq(t, fmt.Sprintf(`{"cust_id":%d,"cust_type":"A"}`, n), request)
		assert.Equal(t, "Sean", message["response"].(map[string]any)["first_name"])
		assert.Regexp(t, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$`, message["timestamp"])
	}
	ask()
	request, _ := received(first)
	assert.JSONEq(t, `{"cust_id":3,"cust_type":"A"}`, request)

	first.stop()
	require.Eventually(t, func() bool { // the server has seen that its peer went
		log, err := c.Logs(1)
		return err == nil && strings.Count(log, "peer is away") == 2
	}, time.Minute, 10*time.Millisecond)
	ask()
	second := startPull(t, address)
	t.Cleanup(second.stop)
	request, _ = received(second)
	assert.JSONEq(t, `{"cust_id":4,"cust_type":"A"}`, request)
	ask()
	request, _ = received(second)
	assert.JSONEq(t, `{"cust_id":5,"cust_type":"A"}`, request)
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	return "tcp://" + l.Addr().String()
}

const ownProgram = `package main

import (
	"context"

	"github.com/parley-run/parley/runtime/node"
	"github.com/parley-run/parley/runtime/service"
)

type in struct{ CustID int64 }

type out struct{ Doubled int64 }

func main() {
	node.Main(service.New("go.double", func(_ context.Context, _ service.Runtime, in in) (out, error) { return out{2 * in.CustID}, nil }))
}
`

// TestOwnProgram runs a cluster whose servers are a program with a service of its own compiled in.
func TestOwnProgram(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "own")
	overlay := filepath.Join(t.TempDir(), "overlay.json")
	source := filepath.Join(t.TempDir(), "main.go")
	require.NoError(t, os.WriteFile(source, []byte(ownProgram), 0o600))
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(root, "cmd", "own", "main.go"): source}})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(overlay, replace, 0o600))
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay", overlay, "-o", dir, "./cmd/own")
	build.Dir = root
	said, err := build.CombinedOutput()
	require.NoError(t, err, string(said))

	c := start(t, 2)
	_, err = c.Parley(t.Context(), "stop", c.Dir())
	require.NoError(t, err)
	config := filepath.Join(c.Dir(), "cluster.yaml")
	text, err := os.ReadFile(config)
	require.NoError(t, err)
	changed := strings.Replace(string(text), `server_command: ""`, fmt.Sprintf("server_command: %q", dir), 1)
	require.NotEqual(t, string(text), changed)
	require.NoError(t, os.WriteFile(config, []byte(changed), 0o600))
	_, err = c.Parley(t.Context(), "start", c.Dir(), "--no-restart")
	require.NoError(t, err)
	definitions, err := c.Put("d.yaml", []byte("channel_rest:\n  - {name: D, service: go.double, url_path: /double}\n"))
	require.NoError(t, err)
	require.NoError(t, c.Import(t.Context(), nil, definitions))
	status, body := post(t, c.Address()+"/double", `{"cust_id":21}`)
	assert.Equal(t, 200, status)
	assert.JSONEq(t, `{"response":{"doubled":42}}`, body)
}
