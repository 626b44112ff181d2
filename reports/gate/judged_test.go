package gate_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/gate"
)

// state is a cell without figures.
func state(status, parity, reason string) record.Cell {
	c := cell("a")
	c.Status, c.Reason, c.Parity.Status = status, reason, parity
	return c
}

func stored(t *testing.T, now, old *record.Record) *gate.Report {
	t.Helper()
	r, err := gate.Stored(src(now), src(old), gate.StoredRule)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestNothingJudgedIsNotGreen holds results against baselines that nothing can
// be judged by.
func TestNothingJudgedIsNotGreen(t *testing.T) {
	whole := func() *record.Record { return night(2, cell("a", around(1000)...)) }
	unverified := func(day int) *record.Record {
		r := night(day, cell("a", around(1000)...))
		r.Cells[0].Status, r.Cells[0].Parity.Status = record.NotRanked, record.ParitySkipped
		return r
	}
	for name, tt := range map[string]struct {
		now, old *record.Record
		reason   string
	}{
		"empty baseline":           {whole(), night(1), "the baseline has no cells"},
		"empty result":             {night(2), night(1), "has no cells"},
		"unsupported baseline":     {whole(), night(1, state(record.Unsupported, record.ParityUnsupported, "no training")), "not measured in the baseline: 1"},
		"pending baseline":         {whole(), night(1, state(record.Pending, record.ParityPassed, "the budget ended")), "not measured in the baseline: 1"},
		"pending on both sides":    {night(2, state(record.Pending, record.ParityPassed, "")), night(1, state(record.Pending, record.ParityPassed, "")), "pending, parity passed, on both sides: 1"},
		"unverified on both":       {unverified(2), unverified(1), "not ranked on both sides: 1"},
		"too few processes":        {night(2, cell("a", 10, 11, 12)), night(1, cell("a", 20, 21, 22)), "undecided: 1"},
		"nothing in common":        {whole(), night(1, state(record.Unsupported, record.ParityUnsupported, ""), cell("b")), "not measured in the baseline: 1"},
		"unsupported on both":      {night(2, state(record.Unsupported, record.ParityUnsupported, "x")), night(1, state(record.Unsupported, record.ParityUnsupported, "x")), "unsupported, parity unsupported, on both sides: 1"},
		"verified in the baseline": {whole(), unverified(1), "not measured in the baseline: 1"},
	} {
		t.Run(name, func(t *testing.T) {
			r := stored(t, tt.now, tt.old)
			if r.Counts.Judged != 0 || !strings.Contains(r.Counts.Nothing, tt.reason) {
				t.Errorf("counts %+v, expected the reason %q", r.Counts, tt.reason)
			}
			if !strings.HasPrefix(r.Headline(), "NOTHING JUDGED: ") {
				t.Errorf("headline %q", r.Headline())
			}
			var junit bytes.Buffer
			if err := r.JUnit(&junit); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(junit.String(), `<testcase classname="dlbench.check" name="cells judged">`) || !strings.Contains(junit.String(), `failures="1"`) || !strings.Contains(junit.String(), tt.reason) {
				t.Errorf("junit lacks the failing case with its reason:\n%s", junit.String())
			}
		})
	}
}

func TestUndecidedCellsAreCountedApart(t *testing.T) {
	old := night(1, cell("a", around(1000)...), cell("d", 500, 501, 502))
	now := night(2, cell("a", around(1000)...), cell("d", 500, 501, 502))
	r := stored(t, now, old)
	if r.Counts.Judged != 1 || r.Counts.Undecided != 1 || r.Counts.Nothing != "" {
		t.Errorf("counts %+v", r.Counts)
	}
	if got := r.Headline(); got != "nothing got slower, cells judged: 1, undecided: 1" {
		t.Errorf("headline %q", got)
	}
}

func TestAnInterruptedResultDoesNotPass(t *testing.T) {
	now := night(2, cell("a", around(1000)...))
	now.Status = record.Interrupted
	r := stored(t, now, night(1, cell("a", around(1000)...)))
	if len(r.Incomplete) != 1 || !strings.Contains(r.Incomplete[0], "interrupted after") || !strings.HasPrefix(r.Headline(), "UNDECIDED") {
		t.Errorf("incomplete %q, headline %q", r.Incomplete, r.Headline())
	}
	var junit bytes.Buffer
	if err := r.JUnit(&junit); err != nil || !strings.Contains(junit.String(), `type="incomplete"`) {
		t.Errorf("junit passes an interrupted result: %v\n%s", err, junit.String())
	}
}

func TestALargeSpeedUpIsSuspicious(t *testing.T) {
	old := night(1, cell("a", around(1000)...), cell("b", around(1000)...))
	now := night(2, cell("a", around(2000)...), cell("b", around(1200)...))
	r := stored(t, now, old)
	if got := kinds(r); got != "suspiciously_faster a, faster b" || r.Regressed {
		t.Errorf("findings %q", got)
	}
	if !strings.Contains(r.Headline(), "SUSPICIOUSLY FASTER: a on net/infer/b4/fp32 (+100.0 %)") {
		t.Errorf("headline %q", r.Headline())
	}
}

func TestAPoorBaselineIsNamed(t *testing.T) {
	good := night(1, cell("a", around(1000)...))
	if weak := gate.Weaknesses(good); len(weak) != 0 {
		t.Errorf("a good baseline is called poor: %q", weak)
	}
	for want, spoil := range map[string]func(r *record.Record){
		"interrupted after": func(r *record.Record) { r.Status = record.Interrupted },
		"busy_machine": func(r *record.Record) {
			r.Warnings = append(r.Warnings, record.Warning{Code: record.BusyMachine, Scope: "run"})
		},
		"fewer than 6 processes": func(r *record.Record) { r.Cells[0].Processes = r.Cells[0].Processes[:3] },
		"parity was not checked": func(r *record.Record) {
			r.Cells[0].Status, r.Cells[0].Parity.Status = record.NotRanked, record.ParitySkipped
		},
		"nothing can be judged by it": func(r *record.Record) { r.Cells = nil },
	} {
		bad := night(1, cell("a", around(1000)...))
		spoil(bad)
		if got := strings.Join(gate.Weaknesses(bad), "\n"); !strings.Contains(got, want) {
			t.Errorf("weaknesses %q lack %q", got, want)
		}
		r := stored(t, night(2, cell("a", around(1000)...)), bad)
		if !strings.Contains(strings.Join(r.BaselineWeak, "\n"), want) {
			t.Errorf("the check does not say %q of its baseline", want)
		}
	}
}
