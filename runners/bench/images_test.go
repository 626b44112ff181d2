package bench_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/sample"
	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/bench/benchtest"
	"github.com/dlbench/dlbench/runners/engine/enginetest"
	"github.com/dlbench/dlbench/runners/manifest"
)

// asRunner makes this test's program a runner.
const asRunner = "DLBENCH_TEST_RUNNER"

func TestMain(m *testing.M) {
	enginetest.Play()
	if os.Getenv(asRunner) != "" {
		os.Exit(benchtest.Honest().Speak())
	}
	os.Exit(m.Run())
}

// inImages is a machine with a played docker and the runners of some images.
type inImages struct {
	*enginetest.CommandLine
	setup bench.Setup
	dir   string
	saved map[string]*record.Record // by directory
}

func newInImages(t *testing.T, names ...string) *inImages {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	m := &inImages{CommandLine: enginetest.NewCommandLine(t, "docker"), dir: t.TempDir(), saved: map[string]*record.Record{}}
	cache := t.TempDir()
	m.setup = bench.Defaults().Setup
	m.setup.Engine, m.setup.Workloads = "docker", []string{workload}
	m.setup.Host = bench.Host{Environ: os.Environ, Now: time.Now, OpenGPU: func() (sample.GPU, error) { return nil, sample.ErrNoDriver },
		Getenv: func(name string) string { return map[string]string{"XDG_CACHE_HOME": cache}[name] }}
	for _, name := range append([]string{benchtest.Judge}, names...) {
		m.setup.Manifests = append(m.setup.Manifests, manifest.Manifest{SchemaVersion: 1, Name: name, Framework: name, Version: "1", Devices: []string{"cpu"},
			Reference: name == benchtest.Judge, Image: manifest.Image{Name: name + ":1"}, Command: []string{self}, Environment: map[string]string{asRunner: name}})
		m.image(name+":1", name+"-id")
	}
	return m
}

// image puts an image there, by its name and by its identity.
func (m *inImages) image(name, id string) {
	for _, known := range []string{name, id} {
		m.Answer("image inspect --format {{.Id}} "+known, "sha256:"+id+"\n")
	}
}

// toBuild gives runners images that have to be built.
func (m *inImages) toBuild(of map[string]manifest.Image) {
	for i := range m.setup.Manifests {
		if image, ok := of[m.setup.Manifests[i].Name]; ok {
			image.Name = "dlbench/" + m.setup.Manifests[i].Name
			m.setup.Manifests[i].Image = image
		}
	}
}

func (m *inImages) save(dir string, rec *record.Record) error {
	m.saved[dir] = rec
	return nil
}

func (m *inImages) options() bench.Options {
	o := bench.Defaults()
	o.Setup = m.setup
	o.Profile, o.Rounds, o.SkipParity = "quick", 1, true
	return o
}

func TestARunFromImages(t *testing.T) {
	m := newInImages(t, "a")
	rec, err := bench.Run(t.Context(), m.options())
	if err != nil {
		t.Fatal(err)
	}
	if r := rec.Runner("a"); r.Image != "a:1" || r.ImageID != "a-id" || rec.Environment.Engine != "docker" || len(rec.Cell(workload, "a").Processes) != 1 {
		t.Errorf("the runner is %+v on %s", r, rec.Environment.Engine)
	}
	if left := m.Containers(); len(left) != 0 {
		t.Errorf("%v are left", left)
	}

	// Another image under the same name is another experiment.
	rec.Status = record.Interrupted
	m.image("a:1", "another-id")
	o := bench.Resuming(rec)
	o.Manifests, o.Host, o.SkipParity = m.setup.Manifests, m.setup.Host, true
	_, err = bench.Run(t.Context(), o)
	benchtest.Check(t, err, bench.Usage, "with runner a from image a-id, which is now another-id: begin a new run")

	// One that is gone, too.
	m.Fail("image inspect --format {{.Id}} a:1", "no such image")
	_, err = bench.Run(t.Context(), o)
	benchtest.Check(t, err, bench.Environment, `runner "a": there is no image a:1`)
}

// TestBothSidesAreMeasuredAgain is what check --rerun does.
func TestBothSidesAreMeasuredAgain(t *testing.T) {
	m := newInImages(t, "a", "same", "lost", "dropped")
	o := m.options()
	now, err := bench.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	before := *now
	before.Runners = append([]record.Runner(nil), now.Runners...)
	before.Runner("a").ImageID, before.Runner("a").FrameworkVersion = "old-id", "0.9"
	before.Runner("lost").ImageID = "lost-id-of-old"
	m.image("a:0.9", "old-id")
	m.Fail("image inspect --format {{.Id}} lost-id-of-old", "no such image")
	m.setup.Manifests = m.setup.Manifests[:4] // nobody knows "dropped" any more
	again, err := bench.Remeasure(t.Context(), bench.Sides{Setup: m.setup, Result: now, Baseline: &before, Dir: m.dir, Save: m.save,
		BaselineName: func(runner string) string { return runner + "@before" }})
	if err != nil {
		t.Fatal(err)
	}
	for runner, want := range map[string]struct {
		same bool
		why  string
	}{"a": {false, ""}, "same": {true, ""}, "lost": {false, "the image of the baseline is not here (lost:1, lost-id-of-o)"},
		"dropped": {false, "this dlbench has no runner of that name: give its --runner-dir"}} {
		if same, why := again.Both(runner); same != want.same || why != want.why {
			t.Errorf("%s: same %t, %q; want %+v", runner, same, why, want)
		}
	}
	rec, err := again.Stage(t.Context(), 2, 3, []bench.RecordedCell{{Workload: workload, Runner: "a"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if len(rec.Cells) != 2 || m.saved[filepath.Join(m.dir, "stage2")] != rec {
		t.Errorf("%d cells were measured, saved in %v", len(rec.Cells), m.saved)
	}
	for name, image := range map[string]string{"a": "a-id", "a@before": "old-id"} {
		c := rec.Cell(workload, name)
		if c == nil || len(c.Processes) != 3 || c.Status != record.Measured || rec.Runner(name).ImageID != image {
			t.Errorf("%s: %+v", name, c)
		}
		if started := m.Calls("create"); !strings.Contains(strings.Join(lasts(started, 2), " "), image) {
			t.Errorf("%s was not started from %s", name, image)
		}
	}
	if left := m.Containers(); len(left) != 0 {
		t.Errorf("%v are left", left)
	}
}

// lasts are the words that stand so far from the end.
func lasts(calls [][]string, from int) []string {
	var words []string
	for _, call := range calls {
		words = append(words, call[len(call)-from])
	}
	return words
}

func TestAnEngineWithoutImagesHasNoEarlierVersion(t *testing.T) {
	s := newStage(t, map[string]enginetest.Runner{"a": {}})
	rec := s.run(s.options(), bench.Internal, "")
	setup := s.Setup(workload)
	again, err := bench.Remeasure(t.Context(), bench.Sides{Setup: setup, Result: rec, Baseline: rec, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if same, why := again.Both("a"); same || why != "engine fake keeps no earlier version of a runner" {
		t.Errorf("same %t, %q", same, why)
	}
	if err := again.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
