package dashboard_test

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/dashboard"
	"github.com/parley-run/parley/runtime/service"
)

// backend answers from a table, and notes who called what.
type backend struct {
	mu      sync.Mutex
	answers map[string]any // values that have a JSON form, or errors
	calls   []call
	role    string
	mark    string
	may     func(role, service string) bool
}

type call struct {
	user, service string
	in            any
}

func (b *backend) LogIn(_ context.Context, name, password, _ string) (dashboard.User, error) {
	if password != "right" {
		return dashboard.User{}, service.Errorf(service.Unauthenticated, "the name or the password is wrong")
	}
	u, _ := b.User(context.Background(), name)
	return u, nil
}

func (b *backend) User(_ context.Context, name string) (dashboard.User, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return dashboard.User{Name: name, Role: b.role, Mark: b.mark}, name != "gone"
}

func (b *backend) May(role, service string) bool { return b.may == nil || b.may(role, service) }

func (b *backend) Call(_ context.Context, u dashboard.User, name string, in any) (any, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	neutral, err := service.FromGo(in)
	if err != nil {
		return nil, err
	}
	b.calls = append(b.calls, call{u.Name, name, neutral})
	switch answer := b.answers[name].(type) {
	case nil:
		return nil, service.Errorf(service.NotFound, "there is no internal service %q", name)
	case error:
		return nil, answer
	default:
		return service.FromGo(answer)
	}
}

// called are the inputs of a service's calls.
func (b *backend) called(name string) []any {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []any
	for _, c := range b.calls {
		if c.service == name {
			out = append(out, c.in)
		}
	}
	return out
}

// browser is a client that keeps cookies and follows nothing.
type browser struct {
	*testing.T
	*http.Client
	url string
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func serve(t *testing.T, b *backend) (*browser, *clock) {
	t.Helper()
	at := &clock{now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}
	d, err := dashboard.New(dashboard.Config{Backend: b, Cluster: "bank", Now: at.Now})
	require.NoError(t, err)
	s := httptest.NewServer(d)
	t.Cleanup(s.Close)
	return newBrowser(t, s.URL), at
}

func newBrowser(t *testing.T, url string) *browser {
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	client := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &browser{t, client, url}
}

// reply is what came back.
type reply struct {
	status int
	header http.Header
	body   string
}

func (b *browser) send(method, path string, form url.Values, header map[string]string) reply {
	b.Helper()
	var body io.Reader = http.NoBody
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(b.Context(), method, b.url+path, body)
	require.NoError(b, err)
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for key, value := range header {
		req.Header.Set(key, value)
	}
	res, err := b.Do(req)
	require.NoError(b, err)
	defer func() { assert.NoError(b, res.Body.Close()) }()
	raw, err := io.ReadAll(res.Body)
	require.NoError(b, err)
	return reply{res.StatusCode, res.Header, string(raw)}
}

func (b *browser) get(path string) reply { return b.send(http.MethodGet, path, nil, nil) }

var tokenField = regexp.MustCompile(`name="token" value="([^"]+)"`)

// token is that of the forms of a page.
func (b *browser) token(path string) string {
	b.Helper()
	page := b.get(path)
	m := tokenField.FindStringSubmatch(page.body)
	require.NotNil(b, m, "%d: %s", page.status, page.body)
	return m[1]
}

// post sends a form with the token that its page gives out.
func (b *browser) post(path string, pairs ...string) reply {
	b.Helper()
	form := url.Values{"token": {b.token("/nowhere")}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return b.send(http.MethodPost, path, form, nil)
}

func (b *browser) logIn(user string) reply {
	b.Helper()
	return b.send(http.MethodPost, "/log-in", url.Values{"token": {b.token("/log-in")}, "user": {user}, "password": {"right"}}, nil)
}

// session is the cookie that the browser would send.
func (b *browser) session() string {
	u, err := url.Parse(b.url)
	require.NoError(b, err)
	for _, c := range b.Jar.Cookies(u) {
		if c.Name == "parley_session" {
			return c.Value
		}
	}
	return ""
}
