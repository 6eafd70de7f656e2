package report_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps/report"
)

// tab is a page in a real browser.
type tab struct {
	*testing.T
	ctx context.Context //nolint:containedctx // chromedp keeps the browser in it
	url string

	mu       sync.Mutex
	requests []string
	errors   []string
}

// open shows a page in Chromium, and fails the test at its end where the page asked for anything or complained.
func open(t *testing.T, p *report.Page) *tab {
	browser := chromium(t)
	path := filepath.Join(t.TempDir(), "report.html")
	file, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, p.WriteHTML(file))
	require.NoError(t, file.Close())

	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(browser))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // it refuses to run as root with one
	}
	b := &tab{T: t, url: "file://" + path}
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	b.ctx, cancel = chromedp.NewContext(ctx, chromedp.WithListener(b.note))
	t.Cleanup(cancel)
	require.NoError(t, chromedp.Do(b.ctx)) // its context is that of the browser, and must have no deadline
	b.do(chromedp.Navigate(b.url))
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		assert.Empty(t, b.errors, "the browser complained")
		for _, url := range b.requests {
			assert.True(t, url == b.url || strings.HasPrefix(url, "data:"), "the page asked for %s", url)
		}
		assert.NotEmpty(t, b.requests)
	})
	return b
}

func chromium(t *testing.T) string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if slices.Contains(strings.Split(os.Getenv("PARLEY_REQUIRE"), ","), "chromium") {
		t.Fatal("PARLEY_REQUIRE asks for chromium, and there is none on the path")
	}
	t.Skip("there is no chromium on the path")
	return ""
}

func (b *tab) note(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		url, _, _ := strings.Cut(e.Request.URL, "#")
		b.requests = append(b.requests, url)
	case *runtime.EventExceptionThrown:
		b.errors = append(b.errors, e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		b.errors = append(b.errors, "console."+string(e.Type))
	case *log.EventEntryAdded:
		b.errors = append(b.errors, e.Entry.Text)
	}
}

// do does what a user would, each within half a minute.
func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	for _, action := range actions {
		ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
		err := chromedp.Do(ctx, action)
		cancel()
		require.NoError(b, err)
	}
}

// press presses a key.
func press(key string) chromedp.Action[chromedp.Void] { return chromedp.KeyEvent(key) }

// click clicks on what a CSS selector finds.
func click(selector chromedp.CSS) chromedp.Action[chromedp.Void] { return chromedp.Click(selector) }

// script runs JavaScript.
func script(text string) chromedp.Action[chromedp.Void] {
	return chromedp.Evaluate[chromedp.Void](text)
}

// value is what a JavaScript expression gives.
func value[T any](b *tab, expression string) T {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	require.NoError(b, err)
	return v
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
	b.do(chromedp.SendKeys(search, "404 joe"))
	b.sees("Bad <script>")
	assert.Equal(t, "1 of 6", value[string](b, `document.querySelector("#shown").value`))
	b.do(chromedp.SendKeys(search, " nowhere"))
	b.sees()
	b.do(chromedp.WaitVisible(chromedp.CSS("#nothing")), press(kb.Escape))
	b.sees(all...)

	// statuses, one or several
	b.do(click(`button[data-status="undefined"]`))
	b.sees("Each name (row 2)")
	b.do(click(`button[data-status="flaky"]`))
	b.sees("Each name (row 2)", "Shaky")
	b.do(click(`button[data-status="undefined"]`), click(`button[data-status="flaky"]`))
	b.sees(all...)

	// a tag
	b.do(script(`document.querySelector("#tag").value = "@slow"; document.querySelector("#tag").dispatchEvent(new Event("change"))`))
	b.sees("Bad <script>")

	// a link brings back what is hidden, and opens it
	good := `document.getElementById("features/names.feature:8")`
	assert.False(t, value[bool](b, good+".open"), "what passed is folded")
	b.do(script(`location.hash = "#features/names.feature:8"`))
	b.sees(all...)
	assert.True(t, value[bool](b, good+".open"))
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		assert.Equal(c, []string{`✓|Given address "http://127.0.0.1:8080"|20 µs`, "✓|And format \"JSON\"|743 µs|| name | age |\n| Żółć | 5   |"},
			value[[]string](b, `[...`+good+`.querySelectorAll("li")].map(li => [...li.children].map(c => c.textContent).join("|"))`))
	}, time.Minute, 20*time.Millisecond)

	// what failed is open, with the command line that repeats its request
	assert.True(t, value[bool](b, `document.getElementById("features/names.feature:12").open`))
	assert.Equal(t, `curl -i -X GET 'http://127.0.0.1:8080/names?a=1&b=2' -u joe:"$PASSWORD"`, value[string](b, `document.querySelector(".curl pre").textContent`))
	b.do(click(".curl button"))
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		assert.Equal(c, "Copied", value[string](b, `document.querySelector(".curl button").textContent`))
	}, time.Minute, 20*time.Millisecond)

	// the keyboard
	b.do(script(`document.activeElement.blur()`), press("n"), press("n"))
	assert.Equal(t, "features/names.feature:32", value[string](b, `document.activeElement.parentElement.id`))
	b.do(press("k"), press("k"), press(kb.Enter))
	assert.False(t, value[bool](b, `document.getElementById("features/names.feature:12").open`), "Enter folds")
	b.do(press("/"))
	assert.Equal(t, "search", value[string](b, `document.activeElement.id`))

	// light and dark
	background := `getComputedStyle(document.body).backgroundColor`
	light := value[string](b, background)
	dark := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}}
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, dark)
	require.NoError(t, err)
	assert.NotEqual(t, light, value[string](b, background))

	// a telephone: nothing runs over the edge
	b.do(chromedp.EmulateViewport(360, 740))
	assert.InDelta(t, 360, value[float64](b, `document.documentElement.scrollWidth`), 0)
}

func TestTenThousandScenariosInABrowser(t *testing.T) {
	r := many(100, 100)
	r.Features[50].Scenarios[50].Name = "The needle"
	began := time.Now()
	b := open(t, &report.Page{Title: "Many", Run: r})
	t.Logf("open after %s", time.Since(began))
	began = time.Now()
	b.do(chromedp.SendKeys(chromedp.CSS("#search"), "needle"))
	b.sees("The needle")
	t.Logf("found after %s", time.Since(began))
	began = time.Now()
	b.do(press(kb.Escape))
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		assert.Equal(c, 10_000, value[int](b, `document.querySelectorAll("details.scenario:not([hidden])").length`))
	}, time.Minute, 20*time.Millisecond)
	t.Logf("all again after %s", time.Since(began))
}
