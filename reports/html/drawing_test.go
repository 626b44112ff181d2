package html_test

import (
	"bytes"
	"compress/zlib"
	"io"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/dlbench/dlbench/metrics/record"
)

// drawnChart is a chart as the browser has it.
type drawnChart struct {
	ID      string
	Points  int
	Painted int // pixels that are not paper
}

// countPoints is how many points of a chart's series are shown.
const countPoints = `(holder) => {
  let n = 0;
  echarts.getInstanceByDom(holder)?.getModel().eachSeries((s) => { n += s.getData().count(); });
  return n;
}`

// drawAll draws what is out of sight too, as printing does, and paints each
// drawing in the page's colours to see what is there.
const drawAll = `dispatchEvent(new Event("beforeprint"));
Promise.all([...document.querySelectorAll(".chart")].map(async (holder) => {
  let painted = 0;
  const chart = echarts.getInstanceByDom(holder);
  if (chart) {
    const image = new Image(), canvas = document.createElement("canvas");
    const svg = holder.querySelector("svg").cloneNode(true);
    svg.style.cssText += document.styleSheets[0].cssRules[0].style.cssText;
    image.src = "data:image/svg+xml," + encodeURIComponent(new XMLSerializer().serializeToString(svg));
    await image.decode();
    [canvas.width, canvas.height] = [image.width, image.height];
    const pen = canvas.getContext("2d");
    pen.drawImage(image, 0, 0);
    const pixels = pen.getImageData(0, 0, canvas.width, canvas.height).data;
    for (let i = 3; i < pixels.length; i += 4) painted += pixels[i] > 0;
  }
  return { ID: holder.dataset.chart, Points: (` + countPoints + `)(holder), Painted: painted };
}))`

// In a real browser: every chart is drawn with data, nothing is logged, no
// request leaves the page, and injected markup stays text.
func TestInChromium(t *testing.T) {
	hostile := small()
	hostile.text = attack
	spreadsheet := campaign(small())
	spreadsheet.Suite = "=1+1"
	for name, tt := range map[string]struct {
		records []*record.Record
		charts  int // at least
	}{
		"a quick look": {[]*record.Record{campaign(small())}, 26},
		"a GPU":        {[]*record.Record{campaign(thorough())}, 100},
		"all of a GPU": {[]*record.Record{campaign(metered())}, 45},
		"two records":  {[]*record.Record{campaign(small()), spreadsheet}, 56},
		"threads":      {[]*record.Record{campaign(scaled())}, 108},
		"hostile":      {[]*record.Record{campaign(hostile)}, 26},
		"two hostile":  {[]*record.Record{campaign(hostile), campaign(hostile)}, 56},
	} {
		t.Run(name, func(t *testing.T) {
			b := open(t, tt.records...)
			charts := eval[[]drawnChart](b, drawAll)
			if len(charts) < tt.charts {
				t.Errorf("%d charts, expected at least %d", len(charts), tt.charts)
			}
			for _, c := range charts {
				if c.Points < 2 || c.Painted < 500 {
					t.Errorf("%s is drawn with %d points on %d pixels", c.ID, c.Points, c.Painted)
				}
			}
			openTables := `document.querySelectorAll("details").forEach((d) => { d.open = true; });
				new Promise((ok) => setTimeout(() => ok(document.querySelectorAll("details[data-table] table").length), 300))`
			if n, all := eval[int](b, openTables), eval[int](b, `document.querySelectorAll("details[data-table]").length`); n != all || n == 0 {
				t.Errorf("%d of %d tables opened", n, all)
			}
			if title := eval[string](b, `document.title`); !strings.HasPrefix(title, "dlbench · ") {
				t.Errorf("the title was taken: %q", title)
			}
			if n := eval[int](b, `document.querySelectorAll("u, img, #alive, [onerror], script[src], link, iframe").length + document.scripts.length`); n != 3 {
				t.Errorf("%d elements of markup came alive", n-3)
			}
			b.quiet()
		})
	}
}

// A tooltip is the only markup that the chart library makes of names.
func TestTooltipsAreText(t *testing.T) {
	hostile := small()
	hostile.text = attack
	b := open(t, campaign(hostile))
	b.do(chromedp.ScrollIntoView(chromedp.CSS("figure .chart")))
	shown := eval[string](b, `new Promise((ok) => {
		const holder = document.querySelector("figure .chart");
		const wait = () => {
			const chart = echarts.getInstanceByDom(holder);
			if (!chart) return setTimeout(wait, 20);
			chart.dispatchAction({ type: "showTip", seriesIndex: 1, dataIndex: 1 });
			const tip = holder.lastElementChild;
			setTimeout(() => ok((tip.querySelector("svg") ? "no tooltip" : tip.innerText) + (holder.querySelector("u, img, script") ? "ALIVE" : "")), 200);
		};
		wait();
	})`)
	if !strings.Contains(shown, `<u id="alive">bold</u>`) || strings.Contains(shown, "ALIVE") {
		t.Errorf("the tooltip shows %q", shown)
	}
	b.quiet()
}

// The page works on a telephone: nothing but tables and charts is wider than it.
func TestNarrowPagesDoNotScrollSideways(t *testing.T) {
	b := open(t, campaign(small()), campaign(small()))
	b.do(chromedp.EmulateViewport(390, 844))
	eval[[]drawnChart](b, drawAll)
	if width := eval[int](b, `document.scrollingElement.scrollWidth`); width > 390 {
		t.Errorf("the page is %d pixels wide on a screen of 390: %s", width, eval[string](b,
			`[...document.querySelectorAll("main *")].filter((e) => e.getBoundingClientRect().right > 391 && !e.closest(".scroll")).slice(0, 5).map((e) => e.tagName + "." + e.className).join(" ")`))
	}
}

func TestPrintsWithItsCharts(t *testing.T) {
	b := open(t, campaign(small()))
	b.click("[data-theme-toggle]")
	with := b.print()
	if n, all := eval[int](b, `document.querySelectorAll("[data-drawn]").length`), eval[int](b, `document.querySelectorAll(".chart").length`); n != all || n < 26 {
		t.Errorf("%d of %d charts were drawn for the print", n, all)
	}
	if theme := eval[string](b, `document.documentElement.dataset.theme`); theme != "dark" {
		t.Errorf("after the print the page is %q", theme)
	}
	eval[bool](b, `document.querySelectorAll(".chart").forEach((e) => e.replaceChildren()) || true`)
	if without := b.print(); len(with) < 3*len(without)/2 {
		t.Errorf("a print says %d bytes with its charts, and %d without", len(with), len(without))
	}
	b.quiet()
}

// print is what the streams of the page's PDF say.
func (b *tab) print() []byte {
	b.t.Helper()
	pdf, err := chromedp.Run(b.ctx, chromedp.PrintToPDF())
	if err != nil {
		b.t.Fatal(err)
	}
	if pages := bytes.Count(pdf, []byte("/Type /Page\n")); !bytes.HasPrefix(pdf, []byte("%PDF-")) || pages < 3 {
		b.t.Errorf("the print has %d pages", pages)
	}
	var said []byte
	for _, part := range bytes.Split(pdf, []byte("stream\n"))[1:] {
		r, err := zlib.NewReader(bytes.NewReader(part))
		if err != nil {
			continue // the end of a stream, or a font
		}
		text, err := io.ReadAll(r)
		if err == nil {
			said = append(said, text...)
		}
	}
	return said
}
