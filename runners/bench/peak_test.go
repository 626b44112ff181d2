package bench_test

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/timeline"
	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/bench/benchtest"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/engine/enginetest"
)

// products is a program that says of float32 what it reaches, and counts its
// starts.
func products(library string, gflops float64, starts *atomic.Int64) enginetest.Script {
	return func(p *enginetest.Streams) engine.Exit {
		starts.Add(1)
		_, _ = io.Copy(io.Discard, p.Stdin)
		_, _ = fmt.Fprintf(p.Stdout, `{"precision":"fp32","library":%q,"flops":%g,"rows":2048}`+"\n", library, gflops*1e9)
		return engine.Exit{}
	}
}

// peaked is a stage whose judge and runner multiply matrices.
func peaked(t *testing.T) (s *stage, starts *atomic.Int64) {
	s, starts = newStage(t, map[string]enginetest.Runner{"a": {}}), new(atomic.Int64)
	s.Engine.Scripts["peak-a"] = products("MKL", 200, starts)
	s.Engine.Scripts["peak-"+benchtest.Judge] = products("OpenBLAS", 120, starts)
	s.Triad = func(_ []int, threads int, _ int64) (float64, error) { return 1e9 * float64(threads), nil }
	return s, starts
}

// The peak is in the record of a run before its first round ends, by the best
// library; a second run knows it.
func TestRunMeasuresTheMachinesPeakOnce(t *testing.T) {
	t.Parallel()
	s, starts := peaked(t)
	rec := s.run(s.options(), bench.Internal, "")
	p := rec.Environment.Peak
	if p == nil || p.GFLOPS != 200 || p.Threads != rec.Terms.Threads || !strings.HasPrefix(p.Source, "MKL, 2048 × 2048") || len(p.Products) != 2 {
		t.Fatalf("the peak is %+v, missing %v", p, rec.Environment.Missing)
	}
	if p.BandwidthBytesPerSec != 1e9*float64(p.Threads) && p.Missing["bandwidth"] == "" { // which a machine that hides its caches does not have
		t.Errorf("the peak is %+v", p)
	}
	if again := s.reread(); again.Environment.Peak == nil || again.Environment.Peak.GFLOPS != 200 {
		t.Error("the peak is not in what was saved")
	}
	steps, err := timeline.Read(filepath.Join(s.dir, timeline.FileName))
	if err != nil {
		t.Fatal(err)
	}
	kinds := make([]string, len(steps))
	for i, step := range steps {
		kinds[i] = step.Kind
	}
	if at := slices.Index(kinds, timeline.Peak); at < 0 || at > slices.Index(kinds, timeline.Round) {
		t.Errorf("the steps were %v", kinds)
	}
	if !strings.Contains(s.Said(), "; what this machine reaches at most is measured first, once, in about") || starts.Load() != 2 {
		t.Errorf("%d starts; told: %q", starts.Load(), s.Said())
	}
	before := len(s.Said())
	s.dir = filepath.Join(t.TempDir(), "second")
	again := s.run(s.options(), bench.Internal, "")
	calmer := codes(rec.Warnings)[record.BusyMachine] && !codes(again.Warnings)[record.BusyMachine] // then it is measured again
	if again.Environment.Peak == nil || again.Environment.Peak.GFLOPS != 200 || starts.Load() != 2 && !calmer {
		t.Errorf("%d starts, the peak is %+v", starts.Load(), again.Environment.Peak)
	}
	if p.BandwidthBytesPerSec > 0 && strings.Contains(s.Said()[before:], "is measured first") {
		t.Errorf("told again: %q", s.Said()[before:])
	}
}

func codes(warnings []record.Warning) map[string]bool {
	found := map[string]bool{}
	for _, w := range warnings {
		found[w.Code] = true
	}
	return found
}

// Workloads with threads of their own are held against the peak of so many.
func TestPeakOfEachNumberOfThreads(t *testing.T) {
	t.Parallel()
	s, starts := peaked(t)
	o := s.options()
	o.Workloads, o.Threads = []string{"lenet/infer/b2/fp32/t1", "lenet/infer/b2/fp32/t2"}, 0
	rec := s.run(o, bench.Internal, "")
	e := rec.Environment
	if e.Peak == nil || e.Peak.Threads != 2 || len(e.Peaks) != 1 || e.Peaks[0].Threads != 1 || starts.Load() != 4 {
		t.Fatalf("%d starts, %+v and %+v", starts.Load(), e.Peak, e.Peaks)
	}
}

// Why there is no peak is in the record, and the campaign goes on.
func TestPeakThatIsNotMeasured(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(s *stage)
		reason string
	}{
		"nobody measures": {func(s *stage) { s.Triad = nil }, "this program does not measure it"},
		"turned off":      {func(s *stage) { s.Env = map[string]string{"DLBENCH_PEAK": "off"} }, "DLBENCH_PEAK=off in the environment"},
		"no program": {func(s *stage) {
			delete(s.Engine.Scripts, "peak-a")
			delete(s.Engine.Scripts, "peak-"+benchtest.Judge)
		}, "none of the runners measures it"},
		"programs that do not start": {func(s *stage) {
			s.Engine.Refuse = func(spec engine.Spec) error {
				if strings.HasPrefix(spec.Command[0], "peak-") {
					return errors.New("no room")
				}
				return nil
			}
		}, "a: no room; judge: no room"},
	} {
		s, starts := peaked(t)
		tt.change(s)
		rec := s.run(s.options(), bench.Internal, "")
		if e := rec.Environment; e.Peak != nil || e.Missing["peak"] != tt.reason || rec.Status != record.Complete || starts.Load() != 0 {
			t.Errorf("%s: %+v, %q, %s", name, e.Peak, e.Missing["peak"], rec.Status)
		}
	}
}

// Who asks for only the peak gets it measured, whatever is known.
func TestMeasurePeaks(t *testing.T) {
	t.Parallel()
	s, starts := peaked(t)
	s.Env = map[string]string{"DLBENCH_PEAK": "off"} // which is about runs
	for n := int64(1); n <= 2; n++ {
		p, err := bench.MeasurePeaks(t.Context(), s.Setup(workload))
		if err != nil || len(p.CPUs) != 1 || p.CPUs[0].GFLOPS != 200 || starts.Load() != 2*n {
			t.Fatalf("%+v, %v after %d starts", p, err, starts.Load())
		}
	}
	s.Engine.Scripts["peak-a"] = products("MKL", 0, starts)
	if p, err := bench.MeasurePeaks(t.Context(), s.Setup(workload)); err != nil || p.CPUs[0].GFLOPS != 120 || !strings.Contains(s.Said(), "the peak of a is not known: it says") {
		t.Errorf("%+v, %v; told: %q", p, err, s.Said())
	}
}

// What a local Python imports is asked what a card reaches.
func TestMeasurePeaksOfACard(t *testing.T) {
	t.Parallel()
	s, starts := peaked(t)
	s.GPU = &busyCard{}
	setup := s.Setup(workload)
	setup.Device = "gpu"
	p, err := bench.MeasurePeaks(t.Context(), setup)
	if err != nil || len(p.CPUs) != 0 || p.Cards[0] == nil || p.Cards[0].GFLOPS != 200 || starts.Load() != 2 {
		t.Fatalf("%+v, %v after %d starts", p, err, starts.Load())
	}
}
