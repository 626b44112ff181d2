package bench_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/sample"
	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/engine/enginetest"
	"github.com/dlbench/dlbench/runners/protocol"
)

// Two experiments are not mixed in one record: what differs is named, and
// nothing is measured or saved.
func TestAnotherExperimentIsRefused(t *testing.T) {
	t.Parallel()
	s := newStage(t, map[string]enginetest.Runner{"a": {}, "b": {}})
	old := interrupted(t, s)
	saves := len(s.saved)
	for says, change := range map[string]func(o *bench.Options, old *record.Record){
		"by engine podman: give --engine podman": func(_ *bench.Options, old *record.Record) { old.Environment.Engine = "podman" },
		"by engine docker: give --engine docker": func(o *bench.Options, old *record.Record) { // auto takes another one now
			o.Engine, old.Environment.Engine = "auto", "docker"
		},
		"with the adapter digest0 of runner a, which is now digest": func(_ *bench.Options, old *record.Record) {
			old.Runners[0].AdapterDigest = "digest0"
		},
		"with a 0.9, which is now 1": func(_ *bench.Options, old *record.Record) { old.Runners[0].FrameworkVersion = "0.9" },
		"with runner a from image 0123456789ab, which is now : begin a new run": func(_ *bench.Options, old *record.Record) {
			old.Runners[0].ImageID = "0123456789abcdef"
		},
		"on another network of the name " + workload: func(_ *bench.Options, old *record.Record) { old.Workloads[0].Digest = "another" },
		"with the images whose digest is abababababab: give their --data again": func(_ *bench.Options, old *record.Record) {
			old.Workloads[0].Inputs = &record.Inputs{Source: record.ImageInputs, SHA256: strings.Repeat("ab", 32), Images: 2, Classes: 1}
		},
		"with the runners a, b":             func(o *bench.Options, _ *record.Record) { o.Runners = []string{"a"} },
		"on the workloads " + workload:      func(o *bench.Options, _ *record.Record) { o.Workloads = []string{"lenet/infer/b4/fp32"} },
		"in suite custom: give no other":    func(o *bench.Options, _ *record.Record) { o.Suite = "smoke" },
		"with seed 1: give --seed 1":        func(o *bench.Options, _ *record.Record) { o.Seed = 2 },
		"with profile quick: give --profil": func(o *bench.Options, _ *record.Record) { o.Profile = "gate" },
		"with the scenarios []":             func(o *bench.Options, _ *record.Record) { o.Scenarios = []string{"multi-stream"} },
		"threads on CPUs":                   func(o *bench.Options, old *record.Record) { o.Threads = old.Terms.Threads + 1 },
		"on elsewhere (an old CPU): a run goes on where it began": func(_ *bench.Options, old *record.Record) {
			old.Environment.Host, old.Environment.CPU = "elsewhere", "an old CPU"
		},
	} {
		old := s.reread()
		o := s.ready(bench.Resuming(old))
		o.SkipParity = true
		change(&o, old)
		if rec := s.run(o, bench.Usage, says); rec != nil {
			t.Errorf("%s: something was begun", says)
		}
	}
	if len(s.saved) != saves {
		t.Error("a refused run was saved")
	}
	o := s.ready(bench.Resuming(old))
	o.Seed, o.Profile = 2, "gate"
	s.run(o, bench.Usage, s.dir+" was measured with seed 1: give --seed 1; and with profile quick: give --profile quick")
}

// Volumes of another size, or patches laid otherwise, are another experiment.
func TestOtherVolumesAreRefused(t *testing.T) {
	t.Parallel()
	s := newStage(t, map[string]enginetest.Runner{"a": {}})
	o := s.options()
	o.Workloads, o.Scenarios, o.Volume = []string{"unet@16/infer/b1/fp32"}, []string{"sliding-window"}, "24x32"
	old := interruptedOf(t, s, o)
	if old.Terms.Volume != "24x32" || old.Terms.Overlap != 0.5 || old.Cells[0].SlidingWindow == nil {
		t.Fatalf("terms %+v, %+v", old.Terms, old.Cells[0].SlidingWindow)
	}
	other := 0.25
	for says, change := range map[string]func(*bench.Options){
		"with volumes of 24x32 and an overlap of 0.5: give --volume 24x32 --overlap 0.5": func(o *bench.Options) { o.Volume = "32x32" },
		"with volumes of 24x32 and an overlap of 0.5: give":                              func(o *bench.Options) { o.Overlap = &other },
	} {
		o := s.ready(bench.Resuming(s.reread()))
		o.SkipParity = true
		change(&o)
		if rec := s.run(o, bench.Usage, says); rec != nil {
			t.Errorf("%s: something was begun", says)
		}
	}
	o = s.ready(bench.Resuming(s.reread()))
	o.SkipParity, o.Rounds = true, 2
	if rec := s.run(o, bench.Internal, ""); rec == nil || rec.Cells[0].SlidingWindow.Rate.N != 2 {
		t.Error("the same volumes did not go on")
	}
}

// A runner that another one stands for now says so before anything is measured.
func TestAnotherAdapterIsRefused(t *testing.T) {
	t.Parallel()
	s := newStage(t, map[string]enginetest.Runner{"a": {}})
	old := interrupted(t, s)
	s.Engine.Scripts["a"] = enginetest.Runner{Hello: protocol.HelloResult{AdapterDigest: "other", FrameworkVersion: "2"}}.Script
	o := s.ready(bench.Resuming(old))
	o.SkipParity = true
	s.run(o, bench.Usage, "with a 1, which is now 2: begin a new run; and with the adapter digest of runner a, which is now other: begin a new run")
}

// busyCard is a machine with one card, on which others may compute.
type busyCard struct {
	sample.GPU
	others []sample.GPUProcess
}

func (c *busyCard) Cards() []record.GPU {
	return []record.GPU{{Index: 0, Name: "H100", UUID: "GPU-8d3f", Driver: "580.65", ComputeCapability: "9.0", MemoryBytes: 80 << 30}}
}
func (c *busyCard) Processes(int) ([]sample.GPUProcess, error) { return c.others, nil }
func (c *busyCard) Unreadable() error                          { return nil }
func (c *busyCard) Close() error                               { return nil }
func (c *busyCard) Sources(int, sample.Target) ([]sample.Source, error) {
	return nil, errors.New("not metered")
}

// What is seen of the machine when a run goes on stands in the record, too.
func TestWarningsOfEverySessionAreKept(t *testing.T) {
	t.Parallel()
	onCard := enginetest.Runner{Hello: protocol.HelloResult{Device: protocol.DeviceSeen{Kind: "gpu", UUID: "GPU-8d3f"}}}
	s := newStage(t, map[string]enginetest.Runner{"a": onCard})
	card := &busyCard{}
	s.GPU = card
	s.device = "gpu"
	old := interrupted(t, s)
	for _, name := range []string{"blender", "blender", "trainer"} { // each session sees somebody; the same one is told once
		old.Status = record.Interrupted
		card.others = []sample.GPUProcess{{PID: 4711, Name: name}}
		o := s.ready(bench.Resuming(old))
		o.SkipParity, o.Rounds = true, 2
		old = s.run(o, bench.Internal, "")
	}
	var told []string
	for _, w := range s.reread().Warnings {
		if w.Code == record.GPUShared {
			told = append(told, w.Text)
		}
	}
	if got := strings.Join(told, "; "); got != "other processes use gpu:0: blender 4711; other processes use gpu:0: trainer 4711" {
		t.Errorf("kept are %q", got)
	}
}
