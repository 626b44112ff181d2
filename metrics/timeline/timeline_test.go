package timeline_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dlbench/dlbench/metrics/timeline"
)

func TestStepsAreKeptAsTheyEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run", timeline.FileName)
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	log := timeline.New(path, func() time.Time { return at })
	first := log.Begin(timeline.Image, "install jax")
	at = at.Add(time.Second)
	second := log.Begin(timeline.Image, "install mxnet")
	if _, err := timeline.Read(path); err == nil || !strings.Contains(err.Error(), "there is no log") {
		t.Errorf("before anything has ended: %v", err)
	}
	at = at.Add(time.Second)
	second(errors.New("no network\nand more"))
	at = at.Add(time.Minute)
	first(nil)
	steps, err := timeline.Read(path)
	if err != nil || len(steps) != 2 || log.Fault() != nil {
		t.Fatalf("%+v, %v, %v", steps, err, log.Fault())
	}
	begin := at.Add(-62 * time.Second)
	for i, want := range []timeline.Step{
		{Kind: timeline.Image, Name: "install mxnet", Start: begin.Add(time.Second), End: begin.Add(2 * time.Second), Error: "no network"},
		{Kind: timeline.Image, Name: "install jax", Start: begin, End: at},
	} {
		if steps[i] != want {
			t.Errorf("step %d is %+v, want %+v", i, steps[i], want)
		}
	}
	// One more session goes on with the file; one that was killed while it wrote
	// leaves what was whole.
	timeline.New(path, func() time.Time { return at }).Begin(timeline.Round, "round 1")(nil)
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"kind":"round","na`); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if steps, err = timeline.Read(path); err != nil || len(steps) != 3 {
		t.Errorf("%d steps, %v", len(steps), err)
	}
}

func TestALogThatCannotBeWrittenSaysSo(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	log := timeline.New(filepath.Join(dir, "file", "times"), time.Now)
	log.Begin(timeline.Round, "round 1")(nil)
	if log.Fault() == nil {
		t.Error("nothing is said")
	}
	var none *timeline.Log
	none.Begin(timeline.Round, "round 1")(nil)
	if none.Fault() != nil {
		t.Error("a log that nobody wants has a fault")
	}
}

func TestWhatIsNoLogIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":           "no step of the log is whole",
		"{\"kind\":": "no step of the log is whole",
		"nonsense\n": "times:1:",
		"{}\n":       "times:1: expected a step with kind",
		`{"kind":"round","name":"x","start":"2026-01-02T03:04:05Z","end":"2026-01-02T03:04:04Z"}` + "\n": "a later end",
	} {
		path := filepath.Join(t.TempDir(), "times")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := timeline.Read(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
