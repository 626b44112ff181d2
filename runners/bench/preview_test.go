package bench_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/timeline"
	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/bench/benchtest"
	"github.com/dlbench/dlbench/runners/manifest"
)

// sixRunners is a machine on which the images of a judge and of six runners are
// to be built; four of them take little.
func sixRunners(t *testing.T) *inImages {
	m := newInImages(t, "a", "b", "c", "d", "long", "longest")
	m.Answer("pull --quiet debian:bookworm-slim", "")
	m.toBuild(map[string]manifest.Image{benchtest.Judge: {Context: "reference"}, "a": {Context: "onnxruntime"}, "b": {Context: "mxnet"},
		"c": {Context: "jax"}, "d": {Context: "keras", On: "jax"}, "long": {Context: "tensorflow"}, "longest": {Context: "pytorch"}})
	return m
}

func TestTheFirstRunnersArePreviewed(t *testing.T) {
	m := sixRunners(t)
	times := filepath.Join(t.TempDir(), timeline.FileName)
	o := m.options()
	o.SkipParity, o.Rounds, o.Timeline = false, 2, timeline.New(times, time.Now)
	var shown *record.Record
	o.Preview = func(rec *record.Record) {
		shown = rec
		for _, call := range m.Calls("build") {
			if text := strings.Join(call, " "); strings.Contains(text, "tensorflow") || strings.Contains(text, "pytorch") {
				t.Errorf("before the preview: %s", text)
			}
		}
	}
	rec, err := bench.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if shown == nil {
		t.Fatal("there was no preview")
	}
	var previewed []string
	for _, c := range shown.Cells {
		previewed = append(previewed, c.Runner)
		if c.Status != record.Measured || c.Parity.Status != record.ParityPassed || len(c.Processes) != 1 {
			t.Errorf("previewed: %+v", c)
		}
	}
	if !slices.Equal(previewed, []string{"a", "b", "c", "d"}) {
		t.Errorf("previewed are %v", previewed)
	}
	for _, c := range rec.Cells {
		if len(c.Processes) != 2 || c.Parity.Cached {
			t.Errorf("the record has %d processes of %s, cached %t", len(c.Processes), c.Runner, c.Parity.Cached)
		}
		for _, p := range c.Processes {
			if old := shown.Cell(c.Workload, c.Runner); old != nil && &old.Processes[0] == &p {
				t.Errorf("a process of the preview is in the record: %s", c.Runner)
			}
		}
	}
	if len(rec.Cells) != 6 || rec.Rounds != 2 {
		t.Errorf("the record has %d cells, %d rounds", len(rec.Cells), rec.Rounds)
	}
	done, err := timeline.Read(times)
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(done, func(s timeline.Step) bool { return s.Kind == timeline.Preview })
	if at < 0 {
		t.Fatalf("the preview is not in the log of times: %+v", done)
	}
	for _, s := range done {
		if s.Kind == timeline.Image && s.Start.Before(done[at].End) && done[at].Start.Before(s.End) {
			t.Errorf("%s was built during the preview", s.Name)
		}
	}
	if left := m.Containers(); len(left) != 0 {
		t.Errorf("%v are left", left)
	}
}

func TestThereIsNoPreviewWithoutAReason(t *testing.T) {
	for name, change := range map[string]func(*inImages, *bench.Options){
		"little is missing": func(m *inImages, o *bench.Options) {
			o.Preview = nil
			if _, err := bench.Run(t.Context(), *o); err != nil { // builds all of it
				t.Fatal(err)
			}
		},
		"few runners":                func(_ *inImages, o *bench.Options) { o.Runners = []string{"a", "b", "c", "longest"} },
		"networks that take minutes": func(_ *inImages, o *bench.Options) { o.Workloads = []string{"resnet20/train/b512/fp32"} },
		"no parity":                  func(_ *inImages, o *bench.Options) { o.SkipParity = true },
	} {
		if testing.Short() && name == "little is missing" {
			continue // it takes two whole runs
		}
		m := sixRunners(t)
		o := m.options()
		o.SkipParity = false
		change(m, &o)
		o.Preview = func(*record.Record) { t.Errorf("%s: there is a preview", name) }
		// The scripted runners compute LeNet, whatever they are asked for.
		if _, err := bench.Run(t.Context(), o); err != nil && !strings.Contains(err.Error(), "did not pass parity") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
