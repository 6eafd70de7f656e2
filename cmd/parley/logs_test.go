package main_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const loggingStar = `
def handle(self):
    self.logger.info("the number is {} and {}".format(self.request.payload["n"], "l0g-c4nary"))
    self.invoke("logging.inner", {"password": "t0p-c4nary"})

def inner(self):
    self.logger.warning("inner")

service("logging", handle)
service("logging.inner", inner)
`

// statusOf is what parley status prints, as far as it is looked at.
type statusOf struct {
	Balancer struct{ URL string }
	Servers  []struct {
		Name, Admin, URL string
		PID              int
	}
}

func (s *shell) status() (out statusOf) {
	s.t.Helper()
	require.NoError(s.t, json.Unmarshal([]byte(s.must("status", "-o", "json")), &out))
	return out
}

// posted sends a request and gives its CID.
func posted(t *testing.T, url, body string) string {
	t.Helper()
	res, err := http.Post(url, "application/json", strings.NewReader(body))
	require.NoError(t, err)
	_, _ = io.Copy(io.Discard, res.Body)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusOK, res.StatusCode)
	return res.Header.Get("X-Parley-CID")
}

func TestLogs(t *testing.T) {
	s := &shell{t: t, binary: serveBinary(t), dir: t.TempDir()}
	s.must("quickstart", "create", "c", "--free-ports", "--servers", "2")
	s.must("start", "c")
	t.Cleanup(func() { s.run("", "stop", "c") })
	s.write("logging.star", loggingStar)
	s.must("deploy", "logging.star")
	s.must("channels", "create", "Logging", "--kind", "channel_rest", "service=logging", "url_path=/logging")
	s.write("secret.yaml", "security_basic_auth:\n  - {name: K, username: joe, password: l0g-c4nary, outgoing: true}\n")
	s.must("enmasse", "import", "secret.yaml")
	now := s.status()
	first := posted(t, now.Servers[0].URL+"/logging", `{"n": 1}`)
	second := posted(t, now.Servers[1].URL+"/logging", `{"n": 2}`)

	for i, cid := range []string{first, second} {
		printed := s.must("logs", cid)
		lines := strings.Split(strings.TrimSpace(printed), "\n")
		require.Len(t, lines, 3, printed)
		assert.Contains(t, lines[0], now.Servers[i].Name+"    INFO  the number is "+string(rune('1'+i))+" and *** cid="+cid+" service=logging", "a secret of a definition is masked")
		assert.Contains(t, lines[1], "WARN  inner cid="+cid)
		assert.Contains(t, lines[2], "INFO  request cid="+cid+" channel=Logging")
	}
	var lines []struct {
		Server, Level, Message, CID string
		Attributes                  map[string]string
	}
	require.NoError(t, json.Unmarshal([]byte(s.must("logs", "--level", "warn", "--contains", "inner", "--since", "10m", "-o", "json")), &lines))
	require.Len(t, lines, 2)
	assert.Equal(t, []string{first, second}, []string{lines[0].CID, lines[1].CID})
	assert.Equal(t, map[string]string{"service": "logging.inner"}, lines[0].Attributes)
	assert.Contains(t, s.must("logs", "--server", "supervisor"), "server=server1")
	_, found, _ := s.run("", "logs", "--contains", "l0g-c4nary")
	assert.Equal(t, "No such line is in the logs.\n", found, "nobody finds out a secret by looking for it")

	t.Run("a cluster elsewhere", func(t *testing.T) {
		token, err := os.ReadFile(filepath.Join(s.dir, "c", "admin.token"))
		require.NoError(t, err)
		cmd := exec.Command(s.binary, "logs", first, "--address", now.Servers[1].Admin)
		cmd.Dir, cmd.Env = t.TempDir(), append(os.Environ(), "PARLEY_DIR=", "PARLEY_ADMIN_TOKEN="+strings.TrimSpace(string(token)))
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		assert.Contains(t, string(out), "server1    INFO  the number is 1 and ***")
		cmd = exec.Command(s.binary, "logs", "--address", now.Servers[1].Admin)
		cmd.Env = append(os.Environ(), "PARLEY_ADMIN_TOKEN=", "PARLEY_ADMIN_TOKEN_FILE=")
		out, err = cmd.CombinedOutput()
		assert.Equal(t, 2, cmd.ProcessState.ExitCode(), err)
		assert.Contains(t, string(out), "set PARLEY_ADMIN_TOKEN")
	})
	t.Run("what is added", func(t *testing.T) {
		cmd := exec.Command(s.binary, "logs", "-f", "--contains", "inner", "-n", "1")
		cmd.Env = append(os.Environ(), "PARLEY_DIR="+filepath.Join(s.dir, "c"))
		printed, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		ended := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
		defer ended.Stop()
		got := bufio.NewScanner(printed)
		require.True(t, got.Scan())
		assert.Contains(t, got.Text(), second)
		third := posted(t, now.Balancer.URL+"/logging", `{"n": 3}`)
		require.True(t, got.Scan())
		assert.Contains(t, got.Text(), "inner cid="+third)
		require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
		_, _ = io.Copy(io.Discard, printed)
		require.NoError(t, cmd.Wait(), "Ctrl-C is how it ends")
	})
	t.Run("a killed server's", func(t *testing.T) {
		s.must("logs", second) // what is not written yet is written now
		process, err := os.FindProcess(now.Servers[1].PID)
		require.NoError(t, err)
		require.NoError(t, process.Kill())
		assert.Contains(t, s.must("logs", second), "the number is 2")
	})
	s.must("stop", "c")
	assert.Contains(t, s.must("logs", second), "the number is 2", "with no server running")

	for _, tt := range []struct{ args, want string }{
		{"logs --server sever1", `no server "sever1" has a log here; there are server1, server2, supervisor; did you mean server1?`},
		{"logs --level loud", `level: expected DEBUG, INFO, WARN or ERROR, not "loud"`},
		{"logs --since yesterday", `--since: expected a time such as 2026-11-21T17:05 or a duration such as 15m, not "yesterday"`},
		{"logs -n 9999", `limit: expected 1 to 5000, not 9999`},
		{"logs -f --until 1m", `-f goes on until Ctrl-C; leave out --until`},
		{"logs --address nowhere", `--address: expected the host:port of an admin API`},
		{"stop --address 127.0.0.1:1", `this command works in the cluster's folder`},
	} {
		code, _, said := s.run("", strings.Fields(tt.args)...)
		assert.Equal(t, 2, code, tt.args)
		assert.Contains(t, said, tt.want)
	}
}

func TestLogsOfAServerAlone(t *testing.T) {
	s := serve(t, serveBinary(t), "PARLEY_DIR="+t.TempDir(), "PARLEY_CONFIG="+t.TempDir())
	s.waitReady(t)
	out, err := s.run(t.Context(), "logs")
	require.NoError(t, err, out)
	assert.Contains(t, out, "server is ready", "it is kept in memory, for its log is in no file")
	s.stop(t)
}

// TestLogsOfOtherMachines asks a server of one folder for what a server of another logged.
func TestLogsOfOtherMachines(t *testing.T) {
	p := startPostgres(t)
	all := machines(t, p, p.URL(), 2)
	printed, said, code := all[0].run("logs", "-n", "1000")
	require.Zero(t, code, said)
	assert.Contains(t, printed, "north1     INFO  server is ready")
	assert.NotContains(t, printed, "north2     INFO  server is ready")
	assert.Regexp(t, `parley: the log of north2 is not shown: its admin API at 127.0.0.1:\d+: the token .* is missing or wrong.*with the same admin.token in both folders`, said)

	all[1].run("stop")
	token, err := os.ReadFile(filepath.Join(all[0].dir, "admin.token"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(all[1].dir, "admin.token"), token, 0o600))
	all[1].start()
	printed, said, code = all[0].run("logs", "-n", "1000")
	require.Zero(t, code, said)
	assert.Contains(t, printed, "north2     INFO  server is ready")
	assert.Empty(t, said)
}
