package gate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/record/recordtest"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/reports/compare"
	"github.com/dlbench/dlbench/reports/gate"
	"github.com/dlbench/dlbench/reports/history"
)

const workload = "net/infer/b4/fp32"

// cell is a cell with processes of these throughputs.
func cell(runner string, throughputs ...float64) record.Cell {
	return recordtest.Cell(workload, runner, 4, throughputs...)
}

// night is a record of a day of January.
func night(day int, cells ...record.Cell) *record.Record {
	r := record.New(time.Date(2026, 1, day, 3, 0, 0, 0, time.UTC))
	r.Suite, r.Profile, r.Status = "smoke", "report", record.Complete
	r.Environment.Host, r.Environment.CPU, r.Terms = "h", "EPYC", record.Terms{Device: "cpu", Threads: 2, CPUs: "0-1"}
	r.AddWorkload(record.Workload{ID: workload, Network: "net", Mode: "infer", Precision: "fp32", Batch: 4, Digest: "d", InputShape: []int{4, 1, 8, 8}, MACs: 100, Parameters: 10})
	for _, c := range cells {
		r.AddRunner(record.Runner{Name: c.Runner, Framework: c.Runner, FrameworkVersion: "1"})
		r.AddCell(c)
	}
	summary.Summarize(r)
	return r
}

func src(r *record.Record) compare.Source {
	return compare.Source{File: fmt.Sprintf("%02d.json", r.Created.Day()), Record: r}
}

func around(v float64) []float64 {
	return []float64{v, v * 1.001, v * 0.999, v * 1.002, v * 0.998, v * 1.0005}
}

// machine measures pairs of which the candidate takes longer by a share; its
// speed drifts, processes differ by a share.
type machine struct {
	rng      *rand.Rand
	slowdown map[string]float64
	noise    float64
	fault    func(stage int, c *record.Cell)
	pairs    int // at most; 0 is all that are asked for
	stages   [][]gate.Pair
}

func (m *machine) Both(runner string) (bool, string) {
	switch runner {
	case "same":
		return true, ""
	case "gone":
		return false, "the image is not here"
	}
	return false, ""
}

func (m *machine) Stage(_ context.Context, number, pairs int, cells []gate.Pair) (*record.Record, error) {
	m.stages = append(m.stages, cells)
	if m.pairs > 0 {
		pairs = m.pairs
	}
	var measured []record.Cell
	for _, p := range cells {
		var now, before []float64
		for round := range pairs {
			speed := 1000 * math.Exp(0.02*math.Sin(float64(round)))
			now = append(now, speed/(1+m.slowdown[p.Runner])*math.Exp(m.noise*m.rng.NormFloat64()))
			before = append(before, speed*math.Exp(m.noise*m.rng.NormFloat64()))
		}
		measured = append(measured, cell(p.Runner, now...), cell(gate.BaselineName(p.Runner), before...))
		if m.fault != nil {
			m.fault(number, &measured[len(measured)-2])
		}
	}
	return night(30, measured...), nil
}

func newMachine(seed uint64, slowdown map[string]float64) *machine {
	return &machine{rng: rand.New(rand.NewPCG(seed, 9)), slowdown: slowdown, noise: 0.005}
}

func rerun(t *testing.T, m *machine, result, baseline *record.Record) *gate.Report {
	t.Helper()
	r, err := gate.Rerun(t.Context(), src(result), src(baseline), gate.RerunRule, m)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func kinds(r *gate.Report) string {
	var out []string
	for _, f := range r.Findings {
		out = append(out, f.Kind+" "+f.Runner)
	}
	return strings.Join(out, ", ")
}

func TestRerunFindsASlowdownInTwoStages(t *testing.T) {
	old := night(1, cell("a", around(1000)...), cell("b", around(500)...), cell("same", around(500)...))
	now := night(2, cell("a", around(1000)...), cell("b", around(500)...), cell("same", around(300)...))
	m := newMachine(1, map[string]float64{"b": 0.03})
	r := rerun(t, m, now, old)
	if got := kinds(r); got != "slower b" || !r.Regressed {
		t.Fatalf("findings %q", got)
	}
	if len(m.stages) != 2 || len(m.stages[0]) != 2 || len(m.stages[1]) != 1 || m.stages[1][0].Runner != "b" {
		t.Errorf("stages %v", m.stages)
	}
	for _, c := range r.Cells {
		switch c.Runner {
		case "b":
			if c.Verdict != gate.Slower || len(c.Stages) != 2 || math.Abs(c.Ratio-1/1.03) > 0.006 || c.Level < 0.95 || c.CIHigh >= 1 {
				t.Errorf("b is %+v", c)
			}
		case "same":
			if c.Verdict != gate.Unchanged || c.Method != gate.SameImage {
				t.Errorf("one image on both sides is %+v", c)
			}
		default:
			if c.Verdict != gate.Unchanged || len(c.Stages) != 1 {
				t.Errorf("a is %+v", c)
			}
		}
	}
}

// TestNights asks for the promise of docs/nightly.md in both directions.
func TestNights(t *testing.T) {
	old := night(1, cell("a", around(1000)...))
	now := night(2, cell("a", around(1000)...))
	found, alarms := 0, 0
	const nights = 200
	for seed := range uint64(nights) {
		if rerun(t, newMachine(seed, map[string]float64{"a": 0.03}), now, old).Regressed {
			found++
		}
		if rerun(t, newMachine(1000+seed, nil), now, old).Regressed {
			alarms++
		}
	}
	t.Logf("3 %% slower: %d of %d nights; no change: %d alarms in %d", found, nights, alarms, nights)
	if found != nights || alarms != 0 {
		t.Errorf("3 %% slower was found in %d of %d nights, and %d of %d nights without a change gave an alarm", found, nights, alarms, nights)
	}
}

func TestANoisyMachineRaisesNoAlarm(t *testing.T) {
	old, now := night(1, cell("a", around(1000)...)), night(2, cell("a", around(1000)...))
	for seed := range uint64(100) {
		m := newMachine(seed, nil)
		m.noise = 0.05
		if r := rerun(t, m, now, old); r.Regressed {
			t.Errorf("seed %d: %+v", seed, r.Cells)
		}
	}
}

func TestASlowdownThatDoesNotRepeatIsNone(t *testing.T) {
	old, now := night(1, cell("a", around(1000)...)), night(2, cell("a", around(1000)...))
	m := newMachine(1, map[string]float64{"a": 0.03})
	m.fault = func(stage int, _ *record.Cell) { m.slowdown["a"] = 0 } // from the second stage on
	r := rerun(t, m, now, old)
	if r.Regressed || len(r.Findings) != 0 || r.Cells[0].Verdict != gate.NotRepeated || len(r.Cells[0].Stages) != 2 {
		t.Errorf("%+v, findings %q", r.Cells, kinds(r))
	}
}

func TestASmallChangeIsNone(t *testing.T) {
	old, now := night(1, cell("a", around(1000)...)), night(2, cell("a", around(1000)...))
	m := newMachine(1, map[string]float64{"a": 0.003})
	m.noise = 1e-5
	r := rerun(t, m, now, old)
	if r.Regressed || r.Cells[0].Stages[0].P > 0.001 || r.Cells[0].Verdict != gate.Unchanged {
		t.Errorf("0.3 %%, quite sure: %+v", r.Cells[0])
	}
}

func TestWhatCannotBeMeasuredAgain(t *testing.T) {
	old := night(1, cell("a", around(1000)...), cell("gone", around(500)...))
	now := night(2, cell("a", around(1000)...), cell("gone", around(450)...))
	r := rerun(t, newMachine(1, nil), now, old)
	if got := kinds(r); got != "slower gone" || r.Weaker == "" {
		t.Errorf("findings %q, weaker %q", got, r.Weaker)
	}
	now.Environment.CPU = "Xeon"
	r = rerun(t, newMachine(1, nil), now, old)
	if got := kinds(r); got != "undecided gone" || r.Regressed || len(r.Incomplete) != 1 {
		t.Errorf("on another machine: findings %q, incomplete %q", got, r.Incomplete)
	}
}

func TestFaultsOfTheNight(t *testing.T) {
	old, now := night(1, cell("a", around(1000)...)), night(2, cell("a", around(1000)...))
	for want, fault := range map[string]func(int, *record.Cell){
		"not_measured a": func(_ int, c *record.Cell) { c.Status, c.Reason, c.Processes = record.Failed, "it crashed", nil },
		"parity_broke a": func(_ int, c *record.Cell) {
			c.Status, c.Parity.Status, c.Reason = record.NotRanked, record.ParityFailed, "off by 3"
		},
		"undecided a": func(_ int, c *record.Cell) { c.Processes = c.Processes[:5] },
	} {
		m := newMachine(1, nil)
		m.fault = fault
		r := rerun(t, m, now, old)
		if got := kinds(r); got != want || (len(r.Incomplete) > 0) != strings.HasPrefix(want, "undecided") {
			t.Errorf("findings %q, expected %q; incomplete %q", got, want, r.Incomplete)
		}
	}
	m := &failing{}
	if _, err := gate.Rerun(t.Context(), src(now), src(old), gate.RerunRule, m); !errors.Is(err, context.Canceled) {
		t.Errorf("a stage that ends with an error gives %v", err)
	}
}

type failing struct{ machine }

func (*failing) Stage(context.Context, int, int, []gate.Pair) (*record.Record, error) {
	return nil, context.Canceled
}

// TestStoredRecords: of one night before, 12 % less is told; 6 % may be the night.
func TestStoredRecords(t *testing.T) {
	old := night(1, cell("a", around(1000)...), cell("b", around(500)...), cell("c", around(500)...), cell("d", 500, 501, 502))
	now := night(2, cell("a", around(1000)...), cell("b", around(440)...), cell("c", around(470)...), cell("d", 400, 401, 402))
	r, err := gate.Stored(src(now), src(old), gate.StoredRule)
	if err != nil {
		t.Fatal(err)
	}
	if got := kinds(r); got != "slower b, undecided d" || !r.Regressed || r.Weaker == "" {
		t.Errorf("findings %q, weaker %q", got, r.Weaker)
	}
	now.Terms.Threads = 1
	var different *gate.DifferentMachineError
	if _, err := gate.Stored(src(now), src(old), gate.StoredRule); !errors.As(err, &different) || !strings.Contains(err.Error(), "threads 2 → 1") {
		t.Errorf("other terms give %v", err)
	}
}

func TestStatesAreFindings(t *testing.T) {
	broken := cell("broken", around(10)...)
	broken.Status, broken.Reason, broken.Parity = record.NotRanked, "conv is off", record.Parity{Status: record.ParityFailed, Checks: []record.Check{}}
	crashed := cell("crashed")
	crashed.Status, crashed.Reason = record.Failed, "it crashed"
	ok := func(name string) record.Cell { return cell(name, around(10)...) }
	wasUnsupported := cell("better")
	wasUnsupported.Status, wasUnsupported.Reason = record.Unsupported, "no training"
	old := night(1, ok("broken"), ok("crashed"), ok("lost"), wasUnsupported)
	now := night(2, broken, crashed, ok("fresh"), ok("better"))
	r, err := gate.Stored(src(now), src(old), gate.StoredRule)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := kinds(r), "missing lost, parity_broke broken, not_measured crashed, new fresh, recovered better"; got != want {
		t.Errorf("findings %q, expected %q", got, want)
	}
	if !r.Regressed {
		t.Error("missing and broken cells do not fail the check")
	}
	now.Workloads[0].MACs = 7
	now.Cells, old.Cells = []record.Cell{ok("x")}, []record.Cell{ok("x")}
	summary.Summarize(now)
	summary.Summarize(old)
	if r, err = gate.Stored(src(now), src(old), gate.StoredRule); err != nil || kinds(r) != "workload_changed x" || !r.Regressed {
		t.Errorf("another workload of that name: %q, %v", kinds(r), err)
	}
}

// kept adds nights to a history and returns the last one's ID and record.
func kept(t *testing.T, h *history.History, from int, values []float64) (string, *record.Record) {
	t.Helper()
	var id string
	var last *record.Record
	for i, v := range values {
		last = night(1, cell("a", around(v)...))
		last.Created = last.Created.AddDate(0, 0, from+i)
		last.Updated = last.Created
		path := filepath.Join(t.TempDir(), "result.json")
		if err := record.Write(path, last); err != nil {
			t.Fatal(err)
		}
		added, err := h.Add(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		id = added[0].ID
	}
	return id, last
}

func TestTrendTellsAChangeOnce(t *testing.T) {
	h, err := history.At(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(3, 1))
	noisy := func(v float64) float64 { return v * math.Exp(0.005*rng.NormFloat64()) }
	var told, already []int
	for n := range 45 {
		v := 1000.0
		if n >= 20 {
			v = 970
		}
		id, rec := kept(t, h, n, []float64{noisy(v)})
		r, err := gate.Trend(t.Context(), gate.Past{History: h}, id, compare.Source{File: "night.json", Record: rec}, gate.TrendRule)
		if err != nil {
			t.Fatal(err)
		}
		if (n == 0) != (kinds(r) == "undecided a") {
			t.Errorf("night %d: %q", n, kinds(r))
		}
		if r.Regressed {
			told = append(told, n)
			if !strings.Contains(r.Findings[0].Text, "since 2026-01-2") {
				t.Errorf("night %d: %s", n, r.Findings[0].Text)
			}
		}
		if kinds(r) == gate.SlowerAlready+" a" {
			already = append(already, n)
		}
	}
	if len(told) != 1 || told[0] < 20 || told[0] > 35 || len(already) != 44-told[0] {
		t.Errorf("3 %% from night 20 on was told in nights %v, and called known in %v", told, already)
	}
}

func TestTrendFindsWhatIsGoneSinceTheLastRecord(t *testing.T) {
	h, err := history.At(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	kept(t, h, 0, []float64{1000, 1000})
	now := night(20, cell("b", around(10)...))
	path := filepath.Join(t.TempDir(), "result.json")
	if err := record.Write(path, now); err != nil {
		t.Fatal(err)
	}
	added, err := h.Add(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := gate.Trend(t.Context(), gate.Past{History: h}, added[0].ID, src(now), gate.TrendRule)
	if err != nil {
		t.Fatal(err)
	}
	if got := kinds(r); got != "missing a, new b, undecided b" || !r.Regressed {
		t.Errorf("findings %q", got)
	}
}

func TestEveryViewHoldsTheFindings(t *testing.T) {
	old := night(1, cell("a", around(1000)...), cell("<script>b", around(500)...))
	now := night(2, cell("a", around(900)...), cell("<script>b", around(500)...))
	now.Runners[0].FrameworkVersion = "2"
	r, err := gate.Stored(src(now), src(old), gate.StoredRule)
	if err != nil {
		t.Fatal(err)
	}
	var text, markdown, junit bytes.Buffer
	for _, err := range []error{r.Text(&text, 200), r.Markdown(&markdown), r.JUnit(&junit)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for name, view := range map[string]string{"text": text.String(), "markdown": markdown.String(), "json": string(data)} {
		for _, want := range []string{"slower", workload, "0.9", "version 1 ", "how much nights differ", "different nights"} {
			if want == "how much nights differ" && name == "json" {
				want = `"mode":"stored"`
			}
			if !strings.Contains(view, want) {
				t.Errorf("%s lacks %q:\n%s", name, want, view)
			}
		}
	}
	if strings.Contains(markdown.String(), "<script>") {
		t.Error("a name became markup")
	}
	var suite struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Cases    []struct {
			Name    string `xml:"name,attr"`
			Failure *struct {
				Type string `xml:"type,attr"`
			} `xml:"failure"`
		} `xml:"testcase"`
	}
	if err := xml.Unmarshal(junit.Bytes(), &suite); err != nil {
		t.Fatal(err)
	}
	if suite.Tests != 2 || suite.Failures != 1 || suite.Cases[0].Failure == nil || suite.Cases[0].Failure.Type != gate.Slower || suite.Cases[1].Failure != nil {
		t.Errorf("junit %+v", suite)
	}
}

func TestEveryFindingIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/nightly.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range gate.Meanings {
		mark := "no"
		if m.Fails {
			mark = "yes"
		}
		if row := fmt.Sprintf("| `%s` | %s | %s |", m.Kind, mark, m.Text); !strings.Contains(string(text), row) {
			t.Errorf("docs/nightly.md lacks the row %s", row)
		}
	}
}
