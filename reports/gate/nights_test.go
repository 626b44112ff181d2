package gate_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/compare"
	"github.com/dlbench/dlbench/reports/gate"
	"github.com/dlbench/dlbench/reports/history"
)

// held adds a night to a history and holds it against the nights before.
func held(t *testing.T, h *history.History, rec *record.Record) *gate.Report {
	t.Helper()
	path := filepath.Join(t.TempDir(), "result.json")
	if err := record.Write(path, rec); err != nil {
		t.Fatal(err)
	}
	added, err := h.Add(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := gate.Trend(t.Context(), gate.Past{History: h}, added[0].ID, compare.Source{File: path, Record: rec}, gate.TrendRule)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func emptyHistory(t *testing.T) *history.History {
	t.Helper()
	h, err := history.At(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// TestAHalvingUnderOtherHostNames is the history of a hired runner: the host has
// another name each night, and the cell takes twice as long from the ninth on.
func TestAHalvingUnderOtherHostNames(t *testing.T) {
	h := emptyHistory(t)
	rng := rand.New(rand.NewPCG(5, 5))
	for n := range 10 {
		speed := 1000 * math.Exp(0.01*rng.NormFloat64())
		if n >= 8 {
			speed /= 2
		}
		rec := night(1+n, cell("a", around(speed)...))
		rec.Environment.Host, rec.Environment.Fingerprint = fmt.Sprintf("runner-%d", n), "f1"
		r := held(t, h, rec)
		if n < 8 && r.Regressed {
			t.Errorf("night %d: %q", n, kinds(r))
		}
		if n == 8 && kinds(r) != "slower a" {
			t.Errorf("the first bad night: %q, left out %q", kinds(r), r.LeftOut)
		}
		if n == 9 && (r.Regressed || kinds(r) != "slower_already a") {
			t.Errorf("the second bad night tells it again: %q", kinds(r))
		}
	}
}

func TestOtherMachinesAndBranchesAreLeftOutByName(t *testing.T) {
	h := emptyHistory(t)
	for n := range 5 {
		rec := night(1+n, cell("a", around(500)...))
		rec.Environment.Host, rec.Environment.Fingerprint = "other", "f2"
		held(t, h, rec)
	}
	branched := night(6, cell("a", around(500)...))
	branched.Branch, branched.Environment.Fingerprint = "fix", "f1"
	held(t, h, branched)
	rec := night(7, cell("a", around(1000)...))
	rec.Environment.Fingerprint = "f1"
	r := held(t, h, rec)
	left := strings.Join(r.LeftOut, "\n")
	if !strings.Contains(left, "5 records: it is of another machine: other") || !strings.Contains(left, "1 record: it is of another branch: fix") {
		t.Errorf("left out are %q", left)
	}
	if r.Counts.Judged != 0 || !strings.Contains(r.Headline(), "first whole record") || r.Next == "" {
		t.Errorf("headline %q, next %q", r.Headline(), r.Next)
	}
	var text strings.Builder
	if err := r.Text(&text, 300); err != nil || !strings.Contains(text.String(), "left out") || !strings.Contains(text.String(), "next ") {
		t.Errorf("the text does not name what was left out and what to do: %v\n%s", err, text.String())
	}
}

// TestSeveralBaselineNightsSeeMore holds a result that is 5 % slower against one
// night and against six.
func TestSeveralBaselineNightsSeeMore(t *testing.T) {
	var baselines []compare.Source
	for day := range 6 {
		baselines = append(baselines, src(night(1+day, cell("a", around(1000*(1+0.0005*float64(day%3)))...))))
	}
	now := src(night(9, cell("a", around(950)...)))
	for n, want := range map[int]string{1: "", 6: "slower a"} {
		r, err := gate.StoredAmong(t.Context(), gate.Past{}, now, baselines[:n], gate.StoredRule)
		if err != nil {
			t.Fatal(err)
		}
		if got := kinds(r); got != want || r.Counts.Judged != 1 || r.Cells[0].BaselineNights != n {
			t.Errorf("%d nights: findings %q, expected %q: %+v", n, got, want, r.Cells)
		}
	}
}

// TestTheHistorySaysHowMuchNightsDiffer holds the same two records against each
// other with a quiet history and with a restless one.
func TestTheHistorySaysHowMuchNightsDiffer(t *testing.T) {
	for deviation, want := range map[float64]bool{0.002: true, 0.08: false} {
		h := emptyHistory(t)
		rng := rand.New(rand.NewPCG(1, 2))
		for n := range 20 {
			held(t, h, night(1+n, cell("a", around(1000*math.Exp(deviation*rng.NormFloat64()))...)))
		}
		r, err := gate.StoredAmong(t.Context(), gate.Past{History: h}, src(night(25, cell("a", around(900)...))), []compare.Source{src(night(3, cell("a", around(1000)...)))}, gate.StoredRule)
		if err != nil {
			t.Fatal(err)
		}
		if r.Regressed != want {
			t.Errorf("nights differ by %g: 10 %% less is regressed %v: %+v", deviation, r.Regressed, r.Cells)
		}
	}
}

func TestMinChanges(t *testing.T) {
	rule, err := gate.TrendRule.WithMinChange("1%, resnet50=0.5%,net/infer/b4/fp32=0.2")
	if err != nil || rule.Change != 0.01 || rule.Changes["resnet50"] != 0.005 || rule.Changes[workload] != 0.2 {
		t.Errorf("rule %+v, %v", rule, err)
	}
	if rule, err = gate.TrendRule.WithMinChange("0.03"); err != nil || rule.Change != 0.03 || len(rule.Changes) > 0 {
		t.Errorf("a plain share gives %+v, %v", rule, err)
	}
	for _, bad := range []string{"", "x", "=1%", "a=", "a=100%", "-1%", "1", "NaN", "a=1%,"} {
		if _, err := gate.TrendRule.WithMinChange(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
	now, old := src(night(2, cell("a", around(850)...))), src(night(1, cell("a", around(1000)...)))
	for text, want := range map[string]bool{"net=20%": false, "net=10%": true, workload + "=20%,net=1%": false, "other=50%": true} {
		rule, err := gate.StoredRule.WithMinChange(text)
		if err != nil {
			t.Fatal(err)
		}
		if r, err := gate.Stored(now, old, rule); err != nil || r.Regressed != want {
			t.Errorf("%s: regressed %v, %v", text, r.Regressed, err)
		}
	}
}
