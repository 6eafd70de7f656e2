package dashboard_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/service"
)

func TestNobodyIsLetInWithoutALogIn(t *testing.T) {
	b, _ := serve(t, &backend{})
	for _, path := range []string{"/", "/services", "/service?name=a", "/config/download", "/statistics/stream", "/nowhere"} {
		got := b.get(path)
		assert.Equal(t, http.StatusSeeOther, got.status, path)
		assert.True(t, strings.HasPrefix(got.header.Get("Location"), "/log-in"), path)
	}
	assert.Equal(t, "/log-in?next=%2Fservice%3Fname%3Da", b.get("/service?name=a").header.Get("Location"))
	assert.Equal(t, http.StatusSeeOther, b.send(http.MethodPost, "/kvdb", url.Values{"command": {"FLUSHALL"}}, nil).status)
}

func TestLogIn(t *testing.T) {
	b, _ := serve(t, &backend{role: "admin"})
	token := b.token("/log-in")
	for _, row := range []struct {
		name   string
		form   url.Values
		status int
		want   string
	}{
		{"no token", url.Values{"user": {"anna"}, "password": {"right"}}, http.StatusForbidden, "this form is too old"},
		{"another token", url.Values{"token": {"x"}, "user": {"anna"}, "password": {"right"}}, http.StatusForbidden, "this form is too old"},
		{"a wrong password", url.Values{"token": {token}, "user": {"anna"}, "password": {"wrong"}}, http.StatusUnauthorized, "the name or the password is wrong"},
	} {
		got := b.send(http.MethodPost, "/log-in", row.form, nil)
		assert.Equal(t, row.status, got.status, row.name)
		assert.Contains(t, got.body, row.want, row.name)
		assert.NotContains(t, got.body, "right\"", row.name)
		assert.Empty(t, b.session(), row.name)
	}

	got := b.logIn("anna")
	require.Equal(t, http.StatusSeeOther, got.status)
	assert.Equal(t, "/", got.header.Get("Location"))
	cookie := strings.Join(got.header.Values("Set-Cookie"), "\n")
	for _, want := range []string{"parley_session=", "HttpOnly", "SameSite=Strict", "Path=/"} {
		assert.Contains(t, cookie, want)
	}
	assert.Contains(t, b.get("/nowhere").body, "<b>anna</b>")
}

func TestWhereALogInLeads(t *testing.T) {
	for next, want := range map[string]string{
		"/services?q=a": "/services?q=a", "": "/", "https://evil.example/": "/", "//evil.example/": "/", `/\evil.example`: "/", "javascript:alert(1)": "/",
	} {
		b, _ := serve(t, &backend{})
		form := url.Values{"token": {b.token("/log-in")}, "user": {"anna"}, "password": {"right"}, "next": {next}}
		assert.Equal(t, want, b.send(http.MethodPost, "/log-in", form, nil).header.Get("Location"), next)
	}
}

func TestALogInMakesANewSession(t *testing.T) {
	b, _ := serve(t, &backend{})
	u, err := url.Parse(b.url)
	require.NoError(t, err)
	b.Jar.SetCookies(u, []*http.Cookie{{Name: "parley_session", Value: "planted", Path: "/"}})
	b.logIn("anna")
	first := b.session()
	assert.NotEqual(t, "planted", first)
	assert.GreaterOrEqual(t, len(first), 40, "an id that nobody guesses")

	other := newBrowser(t, b.url) // has the id of the first log-in
	other.Jar.SetCookies(u, []*http.Cookie{{Name: "parley_session", Value: first, Path: "/"}})
	assert.Equal(t, http.StatusNotFound, other.get("/nowhere").status)
	form := url.Values{"user": {"anna"}, "password": {"right"}}
	door := newBrowser(t, b.url)
	form.Set("token", door.token("/log-in"))
	for _, c := range door.Jar.Cookies(&url.URL{Scheme: "http", Host: u.Host, Path: "/log-in"}) {
		b.Jar.SetCookies(&url.URL{Scheme: "http", Host: u.Host, Path: "/log-in"}, []*http.Cookie{c})
	}
	b.send(http.MethodPost, "/log-in", form, nil)
	assert.NotEqual(t, first, b.session())
	assert.Equal(t, http.StatusSeeOther, other.get("/nowhere").status, "the session before is over")
}

func TestLogOut(t *testing.T) {
	b, _ := serve(t, &backend{})
	b.logIn("anna")
	id := b.session()
	b.send(http.MethodPost, "/log-out", url.Values{"token": {"x"}}, nil)
	assert.Equal(t, http.StatusNotFound, b.get("/nowhere").status, "another site cannot log anybody out")
	assert.Equal(t, "/log-in", b.post("/log-out").header.Get("Location"))
	assert.Empty(t, b.session())
	u, err := url.Parse(b.url)
	require.NoError(t, err)
	b.Jar.SetCookies(u, []*http.Cookie{{Name: "parley_session", Value: id, Path: "/"}})
	assert.Equal(t, http.StatusSeeOther, b.get("/nowhere").status, "the id is worth nothing any more")
}

func TestSessionsEnd(t *testing.T) {
	in := func(b *browser) bool { return b.get("/nowhere").status == http.StatusNotFound }
	t.Run("when nobody uses them", func(t *testing.T) {
		b, at := serve(t, &backend{})
		b.logIn("anna")
		at.pass(59 * time.Minute)
		assert.True(t, in(b))
		at.pass(59 * time.Minute)
		assert.True(t, in(b))
		at.pass(60 * time.Minute)
		assert.False(t, in(b))
	})
	t.Run("when they are old", func(t *testing.T) {
		b, at := serve(t, &backend{})
		b.logIn("anna")
		for range 23 {
			at.pass(30 * time.Minute)
			require.True(t, in(b))
		}
		at.pass(30 * time.Minute)
		assert.False(t, in(b))
	})
	t.Run("when the password is another", func(t *testing.T) {
		users := &backend{mark: "1"}
		b, _ := serve(t, users)
		b.logIn("anna")
		assert.True(t, in(b))
		users.mu.Lock()
		users.mark = "2"
		users.mu.Unlock()
		assert.False(t, in(b))
	})
	t.Run("when the user is gone", func(t *testing.T) {
		b, _ := serve(t, &backend{})
		b.logIn("gone")
		assert.False(t, in(b))
	})
	t.Run("when there are too many", func(t *testing.T) {
		b, at := serve(t, &backend{})
		b.logIn("anna")
		second := newBrowser(t, b.url)
		at.pass(time.Second)
		second.logIn("otto")
		for range 999 {
			newBrowser(t, b.url).logIn("dora")
		}
		assert.False(t, in(b), "the one that was used longest ago made room")
		assert.True(t, in(second))
	})
}

func TestFormsOfOthersDoNothing(t *testing.T) {
	users := &backend{answers: map[string]any{"parley.kvdb.execute": "OK"}}
	b, _ := serve(t, users)
	b.logIn("anna")
	token := b.token("/kvdb")
	for _, path := range []string{"/", "/file", "/invoke", "/channels", "/outconns", "/security", "/object", "/kvdb", "/audit", "/config"} {
		for name, form := range map[string]url.Values{"no token": {"command": {"PING"}}, "another": {"command": {"PING"}, "token": {"x"}}} {
			assert.Equal(t, http.StatusForbidden, b.send(http.MethodPost, path, form, nil).status, "%s: %s", path, name)
		}
		foreign := b.send(http.MethodPost, path, url.Values{"command": {"PING"}, "token": {token}}, map[string]string{"Sec-Fetch-Site": "cross-site"})
		assert.Equal(t, http.StatusForbidden, foreign.status, path)
	}
	assert.Empty(t, users.called("parley.kvdb.execute"))
	assert.Equal(t, http.StatusOK, b.send(http.MethodPost, "/kvdb", url.Values{"command": {"PING"}, "token": {token}}, map[string]string{"Sec-Fetch-Site": "same-origin"}).status)
	assert.Equal(t, []any{service.ObjectOf("args", []any{}, "command", "PING")}, users.called("parley.kvdb.execute"))
}
