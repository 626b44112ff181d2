package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/reports"
	"github.com/dlbench/dlbench/reports/compare"
	"github.com/dlbench/dlbench/reports/gate"
	"github.com/dlbench/dlbench/reports/history"
	"github.com/dlbench/dlbench/reports/nights"
	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/campaign"
	"github.com/dlbench/dlbench/runners/campaign/campaigntest"
	"github.com/dlbench/dlbench/workloads/plan"
)

const nightlyWorkload = "lenet/infer/b2/fp32"

// simulated is a nightly job on a simulated machine: everything is real but
// for the runners and their clock.
type simulated struct {
	t        *testing.T
	machine  *campaigntest.Machine
	night    int
	length   map[string]float64 // milliseconds of an iteration, by runner
	baseline *record.Record
	dir      string
	fault    error  // of the measuring
	broken   bool   // the run leaves a cell that failed
	during   func() // while it measures
}

func newSimulated(t *testing.T, seed uint64) *simulated {
	s := &simulated{t: t, machine: campaigntest.New(seed), length: map[string]float64{"a": 1, "b": 2}, dir: t.TempDir()}
	s.baseline = s.campaign([]string{"a", "b"}, []string{"a", "b"}, 6)
	return s
}

func (s *simulated) now() time.Time {
	return time.Date(2026, 1, 1, 3, 0, 0, 0, time.UTC).AddDate(0, 0, s.night)
}

// campaign measures runners, called by other names where these differ.
func (s *simulated) campaign(runners, names []string, rounds int) *record.Record {
	s.t.Helper()
	id, err := plan.ParseID(nightlyWorkload)
	if err != nil {
		s.t.Fatal(err)
	}
	p, err := plan.New(id, 1)
	if err != nil {
		s.t.Fatal(err)
	}
	w, err := bench.Describe(id, 1)
	if err != nil {
		s.t.Fatal(err)
	}
	rec := record.New(s.now())
	rec.Suite, rec.Profile, rec.Seed = "simulated", "report", 1
	rec.Environment.Host, rec.Environment.CPU, rec.Terms = "h", "simulated", record.Terms{Device: "cpu", Threads: 1, CPUs: "0"}
	rec.AddWorkload(w)
	var cells []campaign.Cell
	for i, name := range names {
		rec.AddRunner(record.Runner{Name: name, Framework: name, FrameworkVersion: "1"})
		rec.AddCell(record.Cell{Workload: w.ID, Runner: name, Device: "cpu", Parity: record.Parity{Status: record.ParityPassed}})
		length := s.length[runners[i]]
		cells = append(cells, campaign.Cell{Plan: p, Runner: name, Open: func(ctx context.Context) (campaign.Runner, error) {
			return s.machine.Open(ctx, length)
		}})
	}
	profile := campaign.Profile{Name: "gate", Blocks: 3, BlockTime: 300 * time.Millisecond, LatencyTime: time.Millisecond, WarmupTime: time.Second}
	if err := campaign.Run(s.t.Context(), campaign.Config{Profile: profile.WithRounds(rounds), Seed: uint64(s.night), Cells: cells, Record: rec, Meter: s.machine,
		Summarize: summary.Summarize, Save: func(*record.Record) error { return nil }, Now: s.machine.Now}); err != nil {
		s.t.Fatal(err)
	}
	rec.Updated = rec.Created.Add(time.Hour) // the nights' clock is not the machine's
	return rec
}

// Both says that both sides are there, and are two images.
func (s *simulated) Both(string) (bool, string) { return false, "" }

// Stage measures again; what stands for the baseline is as fast as ever.
func (s *simulated) Stage(_ context.Context, _, pairs int, cells []gate.Pair) (*record.Record, error) {
	var runners, names []string
	for _, p := range cells {
		s.length["as ever "+p.Runner] = map[string]float64{"a": 1, "b": 2}[p.Runner]
		runners = append(runners, p.Runner, "as ever "+p.Runner)
		names = append(names, p.Runner, gate.BaselineName(p.Runner))
	}
	return s.campaign(runners, names, pairs), nil
}

// run is one night; it returns the exit code.
func (s *simulated) run() int {
	s.t.Helper()
	s.night++
	h, err := history.At(filepath.Join(s.dir, "history"))
	if err != nil {
		s.t.Fatal(err)
	}
	job := s.job(h)
	if _, err := job.Run(s.t.Context()); err != nil {
		return exitCode(err)
	}
	return exitDone
}

// job is the nightly job as the command makes it, but for what measures.
func (s *simulated) job(h *history.History) *nights.Job {
	return &nights.Job{Dir: s.dir, Suite: "simulated", History: h, Nights: 5, Records: 8, Environ: os.Environ(), Now: s.now, Verdict: verdict, Exit: exitCode,
		Notification: "cat > " + filepath.Join(s.dir, "told") + "; echo $DLBENCH_EXIT >> " + filepath.Join(s.dir, "codes"),
		Measure: func(_ context.Context, dir string, log io.Writer) ([]nights.Part, error) {
			if s.during != nil {
				s.during()
			}
			if s.fault != nil {
				return nil, s.fault
			}
			fmt.Fprintln(log, "measuring")
			return []nights.Part{{Dir: dir}}, s.measured(dir)
		},
		Judge: func(ctx context.Context, result string, _ int, _ io.Writer) (*gate.Report, error) {
			now, err := record.Read(result)
			if err != nil {
				return nil, err
			}
			return gate.Rerun(ctx, compare.Source{File: result, Record: now}, compare.Source{File: "baseline", Record: s.baseline}, gate.RerunRule, s)
		}}
}

func (s *simulated) measured(dir string) error {
	rec := s.campaign([]string{"a", "b"}, []string{"a", "b"}, 6)
	var failure error
	if s.broken {
		c := &rec.Cells[1]
		c.Status, c.Reason, c.Processes, c.Throughput, c.LatencyMS, c.Startup = record.Failed, "it crashed", []record.Process{}, nil, nil, nil
		summary.Summarize(rec)
		failure = bench.Failed("1 of 2 cells failed")
	}
	return errors.Join(failure, reports.Save(dir, rec))
}

func (s *simulated) told() string {
	data, _ := os.ReadFile(filepath.Join(s.dir, "told"))
	return string(data)
}

func (s *simulated) files(pattern string) int {
	found, err := filepath.Glob(filepath.Join(s.dir, pattern))
	if err != nil {
		s.t.Fatal(err)
	}
	return len(found)
}

// TestNightsFindASlowdownAndAreSilentWithoutOne is the promise of the nightly
// job, from the measuring to the notification.
func TestNightsFindASlowdownAndAreSilentWithoutOne(t *testing.T) {
	const each = 20
	silent, found := 0, 0
	for seed := range uint64(each) {
		s := newSimulated(t, seed)
		if s.run() == exitDone && s.told() == "" {
			silent++
		}
		s.length["b"] = 2 * 1.03
		if code := s.run(); code == exitRegressed && strings.Contains(s.told(), "slower") && strings.Contains(s.told(), nightlyWorkload+" | b |") {
			found++
		}
	}
	t.Logf("silent in %d of %d nights without a change; a slowdown of 3 %% told in %d of %d", silent, each, found, each)
	if silent != each || found != each {
		t.Errorf("silent in %d of %d nights without a change; a slowdown of 3 %% told in %d of %d", silent, each, found, each)
	}
}

func TestNightsLeavePagesAndRotate(t *testing.T) {
	s := newSimulated(t, 1)
	for range 10 {
		if code := s.run(); code != exitDone {
			t.Fatalf("exit %d: %s", code, s.told())
		}
	}
	s.length["a"] = 1.05
	s.run()
	if got := s.files("nights/*/result.json"); got != 5 {
		t.Errorf("%d nights are kept, expected 5", got)
	}
	if got := s.files("history/records/*.json"); got != 8 {
		t.Errorf("%d records are kept, expected 8", got)
	}
	all, err := nights.Read(filepath.Join(s.dir, "nights"))
	if err != nil {
		t.Fatal(err)
	}
	if all[0].Exit != exitRegressed || all[1].Exit != exitDone || all[0].Record == "" || len(all[0].Files) != 3 {
		t.Errorf("the last nights are %+v", all[:2])
	}
	index, err := os.ReadFile(filepath.Join(s.dir, "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"SLOWER: a on " + nightlyWorkload + " (-", `href="nights/` + all[0].Name + `/check.html"`, `href="trends.html"`} {
		if !strings.Contains(string(index), want) {
			t.Errorf("index.html lacks %s", want)
		}
	}
	trends, err := os.ReadFile(filepath.Join(s.dir, "trends.html"))
	if err != nil || !strings.Contains(string(trends), "a on "+nightlyWorkload) || !strings.Contains(string(trends), "b on "+nightlyWorkload) {
		t.Errorf("trends.html lacks a cell: %v", err)
	}
}

func TestFaultsOfANightAreTold(t *testing.T) {
	s := newSimulated(t, 1)
	for want, fault := range map[int]error{
		exitEnvironment: bench.EnvironmentError(errors.New("no engine answers"), ""), exitInterrupted: context.Canceled, exitInternal: errors.New("oops"),
	} {
		s.fault = fault
		if code := s.run(); code != want || !strings.Contains(s.told(), fault.Error()) || !strings.Contains(s.told(), fmt.Sprintf("exit %d", want)) {
			t.Errorf("%v: exit %d, told %q", fault, code, s.told())
		}
	}
	if s.files("nights/*/night.json") != 3 {
		t.Error("nights that failed are not listed")
	}
	s.fault, s.broken = nil, true
	if code := s.run(); code != exitRegressed || !strings.Contains(s.told(), "it crashed") {
		t.Errorf("a cell that crashes and did not before: exit %d, told %q", code, s.told())
	}
	s.baseline = s.campaign([]string{"a", "b"}, []string{"a", "b"}, 6)
	c := &s.baseline.Cells[1]
	c.Status, c.Reason, c.Processes, c.Throughput = record.Failed, "it crashed", []record.Process{}, nil
	if code := s.run(); code != exitDone {
		t.Errorf("a cell that crashed in the baseline, too, is no news: exit %d, told %q", code, s.told())
	}
}

func TestTwoNightsDoNotOverlap(t *testing.T) {
	s := newSimulated(t, 1)
	var second int
	var told string
	s.during = func() {
		s.during = nil
		second, told = s.run(), s.told()
	}
	if code := s.run(); code != exitDone {
		t.Errorf("the first night: exit %d", code)
	}
	if second != exitEnvironment || !strings.Contains(told, fmt.Sprintf("process %d", os.Getpid())) {
		t.Errorf("a second night exits with %d, told %q", second, told)
	}
	if n := s.files("nights/*"); n != 1 {
		t.Errorf("%d nights left files, want the first only", n)
	}
	if code := s.run(); code != exitDone {
		t.Errorf("after the first night ended: exit %d", code)
	}
}
