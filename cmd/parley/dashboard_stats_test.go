package main_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/internal/chromium"
)

// loudFile logs what it is given, and fails where it is told to.
const loudFile = `def handle(self):
    """Says what it is given."""
    self.logger.warn("said " + self.request.input.name)
    if self.request.input.name == "fail":
        fail("told to")
    self.response.payload = {"said": self.request.input.name}

service(name = "loud.say", handle = handle, simple_io = SimpleIO(input_required = ["name"], output_required = ["said"]))
`

const loudYAML = `
channel_rest:
  - {name: loud.say, url_path: /say, service: loud.say, data_format: json}
`

// says calls loud.say, and gives the CID.
func says(t *testing.T, balancer, text string) (cid string) {
	t.Helper()
	res, err := http.Post(balancer+"/say", "application/json", strings.NewReader(fmt.Sprintf(`{"name": %q}`, text)))
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	return res.Header.Get("X-Parley-CID")
}

// TestDashboardStatistics looks at what was counted, logged and written, in a real browser.
func TestDashboardStatistics(t *testing.T) {
	path := chromium.Path(t)
	s, address, balancer, password := bank(t)
	s.write("loud.star", loudFile)
	s.must("deploy", "loud.star")
	s.write("loud.yaml", loudYAML)
	s.must("enmasse", "import", "loud.yaml")
	b := openDashboard(t, path, address)
	b.logIn("admin", password)

	t.Log("statistics move, in figures and in charts")
	b.at("/statistics")
	b.shows("Nothing was counted")
	says(t, balancer, "one")
	b.until("document.querySelectorAll('figure .uplot canvas').length === 2")
	usage := `document.querySelector("[data-value=usage]").textContent`
	b.until("document.querySelector('[data-live]').dataset.moved === '1'")
	before := number(t, evaluated[string](b, usage))
	for range 4 {
		says(t, balancer, "more")
	}
	says(t, balancer, "fail")
	b.until(fmt.Sprintf("%s === %q", usage, fmt.Sprint(before+5)))
	b.until(`JSON.parse(document.querySelector("[data-columns]").dataset.columns)[2].some(v => v > 0)`)

	t.Log("from a rank to one thing, and to another time")
	b.at("/statistics?last=day")
	b.shows("loud.say")
	b.Do(chromedp.Click(chromedp.CSS("tbody th a")))
	b.until("location.pathname === '/statistics/one' && document.querySelector('h1').textContent === 'loud.say'")
	b.shows("the last day")
	b.Do(chromedp.Evaluate[chromedp.Void]("document.querySelectorAll('.segments a')[3].click()"))
	b.shows("the last week")

	t.Log("files have what the page has")
	csv := evaluated[string](b, "(() => { const r = new XMLHttpRequest(); r.open('GET', '/statistics/download?format=csv&kind=service&last=hour', false); r.send(); return r.responseText; })()")
	assert.True(t, strings.HasPrefix(csv, "name,usage,errors,rate,mean_ms,"), csv)
	assert.Contains(t, csv, fmt.Sprintf("\nloud.say,%d,1,", before+5))

	t.Log("two times side by side")
	b.at("/statistics/compare?last=hour")
	b.shows("loud.say")
	assert.Equal(t, []string{"Now", "Then"}, evaluated[[]string](b, "Array.from(document.querySelectorAll('.cols h2'), e => e.textContent)"))

	t.Log("single requests are kept where that is set, and lead to their log")
	b.at("/statistics/requests?what=samples")
	b.shows("No sample in the last hour")
	b.Do(chromedp.SendKeys(chromedp.CSS("#slow_ms"), "0"), chromedp.SendKeys(chromedp.CSS("#every"), "1"+kb.Enter))
	b.shows("Kept of all others: no slow requests, a sample of every 1.")
	hostile := "<img src=x onerror=alert(1)>"
	cid := says(t, balancer, hostile)
	b.at("/statistics/requests?what=samples&service=loud.say")
	b.until(fmt.Sprintf("document.body.innerText.includes(%q) || (location.reload(), false)", cid))
	b.Do(chromedp.Click(chromedp.CSS("tr.more summary")))
	b.shows(hostile)
	b.Do(chromedp.Click(chromedp.CSS("a[href='/logs?cid=" + cid + "']")))
	b.shows("said " + hostile)
	b.shows("In the order in which it happened.")
	assert.Equal(t, float64(0), evaluated[float64](b, "document.querySelectorAll('.log img').length"))

	t.Log("logs follow")
	b.at("/logs?service=loud.say&level=WARN")
	b.until("document.querySelector('#following').innerText.includes('Following')")
	says(t, balancer, "followed "+hostile)
	b.until("document.querySelector('.log li.new')?.innerText.includes('said followed <img')")
	assert.Equal(t, float64(0), evaluated[float64](b, "document.querySelectorAll('.log img').length"))
	b.Do(chromedp.Click(chromedp.CSS("#following button")))
	b.shows("Paused")

	t.Log("one write, before and after it")
	s.write("loud.star", strings.Replace(loudFile, "told to", "as told", 1))
	s.must("deploy", "loud.star")
	b.at("/audit?kind=service_file&name=loud.star")
	b.Do(chromedp.Click(chromedp.CSS("tbody a")))
	b.until("document.querySelector('.source li.del') !== null")
	assert.Contains(t, evaluated[string](b, "document.querySelector('.source li.del').innerText"), `fail("told to")`)
	assert.Contains(t, evaluated[string](b, "document.querySelector('.source li.add').innerText"), `fail("as told")`)

	t.Log("a file that names less deletes nothing, unless that is chosen")
	b.at("/config")
	b.Do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf("document.querySelector('#content').value = %q", loudYAML)), chromedp.Click(chromedp.CSS("button[value=diff]")))
	b.shows("not in the file")
	assert.False(t, evaluated[bool](b, "document.querySelector('[name=prune]').checked"))
	b.at("/config")
	b.Do(chromedp.SendKeys(chromedp.CSS("#content"), "channel_rest: [}"), chromedp.Click(chromedp.CSS("button[value=diff]")))
	b.shows("That did not work.")
	b.shows("pasted.yaml")

	t.Log("all of it without JavaScript")
	_, err := chromedp.Call(b.Context, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	require.NoError(t, err)
	for page, want := range map[string]string{
		"/statistics": "figure .drawing > svg path.l1", "/statistics/one?name=loud.say": "figure .drawing > svg path.l2", "/statistics/compare": "tbody th a",
		"/statistics/requests?what=samples": "tr.more summary", "/logs": ".log li .message", "/audit": ".objects li", "/config": "#export",
	} {
		b.at(page)
		assert.True(t, evaluated[bool](b, fmt.Sprintf("document.querySelector(%q) !== null", want)), page)
	}
	_, err = chromedp.Call(b.Context, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: false})
	require.NoError(t, err)

	t.Log("on a phone no page scrolls sideways")
	b.Do(chromedp.EmulateViewport(390, 844))
	for _, page := range []string{"/statistics", "/statistics/one?name=loud.say", "/statistics/compare", "/statistics/requests?what=samples", "/logs", "/audit", "/audit/change?revision=2", "/config"} {
		b.at(page)
		assert.LessOrEqual(t, evaluated[float64](b, "document.documentElement.scrollWidth"), float64(390), page)
	}

	t.Log("who may only look sees neither single requests nor the import, and is refused")
	b.Do(chromedp.EmulateViewport(1280, 900), chromedp.Click(chromedp.CSS(".who button")))
	b.until("document.querySelector('#user') !== null")
	b.logIn("victor", "victor-pw")
	b.at("/config")
	b.shows("Your role may read the configuration, and not change it.")
	assert.Equal(t, float64(0), evaluated[float64](b, "document.querySelectorAll('main form').length"))
	b.at("/statistics/one?name=loud.say")
	b.shows("loud.say")
	assert.Equal(t, float64(0), evaluated[float64](b, "document.querySelectorAll('.tabs a[href*=requests], a[href*=cid]').length"))
	assert.Empty(t, b.Complaints(), "the browser complained")
	assert.Equal(t, "403", evaluated[string](b, `(() => { const r = new XMLHttpRequest(); r.open('POST', '/config', false); r.setRequestHeader('Content-Type', 'application/x-www-form-urlencoded');
		r.send(new URLSearchParams({token: document.querySelector('[name=token]').value, do: 'import', content: 'channel_rest: []', prune: '1', deletes: '1'})); return String(r.status); })()`))
	b.Complaints() // it tells of the status, 403
}
