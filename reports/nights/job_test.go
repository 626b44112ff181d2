package nights_test

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
	"github.com/dlbench/dlbench/metrics/record/recordtest"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/reports/compare"
	"github.com/dlbench/dlbench/reports/gate"
	"github.com/dlbench/dlbench/reports/history"
	"github.com/dlbench/dlbench/reports/nights"
)

var (
	errSlower   = errors.New("something got slower")
	errNoEngine = errors.New("no engine\nat all")
)

// simulated is a job whose machine never measured: the second runner is slower
// by a share.
type simulated struct {
	*nights.Job
	slower   float64
	broken   error // what measuring ends with, before there is a record
	during   func()
	night    int
	baseline *record.Record
}

func newSimulated(t *testing.T) *simulated {
	t.Helper()
	dir := t.TempDir()
	h, err := history.At(filepath.Join(dir, "history"))
	if err != nil {
		t.Fatal(err)
	}
	s := &simulated{}
	s.baseline = s.record(0)
	s.Job = &nights.Job{Dir: filepath.Join(dir, "nightly"), Suite: "simulated", History: h, Nights: 2, Records: 100, Environ: os.Environ(),
		Now:     func() time.Time { return epoch.AddDate(0, 0, s.night) },
		Measure: s.measure, Judge: s.judge,
		Verdict: func(r *gate.Report) error {
			if r.Regressed {
				return errSlower
			}
			return nil
		},
		Exit: func(err error) int {
			switch {
			case err == nil:
				return 0
			case errors.Is(err, errSlower):
				return 3
			}
			return 5
		}}
	return s
}

func (s *simulated) record(slower float64) *record.Record {
	r := recordtest.Simulation{Seed: uint64(s.night), Modes: []string{"infer"}, Workloads: 1, Runners: 2, Rounds: 12, Noise: 0.001}.Record()
	r.Created = epoch.AddDate(0, 0, s.night)
	r.Updated = r.Created
	for i := range r.Cells {
		if c := &r.Cells[i]; c.Runner == "b" {
			for j := range c.Processes {
				b := &c.Processes[j].Blocks[0]
				b.EndNS = b.StartNS + int64(float64(b.EndNS-b.StartNS)*(1+slower))
			}
		}
	}
	summary.Summarize(r)
	return r
}

func (s *simulated) measure(_ context.Context, dir string, log io.Writer) ([]nights.Part, error) {
	if s.during != nil {
		s.during()
	}
	if s.broken != nil {
		return nil, s.broken
	}
	_, err := fmt.Fprintln(log, "measured")
	return []nights.Part{{Dir: dir}}, errors.Join(err, record.Write(filepath.Join(dir, "result.json"), s.record(s.slower)))
}

func (s *simulated) judge(_ context.Context, result string, _ int, _ io.Writer) (*gate.Report, error) {
	r, err := summary.Read(result)
	if err != nil {
		return nil, err
	}
	return gate.Stored(compare.Source{File: result, Record: r}, compare.Source{File: "baseline", Record: s.baseline}, gate.StoredRule)
}

// run is one night.
func (s *simulated) run(t *testing.T) (nights.Night, error) {
	t.Helper()
	s.night++
	return s.Run(t.Context())
}

// read is the text of a file below the job's directory.
func (s *simulated) read(t *testing.T, path ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(append([]string{s.Dir}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func (s *simulated) inHistory(t *testing.T) int {
	t.Helper()
	all, err := s.History.List(t.Context(), history.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

func TestAGoodNightLeavesItsPages(t *testing.T) {
	s := newSimulated(t)
	n, err := s.run(t)
	if err != nil || n.Exit != 0 || n.Record == "" || n.Headline == "" {
		t.Fatalf("%+v, %v", n, err)
	}
	for file, want := range map[string]string{"check.md": "# dlbench check", "check.xml": "<testsuite", "check.html": "<!doctype html>", "check.json": `"regressed": false`,
		"night.json": `"exit": 0`, "night.log": "measured"} {
		if got := s.read(t, "nights", n.Name, file); !strings.Contains(got, want) {
			t.Errorf("%s lacks %q:\n%s", file, want, got)
		}
	}
	if index := s.read(t, "index.html"); !strings.Contains(index, n.Name+"/check.html") || !strings.Contains(index, `href="trends.html"`) {
		t.Errorf("the list of nights is\n%s", index)
	}
	if trends := s.read(t, "trends.html"); !strings.Contains(trends, "net0/infer/b4/fp32") {
		t.Error("the trends do not name the workload")
	}
	if s.inHistory(t) != 1 {
		t.Errorf("%d records are in the history", s.inHistory(t))
	}
}

func TestARegressionIsToldByTheUsersCommand(t *testing.T) {
	s := newSimulated(t)
	told := filepath.Join(t.TempDir(), "told")
	s.Notification = fmt.Sprintf(`{ echo "$DLBENCH_EXIT $DLBENCH_HEADLINE"; cat; } > %q`, told)
	if n, err := s.run(t); err != nil {
		t.Fatalf("%+v, %v", n, err)
	}
	if _, err := os.Stat(told); err == nil {
		t.Error("a good night was told")
	}
	s.slower = 0.1
	n, err := s.run(t)
	if !errors.Is(err, errSlower) || n.Exit != 3 {
		t.Fatalf("%+v, %v", n, err)
	}
	text, err := os.ReadFile(told)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(text), "3 something got slower\n") || !strings.Contains(string(text), "b on net0/infer/b4/fp32") || !strings.Contains(string(text), n.Name) {
		t.Errorf("told was\n%s", text)
	}
	s.Notification = "echo no such address >&2; exit 9"
	if _, err := s.run(t); err == nil || !strings.Contains(err.Error(), "--notify: exit status 9: no such address") || !errors.Is(err, errSlower) {
		t.Errorf("a command that failed gave %v", err)
	}
}

// TestWhatCannotBeWrittenHidesNoVerdict takes the history away, or the place of a
// page, after both were tried.
func TestWhatCannotBeWrittenHidesNoVerdict(t *testing.T) {
	for name, spoil := range map[string]func(s *simulated) error{
		"history": func(s *simulated) error {
			return errors.Join(os.RemoveAll(s.History.Dir()), os.WriteFile(s.History.Dir(), nil, 0o644))
		},
		"page": func(s *simulated) error {
			night, err := filepath.Glob(filepath.Join(s.Dir, "nights", "*"))
			return errors.Join(err, os.MkdirAll(filepath.Join(night[0], "check.html"), 0o755))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSimulated(t)
			s.slower = 0.1
			var spoiled error
			s.during = func() { spoiled = spoil(s) }
			n, err := s.run(t)
			if spoiled != nil {
				t.Fatal(spoiled)
			}
			if !errors.Is(err, errSlower) || n.Exit != 3 || !strings.HasPrefix(n.Headline, errSlower.Error()) || n.Headline == errSlower.Error() {
				t.Errorf("the night ends with %v: exit %d, %q; want the verdict, and what could not be written", err, n.Exit, n.Headline)
			}
		})
	}
}

// TestANightThatCannotBeKeptIsNotMeasured: in the morning is too late.
func TestANightThatCannotBeKeptIsNotMeasured(t *testing.T) {
	for name, spoil := range map[string]func(s *simulated) string{
		"nights":  func(s *simulated) string { return filepath.Join(s.Dir, "nights") },
		"history": func(s *simulated) string { return s.History.Dir() },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSimulated(t)
			path := spoil(s)
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, nil, 0o644)); err != nil {
				t.Fatal(err)
			}
			told := filepath.Join(t.TempDir(), "told")
			s.Notification = "cat > " + told
			s.during = func() { t.Error("it was measured") }
			_, err := s.run(t)
			var unusable *nights.UnusableError
			if !errors.As(err, &unusable) || !strings.Contains(err.Error(), path) || !strings.Contains(unusable.Hint, "give another --") {
				t.Errorf("it ends with %v", err)
			}
			if _, err := os.Stat(told); err != nil {
				t.Error("nobody was told:", err)
			}
		})
	}
}

func TestANightWithoutARecordIsListedToo(t *testing.T) {
	s := newSimulated(t)
	s.broken = errNoEngine
	n, err := s.run(t)
	if !errors.Is(err, errNoEngine) || n.Exit != 5 || n.Headline != "no engine; at all" || n.Record != "" {
		t.Fatalf("%+v, %v", n, err)
	}
	if index := s.read(t, "index.html"); !strings.Contains(index, "no engine; at all") || strings.Contains(index, "trends.html") {
		t.Errorf("the list of nights is\n%s", index)
	}
}

func TestTwoNightsDoNotRunAtOnce(t *testing.T) {
	s := newSimulated(t)
	var second error
	s.during = func() {
		s.during = nil
		_, second = s.Run(t.Context())
	}
	if _, err := s.run(t); err != nil {
		t.Fatal(err)
	}
	var unusable *nights.UnusableError
	if !errors.As(second, &unusable) || unusable.Hint == "" || !strings.Contains(second.Error(), fmt.Sprintf("process %d since", os.Getpid())) {
		t.Errorf("the second gave %v", second)
	}
	if _, err := s.run(t); err != nil {
		t.Errorf("after it: %v", err)
	}
}

func TestOnlyTheNewestNightsStay(t *testing.T) {
	s := newSimulated(t)
	var names []string
	for range 4 {
		n, err := s.run(t)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, n.Name)
	}
	left, err := nights.Read(filepath.Join(s.Dir, "nights"))
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 2 || left[0].Name != names[3] || left[1].Name != names[2] || s.inHistory(t) != 4 {
		t.Errorf("%d nights and %d records are left", len(left), s.inHistory(t))
	}
}
