package trend_test

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/record/recordtest"
	"github.com/dlbench/dlbench/reports/history"
	"github.com/dlbench/dlbench/reports/trend"
)

const workload = "lenet/infer/b8/fp32"

// attack would run, load and break out, if a page let it.
const attack = `</script><script>document.title="taken"</script><img src=x onerror="document.title='taken'"><u id="alive">bold</u>&"'`

// night is the record of one night with a throughput near the given one.
func night(n int, throughput float64, change ...func(*record.Record)) *record.Record {
	created := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC).AddDate(0, 0, n)
	rec := &record.Record{
		SchemaVersion: record.SchemaVersion, DlbenchVersion: "0.1.0", Suite: "smoke", Profile: "report", Created: created, Updated: created, Status: record.Complete,
		Environment: record.Environment{Host: "bench1", CPU: "EPYC", Cores: 2, LogicalCPUs: 4, MemoryBytes: 16 << 30, Kernel: "6.1"},
		Terms:       record.Terms{Device: "cpu", Threads: 2, CPUs: "0-1", MemoryBytes: 8 << 30},
		Workloads:   []record.Workload{{ID: workload, Batch: 8, Network: "lenet", Mode: "infer", Precision: "fp32", InputShape: []int{8, 1, 28, 28}, Parameters: 61706, MACs: 416520}},
		Runners:     []record.Runner{{Name: "pytorch", Framework: "PyTorch", FrameworkVersion: "2.9", ImageID: "sha256:1"}},
		Cells: []record.Cell{{Workload: workload, Runner: "pytorch", FrameworkVersion: "2.9", Device: "cpu", Status: record.Measured, Parity: record.Parity{Status: record.ParityPassed},
			Throughput: &record.Throughput{Unit: "images/s", Median: throughput, CILow: throughput - 5, CIHigh: throughput + 5, Level: 0.96, Interval: "order-statistic", N: 6}}},
	}
	for round, speed := range []float64{throughput - 5, throughput, throughput, throughput, throughput, throughput + 5} {
		rec.Cells[0].Processes = append(rec.Cells[0].Processes, recordtest.Process(round, 8, speed))
	}
	for _, c := range change {
		c(rec)
	}
	return rec
}

// nights are two levels of fifteen nights, the second with another version.
func nights(change ...func(*record.Record)) []*record.Record {
	rng := rand.New(rand.NewPCG(1, 2))
	var all []*record.Record
	for n := range 30 {
		rec := night(n, 1000+rng.NormFloat64(), change...)
		if n >= 15 {
			rec = night(n, 980+rng.NormFloat64(), append(change, func(r *record.Record) {
				r.Cells[0].FrameworkVersion, r.Runners[0].ImageID, r.Environment.Kernel = "2.10", "sha256:2", "6.2"
			})...)
		}
		all = append(all, rec)
	}
	return all
}

func kept(t testing.TB, records ...*record.Record) *history.History {
	t.Helper()
	h, err := history.At(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	dir := t.TempDir()
	for i, rec := range records {
		path := filepath.Join(dir, string(rune('a'+i/26))+string(rune('a'+i%26))+".json")
		if err := record.Write(path, rec); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	if _, err := h.Add(t.Context(), paths...); err != nil {
		t.Fatal(err)
	}
	return h
}

func of(t testing.TB, h *history.History, workload, runner string) *trend.Trend {
	t.Helper()
	tr, err := trend.Of(t.Context(), h, history.Series{Workload: workload, Runner: runner, Metric: history.Throughput}, trend.Level)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func TestAChangeNamesWhatElseChanged(t *testing.T) {
	tr := of(t, kept(t, nights()...), workload, "pytorch")
	if len(tr.Lines) != 1 || len(tr.Lines[0].Points) != 30 || len(tr.Lines[0].Changes) != 1 {
		t.Fatalf("%+v", tr)
	}
	c, points := tr.Lines[0].Changes[0], tr.Lines[0].Points
	if c.Index != 15 || c.ID != points[15].ID || c.Last != points[14].ID || c.Ratio > 0.985 || c.Ratio < 0.975 {
		t.Errorf("%+v", c)
	}
	want := []trend.Difference{{Fact: "framework", Before: "PyTorch 2.9", After: "PyTorch 2.10"}, {Fact: "image ID", Before: "sha256:1", After: "sha256:2"},
		{Fact: "kernel", Before: "6.1", After: "6.2"}}
	if diff := cmp.Diff(want, c.Changed); diff != "" {
		t.Error(diff)
	}
}

// A change point may be a record or two beside the change that made it.
func TestAChangeNamesWhatChangedNearIt(t *testing.T) {
	all := nights()
	all[14].Cells[0].FrameworkVersion = "2.10"
	all[12].DlbenchVersion = "0.0.9" // and back again
	all[16].Environment.Governor = "powersave"
	for _, rec := range all[17:] {
		rec.Environment.Governor = "powersave"
	}
	all[20].Environment.Turbo = "on"
	c := of(t, kept(t, all...), workload, "pytorch").Lines[0].Changes[0]
	var at, near []string
	for _, d := range c.Changed {
		at = append(at, d.Fact)
	}
	for _, d := range c.Near {
		near = append(near, d.Fact+" "+d.Before+" "+d.After)
	}
	if diff := cmp.Diff([]string{"image ID", "kernel"}, at); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"framework PyTorch 2.9 PyTorch 2.10", "dlbench 0.0.9 0.1.0", "clock governor  powersave"}, near); diff != "" {
		t.Error(diff)
	}
}

// The step from one line to the other is no change.
func TestWhatDiffersInMachineOrTermsIsNeverJoined(t *testing.T) {
	for name, differ := range map[string]func(*record.Record){
		"host":      func(r *record.Record) { r.Environment.Host = "bench2" },
		"processor": func(r *record.Record) { r.Environment.CPU = "Xeon" },
		"CPUs":      func(r *record.Record) { r.Environment.LogicalCPUs = 2 },
		"memory":    func(r *record.Record) { r.Environment.MemoryBytes *= 2 },
		"GPU":       func(r *record.Record) { r.Environment.GPUs = []record.GPU{{Name: "H100"}} },
		"threads":   func(r *record.Record) { r.Terms.Threads = 1 },
		"CPU set":   func(r *record.Record) { r.Terms.CPUs = "2-3" },
		"limit":     func(r *record.Record) { r.Terms.MemoryBytes /= 2 },
		"device":    func(r *record.Record) { r.Terms.Device = "gpu" },
		"engine":    func(r *record.Record) { r.Environment.Engine = "local" },
		"network":   func(r *record.Record) { r.Workloads[0].MACs++ },
	} {
		t.Run(name, func(t *testing.T) {
			var all []*record.Record
			for n := range 12 {
				all = append(all, night(n, 1000+float64(n)))
			}
			for n := range 10 {
				all = append(all, night(20+n, 500+float64(n), differ))
			}
			tr := of(t, kept(t, all...), workload, "pytorch")
			if len(tr.Lines) != 2 || len(tr.Lines[0].Points) != 12 || len(tr.Lines[1].Points) != 10 || len(tr.Lines[0].Changes)+len(tr.Lines[1].Changes) > 0 {
				t.Errorf("%d lines: %+v", len(tr.Lines), tr.Lines)
			}
		})
	}
}

func TestAKernelThatLeavesLessMemoryIsNoOtherMachine(t *testing.T) {
	tr := of(t, kept(t, night(0, 1000), night(1, 1000, func(r *record.Record) {
		r.Environment.MemoryBytes -= 30 << 20
		r.Terms.MemoryBytes -= 25 << 20
	})), workload, "pytorch")
	if len(tr.Lines) != 1 {
		t.Errorf("%d lines", len(tr.Lines))
	}
}

func TestThePage(t *testing.T) {
	page := render(t, of(t, kept(t, nights()...), workload, "pytorch"))
	for _, want := range []string{"weaker evidence than a re-run", "PyTorch 2.9 → PyTorch 2.10", "sha256:1 → sha256:2", "worse", "One change point.", "bench1", "1 of 100"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if m := regexp.MustCompile(`(?:src|href)="(?:https?:)?//`).FindString(page); m != "" {
		t.Errorf("the page refers to the network: %s", m)
	}
}

// A figure that is missing is a gap: nobody measured a zero, and a page without
// it is better than none.
func TestWhatIsMissingIsAGap(t *testing.T) {
	tr := of(t, kept(t, nights()...), workload, "pytorch")
	tr.Lines[0].Points[3].Value, tr.Lines[0].Points[5].High = math.NaN(), math.Inf(1)
	_, rest, _ := strings.Cut(render(t, tr), `id="data">`)
	text, _, _ := strings.Cut(rest, "</script>")
	var data struct {
		Charts map[string]struct {
			Dataset []struct{ Source map[string][]any }
		}
	}
	if err := json.Unmarshal([]byte(text), &data); err != nil {
		t.Fatal(err)
	}
	source := data.Charts["line0"].Dataset[0].Source
	for column, missing := range map[string]int{"images/s": 3, "to": 5, "width": 5} {
		for i, v := range source[column] {
			if (v == nil) != (i == missing) {
				t.Errorf("%s of record %d is %v", column, i, v)
			}
		}
	}
	if len(source["images/s"]) != 30 {
		t.Errorf("%d records", len(source["images/s"]))
	}
}

func TestJSONHasNoNulls(t *testing.T) {
	data, err := json.Marshal(of(t, kept(t, night(0, 1000)), workload, "pytorch"))
	if err != nil || strings.Contains(string(data), "null") {
		t.Errorf("%s, %v", data, err)
	}
}

func render(t testing.TB, tr *trend.Trend) string {
	t.Helper()
	var b bytes.Buffer
	if err := trend.Render(&b, tr); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// In a real browser: each line is drawn with its points and marks, nothing is
// logged, and injected markup stays text.
func TestInChromium(t *testing.T) {
	if testing.Short() {
		t.Skip("short: no browser")
	}
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("CI has no chromium")
		}
		t.Skip("chromium is not installed: apt-get install chromium")
	}
	hostile := func(r *record.Record) {
		r.Environment.Host, r.Environment.CPU, r.Environment.OS = attack, attack, attack
		r.Runners[0].Name, r.Cells[0].Runner, r.Runners[0].Framework = "r"+attack, "r"+attack, attack
		r.Workloads[0].ID, r.Cells[0].Workload = "w"+attack, "w"+attack
	}
	for name, tr := range map[string]*trend.Trend{
		"plain":   of(t, kept(t, append(nights(), night(0, 500, func(r *record.Record) { r.Environment.Host = "bench2" }))...), workload, "pytorch"),
		"hostile": of(t, kept(t, nights(hostile)...), "w"+attack, "r"+attack),
	} {
		t.Run(name, func(t *testing.T) {
			dom, log := browse(t, chromium, render(t, tr))
			if strings.Contains(log, "CONSOLE") || strings.Contains(log, "Content Security Policy") {
				t.Errorf("the console has messages:\n%s", log)
			}
			if strings.Contains(dom, "<title>taken") || strings.Contains(dom, "<u id=") {
				t.Error("injected markup came alive")
			}
			if !strings.Contains(dom, `data-drawn="30" data-marks="1"`) || strings.Count(dom, `data-drawn="`) != len(tr.Lines) {
				t.Errorf("not every line is drawn; log:\n%s", log)
			}
		})
	}
}

// browse loads a page from a file and returns its DOM and what was logged.
func browse(t *testing.T, chromium, page string) (dom, log string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "trend.html")
	if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	command := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
		"--user-data-dir="+t.TempDir(), "--virtual-time-budget=5000", "--enable-logging=stderr", "--dump-dom", "file://"+path)
	var out, errs bytes.Buffer
	command.Stdout, command.Stderr = &out, &errs
	if err := command.Run(); err != nil {
		t.Fatalf("chromium: %v\n%s", err, errs.String())
	}
	return out.String(), errs.String()
}

// Figures of the case: 10,000 records of one line.
func BenchmarkTenThousandPoints(b *testing.B) {
	h, err := history.At(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	dir := filepath.Join(h.Dir(), "records")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		b.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for n := range 10_000 {
		data, err := record.Encode(night(n, 1000-float64(n/4000)*20+rng.NormFloat64()))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, time.Unix(int64(n), 0).UTC().Format("150405")+".json"), data, 0o644)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	if _, _, err := h.Reindex(b.Context()); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		tr := of(b, h, workload, "pytorch")
		if len(tr.Lines) != 1 || len(tr.Lines[0].Points) != 10_000 {
			b.Fatal(len(tr.Lines))
		}
		render(b, tr)
	}
}
