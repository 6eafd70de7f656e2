package main_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
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

	"github.com/parley-run/parley/fixtures"
)

// served is a server that parley serve runs.
type served struct {
	address string
	env     []string
	cmd     *exec.Cmd
	log     *bytes.Buffer
	ended   chan error
}

func freeServeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// serveBinary is the command as the code is now.
func serveBinary(t *testing.T) string {
	t.Helper()
	if named := os.Getenv("PARLEY_BIN"); named != "" {
		return named
	}
	built, err := fixtures.Build(t.Context(), t.TempDir())
	require.NoError(t, err)
	return built
}

// serve starts a server with the environment given and an address of its own. It is killed at the test's end.
func serve(t *testing.T, binary string, env ...string) *served {
	t.Helper()
	s := &served{address: freeServeAddress(t), log: &bytes.Buffer{}, ended: make(chan error, 1)}
	s.env = append(os.Environ(), append([]string{"PARLEY_ADDRESS=" + s.address, "PARLEY_ADMIN_ADDRESS=" + freeServeAddress(t), "PARLEY_EMBEDDED_REDIS=" + freeServeAddress(t)}, env...)...)
	s.cmd = exec.Command(binary, "serve")
	s.cmd.Env, s.cmd.Stdout, s.cmd.Stderr = s.env, s.log, s.log
	require.NoError(t, s.cmd.Start())
	go func() { s.ended <- s.cmd.Wait() }()
	t.Cleanup(func() { _ = s.cmd.Process.Kill() })
	return s
}

// run runs another parley command beside the server.
func (s *served) run(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, s.cmd.Path, args...)
	cmd.Env = s.env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (s *served) get(t *testing.T, path string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.address+path, nil)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(body)
}

func (s *served) waitReady(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		_, err := s.run(t.Context(), "ready")
		return err == nil
	}, time.Minute, 20*time.Millisecond, "parley ready says so")
}

// stop stops it as planned.
func (s *served) stop(t *testing.T) {
	t.Helper()
	require.NoError(t, s.cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, <-s.ended, "%s", s.log)
}

// configuration writes what a server brings.
func configuration(t *testing.T, definitions, service string) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "services"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "one.yaml"), []byte(definitions), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "services", "hello.star"), []byte(service), 0o600))
	return dir
}

const (
	helloChannel = "channel_rest:\n  - name: Hello\n    service: hello\n    url_path: ${HELLO_PATH}\n    data_format: json\n"
	helloService = "def handle(self):\n    self.response.payload = {\"hello\": \"one\"}\n"
)

func TestServe(t *testing.T) {
	binary := serveBinary(t)
	p, err := fixtures.StartPostgres(t.Context(), t.TempDir())
	skipServing(t, err, fixtures.ErrNoPostgres, "postgres")
	t.Cleanup(func() { assert.NoError(t, p.Close()) })
	r, err := fixtures.StartRedis(t.Context(), fixtures.RedisSpec{Dir: t.TempDir()})
	skipServing(t, err, fixtures.ErrNoRedis, "redis")
	t.Cleanup(func() { assert.NoError(t, r.Close()) })
	require.NoError(t, p.Stop())

	config, dir := configuration(t, helloChannel, helloService), t.TempDir()
	secret := filepath.Join(t.TempDir(), "database")
	require.NoError(t, os.WriteFile(secret, []byte(p.URL()+"\n"), 0o600))
	shared := []string{"PARLEY_CLUSTER=bank", "PARLEY_DATABASE_FILE=" + secret, "PARLEY_REDIS=" + r.URL(), "PARLEY_CONFIG=" + config, "HELLO_PATH=/hello"}
	first := serve(t, binary, append([]string{"PARLEY_SERVER=first", "PARLEY_DIR=" + dir}, shared...)...)
	require.NoError(t, p.Start(t.Context()), "the start waits for the database")
	first.waitReady(t)
	status, body := first.get(t, "/hello")
	assert.Equal(t, http.StatusOK, status, body)
	assert.JSONEq(t, `{"hello":"one"}`, body)

	second := serve(t, binary, append([]string{"PARLEY_SERVER=second", "PARLEY_DIR=" + t.TempDir()}, shared...)...)
	second.waitReady(t)
	status, body = second.get(t, "/hello")
	assert.Equal(t, http.StatusOK, status, body)
	newer := filepath.Join(t.TempDir(), "hello.star")
	require.NoError(t, os.WriteFile(newer, []byte(strings.Replace(helloService, "one", "two", 1)), 0o600))
	said, err := second.run(t.Context(), "deploy", newer)
	require.NoError(t, err, said)
	assert.Contains(t, said, "first")
	_, body = first.get(t, "/hello")
	assert.JSONEq(t, `{"hello":"two"}`, body, "both are one cluster")

	first.stop(t)
	again := serve(t, binary, append([]string{"PARLEY_SERVER=first", "PARLEY_DIR=" + dir}, shared...)...)
	again.waitReady(t)
	_, body = again.get(t, "/hello")
	assert.JSONEq(t, `{"hello":"two"}`, body, "a restart takes nothing back")
	said, err = again.run(t.Context(), "status")
	require.NoError(t, err, said)
	assert.Regexp(t, `first\s+up`, said)
	_, err = again.run(t.Context(), "stop")
	require.Error(t, err)
	again.stop(t)
	said, err = again.run(t.Context(), "ready")
	require.Error(t, err)
	assert.Contains(t, said, "first is not ready")
	second.stop(t)
}

func TestServeAlone(t *testing.T) {
	dir := t.TempDir()
	s := serve(t, serveBinary(t), "PARLEY_DIR="+dir, "PARLEY_SERVER=only", "PARLEY_CONFIG="+configuration(t, helloChannel, helloService), "HELLO_PATH=/hello")
	s.waitReady(t)
	status, body := s.get(t, "/hello")
	assert.Equal(t, http.StatusOK, status, body)
	said, err := s.run(t.Context(), "kvdb", "set", "k", "v")
	require.NoError(t, err, said)
	s.stop(t)
}

func TestServeRefuses(t *testing.T) {
	binary := serveBinary(t)
	for _, row := range []struct {
		name string
		env  []string
		want []string
	}{
		{"no folder", []string{"PARLEY_DIR="}, []string{"give a folder with --dir or PARLEY_DIR"}},
		{
			"all that is wrong",
			[]string{"PARLEY_SERVER=a b", "PARLEY_ADDRESS=here", "PARLEY_ADMIN_TOKEN=short", "PARLEY_DATABASE=mysql://root:secret@x"},
			[]string{`the server's name: expected letters`, "the address: expected host:port", "the admin token: it has 5 characters", "the database: expected postgres://"},
		},
		{"a database without a Redis", []string{"PARLEY_DATABASE=postgres://x/y"}, []string{"servers that share a database share a Redis too"}},
		{"a value twice", []string{"PARLEY_REDIS=redis://x", "PARLEY_REDIS_FILE=/x"}, []string{"both PARLEY_REDIS and PARLEY_REDIS_FILE are set"}},
		{"a file that is missing", []string{"PARLEY_REDIS_FILE=/no/such/file"}, []string{"PARLEY_REDIS_FILE: open /no/such/file"}},
		{"definitions", []string{"PARLEY_CONFIG=" + configuration(t, "channel_rst: []\n", helloService)}, []string{"one.yaml:1:1: ", "channel_rest"}},
		{"a variable", []string{"PARLEY_CONFIG=" + configuration(t, helloChannel, helloService)}, []string{"one.yaml:4:15: environment variable HELLO_PATH is not set"}},
		{"a service", []string{"PARLEY_CONFIG=" + configuration(t, "", "def handle(self)\n")}, []string{"hello.star:1:"}},
		{"a name that is nearly right", []string{"PARLEY_DATABSE=x", "PARLEY_REDIS_FILE=/no/such/file"}, []string{"PARLEY_DATABSE is not known; is PARLEY_DATABASE meant?"}},
		{"a clock", []string{"PARLEY_TEST_CLOCK_OFFSET=soon"}, []string{"PARLEY_TEST_CLOCK_OFFSET: expected a time such as 90s"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := serve(t, binary, append([]string{"PARLEY_DIR=" + t.TempDir(), "PARLEY_SERVER=x"}, row.env...)...)
			err := <-s.ended
			var ended *exec.ExitError
			require.True(t, errors.As(err, &ended), "%v %s", err, s.log)
			for _, want := range row.want {
				assert.Contains(t, s.log.String(), want)
			}
			assert.NotContains(t, s.log.String(), "secret")
			if row.name != "a clock" {
				assert.Equal(t, 2, ended.ExitCode(), s.log.String())
			}
		})
	}
}

// skipServing skips a test that needs what is missing here, unless PARLEY_REQUIRE names it.
func skipServing(t *testing.T, err, missing error, name string) {
	t.Helper()
	if errors.Is(err, missing) && !strings.Contains(","+os.Getenv("PARLEY_REQUIRE")+",", ","+name+",") {
		t.Skip(err)
	}
	require.NoError(t, err)
}
