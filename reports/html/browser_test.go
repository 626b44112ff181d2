package html_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/dlbench/dlbench/metrics/record"
)

// tab is a report in a real browser, with what happened there.
type tab struct {
	t         *testing.T
	ctx       context.Context
	url       string
	downloads string

	mu       sync.Mutex
	logged   []string
	requests []string
}

// shared is the browser of all tests, each of which has a context of its own in it,
// with its own window, storage and permissions: starting a browser takes seconds.
var shared sharedBrowser

type sharedBrowser struct {
	start sync.Once
	ctx   context.Context
	stop  func()
	err   error
}

func (s *sharedBrowser) context(t *testing.T) context.Context {
	t.Helper()
	path := chromium(t)
	s.start.Do(func() {
		allocator, end := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox,
			chromedp.DisableGPU, chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.WindowSize(1400, 900))...)
		ctx, done := chromedp.NewContext(allocator)
		s.ctx, s.stop = ctx, func() {
			_ = chromedp.Cancel(ctx) // in good order, so that it removes its temporary folder
			done()
			end()
		}
		s.err = chromedp.Do(ctx)
	})
	if s.err != nil {
		t.Fatalf("start the browser: %v", s.err)
	}
	return s.ctx
}

// TestMain ends the browser after the last test.
func TestMain(m *testing.M) {
	code := m.Run()
	if shared.stop != nil {
		shared.stop()
	}
	os.Exit(code)
}

// open shows the report of some records.
func open(t *testing.T, records ...*record.Record) *tab {
	t.Helper()
	path := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(path, []byte(render(t, records...)), 0o644); err != nil {
		t.Fatal(err)
	}
	b := &tab{t: t, url: "file://" + path, downloads: t.TempDir()}
	limited, end := context.WithTimeout(shared.context(t), 90*time.Second)
	t.Cleanup(end)
	ctx, done := chromedp.NewContext(limited, chromedp.WithListener(b.hear), chromedp.WithNewBrowserContext())
	t.Cleanup(done)
	b.ctx = ctx
	b.do(chromedp.Navigate(b.url))
	b.allow()
	if n := eval[string](b, `new Promise((ok) => { const wait = () => document.documentElement.dataset.ready ? ok(document.documentElement.dataset.ready) : setTimeout(wait, 20); wait(); })`); n == "0" {
		t.Fatalf("the page could not draw its charts: %s", eval[string](b, `document.getElementById("status").textContent`))
	}
	return b
}

// chromium is the browser; if there is none, the test is skipped, but not in
// CI.
func chromium(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("short: no browser")
	}
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("CI has no chromium")
		}
		t.Skip("chromium is not installed: apt-get install chromium")
	}
	return path
}

// hear keeps what the page logs, throws and asks for.
func (b *tab) hear(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		b.logged = append(b.logged, fmt.Sprintf("console.%s: %v", e.Type, e.Args))
	case *runtime.EventExceptionThrown:
		b.logged = append(b.logged, fmt.Sprintf("exception: %+v", e.ExceptionDetails))
	case *log.EventEntryAdded:
		b.logged = append(b.logged, fmt.Sprintf("%s: %s", e.Entry.Source, e.Entry.Text))
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, e.Request.URL)
	}
}

// allow lets the page copy and save, as a reader's browser does.
func (b *tab) allow() {
	b.t.Helper()
	own := chromedp.FromContext(b.ctx).BrowserContextID
	for _, name := range []string{"clipboard-read", "clipboard-write"} {
		params := browser.SetPermissionParams{Permission: &browser.PermissionDescriptor{Name: name}, Setting: browser.PermissionSettingGranted, BrowserContextID: own}
		if _, err := chromedp.CallBrowser(b.ctx, browser.SetPermission, params); err != nil {
			b.t.Fatal(err)
		}
	}
	params := browser.SetDownloadBehaviorParams{Behavior: browser.SetDownloadBehaviorBehaviorAllow, DownloadPath: b.downloads, BrowserContextID: own}
	if _, err := chromedp.CallBrowser(b.ctx, browser.SetDownloadBehavior, params); err != nil {
		b.t.Fatal(err)
	}
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

func (b *tab) click(css string) {
	b.t.Helper()
	b.do(chromedp.Click(chromedp.CSS(css)))
}

// eval is what an expression, or the promise that it is, comes to.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise, chromedp.EvalAsValue))
	if err != nil {
		b.t.Fatalf("%.200s: %v", expression, err)
	}
	return value
}

// quiet fails the test when the page logged something or asked for anything
// but itself.
func (b *tab) quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.logged) > 0 {
		b.t.Errorf("the console has messages:\n%s", strings.Join(b.logged, "\n"))
	}
	own := 0
	for _, url := range b.requests {
		switch {
		case url == b.url:
			own++
		case !strings.HasPrefix(url, "data:") && !strings.HasPrefix(url, "blob:"):
			b.t.Errorf("the page asked for %s", url)
		}
	}
	if own == 0 {
		b.t.Error("not even the page itself was asked for: nothing is watched")
	}
}
