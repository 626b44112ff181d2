package timechart_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/dlbench/dlbench/metrics/timeline"
	"github.com/dlbench/dlbench/reports/timechart"
)

func at(kind, name string, from, to int) timeline.Step {
	day := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	return timeline.Step{Kind: kind, Name: name, Start: day.Add(time.Duration(from) * time.Second), End: day.Add(time.Duration(to) * time.Second)}
}

// rect is a bar as it is drawn.
type rect struct {
	X      float64 `xml:"x,attr"`
	Y      float64 `xml:"y,attr"`
	Width  float64 `xml:"width,attr"`
	Stroke string  `xml:"stroke,attr"`
	Title  string  `xml:"title"`
}

// drawn are the bars by their hover texts.
func drawn(t *testing.T, runs ...timechart.Run) map[string]rect {
	t.Helper()
	var out bytes.Buffer
	if err := timechart.SVG(&out, runs); err != nil {
		t.Fatal(err)
	}
	bars := map[string]rect{}
	for d := xml.NewDecoder(&out); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return bars
		}
		if err != nil {
			t.Fatal(err)
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "rect" {
			var r rect
			if err := d.DecodeElement(&r, &start); err != nil {
				t.Fatal(err)
			}
			bars[r.Title] = r
		}
	}
}

func TestBarsAreAsLongAsTheirSteps(t *testing.T) {
	failed := at(timeline.Image, "install <mxnet>", 0, 60)
	failed.Error = "no network"
	bars := drawn(t,
		timechart.Run{Name: "before", Steps: []timeline.Step{at(timeline.Round, "round 1", 600, 1200), at(timeline.Image, "install jax", 0, 600)}},
		timechart.Run{Name: "after", Steps: []timeline.Step{failed, at(timeline.Image, "install tensorflow", 30, 300), at(timeline.Image, "add an adapter", 60, 61)}})
	jax, round := bars["install jax, 10:00"], bars["round 1, 10:00"]
	if jax.Width < 100 || jax.Width != round.Width || round.X != jax.X+jax.Width || round.Y <= jax.Y {
		t.Errorf("jax %+v, round %+v", jax, round)
	}
	mxnet, tensorflow, adapter := bars["install <mxnet>, 1:00: no network"], bars["install tensorflow, 4:30"], bars["add an adapter, 0:01"]
	if mxnet.Stroke == "" || tensorflow.Stroke != "" {
		t.Errorf("what failed does not stand out: %+v, %+v", mxnet, tensorflow)
	}
	if mxnet.Y == tensorflow.Y || mxnet.Y != adapter.Y || adapter.X != mxnet.X+mxnet.Width || mxnet.Y <= round.Y {
		t.Errorf("steps at once share a row, or others do not: %+v, %+v, %+v", mxnet, tensorflow, adapter)
	}
	if ratio := tensorflow.Width / jax.Width; ratio < 0.44 || ratio > 0.46 {
		t.Errorf("270 s are %.2f of 600 s: the runs have different scales", ratio)
	}
}

func TestALongNameIsCut(t *testing.T) {
	var out bytes.Buffer
	steps := []timeline.Step{at(timeline.Image, strings.Repeat("é", 300), 0, 60)}
	if err := timechart.SVG(&out, []timechart.Run{{Name: "x", Steps: steps}}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "é…</text>") || strings.Contains(out.String(), strings.Repeat("é", 150)+"…") {
		t.Errorf("it is not cut: %s", out.String())
	}
}
