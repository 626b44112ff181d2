package gate_test

import (
	"path/filepath"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/gate"
)

// written is a record as a file.
func written(t *testing.T, r *record.Record) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "result.json")
	if err := record.Write(path, r); err != nil {
		t.Fatal(err)
	}
	return path
}

// What the suite's file says is the check's rule; what the check is asked goes
// before it.
func TestSmallestChangesOfASuite(t *testing.T) {
	baseline := written(t, night(1, cell("a", around(100)...)))
	for name, tt := range map[string]struct {
		recorded map[string]float64
		asked    string
		all, net float64 // the smallest change of others, and of the network; 0 is none of its own
	}{
		"nobody says":      {nil, "", gate.StoredRule.Change, 0},
		"for all":          {map[string]float64{"*": 0.07}, "", 0.07, 0},
		"for a network":    {map[string]float64{"net": 0.3}, "", gate.StoredRule.Change, 0.3},
		"for both":         {map[string]float64{"*": 0.07, "net": 0.3}, "", 0.07, 0.3},
		"asked goes first": {map[string]float64{"*": 0.07, "net": 0.3}, "4%", 0.04, 0},
	} {
		t.Run(name, func(t *testing.T) {
			now := night(2, cell("a", around(50)...))
			now.MinChange = tt.recorded
			report, err := gate.Check(t.Context(), written(t, now), gate.Question{Baseline: baseline, Change: tt.asked})
			if err != nil {
				t.Fatal(err)
			}
			if report.Rule.Change != tt.all || report.Rule.Changes["net"] != tt.net || len(report.Rule.Changes) > 1 {
				t.Errorf("the rule is %+v", report.Rule)
			}
		})
	}
	// A half is no change if the suite says so.
	now := night(2, cell("a", around(50)...))
	if report, err := gate.Check(t.Context(), written(t, now), gate.Question{Baseline: baseline}); err != nil || !report.Regressed {
		t.Fatalf("a half is not told: %v", err)
	}
	now.MinChange = map[string]float64{"net": 0.6}
	if report, err := gate.Check(t.Context(), written(t, now), gate.Question{Baseline: baseline}); err != nil || report.Regressed {
		t.Fatalf("less than the suite's smallest change is told: %v", err)
	}
}

// Other images are other work, whatever the network.
func TestOtherInputsAreOtherWork(t *testing.T) {
	of := func(day int, digest string) *record.Record {
		r := night(day, cell("a", around(100)...))
		if digest != "" {
			r.Workloads[0].Inputs = &record.Inputs{Source: record.ImageInputs, SHA256: digest, Images: 3, Classes: 2}
		}
		return r
	}
	for name, tt := range map[string]struct {
		old, now string
		differ   bool
	}{"none": {"", "", false}, "the same": {"aa", "aa", false}, "others": {"aa", "bb", true}, "only now": {"", "bb", true}, "only before": {"aa", "", true}} {
		report, err := gate.Check(t.Context(), written(t, of(2, tt.now)), gate.Question{Baseline: written(t, of(1, tt.old))})
		if err != nil {
			t.Fatal(err)
		}
		if got := kinds(report) != ""; got != tt.differ || report.Regressed != tt.differ {
			t.Errorf("%s: %+v", name, report.Findings)
		}
	}
}
