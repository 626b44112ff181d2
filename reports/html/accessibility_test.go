package html_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// axeVersion of the rules: newer ones may find more.
const axeVersion = "4.14.1"

// axe is the source of axe-core, fetched once into the user's cache.
func axe(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Skipf("no folder for axe-core: %v", err)
	}
	dir := filepath.Join(cache, "dlbench", "axe-core-"+axeVersion)
	path := filepath.Join(dir, "node_modules", "axe-core", "axe.min.js")
	if _, err := os.Stat(path); err != nil {
		fetchAxe(t, dir)
	}
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(source)
}

func fetchAxe(t *testing.T, dir string) {
	t.Helper()
	npm, err := exec.LookPath("npm")
	if err != nil {
		t.Skip("npm is not installed, so axe-core cannot be fetched: apt-get install npm")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), npm, "install", "--silent", "--no-save", "--ignore-scripts", "--prefix", dir, "axe-core@"+axeVersion)
	if out, err := command.CombinedOutput(); err != nil {
		t.Skipf("npm could not fetch axe-core: %v\n%s", err, out)
	}
}

type violation struct {
	ID, Impact, Help string
	Nodes            []struct{ HTML string }
}

// Everybody can use the page: axe-core finds no serious or critical violation,
// in light and dark, with everything open.
func TestAccessible(t *testing.T) {
	chromium(t)
	source := axe(t)
	for name, records := range map[string]plan{"a quick look": small(), "a GPU": metered()} {
		t.Run(name, func(t *testing.T) {
			b := open(t, campaign(records), campaign(small()))
			if _, err := chromedp.Run(b.ctx, chromedp.Evaluate[chromedp.Void](source)); err != nil {
				t.Fatal(err)
			}
			eval[[]drawnChart](b, drawAll)
			// One of each kind of table is enough: hundreds only take longer.
			eval[bool](b, `new Promise((ok) => { document.querySelectorAll("details:not([data-table]), #a-workloads article:first-of-type details").forEach((d) => { d.open = true; }); setTimeout(() => ok(true), 500); })`)
			for _, theme := range []string{"light", "dark"} {
				eval[string](b, `document.documentElement.dataset.theme = "`+theme+`"`)
				for _, v := range eval[[]violation](b, `axe.run(document, { resultTypes: ["violations"] }).then((r) => r.violations.map((v) => ({ ID: v.id, Impact: v.impact, Help: v.help, Nodes: v.nodes.slice(0, 3).map((n) => ({ HTML: n.html })) })))`) {
					if v.Impact == "serious" || v.Impact == "critical" {
						t.Errorf("%s: %s %s: %s\n%+v", theme, v.Impact, v.ID, v.Help, v.Nodes)
					} else {
						t.Logf("%s: %s %s: %s\n%.400s", theme, v.Impact, v.ID, v.Help, strings.TrimSpace(v.Nodes[0].HTML))
					}
				}
			}
		})
	}
}

// A test that nothing can fail would be worth nothing: axe-core sees what is
// wrong with a page.
func TestAxeSeesViolations(t *testing.T) {
	chromium(t)
	source := axe(t)
	b := open(t, campaign(small()))
	if _, err := chromedp.Run(b.ctx, chromedp.Evaluate[chromedp.Void](source)); err != nil {
		t.Fatal(err)
	}
	eval[bool](b, `document.body.append(document.createElement("button"), document.createElement("img")) || true`)
	found := eval[[]string](b, `axe.run(document).then((r) => r.violations.map((v) => v.id))`)
	for _, want := range []string{"button-name", "image-alt"} {
		if !strings.Contains(strings.Join(found, " "), want) {
			t.Errorf("axe-core found %v, not %s", found, want)
		}
	}
}
