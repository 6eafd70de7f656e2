// Package chromium is a page in a real Chromium, for tests of what people look at.
package chromium

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// patience is how long one action of a user may take.
const patience = time.Minute

// Tab is a page. The test fails at its end where the browser complained: of a script, of a style that a policy refuses, of a file
// that is missing.
type Tab struct {
	*testing.T
	Context context.Context //nolint:containedctx // chromedp keeps the browser in it
	URL     string          // of ShowFile

	excused  []string
	mu       sync.Mutex
	requests []string
	errors   []string
}

// Path is the browser on the path; without one the test is skipped, or fails where PARLEY_REQUIRE names chromium.
func Path(t *testing.T) string {
	t.Helper()
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

// Open starts the browser at path. Log entries that hold one of the excused texts are no complaints.
func Open(t *testing.T, path string, excused ...string) *Tab {
	t.Helper()
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(path))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // it refuses to run as root with one
	}
	b := &Tab{T: t, excused: excused}
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	b.Context, cancel = chromedp.NewContext(ctx, chromedp.WithListener(b.note))
	t.Cleanup(cancel)
	require.NoError(t, chromedp.Do(b.Context)) // its context is that of the browser, and must have no deadline
	t.Cleanup(func() { assert.Empty(t, b.Complaints(), "the browser complained") })
	return b
}

// ShowFile shows a page that is one file and asks for nothing else; the test fails at its end where it did. before are done before
// the page is there.
func (b *Tab) ShowFile(path string, before ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	b.URL = "file://" + path
	b.Do(append(before, chromedp.Navigate(b.URL))...)
	b.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, asked := range b.requests {
			assert.True(b, asked == b.URL || strings.HasPrefix(asked, "data:"), "the page asked for %s", asked)
		}
		assert.NotEmpty(b, b.requests)
	})
}

// Complaints are what the browser complained of since the last call. The test does not fail by them any more.
func (b *Tab) Complaints() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	said := b.errors
	b.errors = nil
	return said
}

func (b *Tab) note(event any) {
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
		if !slices.ContainsFunc(b.excused, func(text string) bool { return strings.Contains(e.Entry.Text, text) }) {
			b.errors = append(b.errors, e.Entry.Text)
		}
	}
}

// Do does what a user would, one action after another.
func (b *Tab) Do(actions ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	for _, action := range actions {
		ctx, cancel := context.WithTimeout(b.Context, patience)
		err := chromedp.Do(ctx, action)
		cancel()
		require.NoError(b, err)
	}
}

// Value is what a JavaScript expression gives.
func Value[V any](b *Tab, expression string) V {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[V](expression))
	require.NoError(b, err, expression)
	return v
}
