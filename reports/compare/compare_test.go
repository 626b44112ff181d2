package compare_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/record/recordtest"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/reports/compare"
)

const workload = "net/infer/b4/fp32"

// campaign is a record in which every named runner has six processes, at so
// many images per second and 0 to 5 more.
func campaign(speeds map[string]float64) *record.Record {
	r := record.New(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	r.Suite, r.Profile, r.Status, r.Rounds = "smoke", "report", record.Complete, 6
	r.Environment.Host, r.Environment.CPU, r.Terms = "h", "EPYC", record.Terms{Device: "cpu", Threads: 2, CPUs: "0-1"}
	r.AddWorkload(record.Workload{ID: workload, Mode: "infer", Batch: 4, Digest: "d"})
	for _, name := range []string{"fast", "same", "gone", "fresh", "wrong"} {
		speed, there := speeds[name]
		if !there {
			continue
		}
		r.AddRunner(record.Runner{Name: name, Framework: name, FrameworkVersion: "1"})
		var speeds []float64
		for round := range 6 {
			speeds = append(speeds, speed+float64(round))
		}
		r.AddCell(recordtest.Cell(workload, name, 4, speeds...))
	}
	summary.Summarize(r)
	return r
}

func of(a, b *record.Record) *compare.Comparison {
	return compare.Of(compare.Source{File: "a.json", Record: a}, compare.Source{File: "b.json", Record: b})
}

func later(r *record.Record) *record.Record {
	r.Created = r.Created.Add(time.Hour)
	return r
}

func codes(c *compare.Comparison) string {
	var out []string
	for _, n := range c.Warnings {
		out = append(out, n.Code)
	}
	return strings.Join(out, " ")
}

func TestRatiosAreNewOverOld(t *testing.T) {
	c := of(campaign(map[string]float64{"fast": 1000, "same": 500}), later(campaign(map[string]float64{"fast": 1200, "same": 500})))
	if len(c.Cells) != 2 {
		t.Fatalf("%d cells, expected 2", len(c.Cells))
	}
	fast, same := c.Cells[0], c.Cells[1]
	if fast.Verdict != record.Faster || math.Abs(fast.Ratio-1.2) > 0.01 || fast.CILow < 1.18 || fast.CIHigh > 1.21 {
		t.Errorf("1000 → 1200 is %+v", fast)
	}
	if want := 2.0 / 924; math.Abs(fast.P-want) > 1e-12 {
		t.Errorf("six against six, all apart: p is %v, expected %v", fast.P, want)
	}
	if same.Verdict != record.Indistinguishable || math.Abs(same.Ratio-1) > 1e-12 {
		t.Errorf("500 → 500 is %+v", same)
	}
	if want := math.Sqrt(fast.Ratio * same.Ratio); len(c.Means) != 1 || c.Means[0].Mode != "infer" || c.Means[0].Cells != 2 || math.Abs(c.Means[0].Ratio-want) > 1e-12 {
		t.Errorf("the geometric mean is %+v, expected %v", c.Means, want)
	}
}

func TestCellsThatCannotBeComparedAreListed(t *testing.T) {
	a := campaign(map[string]float64{"fast": 1000, "gone": 10, "wrong": 20})
	b := later(campaign(map[string]float64{"fast": 1000, "fresh": 30, "wrong": 20}))
	b.Cells[2].Status, b.Cells[2].Parity = record.NotRanked, record.Parity{Status: record.ParityFailed, Reason: "conv is off"}
	c := of(a, b)
	if len(c.OnlyOld) != 1 || c.OnlyOld[0].Runner != "gone" || len(c.OnlyNew) != 1 || c.OnlyNew[0].Runner != "fresh" {
		t.Errorf("only in one: %+v, %+v", c.OnlyOld, c.OnlyNew)
	}
	if len(c.Differing) != 1 || c.Differing[0].New.Parity != record.ParityFailed || c.Differing[0].New.Reason != "conv is off" {
		t.Errorf("differing: %+v", c.Differing)
	}
	if len(c.Cells) != 1 || c.Means[0].Cells != 1 {
		t.Errorf("compared: %+v", c.Cells)
	}
}

func TestUnrankedCellsHaveNoVerdict(t *testing.T) {
	a, b := campaign(map[string]float64{"fast": 1000}), later(campaign(map[string]float64{"fast": 2000}))
	for _, r := range []*record.Record{a, b} {
		r.Cells[0].Status, r.Cells[0].Parity.Status = record.NotRanked, record.ParitySkipped
	}
	if c := of(a, b); c.Cells[0].Verdict != compare.NotRanked || len(c.Means) != 0 {
		t.Errorf("got %+v, means %+v", c.Cells[0], c.Means)
	}
}

func TestWarningsNameWhatDiffers(t *testing.T) {
	for code, change := range map[string]func(*record.Record){
		compare.MachineDiffers:   func(r *record.Record) { r.Environment.CPU = "Xeon" },
		compare.SystemDiffers:    func(r *record.Record) { r.Environment.Kernel = "7" },
		compare.TermsDiffer:      func(r *record.Record) { r.Terms.Threads = 1 },
		compare.ProfileDiffers:   func(r *record.Record) { r.Profile = "gate" },
		compare.HarnessDiffers:   func(r *record.Record) { r.DlbenchVersion = "2" },
		compare.WorkloadDiffers:  func(r *record.Record) { r.Workloads[0].Digest = "e" },
		compare.FrameworkDiffers: func(r *record.Record) { r.Runners[0].FrameworkVersion = "2" },
		compare.BuildDiffers:     func(r *record.Record) { r.Runners[0].AdapterDigest = "2" },
		compare.RunnerDiffers:    func(r *record.Record) { r.Runners[0].Terms.Layout = "NHWC" },
		compare.Unfinished:       func(r *record.Record) { r.Status = record.Interrupted },
		compare.WrongOrder:       func(r *record.Record) { r.Created = r.Created.Add(-9 * time.Hour) },
	} {
		a, b := campaign(map[string]float64{"fast": 1000}), later(campaign(map[string]float64{"fast": 1000}))
		change(b)
		if got := codes(of(a, b)); got != code+" "+compare.Unpaired {
			t.Errorf("expected the warning %s, got %q", code, got)
		}
	}
	a := campaign(map[string]float64{"fast": 1000})
	if got := codes(of(a, a)); got != compare.SameRecord {
		t.Errorf("a record against itself has the warnings %q", got)
	}
}

func TestFewProcessesGiveARange(t *testing.T) {
	a, b := campaign(map[string]float64{"fast": 1000}), later(campaign(map[string]float64{"fast": 2000}))
	for _, r := range []*record.Record{a, b} {
		r.Cells[0].Processes = r.Cells[0].Processes[:3]
		summary.Summarize(r)
	}
	c := of(a, b)
	cell := c.Cells[0]
	if cell.Verdict != record.TooFew || cell.Level != 0 || !(cell.CILow < cell.Ratio && cell.Ratio < cell.CIHigh) {
		t.Errorf("got %+v", cell)
	}
	if got := codes(c); got != compare.TooFew+" "+compare.Unpaired {
		t.Errorf("warnings %q", got)
	}
}

func TestEveryViewHoldsTheWarningsAndTheFigures(t *testing.T) {
	a, b := campaign(map[string]float64{"fast": 1000}), later(campaign(map[string]float64{"fast": 1200}))
	b.Environment.CPU = `<script>alert(1)</script>`
	c := of(a, b)
	var text, page bytes.Buffer
	if err := c.Text(&text, 200); err != nil {
		t.Fatal(err)
	}
	if err := c.HTML(&page); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for name, view := range map[string]string{"text": text.String(), "html": page.String(), "json": string(data)} {
		for _, want := range []string{compare.MachineDiffers, compare.Unpaired, workload, "faster", "a.json"} {
			if !strings.Contains(view, want) {
				t.Errorf("%s lacks %q", name, want)
			}
		}
	}
	if strings.Contains(page.String(), "<script") || strings.Contains(page.String(), "ZgotmplZ") {
		t.Error("a text of the record became markup, or a style was refused")
	}
}

// A ratio without a place on the scale is not drawn, and does not squeeze the
// others into a point.
func TestARatioThatIsMissingIsNotDrawn(t *testing.T) {
	whole := of(campaign(map[string]float64{"fast": 1000, "same": 500}), later(campaign(map[string]float64{"fast": 1200, "same": 500})))
	for name, missing := range map[string]float64{"zero": 0, "NaN": math.NaN(), "infinite": math.Inf(1)} {
		t.Run(name, func(t *testing.T) {
			c := *whole
			c.Cells = append(slices.Clone(whole.Cells), whole.Cells[1])
			c.Cells[1].CILow = missing
			var page bytes.Buffer
			if err := c.HTML(&page); err != nil {
				t.Fatal(err)
			}
			places := regexp.MustCompile(`<b style="left:([^%]*)%">`).FindAllStringSubmatch(page.String(), -1)
			if len(places) != 2 || places[0][1] < "90" || places[1][1] != "50.00" {
				t.Errorf("ratios are drawn at %q", places)
			}
		})
	}
}

func TestEveryWarningIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/commands.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range compare.Meanings {
		if row := fmt.Sprintf("| `%s` | %s |", m.Code, m.Text); !strings.Contains(string(text), row) {
			t.Errorf("docs/commands.md lacks the row\n%s", row)
		}
	}
}

// What was said of a figure when it was measured stands beside it here too.
func TestWarningsOfEitherRecordStandBesideTheCell(t *testing.T) {
	older, newer := campaign(map[string]float64{"fast": 100, "same": 100}), later(campaign(map[string]float64{"fast": 50, "same": 100}))
	older.Warnings = append(older.Warnings, record.Warning{Code: record.ThreadsMismatch, Scope: "runner:fast"})
	newer.Warnings = append(newer.Warnings, record.Warning{Code: record.ForeignLoad, Scope: "cell:" + workload + "/fast"})
	c := of(older, newer)
	for _, cell := range c.Cells {
		want := ""
		if cell.Runner == "fast" {
			want = "old threads_mismatch, new foreign_load"
		}
		if got := strings.Join(cell.Warnings, ", "); got != want {
			t.Errorf("%s: %q, expected %q", cell.Runner, got, want)
		}
	}
	var text, page bytes.Buffer
	if err := c.Text(&text, 400); err != nil {
		t.Fatal(err)
	}
	if err := c.HTML(&page); err != nil {
		t.Fatal(err)
	}
	for name, view := range map[string]string{"text": text.String(), "page": page.String()} {
		if !strings.Contains(view, "old threads_mismatch, new foreign_load") {
			t.Errorf("the %s does not tell the warnings", name)
		}
	}
}
