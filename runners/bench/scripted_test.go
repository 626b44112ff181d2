package bench_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/sample"
	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/engine/enginetest"
	"github.com/dlbench/dlbench/runners/manifest"
	"github.com/dlbench/dlbench/runners/protocol"
)

const workload = "lenet/infer/b2/fp32"

// stage is a machine whose engine starts scripted runners.
type stage struct {
	t       *testing.T
	engine  enginetest.Fake
	cache   string
	dir     string
	version string
	device  string
	gpu     sample.GPU // nil is none

	mu    sync.Mutex
	said  []string // what stays
	steps []string
	step  func(text string) // is told of every step
	saved []string          // the status of the record at each save
}

func newStage(t *testing.T, runners map[string]enginetest.Runner) *stage {
	s := &stage{t: t, cache: t.TempDir(), dir: filepath.Join(t.TempDir(), "out")}
	s.engine.Scripts = map[string]enginetest.Script{"judge": enginetest.Runner{}.Script}
	for name, r := range runners {
		s.engine.Scripts[name] = r.Script
	}
	t.Cleanup(func() {
		for range 200 {
			if s.engine.Running() == 0 {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Errorf("%d runners were left behind", s.engine.Running())
	})
	return s
}

func (s *stage) Step(text string, _ float64, _ time.Duration) {
	s.mu.Lock()
	s.steps = append(s.steps, text)
	s.mu.Unlock()
	if s.step != nil {
		s.step(text)
	}
}

func (s *stage) Detail(string) {}

func (s *stage) Say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.said = append(s.said, fmt.Sprintf(format, args...))
}

// ready are options that go to the stage's runners.
func (s *stage) ready(o bench.Options) bench.Options {
	o.Manifests = []manifest.Manifest{scripted("judge")}
	o.Manifests[0].Reference = true
	for _, name := range slices.Sorted(keys(s.engine.Scripts)) {
		if name != "judge" {
			o.Manifests = append(o.Manifests, scripted(name))
		}
	}
	o.Host = bench.Host{Environ: os.Environ, Now: time.Now, Version: s.version,
		Getenv: func(name string) string { return map[string]string{"XDG_CACHE_HOME": s.cache}[name] },
		OpenGPU: func() (sample.GPU, error) {
			if s.gpu == nil {
				return nil, sample.ErrNoDriver
			}
			return s.gpu, nil
		},
		Engines: func(string) ([]engine.Engine, error) { return []engine.Engine{&s.engine}, nil }}
	o.Progress, o.Dir = s, s.dir
	o.Save = func(r *record.Record) error {
		s.saved = append(s.saved, r.Status)
		return record.Write(filepath.Join(s.dir, "result.json"), r)
	}
	return o
}

// options ask for little: a campaign takes as long as the look at the machine.
func (s *stage) options() bench.Options {
	o := bench.Defaults()
	o.Workloads, o.Profile, o.Rounds, o.SkipParity = []string{workload}, "quick", 2, true
	if s.device != "" {
		o.Device = s.device
	}
	return s.ready(o)
}

func scripted(name string) manifest.Manifest {
	return manifest.Manifest{SchemaVersion: 1, Name: name, Framework: name, Version: "0", Devices: []string{"cpu", "gpu"}, Maintained: true,
		Local: &manifest.Local{Command: []string{name}}}
}

func keys(m map[string]enginetest.Script) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for name := range m {
			if !yield(name) {
				return
			}
		}
	}
}

// run runs a campaign that is to come to an error of a kind, or to none.
func (s *stage) run(o bench.Options, want bench.Kind, says string) *record.Record {
	s.t.Helper()
	rec, err := bench.Run(s.t.Context(), o)
	s.check(err, want, says)
	return rec
}

func (s *stage) check(err error, want bench.Kind, says string) {
	s.t.Helper()
	if says == "" && err == nil {
		return
	}
	if err == nil || bench.KindOf(err) != want || !strings.Contains(err.Error(), says) {
		s.t.Errorf("the error is %v of kind %d, want %q of kind %d", err, bench.KindOf(err), says, want)
	}
}

// reread is the record as it was saved.
func (s *stage) reread() *record.Record {
	s.t.Helper()
	rec, err := record.Read(filepath.Join(s.dir, "result.json"))
	if err != nil {
		s.t.Fatal(err)
	}
	return rec
}

func refusing(request string, code protocol.Code) func(string) *protocol.Error {
	return func(asked string) *protocol.Error {
		if asked != request {
			return nil
		}
		return &protocol.Error{Code: code, Message: "scripted"}
	}
}
