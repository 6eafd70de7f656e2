package admin_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/admin"
	"github.com/parley-run/parley/runtime/service"
)

type greetIn struct{ Name string }

type greetOut struct {
	Greeting string `json:"greeting"`
}

func serve(t *testing.T) (*httptest.Server, *strings.Builder) {
	t.Helper()
	var log strings.Builder
	greet := service.New("parley.demo.greet", func(_ context.Context, _ service.Runtime, in greetIn) (greetOut, error) {
		return greetOut{"Hello, " + in.Name}, nil
	})
	fail := service.New("parley.demo.fail", func(_ context.Context, _ service.Runtime, in greetIn) (any, error) {
		switch in.Name {
		case "invalid":
			return nil, &service.Error{Code: service.Invalid, Message: "a.yaml:1:2: wrong", Fix: "mend it"}
		default:
			return nil, errors.New("secret cause")
		}
	})
	who := service.New("parley.demo.who", func(ctx context.Context, _ service.Runtime, _ struct{}) (string, error) {
		return service.CallFrom(ctx).Who, nil
	})
	h, err := admin.New(admin.Config{
		Services: []service.Service{greet, fail, who}, Token: "token", Log: slog.New(slog.NewTextHandler(&log, nil)),
		Users: accounts(t),
	})
	require.NoError(t, err)
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s, &log
}

func TestClient(t *testing.T) {
	s, log := serve(t)
	address := strings.TrimPrefix(s.URL, "http://")
	c := admin.NewClient(address, "token")
	var out greetOut
	require.NoError(t, c.Call(t.Context(), "parley.demo.greet", greetIn{"Sean"}, &out))
	assert.Equal(t, "Hello, ", out.Greeting, "names are as the wire says them: name, not Name")
	require.NoError(t, c.Call(t.Context(), "parley.demo.greet", map[string]string{"name": "Sean"}, &out))
	assert.Equal(t, "Hello, Sean", out.Greeting)

	for _, tt := range []struct {
		token, name, arg string
		code             service.Code
		want             string
	}{
		{"token", "parley.demo.fail", "invalid", service.Invalid, "a.yaml:1:2: wrong; mend it"},
		{"token", "parley.demo.gret", "", service.NotFound, `there is no internal service "parley.demo.gret"; did you mean parley.demo.greet?`},
		{"wrong", "parley.demo.greet", "", service.Unauthenticated, "the token or the password is missing or wrong; send the cluster's token as Authorization: Bearer"},
		{"", "parley.demo.greet", "", service.Unauthenticated, "the token or the password is missing or wrong; send the cluster's token as Authorization: Bearer"},
	} {
		err := admin.NewClient(address, tt.token).Call(t.Context(), tt.name, map[string]string{"name": tt.arg}, nil)
		var e *service.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, tt.code, e.Code)
		assert.Equal(t, tt.want, e.Message)
	}

	err := c.Call(t.Context(), "parley.demo.fail", map[string]string{"name": "x"}, nil)
	require.Error(t, err)
	assert.Regexp(t, `^internal error \(CID ([0-9a-f]{24}); parley logs [0-9a-f]{24} tells more\)$`, err.Error())
	assert.Contains(t, log.String(), "secret cause")

	s.Close()
	err = c.Call(t.Context(), "parley.demo.greet", nil, nil)
	assert.EqualError(t, err, "the admin API at "+address+" does not answer")
}

func TestHTTP(t *testing.T) {
	s, _ := serve(t)
	for _, tt := range []struct {
		method, path, body, user, password string
		status                             int
		want                               string
	}{
		{"POST", "/parley/api/parley.demo.greet", `{"name":"Ann"}`, "admin", "right", 200, `{"response":{"greeting":"Hello, Ann"}}`},
		{"POST", "/parley/api/parley.demo.greet", ``, "admin", "right", 200, `{"response":{"greeting":"Hello, "}}`},
		{"POST", "/parley/api/parley.demo.greet", `{"name":`, "admin", "right", 400, `malformed JSON at line 1`},
		{"POST", "/parley/api/parley.demo.greet", `{"name":1}`, "admin", "right", 400, `name: expected text, not a number`},
		{"GET", "/parley/api/parley.demo.greet", ``, "admin", "right", 405, `called by POST, not GET`},
		{"POST", "/elsewhere", ``, "admin", "right", 404, `nothing is served at /elsewhere`},
		{"POST", "/parley/api/parley.demo.greet", ``, "admin", "wrong", 401, `PARLEY_ERROR`},
		{"POST", "/parley/api/parley.demo.greet", ``, "", "", 401, `PARLEY_ERROR`},
	} {
		req, err := http.NewRequestWithContext(t.Context(), tt.method, s.URL+tt.path, strings.NewReader(tt.body))
		require.NoError(t, err)
		if tt.user != "" {
			req.SetBasicAuth(tt.user, tt.password)
		}
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		assert.Equal(t, tt.status, res.StatusCode, tt)
		assert.Contains(t, string(body), tt.want)
		assert.NotEmpty(t, res.Header.Get("X-Parley-CID"))
	}
}

func TestTwoServicesOfOneName(t *testing.T) {
	s := service.New("parley.a", func(context.Context, service.Runtime, struct{}) (any, error) { return nil, nil })
	_, err := admin.New(admin.Config{Services: []service.Service{s, s}})
	assert.EqualError(t, err, "internal service parley.a is registered twice")
}

func TestServicesKnowWhoCalls(t *testing.T) {
	s, _ := serve(t)
	for _, row := range []struct {
		name string
		sign func(*http.Request)
		want string
	}{
		{"the token", func(r *http.Request) { r.Header.Set("Authorization", "Bearer token") }, `{"response":"token"}`},
		{"a user", func(r *http.Request) { r.SetBasicAuth("admin", "right") }, `{"response":"user admin"}`},
		{"a wrong password", func(r *http.Request) { r.SetBasicAuth("admin", "wrong") }, "PARLEY_ERROR"},
		{"nobody", func(*http.Request) {}, "PARLEY_ERROR"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+admin.Path+"parley.demo.who", http.NoBody)
		require.NoError(t, err)
		row.sign(req)
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		assert.Contains(t, string(body), row.want, row.name)
	}
}
