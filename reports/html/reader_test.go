package html_test

import (
	"encoding/csv"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// column reads the visible cells of a table's column.
func (b *tab) column(table string, i int) []string {
	b.t.Helper()
	return eval[[]string](b, fmt.Sprintf(`[...document.getElementById(%q).tBodies[0].rows].filter((r) => !r.hidden).map((r) => r.cells[%d].innerText.trim())`, table, i))
}

const ranking = "lenet-infer-b8-fp32-ranking-table"

func (b *tab) header(i int) string {
	return fmt.Sprintf("#%s thead th:nth-child(%d)", ranking, i+1)
}

func TestTablesSortByClickAndKey(t *testing.T) {
	b := open(t, campaign(small()))
	speeds := b.column(ranking, 1)
	direction := func(i int) string {
		return eval[string](b, fmt.Sprintf(`document.querySelector(%q).getAttribute("aria-sort") || ""`, b.header(i)))
	}
	// By mouse: numbers begin with the greatest; what is missing stays last.
	b.click(b.header(1) + " button")
	measured := slices.DeleteFunc(slices.Clone(speeds), func(s string) bool { return s == "–" })
	if got := b.column(ranking, 1); len(measured) != 4 || !sorted(t, got[:4], -1) || got[5] != "–" || direction(1) != "descending" {
		t.Errorf("after a click: %v, %s", got, direction(1))
	}
	b.click(b.header(1) + " button")
	if got := b.column(ranking, 1); !sorted(t, got[:4], 1) || got[5] != "–" || direction(1) != "ascending" {
		t.Errorf("after another: %v, %s", got, direction(1))
	}
	// By keyboard: texts begin with the first letter.
	b.do(chromedp.Focus(chromedp.CSS(b.header(0)+" button")), chromedp.KeyEvent(kb.Enter))
	if got := b.column(ranking, 0); !slices.IsSorted(got) || direction(0) != "ascending" || direction(1) != "" {
		t.Errorf("after Enter: %v, %s and %s", got, direction(0), direction(1))
	}
	if said := eval[string](b, `document.getElementById("status").textContent`); said != "Sorted by runner, ascending" {
		t.Errorf("a screen reader hears %q", said)
	}
	b.quiet()
}

// sorted says whether texts of numbers rise (1) or fall (-1).
func sorted(t *testing.T, texts []string, direction float64) bool {
	t.Helper()
	last := 0.0
	for i, text := range texts {
		var v float64
		if _, err := fmt.Sscan(text, &v); err != nil {
			t.Fatalf("%q is not a number", text)
		}
		if i > 0 && (v-last)*direction < 0 {
			return false
		}
		last = v
	}
	return true
}

func TestTablesCopyAsCSV(t *testing.T) {
	rec := campaign(small())
	for i := range rec.Runners {
		if rec.Runners[i].Name == "mxnet" {
			rec.Runners[i].Name = `=cmd|"a",b`
		}
	}
	for i := range rec.Cells {
		if rec.Cells[i].Runner == "mxnet" {
			rec.Cells[i].Runner = `=cmd|"a",b`
		}
	}
	rec.Comparisons = nil
	b := open(t, rec)
	b.click(fmt.Sprintf(".scroll:has(#%s) + .tools button", ranking))
	text := eval[string](b, `new Promise((ok) => setTimeout(ok, 100)).then(() => navigator.clipboard.readText())`)
	table, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if len(table) != 7 || table[0][0] != "runner" || table[0][1] != "images/s" {
		t.Fatalf("copied %q", table)
	}
	if !strings.HasPrefix(table[1][0], "onnxruntime") || table[1][1] != fmt.Sprint(rec.Cell("lenet/infer/b8/fp32", "onnxruntime").Throughput.Median) {
		t.Errorf("the first is %q", table[1])
	}
	if !strings.HasPrefix(table[2][0], `'=cmd|"a",b`) {
		t.Errorf("a formula is copied as %q", table[2][0])
	}
	if said := eval[string](b, `document.getElementById("status").textContent`); said != "Copied as CSV" {
		t.Errorf("the page says %q", said)
	}
	b.quiet()
}

func TestFilterByWorkloadModeAndRunner(t *testing.T) {
	b := open(t, campaign(small()))
	shown := func(css string) int {
		return eval[int](b, fmt.Sprintf(`[...document.querySelectorAll(%q)].filter((e) => e.offsetParent).length`, css))
	}
	choose := func(name, label string) {
		b.t.Helper()
		eval[bool](b, fmt.Sprintf(`(() => { const s = document.querySelector(".filters [name=%s]"); const o = [...s.options].find((o) => o.textContent === %q);
			o.selected = true; s.dispatchEvent(new Event("input", { bubbles: true })); return true; })()`, name, label))
	}
	if n := shown("article.workload"); n != 4 {
		t.Fatalf("%d workloads at first", n)
	}
	choose("mode", "train")
	if n, answers := shown("article.workload"), shown("#answers-table tbody tr"); n != 2 || answers != 2 || shown("#lenet-infer-b8-fp32") != 0 {
		t.Errorf("mode train shows %d workloads and %d answers", n, answers)
	}
	choose("workload", "resnet20/train/b8/fp32")
	if n := shown("article.workload"); n != 1 || shown("#resnet20-train-b8-fp32") != 1 {
		t.Errorf("one workload shows %d", n)
	}
	b.click(".filters [type=reset]")
	if n := eval[int](b, `new Promise((ok) => setTimeout(() => ok([...document.querySelectorAll("article.workload")].filter((e) => e.offsetParent).length), 100))`); n != 4 {
		t.Errorf("%d workloads after showing all", n)
	}

	holder := func(chart string) string { return fmt.Sprintf("[data-chart=lenet-infer-b8-fp32-%s]", chart) }
	points := func(chart string) int {
		return eval[int](b, fmt.Sprintf(`(`+countPoints+`)(document.querySelector(%q))`, holder(chart)))
	}
	names := func(chart string) []string {
		return eval[[]string](b, fmt.Sprintf(`echarts.getInstanceByDom(document.querySelector(%q)).getOption().yAxis[0].data`, holder(chart)))
	}
	b.do(chromedp.ScrollIntoView(chromedp.CSS(holder("throughput"))))
	eval[bool](b, `new Promise((ok) => setTimeout(() => ok(true), 300))`)
	before, start := points("throughput"), points("coldstart")
	b.click(".filters summary")
	b.click(".filters [name=runner][value='1']") // mxnet
	if got := b.column(ranking, 0); len(got) != 5 || slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, "mxnet") }) {
		t.Errorf("without mxnet the ranking has %v", got)
	}
	for chart, want := range map[string]int{"throughput": before - 3 - 3, "coldstart": start - 4} { // its interval and three processes; its phases
		if got := points(chart); got != want {
			t.Errorf("without mxnet %s has %d points, expected %d", chart, got, want)
		}
		if got := names(chart); len(got) != 3 || slices.Contains(got, "mxnet") {
			t.Errorf("without mxnet %s has the rows %v", chart, got)
		}
	}
	eval[[]drawnChart](b, drawAll)
	later := eval[[]string](b, `[...document.querySelectorAll("[data-chart=resnet20-train-b8-fp32-throughput] svg text")].map((e) => e.textContent)`)
	if !slices.Contains(later, "caffe2") || slices.Contains(later, "mxnet") {
		t.Errorf("a chart that is drawn later says %q", later)
	}
	if n := shown("#lenet-infer-b8-fp32-time-mxnet"); n != 0 {
		t.Error("mxnet's timeline is still there")
	}
	if n := shown("#terms-table thead th[data-r='1']"); n != 0 {
		t.Error("mxnet's terms are still there")
	}
	if said := eval[string](b, `document.getElementById("status").textContent`); said != "4 of 4 workloads and 5 of 6 runners are shown" {
		t.Errorf("a screen reader hears %q", said)
	}
	b.quiet()
}

func TestRawProcessesOpen(t *testing.T) {
	rec := campaign(small())
	b := open(t, rec)
	const details = "[data-table=lenet-infer-b8-fp32-processes-table]"
	if n := eval[int](b, `document.querySelectorAll("`+details+` tr").length`); n != 0 {
		t.Fatalf("%d rows before anybody looked", n)
	}
	b.click(details + " summary")
	eval[bool](b, `new Promise((ok) => setTimeout(() => ok(true), 200))`)
	if got := b.column("lenet-infer-b8-fp32-processes-table", 0); len(got) != 13 || got[0] != rec.Runners[0].Name {
		t.Errorf("the processes are %v", got)
	}
	b.quiet()
}

func TestChartsSaveAsPNG(t *testing.T) {
	b := open(t, campaign(small()))
	b.click("#lenet-infer-b8-fp32-throughput button")
	path := filepath.Join(b.downloads, "lenet-infer-b8-fp32-throughput.png")
	deadline := time.Now().Add(20 * time.Second)
	for _, err := os.Stat(path); err != nil && time.Now().Before(deadline); _, err = os.Stat(path) {
		time.Sleep(50 * time.Millisecond)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	picture, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	colours := map[[3]uint32]bool{}
	for x := range picture.Bounds().Dx() {
		for y := range picture.Bounds().Dy() {
			r, g, b, _ := picture.At(x, y).RGBA()
			colours[[3]uint32{r >> 12, g >> 12, b >> 12}] = true
		}
	}
	if picture.Bounds().Dx() < 600 || len(colours) < 10 {
		t.Errorf("the picture is %v with %d colours", picture.Bounds(), len(colours))
	}
	b.quiet()
}

func TestLinksOpenWhatHidesTheirTarget(t *testing.T) {
	b := open(t, campaign(small()))
	id := "warning-no-steady-state"
	if eval[bool](b, fmt.Sprintf(`document.getElementById(%q).open`, id)) {
		t.Fatal("it was open before")
	}
	eval[bool](b, fmt.Sprintf(`new Promise((ok) => { location.hash = %q; setTimeout(() => ok(true), 200); })`, id))
	if !eval[bool](b, fmt.Sprintf(`document.getElementById(%q).open`, id)) {
		t.Error("the link leads to something that is shut")
	}
}

func TestDarkBySystemAndByButton(t *testing.T) {
	b := open(t, campaign(small()))
	paper := func() string { return eval[string](b, `getComputedStyle(document.body).backgroundColor`) }
	ink := func() string {
		return eval[string](b, `new Promise((ok) => {
			const wait = () => {
				const name = [...document.querySelectorAll("[data-chart=lenet-infer-b8-fp32-throughput] svg text")].find((e) => e.textContent === "mxnet");
				if (name) ok(getComputedStyle(name).fill); else setTimeout(wait, 20);
			};
			setTimeout(wait, 150);
		})`)
	}
	b.do(chromedp.ScrollIntoView(chromedp.CSS("[data-chart=lenet-infer-b8-fp32-throughput]")))
	const light, dark, darkInk = "rgb(255, 255, 255)", "rgb(15, 20, 26)", "rgb(228, 234, 241)"
	if paper() != light || ink() == darkInk {
		t.Errorf("at first %s, %s", paper(), ink())
	}
	b.click("[data-theme-toggle]")
	if paper() != dark || ink() != darkInk {
		t.Errorf("after the button %s, %s", paper(), ink())
	}
	b.click("[data-theme-toggle]")
	if paper() != light || ink() == darkInk {
		t.Errorf("after the button again %s, %s", paper(), ink())
	}
	eval[bool](b, `delete document.documentElement.dataset.theme`)
	params := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}}
	if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, params); err != nil {
		t.Fatal(err)
	}
	if paper() != dark || ink() != darkInk {
		t.Errorf("on a dark system %s, %s", paper(), ink())
	}
	b.quiet()
}

// What is shown of several records can be filtered too.
func TestFilterReachesEveryRecord(t *testing.T) {
	b := open(t, campaign(small()), campaign(small()))
	eval[bool](b, `(() => { const s = document.querySelector(".filters [name=mode]"); s.value = "train"; s.dispatchEvent(new Event("input", { bubbles: true })); return true; })()`)
	if n := eval[int](b, `[...document.querySelectorAll("article.workload")].filter((e) => e.offsetParent).length`); n != 4 {
		t.Errorf("%d workloads of both records train", n)
	}
	if n := eval[int](b, `[...document.querySelectorAll("#overview [data-workload]")].filter((e) => e.offsetParent).length`); n != 2 {
		t.Errorf("%d workloads of the overview train", n)
	}
}
