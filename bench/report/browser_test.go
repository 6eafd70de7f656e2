package report_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/bench"
	"github.com/parley-run/parley/bench/report"
	"github.com/parley-run/parley/internal/chromium"
)

// tab is a page in a real browser that has no network.
type tab struct{ *chromium.Tab }

// open shows a file in Chromium, and fails the test at its end where the page asked for anything or complained.
func open(t *testing.T, path string) *tab {
	b := &tab{chromium.Open(t, chromium.Path(t))}
	offline := network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: []*network.Conditions{{Offline: true}}}
	_, err := chromedp.Call(b.Context, network.EmulateNetworkConditionsByRule, offline)
	require.NoError(t, err)
	b.ShowFile(path, chromedp.EmulateViewport(1280, 900))
	return b
}

func value[V any](b *tab, expression string) V {
	b.Helper()
	return chromium.Value[V](b.Tab, expression)
}

// becomes waits until an expression gives that.
func becomes[V any](b *tab, want V, expression string) {
	b.Helper()
	require.EventuallyWithT(b, func(c *assert.CollectT) { assert.Equal(c, want, value[V](b, expression)) }, 30*time.Second, 20*time.Millisecond, expression)
}

// spot is where in the n-th chart of the page a share of its width is.
func (b *tab) spot(n int, share float64) (x, y float64) {
	b.Helper()
	at := value[[]float64](b, fmt.Sprintf(`(() => { const o = document.querySelectorAll(".u-over")[%d]; o.scrollIntoView({block: "center"});
		const r = o.getBoundingClientRect(); return [r.left + r.width * %g, r.top + r.height / 2]; })()`, n, share))
	return at[0], at[1]
}

func (b *tab) point(n int, share float64) {
	x, y := b.spot(n, share)
	b.Do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, x, y))
}

// legend is what the n-th chart of the page says below it.
func legend(n int) string {
	return fmt.Sprintf(`[...document.querySelectorAll(".u-legend")[%d].querySelectorAll(".u-series")].sort((a, b) => a.style.order - b.style.order).map(s => s.innerText.trim().replace(/\s+/g, " "))`, n)
}

// inked counts the points of a canvas that are drawn in a colour of the page.
func inked(n int, colour string) string {
	return fmt.Sprintf(`(() => {
		const canvas = document.querySelectorAll(".uplot canvas")[%d];
		const copy = Object.assign(document.createElement("canvas"), {width: canvas.width, height: canvas.height}).getContext("2d", {willReadFrequently: true});
		copy.fillStyle = getComputedStyle(document.querySelector(".parley-bench")).getPropertyValue(%q).trim();
		const want = [1, 3, 5].map(i => parseInt(copy.fillStyle.slice(i, i + 2), 16));
		copy.drawImage(canvas, 0, 0);
		const all = copy.getImageData(0, 0, canvas.width, canvas.height).data;
		let points = 0;
		for (let i = 0; i < all.length; i += 4) if (want.every((v, k) => Math.abs(all[i + k] - v) < 3) && all[i + 3] > 250) points++;
		return points; })()`, n, colour)
}

func reported(t *testing.T, r *bench.Result) string {
	path := filepath.Join(t.TempDir(), "report.html")
	file, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, report.Page(file, r))
	require.NoError(t, file.Close())
	return path
}

func TestThePageInABrowser(t *testing.T) {
	r := sample()
	r.Parts = []bench.Phase{{Name: "climb", To: 4}, {Name: "hold", From: 4, To: 10}}
	r.Log = []bench.LogLine{{At: 4.031, From: "supervisor", Text: "server died: server1"}}
	b := open(t, reported(t, r))
	becomes(b, 4, `document.querySelectorAll(".uplot canvas").length`)
	for n, colour := range []string{"--c2", "--c1", "--bad", "--c1"} {
		assert.Greater(t, value[int](b, inked(n, colour)), 20, "chart %d shows its line", n)
		assert.Greater(t, value[int](b, inked(n, "--ink")), 100, "chart %d shows the events", n)
	}

	t.Log("without a cursor the legend tells the whole run")
	assert.Equal(t, []string{"the whole run", "p50 2.00 ms", "p95 0", "p99 180 ms", "max 250 ms"}, value[[]string](b, legend(0)))

	t.Log("one cursor goes through all charts, and each tells its values")
	b.point(0, 0.45)
	becomes(b, []string{"4 s", "p50 2.00 ms", "p95 3.00 ms", "p99 250 ms", "max 6.00 ms"}, legend(0))
	becomes(b, []string{"4 s", "asked 100/s", "sent 90/s"}, legend(1))
	becomes(b, []string{"4 s", "failed 1", "unknown 1"}, legend(2))
	becomes(b, []string{"4 s", "server1 0/s", `s"2 98/s`, "none 2/s"}, legend(3))
	becomes(b, "hold · 1 kill server1 · supervisor: server died: server1", `document.querySelector(".happened").innerText`)

	t.Log("a drag looks closer, in all charts; a double click shows all again")
	hidden := `document.querySelector(".tools button").hidden`
	assert.True(t, value[bool](b, hidden))
	x, y := b.spot(1, 0.6)
	to, _ := b.spot(1, 0.99)
	b.Do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, x, y))
	b.Do(chromedp.MouseEvent(input.DispatchMouseEventTypeMousePressed, x, y, chromedp.ButtonLeft, chromedp.ClickCount(1)))
	b.Do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, to, y, chromedp.ButtonLeft))
	b.Do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseReleased, to, y, chromedp.ButtonLeft, chromedp.ClickCount(1)))
	becomes(b, false, hidden)
	becomes(b, 0, inked(2, "--c5")) // what is unknown was before
	b.point(0, 0.02)
	becomes(b, "6 s", legend(0)+"[0]")
	x, y = b.spot(0, 0.5)
	b.Do(chromedp.MouseClickXY(x, y), chromedp.MouseClickXY(x, y, chromedp.ClickCount(2)))
	becomes(b, true, hidden)
	assert.Positive(t, value[int](b, inked(2, "--c5")))

	t.Log("the keyboard moves the cursor, too")
	b.Do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, 1, 1))
	becomes(b, "the whole run", legend(0)+"[0]")
	b.Do(chromedp.Evaluate[chromedp.Void](`document.querySelectorAll(".drawing")[2].focus()`), chromedp.KeyEvent(kb.Home))
	becomes(b, "0 s", legend(0)+"[0]")
	b.Do(chromedp.KeyEvent(kb.ArrowRight))
	becomes(b, []string{"1 s", "failed 0", "unknown 0"}, legend(2))

	t.Log("dark, and on paper")
	becomes(b, "rgb(245, 246, 248)", `getComputedStyle(document.body).backgroundColor`)
	_, err := chromedp.Call(b.Context, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}})
	require.NoError(t, err)
	becomes(b, "#6aa1ff", `getComputedStyle(document.querySelector(".parley-bench")).getPropertyValue("--c1")`)
	require.Eventually(t, func() bool { return value[int](b, inked(1, "--c1")) > 20 }, 30*time.Second, 20*time.Millisecond)
	b.Do(chromedp.Evaluate[chromedp.Void](`dispatchEvent(new Event("beforeprint"))`))
	assert.Equal(t, "#2f6fde", value[string](b, `getComputedStyle(document.querySelector(".parley-bench")).getPropertyValue("--c1")`))
	assert.Greater(t, value[int](b, inked(1, "--c1")), 20, "paper is white")
	becomes(b, true, `[...document.querySelectorAll(".u-wrap")].every(u => u.clientWidth === 640)`) // and narrow
	b.Do(chromedp.Evaluate[chromedp.Void](`dispatchEvent(new Event("afterprint"))`))

	t.Log("a telephone: nothing runs over the edge")
	b.Do(chromedp.EmulateViewport(360, 740))
	becomes(b, true, `[...document.querySelectorAll(".u-wrap")].every(u => u.clientWidth <= 336)`)
	assert.InDelta(t, 360, value[float64](b, `document.documentElement.scrollWidth`), 0)
}

// TestSeveralFragmentsInABrowser has two runs in one page, one of them with nothing in it, and names that would break out of the
// data.
func TestSeveralFragmentsInABrowser(t *testing.T) {
	evil := sample()
	evil.Servers[0].Name, evil.Events[0].Label = "</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>"
	page := "<!doctype html><title>two</title><body>"
	for _, r := range []*bench.Result{evil, {Rate: 1, Duration: 1, Series: bench.Series{Width: 1, Buckets: make([]bench.Bucket, 1)}}, sample()} {
		fragment, err := report.Fragment(r)
		require.NoError(t, err)
		page += string(fragment)
	}
	for _, script := range report.Scripts() {
		page += "<script>" + script + "</script>"
	}
	path := filepath.Join(t.TempDir(), "two.html")
	require.NoError(t, os.WriteFile(path, []byte(page), 0o600))
	b := open(t, path)
	becomes(b, []int{4, 0, 4}, `[...document.querySelectorAll(".parley-bench")].map(s => s.querySelectorAll("canvas").length)`)
	b.point(0, 0.45)
	becomes(b, "4 s", legend(0)+"[0]")
	becomes(b, "</script><script>alert(1)</script> 0/s", legend(3)+"[1]")
	assert.Equal(t, "the whole run", value[string](b, legend(4)+"[0]"), "each run has a cursor of its own")
}

// TestThePageWithoutJavaScript: the tables tell what the charts would.
func TestThePageWithoutJavaScript(t *testing.T) {
	b := open(t, reported(t, sample()))
	_, err := chromedp.Call(b.Context, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	require.NoError(t, err)
	b.Do(chromedp.Navigate(b.URL))
	becomes(b, "none", `getComputedStyle(document.querySelector(".charts")).display`)
	assert.Contains(t, value[string](b, `document.body.innerText`), "The charts need JavaScript.")
	b.Do(chromedp.Click(chromedp.CSS("summary")))
	becomes(b, true, `document.querySelector("details").innerText.includes("250 ms")`)
}
