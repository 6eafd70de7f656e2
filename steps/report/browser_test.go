package report_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/internal/chromium"
	"github.com/parley-run/parley/steps/report"
)

// tab is a page in a real browser.
type tab struct{ *chromium.Tab }

// open shows a page in Chromium, and fails the test at its end where the page asked for anything or complained.
func open(t *testing.T, p *report.Page) *tab {
	b := &tab{chromium.Open(t, chromium.Path(t))}
	path := filepath.Join(t.TempDir(), "report.html")
	file, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, p.WriteHTML(file))
	require.NoError(t, file.Close())
	b.ShowFile(path)
	return b
}

// press presses a key.
func press(key string) chromedp.Action[chromedp.Void] { return chromedp.KeyEvent(key) }

// click clicks on what a CSS selector finds.
func click(selector chromedp.CSS) chromedp.Action[chromedp.Void] { return chromedp.Click(selector) }

// script runs JavaScript.
func script(text string) chromedp.Action[chromedp.Void] {
	return chromedp.Evaluate[chromedp.Void](text)
}

func value[T any](b *tab, expression string) T {
	b.Helper()
	return chromium.Value[T](b.Tab, expression)
}

// sees waits until the scenarios that can be seen are those with these names.
func (b *tab) sees(names ...string) {
	b.Helper()
	require.EventuallyWithT(b, func(c *assert.CollectT) {
		assert.Equal(c, append([]string{}, names...), value[[]string](b, `[...document.querySelectorAll("details.scenario")].filter(s => s.checkVisibility({contentVisibilityAuto: false}))
			.map(s => s.querySelector(".name").firstChild.textContent.trim())`))
	}, time.Minute, 20*time.Millisecond)
}

const everything = `Good,Bad <script>,Each name (row 1),Each name (row 2),Shaky,Not begun`

func TestThePageInABrowser(t *testing.T) {
	b := open(t, &report.Page{Title: "Demo", Run: sample()})
	all := strings.Split(everything, ",")
	b.sees(all...)

	// the search box
	search := chromedp.CSS("#search")
	b.Do(chromedp.SendKeys(search, "404 joe"))
	b.sees("Bad <script>")
	assert.Equal(t, "1 of 6", value[string](b, `document.querySelector("#shown").value`))
	b.Do(chromedp.SendKeys(search, " nowhere"))
	b.sees()
	b.Do(chromedp.WaitVisible(chromedp.CSS("#nothing")), press(kb.Escape))
	b.sees(all...)

	// statuses, one or several
	b.Do(click(`button[data-status="undefined"]`))
	b.sees("Each name (row 2)")
	b.Do(click(`button[data-status="flaky"]`))
	b.sees("Each name (row 2)", "Shaky")
	b.Do(click(`button[data-status="undefined"]`), click(`button[data-status="flaky"]`))
	b.sees(all...)

	// a tag
	b.Do(script(`document.querySelector("#tag").value = "@slow"; document.querySelector("#tag").dispatchEvent(new Event("change"))`))
	b.sees("Bad <script>")

	// a link brings back what is hidden, and opens it
	good := `document.getElementById("features/names.feature:8")`
	assert.False(t, value[bool](b, good+".open"), "what passed is folded")
	b.Do(script(`location.hash = "#features/names.feature:8"`))
	b.sees(all...)
	assert.True(t, value[bool](b, good+".open"))
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		assert.Equal(c, []string{`✓|Given address "http://127.0.0.1:8080"|20 µs`, "✓|And format \"JSON\"|743 µs|| name | age |\n| Żółć | 5   |"},
			value[[]string](b, `[...`+good+`.querySelectorAll("li")].map(li => [...li.children].map(c => c.textContent).join("|"))`))
	}, time.Minute, 20*time.Millisecond)

	// what failed is open, with the command line that repeats its request
	assert.True(t, value[bool](b, `document.getElementById("features/names.feature:12").open`))
	assert.Equal(t, `curl -i -X GET 'http://127.0.0.1:8080/names?a=1&b=2' -u joe:"$PASSWORD"`, value[string](b, `document.querySelector(".curl pre").textContent`))
	b.Do(click(".curl button"))
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		assert.Equal(c, "Copied", value[string](b, `document.querySelector(".curl button").textContent`))
	}, time.Minute, 20*time.Millisecond)

	// the keyboard
	b.Do(script(`document.activeElement.blur()`), press("n"), press("n"))
	assert.Equal(t, "features/names.feature:32", value[string](b, `document.activeElement.parentElement.id`))
	b.Do(press("k"), press("k"), press(kb.Enter))
	assert.False(t, value[bool](b, `document.getElementById("features/names.feature:12").open`), "Enter folds")
	b.Do(press("/"))
	assert.Equal(t, "search", value[string](b, `document.activeElement.id`))

	// light and dark
	background := `getComputedStyle(document.body).backgroundColor`
	light := value[string](b, background)
	dark := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}}
	_, err := chromedp.Call(b.Context, emulation.SetEmulatedMedia, dark)
	require.NoError(t, err)
	assert.NotEqual(t, light, value[string](b, background))

	// a telephone: nothing runs over the edge
	b.Do(chromedp.EmulateViewport(360, 740))
	assert.InDelta(t, 360, value[float64](b, `document.documentElement.scrollWidth`), 0)
}

func TestTenThousandScenariosInABrowser(t *testing.T) {
	r := many(100, 100)
	r.Features[50].Scenarios[50].Name = "The needle"
	began := time.Now()
	b := open(t, &report.Page{Title: "Many", Run: r})
	t.Logf("open after %s", time.Since(began))
	began = time.Now()
	b.Do(chromedp.SendKeys(chromedp.CSS("#search"), "needle"))
	b.sees("The needle")
	t.Logf("found after %s", time.Since(began))
	began = time.Now()
	b.Do(press(kb.Escape))
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		assert.Equal(c, 10_000, value[int](b, `document.querySelectorAll("details.scenario:not([hidden])").length`))
	}, time.Minute, 20*time.Millisecond)
	t.Logf("all again after %s", time.Since(began))
}
