package nodes_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/dlbench/dlbench/metrics/record"
)

// TestThePageShowsTwoHundredNodesInABrowser wide and narrow, light and dark.
func TestThePageShowsTwoHundredNodesInABrowser(t *testing.T) {
	path, err := exec.LookPath("chromium")
	switch {
	case testing.Short():
		t.Skip("short: no browser")
	case err != nil && os.Getenv("CI") != "":
		t.Fatal("CI has no chromium")
	case err != nil:
		t.Skip("chromium is not installed: apt-get install chromium")
	}
	speeds := usual(200)
	speeds[120], speeds[30] = 0.9, 1.1
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, []byte(page(t, fleetOf(t, record.ByNodes, members(speeds...)))), 0o644); err != nil {
		t.Fatal(err)
	}
	allocator, stop := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU)...)
	defer stop()
	limited, end := context.WithTimeout(allocator, 90*time.Second)
	defer end()
	var mu sync.Mutex
	var heard []string
	ctx, done := chromedp.NewContext(limited, chromedp.WithListener(func(event any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := event.(type) {
		case *runtime.EventConsoleAPICalled, *runtime.EventExceptionThrown:
			heard = append(heard, fmt.Sprintf("%T", e))
		case *log.EventEntryAdded:
			heard = append(heard, e.Entry.Text)
		case *network.EventRequestWillBeSent:
			if e.Request.URL != "file://"+file {
				heard = append(heard, "asked for "+e.Request.URL)
			}
		}
	}))
	defer done()
	defer func() { _ = chromedp.Cancel(ctx) }() // in good order, so that it removes its temporary folder
	for _, width := range []int64{1400, 390} {
		for _, theme := range []string{"light", "dark"} {
			if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 900), chromedp.Navigate("file://"+file)); err != nil {
				t.Fatal(err)
			}
			for what, expression := range map[string]string{
				"200 dots are drawn":        `String(document.querySelector(".chart").dataset.drawn === "200")`,
				"the page fits its window":  `String(document.documentElement.scrollWidth <= innerWidth)`,
				"the theme changes colours": fmt.Sprintf(`(() => { const of = (t) => { document.documentElement.dataset.theme = t; return getComputedStyle(document.body).backgroundColor; }; const other = of(%q === "dark" ? "light" : "dark"); return String(of(%q) !== other); })()`, theme, theme),
				"the slow one is named":     `String([...document.querySelectorAll(".chart text")].some((e) => e.textContent === "n120"))`,
			} {
				if got, err := chromedp.Run(ctx, chromedp.Evaluate[string](expression)); err != nil || got != "true" {
					t.Errorf("%d pixels wide, %s: not so that %s: %v, %v", width, theme, what, got, err)
				}
			}
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(heard) > 0 {
		t.Errorf("the page said or asked: %q", heard)
	}
}
