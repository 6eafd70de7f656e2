package ntlm_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/internal/freeport"
	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/outconn"
	"github.com/parley-run/parley/runtime/security"
	"github.com/parley-run/parley/runtime/security/ntlm"
)

const password = "c4nary-Pass"

func parse(raw string) (security.Config, error) { return ntlm.Kind().Parse([]byte(raw)) }

func build(t *testing.T, raw string) security.Definition {
	t.Helper()
	c, err := parse(raw)
	require.NoError(t, err)
	d, err := ntlm.Kind().New(c, security.Deps{Name: "Exchange", Reveal: func(_ string, s kind.Secret) (string, error) { return s.Form(), nil }})
	require.NoError(t, err)
	return d
}

// client goes through the definition as an outgoing connection does, and counts the connections that it makes.
func client(t *testing.T, d security.Definition) (*http.Client, func() int) {
	t.Helper()
	var mu sync.Mutex
	var all []*http.Transport
	made := 0
	trip := d.(outconn.Conversing).Transport(func() http.RoundTripper {
		mu.Lock()
		defer mu.Unlock()
		one := &http.Transport{MaxConnsPerHost: 1, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			mu.Lock()
			made++
			mu.Unlock()
			return (&net.Dialer{}).DialContext(ctx, network, address)
		}}
		all = append(all, one)
		return one
	})
	t.Cleanup(func() {
		for _, one := range all {
			one.CloseIdleConnections()
		}
	})
	return &http.Client{Transport: trip, Timeout: time.Minute}, func() int {
		mu.Lock()
		defer mu.Unlock()
		return made
	}
}

// get answers with the status and the body.
func get(ctx context.Context, c *http.Client, method, url, body string) (int, string, error) {
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	res, err := c.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	return res.StatusCode, string(raw), err
}

func TestAgainstApache(t *testing.T) {
	url := startApache(t)
	for _, tt := range []struct {
		name, config string
		status       int
	}{
		{"user and domain", `{"username":"joe","domain":"BANK","password":"` + password + `"}`, 200},
		{"domain in the name", `{"username":"BANK\\joe","password":"` + password + `","workstation":"PARLEY1"}`, 200},
		{"a wrong password", `{"username":"joe","domain":"BANK","password":"` + password + `x"}`, 401},
		{"a wrong user", `{"username":"jim","domain":"BANK","password":"` + password + `"}`, 401},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, connections := client(t, build(t, tt.config))
			for range 3 {
				for _, body := range []string{"", strings.Repeat("x", 100_000)} {
					status, text, err := get(t.Context(), c, http.MethodPost, url, body)
					require.NoError(t, err)
					assert.Equal(t, tt.status, status)
					if tt.status == 200 {
						assert.JSONEq(t, `{"hello":"ntlm"}`, text)
					}
				}
			}
			if tt.status == 200 {
				assert.Equal(t, 1, connections(), "one that is known stays known")
			}
		})
	}
}

// TestManyAtOnce: each conversation keeps to its connection, whoever else is talking.
func TestManyAtOnce(t *testing.T) {
	url := startApache(t)
	c, connections := client(t, build(t, `{"username":"joe","domain":"BANK","password":"`+password+`"}`))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 10 {
				status, _, err := get(t.Context(), c, http.MethodPost, url, "x")
				assert.NoError(t, err)
				assert.Equal(t, 200, status)
			}
		})
	}
	all.Wait()
	assert.LessOrEqual(t, connections(), 8)
}

// TestPasswordStaysHere: a host that asks for Basic Auth gets no password.
func TestPasswordStaysHere(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, r.Header.Get("Authorization"))
		w.Header().Set("WWW-Authenticate", "Basic realm=x")
		w.WriteHeader(http.StatusUnauthorized)
	})}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	c, _ := client(t, build(t, `{"username":"joe","password":"`+password+`"}`))
	status, _, err := get(t.Context(), c, http.MethodGet, "http://"+l.Addr().String(), "")
	require.NoError(t, err)
	assert.Equal(t, 401, status)
	assert.Equal(t, []string{""}, seen)
}

func TestConfig(t *testing.T) {
	for _, tt := range []struct{ raw, want string }{
		{`{"password":"x"}`, "username: missing"},
		{`{"username":"joe"}`, "password: missing"},
		{`{"username":"a:b","password":"x"}`, "holds a colon"},
		{`{"username":"BANK\\joe","domain":"BANK","password":"x"}`, "domain: username has a domain already"},
		{`{"username":"joe","domain":"a\nb","password":"x"}`, "expected the name of a domain"},
	} {
		_, err := parse(tt.raw)
		require.ErrorContains(t, err, tt.want)
		assert.NotContains(t, err.Error(), password)
	}
	d := build(t, `{"username":"joe","password":"`+password+`"}`)
	_, guards := d.(security.Guard)
	assert.False(t, guards, "callers cannot log in by NTLM")
}

// startApache starts Apache with mod_auth_gssapi and the NTLM of gss-ntlmssp, which knows BANK\joe alone.
func startApache(t *testing.T) string {
	t.Helper()
	need := func(ok bool, what string) {
		if ok {
			return
		}
		if slices.Contains(strings.Split(os.Getenv("PARLEY_REQUIRE"), ","), "ntlm") {
			require.Fail(t, what)
		}
		t.Skip(what + " (Debian: apache2-bin libapache2-mod-auth-gssapi gss-ntlmssp)")
	}
	program, err := exec.LookPath("apache2")
	if err != nil {
		program = "/usr/sbin/apache2"
	}
	_, err = os.Stat(program)
	need(err == nil, "Apache is not installed")
	const modules = "/usr/lib/apache2/modules/"
	_, err = os.Stat(modules + "mod_auth_gssapi.so")
	need(err == nil, "Apache's mod_auth_gssapi is not installed")
	_, err = os.Stat("/etc/gss/mech.d/mech.ntlmssp.conf")
	need(err == nil, "the GSSAPI mechanism of NTLM is not installed")

	dir := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755)) //nolint:gosec // Apache reads it as another user
	require.NoError(t, os.Chmod(dir, 0o755))               //nolint:gosec // likewise
	address, err := freeport.Address(t.Context())
	require.NoError(t, err)
	user := ""
	if os.Getuid() == 0 {
		user = "User nobody\nGroup nogroup\n"
	}
	var load strings.Builder
	for _, m := range []string{"mpm_event", "authn_core", "authz_core", "authz_user", "auth_gssapi"} {
		fmt.Fprintf(&load, "LoadModule %s_module %smod_%s.so\n", m, modules, m)
	}
	files := map[string]string{
		"users": "BANK:joe:" + password + "\n", "x.json": `{"hello":"ntlm"}`,
		"httpd.conf": fmt.Sprintf(`ServerRoot %[1]s
ServerName localhost
PidFile %[1]s/pid
DefaultRuntimeDir %[1]s
Listen %[2]s
ErrorLog %[1]s/error.log
%[3]s%[4]sDocumentRoot %[1]s
<Directory %[1]s>
  AuthType GSSAPI
  AuthName bank
  GssapiSSLonly Off
  GssapiAllowedMech ntlmssp
  GssapiConnectionBound On
  Require valid-user
</Directory>
`, dir, address, load.String(), user),
	}
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644)) //nolint:gosec // likewise
	}
	cmd := exec.Command(program, "-f", filepath.Join(dir, "httpd.conf"), "-X")
	cmd.Env = append(os.Environ(), "NTLM_USER_FILE="+filepath.Join(dir, "users"))
	out := &strings.Builder{}
	cmd.Stdout, cmd.Stderr = out, out
	require.NoError(t, cmd.Start())
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(time.Minute):
			_ = cmd.Process.Kill()
			<-ended
		}
	})
	require.Eventually(t, func() bool {
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(t.Context(), "tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}, time.Minute, 10*time.Millisecond, "Apache does not start: %s", out)
	return "http://" + address + "/x.json"
}
