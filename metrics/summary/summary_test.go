package summary_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/stats"
	"github.com/dlbench/dlbench/metrics/summary"
)

const (
	workload = "lenet/infer/b8/fp32"
	second   = 1_000_000_000
)

// campaign is a record of only raw processes: each runner's process of round
// r has three throughput blocks around speed·drift(r) images/s.
func campaign(rounds int, speeds map[string]float64, names ...string) *record.Record {
	r := record.New(time.Time{})
	r.AddWorkload(record.Workload{ID: workload, Batch: 8})
	rng := rand.New(rand.NewPCG(9, 9))
	drift := make([]float64, rounds)
	for i := range drift {
		drift[i] = 1 + 0.05*rng.NormFloat64()
	}
	for _, name := range names {
		r.AddRunner(record.Runner{Name: name})
		c := r.AddCell(record.Cell{Workload: workload, Runner: name, Device: "cpu", Parity: record.Parity{Status: record.ParityPassed}})
		for round := range rounds {
			c.Processes = append(c.Processes, process(round, speeds[name]*drift[round]*(1+0.001*rng.NormFloat64())))
		}
	}
	return r
}

// process has blocks of 1 s, and a latency block of 100 iterations.
func process(round int, speed float64) record.Process {
	p := record.Process{Round: round, Status: record.Measured, StartSeconds: 2, ImportSeconds: 1 + float64(round), LoadSeconds: 0.5, FirstIterationSeconds: 0.25}
	start := int64(second)
	for _, factor := range []float64{0.5, 1, 1.1} {
		end := start + int64(800/(speed*factor)*second)
		p.Blocks = append(p.Blocks, record.Block{Scenario: record.Offline, Iterations: 100, StartNS: start, EndNS: end})
		start = end
	}
	latency := record.Block{Scenario: record.SingleStream, Iterations: 100, StartNS: start, EndNS: start + second}
	for i := range 100 {
		latency.IterationNS = append(latency.IterationNS, int64(i+1)*1_000_000)
	}
	p.Blocks = append(p.Blocks, latency)
	return p
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s is %v, expected %v", what, got, want)
	}
}

func TestFiguresOfACell(t *testing.T) {
	r := campaign(7, map[string]float64{"a": 1000}, "a")
	summary.Summarize(r)
	c := r.Cells[0]
	if c.Status != record.Measured {
		t.Errorf("status %q", c.Status)
	}
	var medians []float64
	for _, p := range c.Processes {
		v, _ := summary.ProcessThroughput(p, 8)
		medians = append(medians, v)
	}
	iv := stats.MedianInterval(medians, 0.95)
	want := &record.Throughput{Unit: "images/s", Median: stats.Median(medians), CILow: iv.Low, CIHigh: iv.High, Level: 0.984375,
		Interval: "order-statistic", N: 7, Outliers: stats.Outliers(medians)}
	if diff := cmp.Diff(want, c.Throughput); diff != "" {
		t.Errorf("throughput (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(&record.Startup{StartSeconds: 2, ImportSeconds: 4, LoadSeconds: 0.5, FirstIterationSeconds: 0.25}, c.Startup); diff != "" {
		t.Errorf("startup (-want +got):\n%s", diff)
	}
	l := c.LatencyMS
	if l.N != 700 || l.P99 == nil {
		t.Fatalf("latency %+v", l)
	}
	near(t, "p50", *l.P50, 50.5, 1e-9)
	near(t, "max", *l.Max, 100, 0)
	if c.Utilization != nil {
		t.Errorf("utilization without a sampler: %+v", c.Utilization)
	}
}

func TestFewProcessesHaveARange(t *testing.T) {
	r := campaign(3, map[string]float64{"a": 1000, "b": 2000}, "a", "b")
	summary.Summarize(r)
	if got := r.Cells[0].Throughput; got.Interval != "range" || got.Level != 0 || got.N != 3 || !(got.CILow < got.Median && got.Median < got.CIHigh) {
		t.Errorf("throughput %+v", got)
	}
	c := r.Comparisons[0]
	if c.Verdict != record.TooFew || c.Level != 0 || c.N != 3 || !(c.CILow <= c.Ratio && c.Ratio <= c.CIHigh) {
		t.Errorf("comparison %+v", c)
	}
	if l := r.Cells[0].LatencyMS; l.P95 == nil || l.P99 != nil {
		t.Errorf("300 samples gave %+v", l)
	}
}

func TestComparisonsArePairedByRound(t *testing.T) {
	r := campaign(8, map[string]float64{"a": 1000, "b": 980, "c": 1000}, "a", "b", "c")
	summary.Summarize(r)
	if len(r.Comparisons) != 3 {
		t.Fatalf("%d comparisons", len(r.Comparisons))
	}
	// The rounds drift by 5 %, five times the difference that pairing finds.
	ab := r.Comparisons[0]
	if ab.A != "a" || ab.B != "b" || ab.Verdict != record.Faster || ab.N != 8 || ab.Level < 0.95 {
		t.Errorf("got %+v", ab)
	}
	near(t, "ratio", ab.Ratio, 1000.0/980, 0.002)
	if ac := r.Comparisons[1]; ac.A != "a" || ac.B != "c" || ac.Verdict != record.Indistinguishable {
		t.Errorf("got %+v", ac)
	}
	if bc := r.Comparisons[2]; bc.Verdict != record.Slower {
		t.Errorf("got %+v", bc)
	}
}

func TestOnlyRankedCellsAreCompared(t *testing.T) {
	for name, spoil := range map[string]func(*record.Cell){
		"parity failed":  func(c *record.Cell) { c.Parity.Status = record.ParityFailed },
		"parity skipped": func(c *record.Cell) { c.Parity.Status = record.ParitySkipped },
		"failed":         func(c *record.Cell) { c.Status = record.Failed },
		"not ranked":     func(c *record.Cell) { c.Status = record.NotRanked },
	} {
		t.Run(name, func(t *testing.T) {
			r := campaign(6, map[string]float64{"a": 1000, "b": 900}, "a", "b")
			spoil(&r.Cells[1])
			summary.Summarize(r)
			if len(r.Comparisons) != 0 {
				t.Errorf("compared: %+v", r.Comparisons)
			}
			if r.Cells[1].Throughput == nil {
				t.Error("what was measured is not shown")
			}
			if r.Cells[1].Status == record.Measured || r.Cells[1].Status == record.Pending {
				t.Errorf("status %q", r.Cells[1].Status)
			}
		})
	}
}

func TestNothingMeasured(t *testing.T) {
	r := campaign(0, nil, "a")
	r.Cells = append(r.Cells, record.Cell{Workload: workload, Runner: "b", Status: record.Failed,
		Processes: []record.Process{{Status: record.Failed, Reason: "killed"}}})
	summary.Summarize(r)
	for _, c := range r.Cells {
		if c.Throughput != nil || c.LatencyMS != nil || c.Startup != nil || c.Utilization != nil {
			t.Errorf("figures of nothing: %+v", c)
		}
	}
	if r.Cells[0].Status != record.Pending || r.Cells[1].Status != record.Failed {
		t.Errorf("states %q, %q", r.Cells[0].Status, r.Cells[1].Status)
	}
}

// watched adds what a sampler would have seen: readings every 0.5 s from 0 to
// 8 s, the CPU at cpu %, the cgroup throttled for 10 ms of each second.
func watched(p *record.Process, cpu float64) {
	var times []int64
	var cpus, throttled, memory, hot []float64
	for i := range int64(17) {
		times = append(times, i*second/2)
		cpus = append(cpus, cpu)
		throttled = append(throttled, float64(i)*5e6)
		memory = append(memory, float64(i)*1e9)
		hot = append(hot, float64(i%2))
	}
	add := func(name string, v []float64) {
		p.Series = append(p.Series, record.Series{Name: name, TimeNS: times, Values: v})
	}
	add("cpu_percent", cpus)
	add("host_cpu_percent", cpus)
	add("throttled_ns", throttled)
	add("gpu1_percent", cpus)
	add("gpu1_memory_bytes", memory)
	add("gpu1_power_watts", cpus)
	add("gpu1_thermal_limit", hot)
}

func TestUtilization(t *testing.T) {
	for _, device := range []string{"gpu:1", "gpu:1:2"} { // a card, and an instance of it by MIG
		t.Run(device, func(t *testing.T) { utilizationOn(t, device) })
	}
}

func utilizationOn(t *testing.T, device string) {
	r := campaign(3, map[string]float64{"a": 1000}, "a")
	c := &r.Cells[0]
	c.Device = device
	for i := range c.Processes {
		watched(&c.Processes[i], float64(100+10*i))
		peak := int64(1000 * (3 - i))
		c.Processes[i].MemoryPeakBytes = &peak
		c.Processes[i].Missing = map[string]string{"rapl": fmt.Sprint("reason ", i)}
	}
	summary.Summarize(r)
	u := c.Utilization
	for what, v := range map[string]*float64{"cpu": u.CPUPercent, "host": u.HostCPUPercent, "gpu": u.GPUPercent, "power": u.GPUPowerWatts} {
		if v == nil {
			t.Fatalf("no %s", what)
		}
		near(t, what, *v, 110, 1e-9)
	}
	if *u.MemoryPeakBytes != 3000 || *u.GPUMemoryBytes != 16e9 || u.Missing["rapl"] != "reason 0" {
		t.Errorf("got %+v", u)
	}
	seconds := 0.0
	for _, p := range c.Processes {
		for _, b := range p.Blocks {
			seconds += b.Seconds()
			if b.CPUPercent == nil || b.HostCPUPercent == nil || b.GPUPercent == nil {
				t.Errorf("a block without means: %+v", b)
			}
		}
	}
	near(t, "throttled", float64(*u.ThrottledNS), 1e7*seconds, 20)
	codes := map[string]bool{}
	for _, w := range r.Warnings {
		codes[w.Code] = w.Scope == c.Scope()
	}
	if len(r.Warnings) != 2 || !codes[record.CPUThrottled] || !codes[record.GPUThermal] {
		t.Errorf("warnings %+v", r.Warnings)
	}
}

// A mean over blocks is one over their time: the second block is twice as slow
// and counts twice.
func TestUtilizationWeighsBlocksByLength(t *testing.T) {
	one, four := 100.0, 400.0
	r := &record.Record{Workloads: []record.Workload{{ID: workload, Batch: 1}}, Cells: []record.Cell{{Workload: workload, Processes: []record.Process{{
		Status: record.Measured, Blocks: []record.Block{
			{Scenario: record.Train, Iterations: 1, StartNS: 0, EndNS: second, CPUPercent: &one},
			{Scenario: record.Train, Iterations: 1, StartNS: second, EndNS: 3 * second, CPUPercent: &four},
			{Scenario: record.SingleStream, Iterations: 1, StartNS: 3 * second, EndNS: 9 * second, CPUPercent: &one}}}}}}}
	summary.Summarize(r)
	near(t, "cpu", *r.Cells[0].Utilization.CPUPercent, 300, 1e-9)
}

// TestFiguresCanBeRecomputed is the promise of the record: throw every figure
// away, and the raw blocks give the same ones back.
func TestFiguresCanBeRecomputed(t *testing.T) {
	r := campaign(9, map[string]float64{"a": 1000, "b": 1010}, "a", "b")
	for i := range r.Cells {
		for j := range r.Cells[i].Processes {
			watched(&r.Cells[i].Processes[j], 150)
		}
	}
	r.Warnings = []record.Warning{{Code: "budget", Scope: "run"}}
	summary.Summarize(r)
	r.Cells[0].Throughput.Converged = true // the campaign's
	first := copied(t, r)

	summary.Summarize(r)
	if diff := cmp.Diff(first, copied(t, r)); diff != "" {
		t.Errorf("the second summary differs (-first +second):\n%s", diff)
	}

	r.Comparisons = nil
	for i := range r.Cells {
		c := &r.Cells[i]
		c.LatencyMS, c.Startup, c.Utilization = nil, nil, nil
		c.Throughput = &record.Throughput{Converged: c.Throughput.Converged}
		for j := range c.Processes {
			for k := range c.Processes[j].Blocks {
				b := &c.Processes[j].Blocks[k]
				b.CPUPercent, b.HostCPUPercent, b.GPUPercent = nil, nil, nil
			}
		}
	}
	summary.Summarize(r)
	if diff := cmp.Diff(first, copied(t, r)); diff != "" {
		t.Errorf("the recomputed figures differ (-first +again):\n%s", diff)
	}
}

// copied is the record as text, so that later changes do not reach it.
func copied(t *testing.T, r *record.Record) string {
	t.Helper()
	data, err := record.Encode(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// The verdicts of stats stand in a record as they are.
func TestVerdictsAreTheRecords(t *testing.T) {
	for inStats, inRecord := range map[stats.Verdict]string{stats.Faster: record.Faster, stats.Slower: record.Slower,
		stats.Indistinguishable: record.Indistinguishable, stats.TooFew: record.TooFew} {
		if string(inStats) != inRecord {
			t.Errorf("%q in stats is %q in a record", inStats, inRecord)
		}
	}
}

// disturbed is a process that another one, a hypervisor, a disk and heat got
// in the way of, as much as the figures say.
func disturbed(p *record.Process, host, own, steal, faults, heat, threads float64) {
	add := func(name string, of func(i int) float64) {
		s := record.Series{Name: name}
		for i := range 17 {
			s.TimeNS, s.Values = append(s.TimeNS, int64(i)*second/2), append(s.Values, of(i))
		}
		p.Series = append(p.Series, s)
	}
	level := func(v float64) func(int) float64 { return func(int) float64 { return v } }
	counter := func(perSecond float64) func(int) float64 {
		return func(i int) float64 { return 1000 + perSecond*float64(i)/2 }
	}
	add(record.SeriesHostCPU, level(host))
	add(record.SeriesCPU, level(own))
	add(record.SeriesSteal, level(steal))
	add(record.SeriesDiskFaults, counter(faults))
	add(record.SeriesHeat, counter(heat))
	add(record.SeriesAtOnce, level(threads))
	add(record.SeriesThreads, level(2*threads)) // that take turns
}

func TestDisturbancesAreWarnings(t *testing.T) {
	for name, tt := range map[string]struct {
		host, own, steal, faults, heat, threads float64
		code, text                              string
	}{
		"quiet":          {host: 51, own: 200, threads: 2},
		"others":         {host: 70, own: 200, threads: 2, code: record.ForeignLoad, text: "0.80 CPUs"},
		"hypervisor":     {host: 50, own: 200, threads: 2, steal: 2.5, code: record.StealTime, text: "2.5 %"},
		"disk":           {host: 50, own: 200, threads: 2, faults: 40, code: record.DiskFaults, text: "read from a disk"},
		"heat":           {host: 50, own: 200, threads: 2, heat: 3, code: record.CPUThermal, text: "held a core's clock down"},
		"one that feeds": {host: 50, own: 200, threads: 2.9},
		"more threads":   {host: 50, own: 200, threads: 3.6, code: record.ThreadsExceeded, text: "3.6 threads computed or waited for a CPU at a time while it was timed, 2 were asked for"},
	} {
		t.Run(name, func(t *testing.T) {
			r := campaign(3, map[string]float64{"a": 1000}, "a")
			r.Environment.LogicalCPUs, r.Terms.Threads = 4, 2
			before := record.Warning{Code: record.StealTime, Scope: "run", Text: "seen before the run"}
			r.Warnings = []record.Warning{before}
			for i := range r.Cells[0].Processes {
				disturbed(&r.Cells[0].Processes[i], tt.host, tt.own, tt.steal, tt.faults, tt.heat, tt.threads)
			}
			summary.Summarize(r)
			summary.Summarize(r)
			want := 1
			if tt.code != "" {
				want = 2
			}
			if len(r.Warnings) != want || r.Warnings[0] != before {
				t.Fatalf("warnings %+v, expected %d, the first of them from before the run", r.Warnings, want)
			}
			if w := r.Warnings[want-1]; tt.code != "" && (w.Code != tt.code || w.Scope != r.Cells[0].Scope() || !strings.Contains(w.Text, tt.text)) {
				t.Errorf("warning %+v, expected %s with %q", w, tt.code, tt.text)
			}
		})
	}
}

// Records of earlier programs have only over how many threads the work was spread.
func TestThreadsOfEarlierRecordsAreStillWarnedOf(t *testing.T) {
	r := campaign(3, map[string]float64{"a": 1000}, "a")
	r.Environment.LogicalCPUs, r.Terms.Threads = 4, 2
	for i := range r.Cells[0].Processes {
		p := &r.Cells[0].Processes[i]
		disturbed(p, 50, 200, 0, 0, 0, 1.9)
		p.Series = slices.DeleteFunc(p.Series, func(s record.Series) bool { return s.Name == record.SeriesAtOnce })
	}
	summary.Summarize(r)
	if len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0].Text, "spread over 3.8 threads while it was timed, 2 were asked for") {
		t.Errorf("warnings %+v", r.Warnings)
	}
}

func TestForeignLoadIsUnknownWithoutTheMachine(t *testing.T) {
	r := campaign(3, map[string]float64{"a": 1000}, "a")
	for i := range r.Cells[0].Processes {
		disturbed(&r.Cells[0].Processes[i], 70, 200, 0, 0, 0, 2)
	}
	r.Terms.Threads = 2
	summary.Summarize(r)
	if u := r.Cells[0].Utilization; u.ForeignCPUs != nil || len(r.Warnings) != 0 {
		t.Errorf("of a machine of unknown size: %+v, %+v", u, r.Warnings)
	}
}
