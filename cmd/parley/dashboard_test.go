package main_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/internal/chromium"
	"github.com/parley-run/parley/runtime/folder"
)

// tab is a page of the dashboard in a real browser.
type tab struct {
	*chromium.Tab
	url       string
	downloads string
}

// openDashboard shows the log-in form of a cluster. The test fails at its end where the browser complained: of a script, of a style
// that the policy refuses, of a file that is missing.
func openDashboard(t *testing.T, path, url string) *tab {
	t.Helper()
	b := &tab{chromium.Open(t, path, "status of 400"), url, t.TempDir()} // that is what a refused form answers
	b.Do(chromedp.EmulateViewport(1280, 900), chromedp.Navigate(url))
	return b
}

func (b *tab) where() string { return evaluated[string](b, "location.pathname + location.search") }

func evaluated[V any](b *tab, expression string) V {
	b.Helper()
	return chromium.Value[V](b.Tab, expression)
}

// until waits until an expression is true of whatever page is there by then.
func (b *tab) until(expression string) {
	b.Helper()
	require.Eventually(b, func() bool {
		ctx, cancel := context.WithTimeout(b.Context, 20*time.Second)
		defer cancel()
		v, err := chromedp.Run(ctx, chromedp.Evaluate[bool](expression))
		return err == nil && v // while a page goes, there is none to ask
	}, time.Minute, 50*time.Millisecond, expression)
}

// shows waits until the page holds a text.
func (b *tab) shows(text string) {
	b.Helper()
	b.until(fmt.Sprintf("document.readyState === 'complete' && document.body.innerText.includes(%q)", text))
}

func (b *tab) at(path string) {
	b.Helper()
	b.Do(chromedp.Navigate(b.url + path))
}

// keys presses keys, one after another.
func (b *tab) keys(keys ...string) {
	b.Helper()
	for _, key := range keys {
		b.Do(chromedp.KeyEvent(key))
	}
}

// to moves the focus by Tab until it is on what an expression of the focused element says.
func (b *tab) to(expression string) {
	b.Helper()
	for range 120 {
		if evaluated[bool](b, "(e => Boolean("+expression+"))(document.activeElement)") {
			return
		}
		b.keys(kb.Tab)
	}
	b.Fatalf("no Tab leads to %s on %s", expression, b.where())
}

// bankFile and bankYAML are what the cluster of these tests has.
const bankFile = `def handle(self):
    """Greets a customer."""
    self.response.payload = {"greeting": "Hello, " + self.request.input.name}

service(
    name = "customers.greet",
    handle = handle,
    simple_io = SimpleIO(input_required = ["name"], output_required = ["greeting"]),
)
`

const bankYAML = `
channel_rest:
  - {name: customers.greet, url_path: "/greet/{name}", service: customers.greet, data_format: json}
outgoing_rest:
  - {name: CRM, host: "HOST", url_path: /}
security_basic_auth:
  - {name: mobile, username: mobile, password: pw-of-mobile}
admin_user:
  - {name: victor, password: victor-pw, role: viewer}
`

// bank is a running cluster with a service, and the address of its dashboard.
func bank(t *testing.T) (s *shell, address, balancer, password string) {
	t.Helper()
	s = &shell{t: t, binary: serveBinary(t), dir: t.TempDir()}
	printed := s.must("quickstart", "create", "c", "--free-ports", "--servers", "1")
	_, after, found := strings.Cut(printed, "password ")
	require.True(t, found, printed)
	password, _, _ = strings.Cut(after, " ")
	s.must("start", "c")
	t.Cleanup(func() { s.run("", "stop", "c") })
	f, err := folder.Open(filepath.Join(s.dir, "c"))
	require.NoError(t, err)
	balancer = f.BalancerURL()
	s.write("customers.star", bankFile)
	s.must("deploy", "customers.star")
	s.write("bank.yaml", strings.ReplaceAll(bankYAML, "HOST", balancer))
	s.must("enmasse", "import", "bank.yaml")
	return s, "http://" + f.Cluster.Supervisor.Admin, balancer, password
}

func (b *tab) logIn(user, password string) {
	b.Helper()
	b.Do(chromedp.SendKeys(chromedp.CSS("#user"), user), chromedp.SendKeys(chromedp.CSS("#password"), password+kb.Enter))
	b.until("document.querySelector('.verdict') !== null")
}

// TestDashboard does with a mouse what an operator does on a day.
func TestDashboard(t *testing.T) {
	path := chromium.Path(t)
	_, address, balancer, password := bank(t)
	b := openDashboard(t, path, address)

	b.Do(chromedp.SendKeys(chromedp.CSS("#user"), "admin"), chromedp.SendKeys(chromedp.CSS("#password"), "wrong"+kb.Enter))
	b.shows("Not logged in.")
	b.Complaints() // it tells of the status, 401
	b.at("/log-in")
	b.logIn("admin", password)
	b.shows("All is well")

	t.Log("a file is edited, refused at its line, mended and deployed")
	b.at("/file?name=customers.star")
	edit := func(from, to string) {
		b.Do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf("{ const t = document.querySelector('#source'); t.value = t.value.replace(%q, %q); t.dispatchEvent(new Event('input', {bubbles: true})); }", from, to)))
		b.Do(chromedp.Click(chromedp.CSS("button[value=deploy]")))
	}
	edit(`"Hello, " +`, `"Good day, " + + (`)
	b.shows("Refused, and nothing has changed")
	assert.Contains(t, evaluated[string](b, "document.querySelector('.source li.refused').innerText"), "Good day", "the line stands out")
	assert.Equal(t, "3", evaluated[string](b, "document.querySelector('#source').dataset.refused"))
	assert.Equal(t, "source", evaluated[string](b, "document.activeElement.id"), "the cursor is there")
	edit(`"Good day, " + + (`, `"Good day, " +`)
	b.shows("customers.star is deployed")
	assert.Contains(t, evaluated[string](b, "document.body.innerText"), "user admin through admin server1", "the history says who did it")

	t.Log("it is invoked, and its statistics move")
	b.at("/invoke?service=customers.greet")
	b.Do(chromedp.SendKeys(chromedp.CSS("[name='f.name']"), "Ann"+kb.Enter))
	b.shows(`"greeting": "Good day, Ann"`)
	b.at("/service?name=customers.greet")
	usage := `document.querySelector("[data-value=usage]").textContent`
	b.until(usage + " === '1'") // it may be there before the invocation is counted
	b.until("document.querySelector('[data-live]').dataset.moved === '1'")
	for range 3 {
		res, err := http.Get(balancer + "/greet/Ann")
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, http.StatusOK, res.StatusCode)
	}
	b.until(usage + " === '4'")
	b.at("/statistics")
	b.until("document.querySelectorAll('figure .uplot canvas').length === 2")
	b.shows("customers.greet")

	t.Log("it is rolled back")
	b.at("/file?name=customers.star")
	b.Do(chromedp.Click(chromedp.CSS("a[aria-label^='Compare revision']")))
	b.shows("against the one that serves")
	b.Do(chromedp.Click(chromedp.CSS("button[value=roll-back]")))
	b.shows("customers.star is deployed")
	assert.Contains(t, evaluated[string](b, "document.querySelector('#source').value"), `"Hello, " +`)

	t.Log("an outconn is pinged")
	b.at("/outconns")
	b.Do(chromedp.Click(chromedp.CSS("button[value=ping]")))
	b.shows("CRM answers: ")

	t.Log("commands of Redis are run")
	b.at("/kvdb")
	b.Do(chromedp.SendKeys(chromedp.CSS("#command"), `RPUSH queue "first one" <b>second</b>`+kb.Enter))
	b.shows("Answer")
	b.at("/kvdb")
	b.Do(chromedp.SendKeys(chromedp.CSS("#command"), "LRANGE queue 0 -1"+kb.Enter))
	b.shows("2 elements")
	b.shows("<b>second</b>")

	t.Log("a channel is edited by choosing")
	for _, row := range []struct {
		security string
		active   bool
	}{{"mobile", false}, {"", true}} {
		b.at("/object?kind=channel_rest&name=customers.greet")
		assert.Equal(t, "customers.greet", evaluated[string](b, "document.querySelector('datalist option').value"), "a service that there is")
		b.Do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf("document.getElementById('k.security').value = %q", row.security)),
			chromedp.Click(chromedp.CSS("label[for='k.is_active']")), chromedp.Click(chromedp.CSS("button[value=save]")))
		b.shows("customers.greet is saved")
		assert.Equal(t, row.security, evaluated[string](b, "document.getElementById('k.security').value"))
		assert.Equal(t, row.active, evaluated[bool](b, "document.getElementById('k.is_active').checked"))
	}

	t.Log("what a role grants is typed in rows, by keyboard alone")
	b.at("/object?kind=rbac_role&new=1")
	b.to("e.id === 'name'")
	b.keys("Tellers")
	b.to("e.name === 'k.grants.0.services'")
	b.keys("crm.*")
	b.to("e.name === 'k.grants.0.permissions' && e.value === 'read'")
	b.keys(" ")
	b.to("e.value === 'add k.grants'")
	b.keys(kb.Enter)
	b.until("document.activeElement.name === 'k.grants.1.services'") // the cursor is in the row that is new
	b.keys("customers.greet")
	b.to("e.value === 'save'")
	b.keys(kb.Enter)
	b.until("document.getElementById('k.grants.1.permissions-fault') !== null")
	assert.Equal(t, "crm.*", evaluated[string](b, "document.getElementById('k.grants.0.services').value"))
	b.to("e.name === 'k.grants.1.permissions' && e.value === 'all'")
	b.keys(" ")
	b.to("e.value === 'save'")
	b.keys(kb.Enter)
	b.shows("Tellers is saved")
	granted := `JSON.stringify([...document.querySelectorAll('.rows .one')].map(r => [r.querySelector('textarea').value, ...[...r.querySelectorAll(':checked')].map(c => c.value)]))`
	assert.JSONEq(t, `[["crm.*", "read"], ["customers.greet", "all"], [""]]`, evaluated[string](b, granted))
	b.to("e.value === 'less k.grants 0'")
	b.keys(kb.Enter)
	b.until(granted + ` === '[["customers.greet","all"],[""]]'`)
	b.at("/object?kind=rbac_role&name=Tellers")
	assert.JSONEq(t, `[["crm.*", "read"], ["customers.greet", "all"], [""]]`, evaluated[string](b, granted), "nothing was saved by it")

	t.Log("the config is exported")
	b.Do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.CallBrowser(ctx, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{Behavior: "allow", DownloadPath: b.downloads})
		return err
	}))
	b.at("/config")
	b.Do(chromedp.Click(chromedp.CSS("#export")))
	var exported []byte
	require.Eventually(t, func() bool {
		files, _ := filepath.Glob(filepath.Join(b.downloads, "parley-*.yaml"))
		if len(files) != 1 {
			return false
		}
		exported, _ = os.ReadFile(files[0])
		return strings.Contains(string(exported), "outgoing_rest:") && strings.HasSuffix(string(exported), "\n")
	}, time.Minute, 50*time.Millisecond)
	assert.Contains(t, string(exported), "customers.greet")
	assert.NotContains(t, string(exported), "pw-of-mobile")
	changed := strings.Replace(string(exported), "/greet/{name}", "/hello/{name}", 1)
	b.Do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf("document.querySelector('#content').value = %q", changed)), chromedp.Click(chromedp.CSS("button[value=diff]")))
	b.shows("What an import would do")
	b.shows("/hello/{name}")
	b.Do(chromedp.Click(chromedp.CSS("button[value=import]")))
	b.shows("0 created, 1 updated, 0 deleted")

	t.Log("all of it is in the audit log and in the logs")
	b.at("/audit")
	b.shows("user admin through admin server1")
	b.Do(chromedp.Click(chromedp.CSS("main form button.primary")))
	b.shows("Nothing was tampered with.")
	b.at("/logs?contains=catalog+changed")
	b.shows("catalog changed")

	t.Log("who may only look sees no button, and is refused")
	b.Do(chromedp.Click(chromedp.CSS(".who button")))
	b.until("document.querySelector('#user') !== null")
	b.logIn("victor", "victor-pw")
	b.at("/file?name=customers.star")
	b.shows("def handle(self):")
	assert.Equal(t, float64(0), evaluated[float64](b, "document.querySelectorAll('main button').length"))
}

func number(t *testing.T, text string) int {
	t.Helper()
	var n int
	_, err := fmt.Sscan(strings.ReplaceAll(text, "\u202f", ""), &n)
	require.NoError(t, err)
	return n
}

// TestDashboardOfAServer finds the dashboard at a server's own address too, and the admin API beside it.
func TestDashboardOfAServer(t *testing.T) {
	s := newShell(t)
	f, err := folder.Open(filepath.Join(s.dir, "c"))
	require.NoError(t, err)
	for _, address := range []string{f.Cluster.Servers[0].Admin, f.Cluster.Supervisor.Admin} {
		res, err := http.Get("http://" + address + "/services")
		require.NoError(t, err)
		page, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		assert.Equal(t, "/log-in?next=%2Fservices", res.Request.URL.RequestURI())
		assert.Contains(t, string(page), `action="/log-in"`)
		assert.Contains(t, res.Header.Get("Content-Security-Policy"), "default-src 'self'")
		code, _ := asUser(t, address, "", "", "parley.server.info", "{}")
		assert.Equal(t, http.StatusUnauthorized, code)
	}
}

// TestDashboardByKeyboard uses no mouse: it logs in, goes to every page of the navigation, and there to every control.
func TestDashboardByKeyboard(t *testing.T) {
	path := chromium.Path(t)
	_, address, _, password := bank(t)
	b := openDashboard(t, path, address)
	assert.Equal(t, "user", evaluated[string](b, "document.activeElement.id"), "the form is ready to type in")
	b.keys("admin", kb.Tab, password, kb.Enter)
	b.shows("All is well")

	b.keys(kb.Tab)
	assert.Equal(t, "Skip to the content", evaluated[string](b, "document.activeElement.textContent"), "the first stop")
	assert.GreaterOrEqual(t, evaluated[float64](b, "document.activeElement.getBoundingClientRect().top"), float64(0), "and it can be seen")
	b.keys(kb.Enter)
	b.until("document.activeElement.id === 'main' || location.hash === '#main'")

	titles := evaluated[[]string](b, "Array.from(document.querySelectorAll('nav[aria-label=Main] a'), a => a.textContent)")
	require.GreaterOrEqual(t, len(titles), 12)
	for _, title := range titles {
		b.Do(chromedp.Evaluate[chromedp.Void]("document.activeElement.blur()"))
		b.to(fmt.Sprintf("e.textContent === %q && e.closest('nav')", title))
		b.keys(kb.Enter)
		b.until(fmt.Sprintf("document.readyState === 'complete' && document.querySelector('nav [aria-current=page]')?.textContent === %q", title))
		b.everyControl(title)
	}

	t.Log("a file is edited and deployed")
	b.at("/file?name=customers.star")
	b.to("e.id === 'source'")
	b.keys("# by keyboard\r")
	b.Do(chromedp.KeyEvent("s", chromedp.KeyModifiers(2)))
	b.shows("customers.star is deployed")
	b.at("/outconns")
	b.to("e.textContent === 'Ping'")
	b.keys(" ")
	b.shows("CRM answers: ")
	b.at("/kvdb")
	b.until("document.activeElement.id === 'command'") // keys that come before are lost
	b.keys("PING", kb.Enter)
	b.shows("PONG")
	for _, page := range []string{"/service?name=customers.greet", "/invoke?service=customers.greet", "/object?kind=channel_rest&name=customers.greet", "/statistics/compare", "/statistics/one?name=customers.greet", "/statistics/requests"} {
		b.at(page)
		b.everyControl(page)
	}
	b.at("/")
	b.to("e.textContent === 'Log out'")
	b.keys(kb.Enter)
	b.until("document.querySelector('#password') !== null")
}

// everyControl goes through a page by Tab: every link, button and field that can be seen is a stop, each with a frame around it, and
// none is a trap.
func (b *tab) everyControl(page string) {
	b.Helper()
	b.Do(chromedp.Evaluate[chromedp.Void](`{
		document.activeElement.blur();
		window.stops = Array.from(document.querySelectorAll("main a[href], main button, main input:not([type=hidden]), main select, main textarea, main summary")).filter(e => e.checkVisibility() && !e.matches("[aria-hidden=true]"));
		window.seen = new Set(); window.bare = [];
	}`))
	most := int(evaluated[float64](b, "window.stops.length"))*2 + 60 // a date has several stops, lists that scroll are some too
	for range most {
		b.keys(kb.Tab)
		done := evaluated[bool](b, `(() => {
			const e = document.activeElement, look = getComputedStyle(e), around = getComputedStyle(e.closest(".editor") || e);
			window.seen.add(e);
			if (e.matches("main *") && look.outlineStyle === "none" && around.outlineStyle === "none") window.bare.push(e.outerHTML.slice(0, 80));
			return window.stops.every(one => window.seen.has(one));
		})()`)
		if done {
			break
		}
	}
	assert.Empty(b, evaluated[[]string](b, "window.stops.filter(e => !window.seen.has(e)).map(e => e.outerHTML.slice(0, 80))"), "%s: no Tab leads there", page)
	assert.Empty(b, evaluated[[]string](b, "window.bare"), "%s: nobody sees where the focus is", page)
}
