package bench_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/bench/benchtest"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/engine/enginetest"
	"github.com/dlbench/dlbench/runners/manifest"
	"github.com/dlbench/dlbench/runners/protocol"
)

func TestACampaignWithoutACommandLine(t *testing.T) {
	t.Parallel()
	s := newStage(t, map[string]enginetest.Runner{"a": {}, "b": {Iteration: 2 * time.Millisecond}})
	s.Version = "v7"
	rec := s.run(s.options(), bench.Internal, "")
	if rec.Status != record.Complete || rec.DlbenchVersion != "v7" || rec.Environment.Engine != "fake" || rec.Rounds != 2 {
		t.Errorf("the record is %s by %s on engine %s after %d rounds", rec.Status, rec.DlbenchVersion, rec.Environment.Engine, rec.Rounds)
	}
	for name, want := range map[string]float64{"a": 2000, "b": 1000} {
		c := rec.Cell(workload, name)
		if c == nil || c.Throughput == nil || c.Throughput.Median != want || len(c.Processes) != 2 || c.FrameworkVersion != "1" || c.Device != "cpu" {
			t.Errorf("%s: %+v, want %g images/s of two processes", name, c, want)
		}
	}
	if r := rec.Runner("a"); r.AdapterDigest != "digest" || r.Framework != "a" {
		t.Errorf("the runner is %+v", r)
	}
	if saved := strings.Join(s.saved, " "); saved != "running running running complete" {
		t.Errorf("saved as %s, want at the start, after every round and at the end", saved)
	}
	if again := s.reread(); len(again.Cells) != 2 || again.Cell(workload, "a").Throughput == nil {
		t.Error("what was saved is not the record")
	}
	if _, err := os.Stat(filepath.Join(s.dir, "logs", "a.log")); err != nil {
		t.Error(err)
	}
	if !strings.HasPrefix(s.Said(), "engine: fake") || !strings.Contains(s.Steps(), "\nround 2: "+workload+" ") {
		t.Errorf("told: %q, steps %q", s.Said(), s.Steps())
	}
}

// Nothing is asked for that is not understood, and nothing is begun then.
func TestWhatIsAskedWrongly(t *testing.T) {
	t.Parallel()
	for says, change := range map[string]func(*bench.Options){
		`unknown profile "quik"`:             func(o *bench.Options) { o.Profile = "quik" },
		`unknown scenario "dance"`:           func(o *bench.Options) { o.Scenarios = []string{"dance"} },
		`unknown runner "c"`:                 func(o *bench.Options) { o.Runners = []string{"c"} },
		`unknown engine "ship"`:              func(o *bench.Options) { o.Engine = "ship" },
		`unknown warning "noisy"`:            func(o *bench.Options) { o.Strict = []string{"noisy"} },
		"lenet/infer/b0":                     func(o *bench.Options) { o.Workloads = []string{"lenet/infer/b0/fp32"} },
		"give --scenario server too":         func(o *bench.Options) { o.LatencyBound = time.Second },
		"give their size, like --volume":     func(o *bench.Options) { o.Scenarios = []string{"sliding-window"} },
		"give --scenario sliding-window too": func(o *bench.Options) { o.Volume = "64x64" },
		`volume "64"`:                        func(o *bench.Options) { o.Scenarios, o.Volume = []string{"sliding-window"}, "64" },
		"no workload can infer that: lenet":  func(o *bench.Options) { o.Scenarios, o.Volume = []string{"sliding-window"}, "64x64" },
		"for unet@32/infer/b1/fp32: a size of 16x64 is smaller": func(o *bench.Options) {
			o.Scenarios, o.Volume, o.Workloads = []string{"sliding-window"}, "16x64", []string{"unet@16/infer/b1/fp32", "unet@32/infer/b1/fp32"}
		},
		"--budget is -1s":                         func(o *bench.Options) { o.Budget = -time.Second },
		"--rounds is -1":                          func(o *bench.Options) { o.Rounds = -1 },
		"--threads is -1":                         func(o *bench.Options) { o.Threads = -1 },
		"--cpus: CPU 4095 is not one of":          func(o *bench.Options) { o.CPUs = "4095" },
		"--device: ":                              func(o *bench.Options) { o.Device = "tpu" },
		"--exclusive is about a GPU":              func(o *bench.Options) { o.Exclusive = true },
		"--latency-bound is -1s, expected a time": func(o *bench.Options) { o.LatencyBound = -time.Second },
	} {
		s := newStage(t, map[string]enginetest.Runner{"a": {}})
		o := s.options()
		change(&o)
		if rec := s.run(o, bench.Usage, says); rec != nil || len(s.saved) > 0 {
			t.Errorf("%s: something was begun", says)
		}
	}
}

func TestWhatTheMachineLacks(t *testing.T) {
	t.Parallel()
	s := newStage(t, map[string]enginetest.Runner{"a": {}})
	o := s.options()
	o.Device = "gpu"
	s.run(o, bench.Environment, "--device gpu: ")

	o = s.options()
	o.Manifests[1].Local = nil
	s.run(o, bench.Environment, `runner "a" has no way to run as a local process`)

	o = s.options()
	o.Manifests = append(o.Manifests, manifest.Manifest{Name: "absent", Framework: "Absent", Devices: []string{"cpu"}})
	rec := s.run(o, bench.Environment, "1 runners could not be used")
	if c := rec.Cell(workload, "absent"); c.Status != record.Unsupported || rec.Cell(workload, "a").Status != record.NotRanked {
		t.Errorf("the absent runner is %s (%s)", c.Status, c.Reason)
	}
}

func TestRunnersThatFail(t *testing.T) {
	t.Parallel()
	s := newStage(t, map[string]enginetest.Runner{
		"good":    {},
		"crash":   {Exit: func(request string) *engine.Exit { return map[string]*engine.Exit{protocol.Warmup: {Code: 7}}[request] }},
		"refuses": {Fault: refusing(protocol.Load, protocol.Unsupported)},
	})
	rec := s.run(s.options(), bench.Failure, "1 of 3 cells failed or did not pass parity: "+workload+" on crash")
	for name, want := range map[string]string{"good": record.NotRanked, "crash": record.Failed, "refuses": record.Unsupported} {
		if c := rec.Cell(workload, name); c.Status != want {
			t.Errorf("%s is %s (%s), want %s", name, c.Status, c.Reason, want)
		}
	}
	if rec.Status != record.Complete {
		t.Errorf("the record is %s", rec.Status)
	}
}

func TestNothingMeasuredIsNoSuccess(t *testing.T) {
	t.Parallel()
	s := newStage(t, map[string]enginetest.Runner{"a": {Fault: refusing(protocol.Load, protocol.Unsupported)}})
	s.run(s.options(), bench.Environment, "nothing could be measured: all 1 cells are unsupported")
}

func TestAWarningThatIsNotAccepted(t *testing.T) {
	t.Parallel()
	s := newStage(t, map[string]enginetest.Runner{"a": {}})
	o := s.options()
	o.Strict = []string{record.FewProcesses}
	if rec := s.run(o, bench.Environment, "--strict: few_processes (run)"); rec == nil || rec.Status != record.Complete {
		t.Error("what is known only at the end does not keep the record from being made")
	}
}

func TestABudgetThatIsOver(t *testing.T) {
	t.Parallel()
	s := newStage(t, map[string]enginetest.Runner{"a": {}})
	o := s.options()
	o.Budget = time.Nanosecond
	rec := s.run(o, bench.Environment, "the budget of 1ns ended before 1 of 1 cells were measured")
	if c := rec.Cell(workload, "a"); c.Status != record.Pending || !strings.Contains(c.Reason, "budget") {
		t.Errorf("the cell is %s (%s)", c.Status, c.Reason)
	}
}

// interrupted is a campaign that is cancelled in its second round.
func interrupted(t *testing.T, s *stage) *record.Record {
	t.Helper()
	return interruptedOf(t, s, s.options())
}

func interruptedOf(t *testing.T, s *stage, o bench.Options) *record.Record {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s.OnStep = func(text string) {
		if strings.HasPrefix(text, "round 2: ") {
			cancel()
		}
	}
	o.Rounds = 6
	rec, err := bench.Run(ctx, o)
	benchtest.Check(t, err, bench.Interrupted, "interrupted")
	s.OnStep = nil
	if rec == nil || rec.Status != record.Interrupted || rec.Rounds != 1 {
		t.Fatalf("the record is %+v", rec)
	}
	return s.reread()
}

func TestAnInterruptedCampaignIsSavedAndGoesOn(t *testing.T) {
	t.Parallel()
	s := newStage(t, map[string]enginetest.Runner{"a": {}, "b": {}})
	old := interrupted(t, s)
	if old.Status != record.Interrupted || len(old.Cell(workload, "a").Processes) != 1 {
		t.Fatalf("saved was %s with %d processes", old.Status, len(old.Cell(workload, "a").Processes))
	}
	machine := record.Warning{Code: record.BusyMachine, Scope: record.AboutRun, Text: "1.90 of 2 CPUs were busy before the run began"}
	old.Warnings = append(old.Warnings, machine)
	before := len(old.Warnings)
	o := s.ready(bench.Resuming(old))
	o.Rounds, o.SkipParity = 3, true
	rec := s.run(o, bench.Internal, "")
	if rec.Status != record.Complete || rec.Rounds != 3 || !rec.Created.Equal(old.Created) {
		t.Errorf("the record is %s after %d rounds", rec.Status, rec.Rounds)
	}
	for _, name := range []string{"a", "b"} {
		var rounds []int
		for _, p := range rec.Cell(workload, name).Processes {
			rounds = append(rounds, p.Round)
		}
		if !slices.Equal(rounds, []int{0, 1, 2}) {
			t.Errorf("%s was measured in the rounds %v", name, rounds)
		}
	}
	if !slices.Contains(rec.Warnings, machine) || len(rec.Warnings) < before {
		t.Errorf("warnings of the first session are gone: %v", rec.Warnings)
	}
	for i, w := range rec.Warnings {
		if slices.Contains(rec.Warnings[:i], w) {
			t.Errorf("the warning %v is there twice", w)
		}
	}
}

// TestADiskThatFillsLeavesARunThatGoesOn fails to save the first round.
func TestADiskThatFillsLeavesARunThatGoesOn(t *testing.T) {
	t.Parallel()
	for name, lasting := range map[string]bool{"for a moment": false, "for good": true} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, map[string]enginetest.Runner{"a": {}})
			o := s.options()
			o.Rounds = 3
			keep, saves := o.Save, 0
			o.Save = func(r *record.Record) error {
				if saves++; saves == 2 || saves > 2 && lasting {
					return fmt.Errorf("keep the run: %w", syscall.ENOSPC)
				}
				return keep(r)
			}
			rec, err := bench.Run(t.Context(), o)
			benchtest.Check(t, err, bench.Environment, "keep the run: no space left on device")
			if text := err.Error(); strings.Contains(text, "\n") || strings.Contains(text, "budget") {
				t.Errorf("says more than what is wrong: %s", text)
			}
			if rec.Status != record.Interrupted || len(rec.Cell(workload, "a").Processes) != 1 {
				t.Fatalf("the record is %s with %d processes", rec.Status, len(rec.Cell(workload, "a").Processes))
			}
			if lasting {
				return
			}
			again := s.ready(bench.Resuming(s.reread()))
			again.Rounds, again.SkipParity = 3, true
			if rec := s.run(again, bench.Internal, ""); rec.Status != record.Complete || len(rec.Cell(workload, "a").Processes) != 3 {
				t.Errorf("after it went on the record is %s with %d processes", rec.Status, len(rec.Cell(workload, "a").Processes))
			}
		})
	}
}

// A disk that is full already is found before anything is verified or measured.
func TestADiskThatIsFullIsFoundFirst(t *testing.T) {
	s := newStage(t, map[string]enginetest.Runner{"a": {}})
	o := s.options()
	last := ""
	o.Save = func(r *record.Record) error {
		last = r.Status
		return fmt.Errorf("keep the run: %w", syscall.ENOSPC)
	}
	if rec := s.run(o, bench.Environment, "keep the run: no space left on device"); rec != nil || strings.Contains(s.Steps(), "round") {
		t.Errorf("it went on: %s", s.Steps())
	}
	if last != record.Interrupted {
		t.Errorf("what was to be kept last is %s", last)
	}
}

// TestAnInterruptionTellsThatNothingCouldBeSaved: it is still one, and the exit
// code is its.
func TestAnInterruptionTellsThatNothingCouldBeSaved(t *testing.T) {
	t.Parallel()
	s := newStage(t, map[string]enginetest.Runner{"a": {}})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s.OnStep = func(text string) {
		if strings.HasPrefix(text, "round 1: ") {
			cancel()
		}
	}
	o := s.options()
	o.Save = func(*record.Record) error {
		if ctx.Err() == nil {
			return nil // before there was anything to save
		}
		return fmt.Errorf("keep the run: %w", syscall.ENOSPC)
	}
	rec, err := bench.Run(ctx, o)
	benchtest.Check(t, err, bench.Interrupted, "keep the run: no space left on device")
	if text := err.Error(); !strings.HasPrefix(text, "interrupted\n") || strings.Contains(text, "canceled") {
		t.Errorf("told is %q, want the interruption and what could not be saved", text)
	}
	if rec == nil || rec.Status != record.Interrupted {
		t.Errorf("the record is %+v", rec)
	}
}

// TestAFullDiskIsNoRunnersFault: the harness cannot write what a process of the
// runner needs, when it is verified or when it is measured.
func TestAFullDiskIsNoRunnersFault(t *testing.T) {
	t.Parallel()
	for name, skip := range map[string]bool{"verified": false, "measured": true} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, map[string]enginetest.Runner{"a": benchtest.Honest()})
			o := s.options()
			o.SkipParity = skip
			s.Engine.Refuse = func(spec engine.Spec) error {
				if spec.Name == "a" {
					return fmt.Errorf("make its directory: %w", syscall.ENOSPC)
				}
				return nil
			}
			rec, err := bench.Run(t.Context(), o)
			benchtest.Check(t, err, bench.Environment, "make its directory: no space left on device")
			if c := rec.Cell(workload, "a"); rec.Status != record.Interrupted || c.Status != record.Pending || len(c.Processes) != 0 {
				t.Errorf("the record is %s, its cell %s (%s) with %d processes", rec.Status, c.Status, c.Reason, len(c.Processes))
			}
			s.Engine.Refuse = nil
			again := s.ready(bench.Resuming(s.reread()))
			again.Rounds, again.SkipParity = 2, skip
			if rec := s.run(again, bench.Internal, ""); rec.Status != record.Complete || len(rec.Cell(workload, "a").Processes) != 2 {
				t.Errorf("after it went on the record is %s", rec.Status)
			}
		})
	}
}

// TestWorkloadsThatCannotBeWrittenLeaveARunThatGoesOn takes the cache away
// before anything is verified.
func TestWorkloadsThatCannotBeWrittenLeaveARunThatGoesOn(t *testing.T) {
	t.Parallel()
	s := newStage(t, map[string]enginetest.Runner{"a": {}})
	o := s.options()
	inputs := filepath.Join(o.Host.Getenv("XDG_CACHE_HOME"), "dlbench", "workloads")
	s.OnStep = func(string) {
		if err := errors.Join(os.RemoveAll(inputs), os.WriteFile(inputs, nil, 0o644)); err != nil {
			t.Error(err)
		}
	}
	rec, err := bench.Run(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), inputs) || strings.Contains(err.Error(), "budget") {
		t.Errorf("got %v, want what is wrong with %s, and only that", err, inputs)
	}
	if rec == nil || s.reread().Status != record.Interrupted {
		t.Errorf("the record is %v", rec)
	}
}
