package nodes_test

import (
	"bytes"
	"encoding/json"
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
	"github.com/dlbench/dlbench/reports/nodes"
)

// machine is a record of a node on which everything is so many times as fast.
func machine(number int, speed float64) *record.Record {
	rng := rand.New(rand.NewPCG(uint64(number), 5))
	r := record.New(time.Date(2026, 1, 2, 3, 4, number, 0, time.UTC))
	r.Suite, r.Profile, r.Status, r.Rounds, r.DlbenchVersion = "smoke", "report", record.Complete, 6, "1"
	r.Environment = record.Environment{Host: fmt.Sprintf("host%d", number), CPU: "EPYC", Kernel: "6.12", Governor: "performance", Cgroup: "v2", Engine: "podman", CPUFlags: []string{}, GPUs: []record.GPU{}}
	r.Terms = record.Terms{Device: "cpu", Threads: 2, CPUs: "0-1"}
	for w := range 4 {
		id := fmt.Sprintf("net%d/infer/b4/fp32", w)
		r.AddWorkload(record.Workload{ID: id, Mode: "infer", Batch: 4, Digest: "d", Network: fmt.Sprintf("net%d", w), Precision: "fp32"})
		for i, runner := range []string{"a", "b"} {
			var speeds []float64
			for range r.Rounds {
				speeds = append(speeds, speed*math.Pow(2, float64(w))*100*(1-0.1*float64(i))*math.Exp(0.01*rng.NormFloat64()))
			}
			r.AddCell(recordtest.Cell(id, runner, 4, speeds...))
		}
	}
	for _, runner := range []string{"a", "b"} {
		r.AddRunner(record.Runner{Name: runner, Framework: runner, FrameworkVersion: "1", Maintained: true})
	}
	summary.Summarize(r)
	return r
}

// members are nodes n0, n1, …, of such speeds.
func members(speeds ...float64) []nodes.Member {
	var all []nodes.Member
	for i, speed := range speeds {
		all = append(all, nodes.Member{Shard: i, Node: fmt.Sprintf("n%d", i), Record: machine(i, speed)})
	}
	return all
}

func fleetOf(t *testing.T, spread string, all []nodes.Member) *nodes.Fleet {
	t.Helper()
	f, err := nodes.Of(spread, all)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// verdicts are those of the nodes by their names.
func verdicts(f *nodes.Fleet) map[string]string {
	found := map[string]string{}
	for _, n := range f.Nodes {
		found[n.Node] = n.Verdict
	}
	return found
}

func text(t *testing.T, f *nodes.Fleet) string {
	t.Helper()
	var b bytes.Buffer
	if err := f.Text(&b, 200); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func page(t *testing.T, f *nodes.Fleet) string {
	t.Helper()
	var b bytes.Buffer
	if err := f.HTML(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func usual(n int) []float64 {
	speeds := make([]float64, n)
	for i := range speeds {
		speeds[i] = 1
	}
	return speeds
}

func TestTheSlowNodeIsMarkedAndTheFastOne(t *testing.T) {
	speeds := usual(20)
	speeds[7], speeds[3] = 0.9, 1.12
	f := fleetOf(t, record.ByNodes, members(speeds...))
	for name, verdict := range verdicts(f) {
		want := map[string]string{"n7": summary.SlowNode, "n3": summary.FastNode}[name]
		if want == "" {
			want = summary.UsualNode
		}
		if verdict != want {
			t.Errorf("%s is %q, want %q", name, verdict, want)
		}
	}
	if n := f.Nodes[0]; n.Node != "n7" || math.Abs(n.Ratio-0.9) > 0.01 || !(n.CILow < 0.9 && 0.9 < n.CIHigh) || n.Cells != 8 || n.Rounds != 6 || n.Processes != 48 {
		t.Errorf("the first node is %+v", n)
	}
	if !strings.HasPrefix(f.Headline, "SLOW: n7 (-9.9 %)") || f.Counts.Slow != 1 || f.Counts.Fast != 1 || f.Counts.Judged != 20 {
		t.Errorf("headline %q, counts %+v", f.Headline, f.Counts)
	}
}

func TestAVerySlowNodeDoesNotMakeTheOthersFast(t *testing.T) {
	for n := 3; n < 9; n++ {
		speeds := usual(n)
		speeds[1] = 0.5
		for name, verdict := range verdicts(fleetOf(t, record.ByNodes, members(speeds...))) {
			if want := map[bool]string{true: summary.SlowNode, false: summary.UsualNode}[name == "n1"]; verdict != want {
				t.Errorf("of %d nodes %s is %q, want %q", n, name, verdict, want)
			}
		}
	}
	f := fleetOf(t, record.ByNodes, members(0.5, 1))
	if found := verdicts(f); found["n0"] != summary.SlowNode || found["n1"] != summary.FastNode || len(f.Notes) != 1 {
		t.Errorf("two nodes are %v, notes %q", found, f.Notes)
	}
}

func TestWhatIsMissingIsNamedAndPartialRecordsCount(t *testing.T) {
	all := members(usual(6)...)
	all[1].Record.Status, all[1].Record.Rounds = record.Interrupted, 3
	for i := range all[1].Record.Cells {
		all[1].Record.Cells[i].Processes = all[1].Record.Cells[i].Processes[:3]
	}
	all[2].Missing = "the job ran over its time limit (TIMEOUT)"
	all = append(all, nodes.Member{Shard: 6, Node: "n6", Missing: "the node went down (NODE_FAIL)"}, nodes.Member{Shard: 7, Missing: "never started"}, nodes.Member{Shard: 8})
	f := fleetOf(t, record.ByNodes, all)
	told := map[int]string{}
	for _, g := range f.Missing {
		told[g.Shard] = g.Node + ": " + g.Why
	}
	for shard, want := range map[int]string{1: "n1: its run was interrupted after 3 rounds", 2: "n2: the job ran over its time limit (TIMEOUT)", 6: "n6: the node went down (NODE_FAIL)", 7: ": never started", 8: ": there is no record, and nobody says why"} {
		if told[shard] != want {
			t.Errorf("of shard %d is said %q, want %q", shard, told[shard], want)
		}
	}
	if len(told) != 5 || verdicts(f)["n1"] != summary.UsualNode || f.Counts.Shards != 9 || f.Counts.Records != 6 {
		t.Errorf("missing %v, verdicts %v, counts %+v", told, verdicts(f), f.Counts)
	}
	for _, said := range []string{text(t, f), page(t, f)} {
		if !strings.Contains(said, "the node went down (NODE_FAIL)") || !strings.Contains(said, "of 9 shards 5 have no whole record") {
			t.Errorf("a view does not say what is missing:\n%.2000s", said)
		}
	}
}

func TestANodeThatCannotBeJudgedSaysWhy(t *testing.T) {
	for want, spoil := range map[string]func(r *record.Record){
		"it is the only one of its kind: Xeon":                func(r *record.Record) { r.Environment.CPU = "Xeon" },
		"it has one process of each cell":                     func(r *record.Record) { keepProcesses(r, 1) },
		"it shares no measured cell with another of its kind": func(r *record.Record) { rename(r) },
		"nothing was measured on it that is ranked":           func(r *record.Record) { unrank(r) },
		"so much that only a loss of":                         func(r *record.Record) { shake(r) },
	} {
		all := members(usual(8)...)
		spoil(all[4].Record)
		f := fleetOf(t, record.ByNodes, all)
		for _, n := range f.Nodes {
			if unknown := n.Node == "n4"; unknown != (n.Verdict == summary.UnknownNode) || unknown && !strings.Contains(n.Why, want) {
				t.Errorf("%s: %s is %q: %s", want, n.Node, n.Verdict, n.Why)
			}
		}
		if f.Counts.Unknown != 1 || !strings.Contains(text(t, f), want) {
			t.Errorf("%s: counts %+v", want, f.Counts)
		}
	}
}

// TestNodesThatAreAllUnknownAreNotFine: no verdict is not the verdict that all are
// well.
func TestNodesThatAreAllUnknownAreNotFine(t *testing.T) {
	all := members(usual(3)...)
	for i, m := range all {
		shake(m.Record)
		for f := range 12 {
			m.Record.AddRunner(record.Runner{Name: fmt.Sprintf("r%02d", f), FrameworkVersion: fmt.Sprint(i)})
		}
	}
	f := fleetOf(t, record.ByNodes, all)
	if f.Counts.Judged != 0 || f.Kinds[0].Judged != 0 || f.Counts.Unknown != 3 || !strings.HasPrefix(f.Headline, "NOTHING JUDGED: ") {
		t.Errorf("headline %q, counts %+v, kinds %+v", f.Headline, f.Counts, f.Kinds)
	}
	if said := strings.Join(strings.Fields(text(t, f)), " "); !strings.Contains(said, "and 4 more facts") || strings.Contains(said, "r09") {
		t.Errorf("too many facts are told:\n%s", said)
	}
}

func keepProcesses(r *record.Record, n int) {
	for i := range r.Cells {
		r.Cells[i].Processes = r.Cells[i].Processes[:n]
	}
}

func unrank(r *record.Record) {
	for i := range r.Cells {
		r.Cells[i].Status, r.Cells[i].Parity.Status = record.NotRanked, record.ParityFailed
	}
}

func rename(r *record.Record) {
	for i := range r.Workloads {
		r.Workloads[i].Digest = "another"
	}
}

// shake makes the processes of a record vary by a third.
func shake(r *record.Record) {
	for i := range r.Cells {
		for j := range r.Cells[i].Processes {
			for k := range r.Cells[i].Processes[j].Blocks {
				b := &r.Cells[i].Processes[j].Blocks[k]
				b.EndNS = b.StartNS + int64(float64(b.EndNS-b.StartNS)*(1+0.3*float64(j%2*2-1)))
			}
		}
	}
}

func TestWithoutAVerdictNothingIsCalledFine(t *testing.T) {
	f := fleetOf(t, record.ByNodes, members(1))
	if f.Counts.Judged != 0 || !strings.HasPrefix(f.Headline, "NOTHING JUDGED: n0: it is the only one of its kind") {
		t.Errorf("headline %q", f.Headline)
	}
	if f := fleetOf(t, record.ByNodes, nil); f.Headline != "NOTHING JUDGED: there is no record" {
		t.Errorf("headline %q", f.Headline)
	}
	if _, err := nodes.Of("cells", nil); err == nil {
		t.Error("an unknown spread is taken")
	}
}

func TestWhatIsNotAsOnTheOthersStandsBesideTheVerdict(t *testing.T) {
	all := members(usual(6)...)
	odd := all[2].Record
	odd.Environment.Kernel, odd.Environment.Governor = "5.10", "powersave"
	odd.Runners[0].FrameworkVersion = "0.9"
	odd.Warnings.Add(record.AboutRun, record.CPUThrottled, "held down")
	hot, cool := 1500.0, 1755.0
	for i, m := range all {
		m.Record.Warnings.Add(record.AboutRun, record.VirtualMachine, "all of them are") // which is nobody's fault
		clock := cool
		if i == 2 {
			clock = hot
		}
		for c := range m.Record.Cells {
			m.Record.Cells[c].Utilization = &record.Utilization{GPUClockMHz: &clock}
		}
	}
	f := fleetOf(t, record.ByNodes, all)
	for _, n := range f.Nodes {
		told := map[string]string{}
		for _, d := range n.Differs {
			told[d.Fact] = fmt.Sprintf("%s/%s/%d/%d", d.Here, d.Others, d.Have, d.Of)
		}
		if n.Node != "n2" {
			if len(told)+len(n.Warnings) > 0 {
				t.Errorf("%s differs in %v, %v", n.Node, told, n.Warnings)
			}
			continue
		}
		for fact, want := range map[string]string{"kernel": "5.10/6.12/5/6", "governor": "powersave/performance/5/6", "a: version": "0.9/1/5/6", "GPU clock": "1500 MHz/1755 MHz/6/6"} {
			if told[fact] != want {
				t.Errorf("%s is %q, want %q", fact, told[fact], want)
			}
		}
		if len(told) != 4 || len(n.Warnings) != 1 || n.Warnings[0].Code != record.CPUThrottled {
			t.Errorf("told %v, warnings %v", told, n.Warnings)
		}
	}
	for _, said := range []string{text(t, f), page(t, f)} {
		if !strings.Contains(said, "kernel 5.10 (others: 6.12)") {
			t.Errorf("a view does not tell the kernel:\n%.3000s", said)
		}
	}
}

func TestMachinesStandSideBySide(t *testing.T) {
	f := fleetOf(t, record.ByNodes, members(1, 1.5, 2))
	if len(f.Cells) != 8 {
		t.Fatalf("%d cells", len(f.Cells))
	}
	for _, c := range f.Cells {
		if c.Nodes != 3 || c.LowNode != "n0" || c.HighNode != "n2" || math.Abs(c.High/c.Low-2) > 0.1 || !(c.Low < c.Median && c.Median < c.High) {
			t.Errorf("%+v", c)
		}
	}
}

func TestSpreadWorkloadsHaveOneRankingEachFromTheirShard(t *testing.T) {
	all := members(1, 1, 1)
	for i, m := range all {
		r := m.Record
		r.Workloads = r.Workloads[i : i+1]
		r.Cells = r.Cells[2*i : 2*i+2]
		summary.Summarize(r)
	}
	all[2].Record.Environment.Kernel = "5.10"
	for _, m := range all[:2] {
		m.Record.Warnings.Add(record.AboutRunner("a"), record.OwnNetwork, "it is a file")
	}
	f := fleetOf(t, record.ByWorkloads, all)
	if len(f.Workloads) != 3 {
		t.Fatalf("%d rankings", len(f.Workloads))
	}
	for i, w := range f.Workloads {
		if w.ID != fmt.Sprintf("net%d/infer/b4/fp32", i) || w.Node != fmt.Sprintf("n%d", i) || w.Shard != i || len(w.Rows) != 2 || w.Rows[0].Runner != "a" || w.Rows[0].Against != "fastest" {
			t.Errorf("%+v", w)
		}
	}
	whole := machine(0, 1)
	if o := f.Overall; len(o) != 1 || o[0].Mode != "infer" || o[0].A != "b" || o[0].B != "a" || o[0].Workloads != 3 || math.Abs(o[0].Ratio-whole.Overall[0].Ratio) > 0.01 || o[0].Verdict != record.Slower {
		t.Errorf("overall %+v, of one record %+v", o, whole.Overall)
	}
	if f.Headline != "3 workloads on 3 nodes" {
		t.Errorf("headline %q", f.Headline)
	}
	said := text(t, f)
	for _, want := range []string{"net1/infer/b4/fp32, on n1", "n2 is not as the other nodes of its kind", "kernel 5.10 (others: 6.12)", "n0, n1", "it is a file", "geometric mean"} {
		if !strings.Contains(said, want) || !strings.Contains(page(t, f), want) {
			t.Errorf("no view without %q:\n%s", want, said)
		}
	}
	for _, n := range f.Nodes {
		if n.Verdict != "" {
			t.Errorf("%s is called %q: different workloads say nothing of it", n.Node, n.Verdict)
		}
	}
	all[1].Record.Environment.CPU = "Xeon"
	if f := fleetOf(t, record.ByWorkloads, all); !strings.Contains(strings.Join(f.Notes, "\n"), "of 2 kinds") {
		t.Errorf("notes %q", f.Notes)
	}
}

func TestSaveWritesThePageAndTheFigures(t *testing.T) {
	dir := t.TempDir()
	if err := fleetOf(t, record.ByNodes, members(1, 0.8, 1, 1)).Save(dir); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, nodes.JSONName))
	if err != nil {
		t.Fatal(err)
	}
	var f nodes.Fleet
	if err := json.Unmarshal(data, &f); err != nil || f.SchemaVersion != nodes.SchemaVersion || len(f.Nodes) != 4 || f.Nodes[0].Node != "n1" || f.Nodes[0].Verdict != summary.SlowNode {
		t.Errorf("%v: %+v", err, f.Nodes)
	}
	html, err := os.ReadFile(filepath.Join(dir, nodes.PageName))
	if err != nil || !bytes.Contains(html, []byte("SLOW: n1")) {
		t.Errorf("the page is wrong: %v", err)
	}
	if err := fleetOf(t, record.ByNodes, nil).Save(filepath.Join(dir, "gone")); err == nil {
		t.Error("what could not be written is no error")
	}
}

func TestTwoRecordsOfOneNameAreTwoNodes(t *testing.T) {
	all := members(1, 1, 1)
	all[2].Node = "n1"
	if found := verdicts(fleetOf(t, record.ByNodes, all)); len(found) != 3 || found["n1 (2)"] == "" {
		t.Errorf("the nodes are %v", found)
	}
}
