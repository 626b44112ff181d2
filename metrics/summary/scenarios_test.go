package summary_test

import (
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
)

// queries are n latencies around a median, in nanoseconds; the last share of
// them take ten times as long.
func queries(n int, ms, slowShare float64) []int64 {
	out := make([]int64, n)
	for i := range out {
		out[i] = int64(ms * 1e6)
		if float64(i) >= float64(n)*(1-slowShare) {
			out[i] *= 10
		}
	}
	return out
}

// servedBlock is a block at a rate whose queries all take that long, issued
// that late.
func servedBlock(rate, ms, lagMS float64, n int) record.Block {
	b := record.Block{Scenario: record.Server, Iterations: n, QueryRate: rate, QueryNS: queries(n, ms, 0), LagNS: queries(n, lagMS, 0)}
	b.StartNS, b.EndNS = 100*second, 100*second+int64(float64(n)/rate*1e9)
	return b
}

func served(t *testing.T, blocks ...[]record.Block) *record.Record {
	t.Helper()
	r := campaign(len(blocks), map[string]float64{"a": 1000}, "a")
	r.Terms.LatencyBoundMS = 50
	for i, more := range blocks {
		p := &r.Cells[0].Processes[i]
		p.Blocks = append(p.Blocks, more...)
	}
	summary.Summarize(r)
	return r
}

func TestServerRateIsTheHighestThatKeptTheBound(t *testing.T) {
	r := served(t,
		[]record.Block{servedBlock(100, 20, 0.01, 700), servedBlock(105, 45, 0.01, 700), servedBlock(110, 55, 0.01, 700)},
		[]record.Block{servedBlock(110, 49, 0.01, 700), servedBlock(116, 80, 0.01, 700)},
		[]record.Block{servedBlock(100, 51, 0.01, 700), servedBlock(95, 30, 0.01, 700)},
	)
	s := r.Cells[0].Server
	if s == nil || s.Rate == nil || s.Rate.Median != 105 || s.Rate.CILow != 95 || s.Rate.CIHigh != 110 || s.Rate.Unit != "queries/s" || s.Over != 0 {
		t.Fatalf("got %+v", s)
	}
	if s.LatencyMS.N != 2100 || *s.LatencyMS.Max != 49 {
		t.Errorf("latencies are not those at the best rates: %+v", s.LatencyMS)
	}
}

// A p99 from too few queries is none, however short they are.
func TestServerNeedsEnoughQueries(t *testing.T) {
	if s := served(t, []record.Block{servedBlock(100, 1, 0, 661)}).Cells[0].Server; s.Rate != nil || s.Over != 1 {
		t.Errorf("661 queries kept a p99: %+v", s)
	}
}

func TestProcessesOverTheBoundCountAsZero(t *testing.T) {
	over := []record.Block{servedBlock(50, 60, 0, 700)}
	kept := []record.Block{servedBlock(50, 40, 0, 700)}
	if s := served(t, over, over, kept).Cells[0].Server; s.Rate != nil || s.Over != 2 {
		t.Errorf("two of three were over the bound: %+v", s)
	}
	if s := served(t, over, kept, kept).Cells[0].Server; s.Rate == nil || s.Rate.Median != 50 || s.Rate.CILow != 0 || s.Over != 1 {
		t.Errorf("one of three was over the bound: %+v", s.Rate)
	}
}

func TestLagThatIsNotSmallIsAWarning(t *testing.T) {
	for lag, warned := range map[float64]bool{0.5: false, 3: true} {
		r := served(t, []record.Block{servedBlock(50, 40, lag, 700)})
		got := false
		for _, w := range r.Warnings {
			got = got || w.Code == record.ScheduleLag && w.Scope == r.Cells[0].Scope()
		}
		if got != warned {
			t.Errorf("a lag of %g ms at 40 ms: warned %v", lag, got)
		}
	}
}

func TestMultiStreamPoolsQueries(t *testing.T) {
	r := campaign(3, map[string]float64{"a": 1000}, "a")
	for i := range r.Cells[0].Processes {
		p := &r.Cells[0].Processes[i]
		p.Blocks = append(p.Blocks, record.Block{Scenario: record.MultiStream, Iterations: 2000, StartNS: 100 * second, EndNS: 101 * second,
			QueryNS: queries(500, 8, 0.02)})
	}
	summary.Summarize(r)
	m := r.Cells[0].MultiStream
	if want := 4 * r.Workloads[0].Batch; m == nil || m.ImagesPerQuery != want || m.LatencyMS.N != 1500 || *m.LatencyMS.P90 != 8 || *m.LatencyMS.P99 != 80 {
		t.Errorf("got %+v", m)
	}
}

// A megavoxel in half a second, one in a second: the rate is over processes, and
// the times are of every volume.
func TestVolumesHaveARateOverProcesses(t *testing.T) {
	r := campaign(3, map[string]float64{"a": 1000}, "a")
	r.Terms.Volume, r.Terms.Overlap = "100x100x100", 0.5
	for i, ms := range []float64{500, 1000, 1000} {
		p := &r.Cells[0].Processes[i]
		p.Blocks = append(p.Blocks, record.Block{Scenario: record.SlidingWindow, Iterations: 500, StartNS: 100 * second, EndNS: 110 * second, QueryNS: queries(5, ms, 0.2), Patches: 77})
	}
	summary.Summarize(r)
	w := r.Cells[0].SlidingWindow
	if w == nil || w.Patches != 77 || w.LatencyMS.N != 15 || *w.LatencyMS.Max != 10_000 || w.Rate.Median != 1 || w.Rate.CIHigh != 2 || w.Rate.N != 3 || w.Rate.Unit != "megavoxels/s" {
		t.Errorf("got %+v, rate %+v", w, w.Rate)
	}
	for i := range r.Cells[0].Processes {
		p := &r.Cells[0].Processes[i]
		p.Blocks = p.Blocks[:len(p.Blocks)-1]
	}
	if summary.Summarize(r); r.Cells[0].SlidingWindow != nil {
		t.Error("a cell without volumes has figures of some")
	}
}

// suiteOf has runners whose speeds on two workloads are these multiples.
func suiteOf(rounds int, speeds map[string][2]float64, runners ...string) *record.Record {
	one := map[string]float64{}
	two := map[string]float64{}
	for name, s := range speeds {
		one[name], two[name] = s[0], s[1]
	}
	r, other := campaign(rounds, one, runners...), campaign(rounds, two, runners...)
	w := other.Workloads[0]
	w.ID = "other/infer/b1/fp32"
	r.Workloads = append(r.Workloads, w)
	for _, c := range other.Cells {
		c.Workload = w.ID
		r.Cells = append(r.Cells, c)
	}
	r.Runners = nil
	for _, name := range runners {
		r.Runners = append(r.Runners, record.Runner{Name: name, Maintained: true})
	}
	return r
}

func TestOverallIsTheGeometricMean(t *testing.T) {
	r := suiteOf(8, map[string][2]float64{"a": {1000, 4000}, "b": {1000, 1000}}, "a", "b")
	summary.Summarize(r)
	if len(r.Overall) != 1 {
		t.Fatalf("got %+v", r.Overall)
	}
	o := r.Overall[0]
	near(t, "ratio", o.Ratio, 0.5, 0.02)
	if o.A != "b" || o.B != "a" || o.Workloads != 2 || o.Verdict != record.Slower || o.Level != 0.95 || !(o.CILow <= o.Ratio && o.Ratio <= o.CIHigh) {
		t.Errorf("got %+v", o)
	}
	r = suiteOf(3, map[string][2]float64{"a": {1000, 4000}, "b": {1000, 1000}}, "a", "b")
	summary.Summarize(r)
	if o := r.Overall[0]; o.Level != 0 || o.Verdict != record.TooFew {
		t.Errorf("three rounds gave a verdict: %+v", o)
	}
}

// A runner that is measured on only one workload is not the one to compare
// with, however fast it is there.
func TestOverallComparesWithARunnerThatHasMost(t *testing.T) {
	r := suiteOf(8, map[string][2]float64{"a": {1000, 1000}, "b": {9000, 9000}, "c": {500, 500}}, "a", "b", "c")
	for i := range r.Cells {
		if c := &r.Cells[i]; c.Runner == "b" && strings.HasPrefix(c.Workload, "other") {
			c.Status, c.Processes = record.Unsupported, nil
		}
	}
	summary.Summarize(r)
	for _, o := range r.Overall {
		if o.B != "a" || o.A == "b" && o.Workloads != 1 {
			t.Errorf("got %+v", o)
		}
	}
}

func TestLargeRatiosAmongMaintainedFrameworksAreSuspicious(t *testing.T) {
	for name, tt := range map[string]struct {
		device     string
		slow       float64
		maintained bool
		want       bool
	}{
		"1.9 times on a CPU":  {"cpu", 1000 / 1.9, true, false},
		"2.2 times on a CPU":  {"cpu", 1000 / 2.2, true, true},
		"a retired framework": {"cpu", 100, false, false},
		"1.2 times on a GPU":  {"gpu:0", 1000 / 1.2, true, false},
		"1.5 times on a GPU":  {"gpu:0", 1000 / 1.5, true, true},
	} {
		r := suiteOf(3, map[string][2]float64{"a": {1000, 1000}, "b": {tt.slow, tt.slow}}, "a", "b")
		r.Runners[1].Maintained = tt.maintained
		for i := range r.Workloads {
			r.Workloads[i].Batch = 32
		}
		for i := range r.Cells {
			r.Cells[i].Device = tt.device
		}
		summary.Summarize(r)
		summary.Summarize(r)
		var scopes []string
		for _, w := range r.Warnings {
			if w.Code == record.LargeRatio {
				scopes = append(scopes, string(w.Scope))
			}
		}
		want := 0
		if tt.want {
			want = 2 // one a workload
		}
		if len(scopes) != want || want > 0 && !strings.HasSuffix(scopes[0], "/b") {
			t.Errorf("%s: warned of %v", name, scopes)
		}
	}
}
