// Package benchtest is what tests of bench and of its users share: a machine
// whose engine starts scripted runners.
package benchtest

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dlbench/dlbench/metrics/sample"
	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/engine/enginetest"
	"github.com/dlbench/dlbench/runners/manifest"
)

// Judge is the name of the reference on every stage.
const Judge = "judge"

// Stage is the machine. It is told of progress, and keeps what it is told.
type Stage struct {
	Engine  enginetest.Fake
	Version string     // of the program
	GPU     sample.GPU // nil is none
	OnStep  func(text string)
	Triad   func(cpus []int, threads int, arrayBytes int64) (float64, error) // nil: the machine's peak is not measured
	Env     map[string]string                                                // beside the stage's own

	t     *testing.T
	cache string
	mu    sync.Mutex
	said  []string
	steps []string
}

// New is a stage with an honest judge and these runners. None of them may be
// left when the test ends.
func New(t *testing.T, runners map[string]enginetest.Runner) *Stage {
	s := &Stage{t: t, cache: t.TempDir()}
	s.Engine.Scripts = map[string]enginetest.Script{Judge: Honest().Script}
	for name, r := range runners {
		s.Engine.Scripts[name] = r.Script
	}
	t.Cleanup(func() {
		for range 2000 { // a busy machine takes its time
			if s.Engine.Running() == 0 {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Errorf("%d runners were left behind", s.Engine.Running())
	})
	return s
}

// Manifests are those of the stage's runners. A script "bare-NAME" is the bare
// loop of the runner NAME, and "peak-NAME" its matrix products.
func (s *Stage) Manifests() []manifest.Manifest {
	judge := named(Judge)
	judge.Reference = true
	judge.Peak = s.peakOf(Judge)
	all := []manifest.Manifest{judge}
	for _, name := range slices.Sorted(maps.Keys(s.Engine.Scripts)) {
		if name == Judge || strings.HasPrefix(name, "bare-") || strings.HasPrefix(name, "peak-") {
			continue
		}
		m := named(name)
		if bare := "bare-" + name; s.Engine.Scripts[bare] != nil {
			m.Bare = []string{bare}
		}
		m.Peak = s.peakOf(name)
		all = append(all, m)
	}
	return all
}

func (s *Stage) peakOf(name string) []string {
	if program := "peak-" + name; s.Engine.Scripts[program] != nil {
		return []string{program}
	}
	return nil
}

func named(name string) manifest.Manifest {
	return manifest.Manifest{SchemaVersion: 1, Name: name, Framework: name, Version: "0", Devices: []string{"cpu", "gpu"}, Maintained: true,
		Local: &manifest.Local{Command: []string{name}}}
}

// Put lets a setup find the stage's runners, engine and machine.
func (s *Stage) Put(setup *bench.Setup) {
	setup.Manifests, setup.Progress = s.Manifests(), s
	setup.Host = bench.Host{Environ: os.Environ, Now: time.Now, Version: s.Version,
		Triad: s.Triad,
		Getenv: func(name string) string {
			return cmp.Or(s.Env[name], map[string]string{"XDG_CACHE_HOME": s.cache}[name])
		},
		OpenGPU: func() (sample.GPU, error) {
			if s.GPU == nil {
				return nil, sample.ErrNoDriver
			}
			return s.GPU, nil
		},
		Engines: func(string) ([]engine.Engine, error) { return []engine.Engine{&s.Engine}, nil }}
}

// Setup is the default one on the stage, for one workload.
func (s *Stage) Setup(workload string) bench.Setup {
	setup := bench.Defaults().Setup
	setup.Workloads = []string{workload}
	s.Put(&setup)
	return setup
}

// Step keeps a step.
func (s *Stage) Step(text string, _ float64, _ time.Duration) {
	s.mu.Lock()
	s.steps = append(s.steps, text)
	s.mu.Unlock()
	if s.OnStep != nil {
		s.OnStep(text)
	}
}

// Detail is not kept.
func (s *Stage) Detail(string) {}

// Say keeps what is said.
func (s *Stage) Say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.said = append(s.said, fmt.Sprintf(format, args...))
}

// Said is what was said so far, a line each.
func (s *Stage) Said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.said, "\n")
}

// Steps are those that were announced so far, a line each.
func (s *Stage) Steps() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.steps, "\n")
}

// Check compares an error with the kind that it should have, and what it should
// say; saying nothing is not an error.
func Check(t *testing.T, err error, want bench.Kind, says string) {
	t.Helper()
	if says == "" && err == nil {
		return
	}
	if err == nil || bench.KindOf(err) != want || !strings.Contains(err.Error(), says) {
		t.Errorf("the error is %v of kind %d, want %q of kind %d", err, bench.KindOf(err), says, want)
	}
}
