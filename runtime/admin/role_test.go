package admin_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/admin"
	"github.com/parley-run/parley/runtime/service"
)

// who says who calls, as the audit log would name it.
func who(ctx context.Context, _ service.Runtime, _ struct{}) (string, error) {
	return service.CallFrom(ctx).Who, nil
}

// offered are services that need each permission, one that does not say, and one that asks for one that is none.
func offered() []service.Service {
	out := []service.Service{service.New("parley.x.unsaid", who), service.New("parley.x.misspelled", who).Needs("raed")}
	for _, p := range service.Permissions() {
		out = append(out, service.New("parley.x."+string(p), who).Needs(p))
	}
	return out
}

func newAPI(t *testing.T, peers ...admin.Peer) *admin.API {
	t.Helper()
	api, err := admin.New(admin.Config{Services: offered(), Token: "token", Users: accounts(t), Peers: peers, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	return api
}

func TestRoles(t *testing.T) {
	api := newAPI(t)
	for _, row := range []struct {
		service string
		may     []admin.Role
	}{
		{"parley.x.read", admin.Roles()},
		{"parley.x.deploy", []admin.Role{admin.Deployer, admin.Administrator}},
		{"parley.x.operate", []admin.Role{admin.Operator, admin.Administrator}},
		{"parley.x.manage", []admin.Role{admin.Administrator}},
		{"parley.x.unsaid", []admin.Role{admin.Administrator}},
		{"parley.x.misspelled", []admin.Role{admin.Administrator}},
		{"parley.x.missing", nil},
	} {
		for _, role := range append(admin.Roles(), "", "root") {
			user := admin.User{Name: "joe", Role: role}
			got, err := api.Call(t.Context(), user, row.service, nil)
			may := slices.Contains(row.may, role)
			assert.Equal(t, may, api.May(role, row.service), "%s %s", role, row.service)
			switch {
			case may:
				assert.NoError(t, err)
				assert.Equal(t, "user joe", got)
			case row.may == nil:
				assert.Equal(t, service.NotFound, service.AsError(err).Code)
			default:
				assert.Equal(t, service.Denied, service.AsError(err).Code, "%s %s", role, row.service)
			}
		}
	}
	_, err := api.Call(t.Context(), admin.User{Name: "joe", Role: admin.Viewer}, "parley.x.deploy", nil)
	assert.EqualError(t, err, "the role viewer may not call parley.x.deploy: it needs the role deployer or admin; ask an administrator for it")
	_, err = api.Call(t.Context(), admin.User{Name: "joe"}, "parley.x.read", nil)
	assert.EqualError(t, err, "the role  may not call parley.x.read: it needs the role viewer or deployer or operator or admin; ask an administrator for it")
}

func TestLogIn(t *testing.T) {
	api := newAPI(t)
	for _, row := range []struct {
		name, password string
		want           admin.Role
	}{
		{"admin", "right", admin.Administrator},
		{"the viewer", "viewer", admin.Viewer},
		{"the deployer", "deployer", admin.Deployer},
		{"the viewer", "deployer", ""},
		{"the viewer", "", ""},
		{"gone", "gone", ""},
		{"nobody", "right", ""},
		{"", "", ""},
	} {
		u, err := api.LogIn(t.Context(), row.name, row.password, "10.0.0.1:5")
		if row.want == "" {
			assert.Equal(t, service.Unauthenticated, service.AsError(err).Code, row.name)
			assert.Equal(t, admin.User{}, u)
			continue
		}
		require.NoError(t, err)
		assert.Equal(t, row.name, u.Name)
		assert.Equal(t, row.want, u.Role)
		now, ok := api.User(t.Context(), row.name)
		assert.True(t, ok)
		assert.Equal(t, u, now)
	}
	_, ok := api.User(t.Context(), "gone")
	assert.False(t, ok, "inactive")
	_, ok = api.User(t.Context(), "nobody")
	assert.False(t, ok)
}

func TestGuessingGetsSlower(t *testing.T) {
	synctest.Test(t, guess) // time stands still while passwords are hashed
}

func guess(t *testing.T) {
	api := newAPI(t)
	for _, name := range []string{"the viewer", "nobody"} {
		var err error
		for range 7 {
			_, err = api.LogIn(t.Context(), name, "guess", "10.0.0.1:5")
		}
		e := service.AsError(err)
		assert.Equal(t, service.TooMany, e.Code, name)
		assert.NotEmpty(t, e.Header["Retry-After"], name)
		_, err = api.LogIn(t.Context(), name, "guess", "10.0.0.2:5")
		assert.Equal(t, service.Unauthenticated, service.AsError(err).Code, "%s from elsewhere", name)
	}
	_, err := api.LogIn(t.Context(), "the viewer", "viewer", "10.0.0.1:6")
	assert.Equal(t, service.TooMany, service.AsError(err).Code, "a right one waits, too: nobody can know before")
}

func TestAPageOfAnotherSiteCannotCall(t *testing.T) {
	s := httptest.NewServer(newAPI(t))
	t.Cleanup(s.Close)
	for _, row := range []struct {
		name, header, value string
		want                int
	}{
		{"a program", "", "", 200},
		{"a page of ours", "Sec-Fetch-Site", "same-origin", 200},
		{"a page of another site", "Sec-Fetch-Site", "cross-site", 403},
		{"an old browser", "Origin", "https://evil.example", 403},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+admin.Path+"parley.x.read", http.NoBody)
		require.NoError(t, err)
		req.SetBasicAuth("admin", "right")
		if row.header != "" {
			req.Header.Set(row.header, row.value)
		}
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		_ = res.Body.Close()
		assert.Equal(t, row.want, res.StatusCode, row.name)
	}
}

// process is another one of the cluster.
type process struct{ address string }

func (p process) Ask(ctx context.Context, user, name string, in, out any) error {
	return admin.NewClient(p.address, "token").As(user).Call(ctx, name, in, out)
}

func TestServicesOfAPeer(t *testing.T) {
	far, err := admin.New(admin.Config{Token: "token", Log: slog.New(slog.DiscardHandler), Services: []service.Service{
		service.New("parley.far.who", who).Needs(service.Operate),
		service.New("parley.far.echo", func(_ context.Context, _ service.Runtime, in any) (any, error) { return in, nil }).Needs(service.Read),
		service.New("parley.far.fail", func(context.Context, service.Runtime, struct{}) (any, error) {
			return nil, &service.Error{Code: service.Conflict, Message: "it is there already"}
		}).Needs(service.Read),
	}})
	require.NoError(t, err)
	s := httptest.NewServer(far)
	t.Cleanup(s.Close)
	api := newAPI(t, process{strings.TrimPrefix(s.URL, "http://")})
	viewer, operator := admin.User{Name: "v", Role: admin.Viewer}, admin.User{Name: "o", Role: admin.Operator}

	got, err := api.Call(t.Context(), operator, "parley.far.who", nil)
	require.NoError(t, err)
	assert.Equal(t, "user o", got, "the peer knows for whom")
	_, err = api.Call(t.Context(), viewer, "parley.far.who", nil)
	assert.EqualError(t, err, "the role viewer may not call parley.far.who: it needs the role operator or admin; ask an administrator for it")
	assert.True(t, api.May(admin.Operator, "parley.far.who"))
	assert.False(t, api.May(admin.Viewer, "parley.far.who"))
	_, err = api.Call(t.Context(), viewer, "parley.far.fail", nil)
	assert.Equal(t, service.Conflict, service.AsError(err).Code)
	got, err = api.Call(t.Context(), viewer, "parley.far.echo", map[string]any{"n": 9007199254740993, "z": []string{"a"}})
	require.NoError(t, err)
	text, err := service.AppendJSON(nil, got)
	require.NoError(t, err)
	assert.JSONEq(t, `{"n":9007199254740993,"z":["a"]}`, string(text))

	s.Close()
	_, err = api.Call(t.Context(), operator, "parley.far.who", nil)
	assert.Equal(t, service.Unavailable, service.AsError(err).Code, "known, and away")

	listed, err := api.Call(t.Context(), viewer, admin.ListService, nil)
	require.NoError(t, err)
	text, err = service.AppendJSON(nil, listed)
	require.NoError(t, err)
	var names []struct{ Name string }
	require.NoError(t, json.Unmarshal(text, &names))
	assert.Len(t, names, 7, "its own alone")
}
