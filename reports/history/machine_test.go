package history_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/history"
)

// of makes a record of a machine.
func of(host, fingerprint, name string) func(*record.Record) {
	return func(r *record.Record) {
		r.Environment.Host, r.Environment.Fingerprint, r.Environment.Machine = host, fingerprint, name
	}
}

// TestRecordsOfOneMachine asks which records a line has, of records that were
// measured on hosts of several names.
func TestRecordsOfOneMachine(t *testing.T) {
	records := []*record.Record{
		night(0, of("ci-1", "f1", "")), night(1, of("ci-2", "f1", "")), // one machine under two host names
		night(2, of("ci-1", "f2", "")),     // another that had the first one's host name
		night(3, of("old", "", "")),        // of an older dlbench
		night(4, of("old", "f3", "")),      // the same machine after the upgrade
		night(5, of("ci-9", "f4", "pool")), // named, with hardware of its own
		night(6, of("ci-8", "f5", "pool")),
		night(7, of("ci-1", "", "")), // an older dlbench on a host name of two machines: nobody knows which
	}
	h := open(t)
	ids := add(t, h, records...)
	for name, tt := range map[string]struct {
		line history.Line
		want []int
	}{
		"hardware":                  {history.LineOf(records[0], "", ""), []int{1, 0}},
		"other hardware, same host": {history.LineOf(records[2], "", ""), []int{2}},
		"from before fingerprints":  {history.LineOf(records[3], "", ""), []int{4, 3}},
		"after the upgrade":         {history.LineOf(records[4], "", ""), []int{4, 3}},
		"named":                     {history.LineOf(records[5], "", ""), []int{6, 5}},
		"named now":                 {history.LineOf(records[0], "pool", ""), []int{6, 5}},
		"unknown":                   {history.LineOf(records[7], "", ""), []int{7}},
	} {
		t.Run(name, func(t *testing.T) {
			var want []string
			for _, i := range tt.want {
				want = append(want, ids[i])
			}
			if got := listed(t, h, history.Filter{Line: &tt.line}); !slices.Equal(got, want) {
				t.Errorf("got %v, expected %v", got, want)
			}
			found, left := points(t, h, history.Series{Workload: workload, Runner: "pytorch", Metric: history.Throughput, Line: &tt.line})
			if len(found) != len(want) || len(found)+len(left) != len(records) {
				t.Errorf("%d figures and %d left out", len(found), len(left))
			}
			for _, l := range left {
				if !strings.Contains(l.Reason, "another machine: ") {
					t.Errorf("left out because %q", l.Reason)
				}
			}
		})
	}
}

func TestLabelsNameMachinesAndBranchesOfKeptRecords(t *testing.T) {
	h := open(t)
	ids := add(t, h, night(0, of("ci-1", "f1", "")), night(1, of("ci-2", "f2", "")), night(2, of("ci-3", "f3", "")))
	must(t, h.Label(t.Context(), history.Label{Machine: "pool"}, ids[0], ids[1]))
	must(t, h.Label(t.Context(), history.Label{Branch: "fix/one"}, ids[1]))
	if got := listed(t, h, history.Filter{Host: "pool"}); len(got) != 2 {
		t.Errorf("the machine has %v", got)
	}
	if got := listed(t, h, history.Filter{Branch: "fix/one"}); !slices.Equal(got, ids[1:2]) {
		t.Errorf("the branch has %v", got)
	}
	line := history.LineOf(night(9, of("ci-9", "f9", "")), "pool", "")
	found, left := points(t, h, history.Series{Workload: workload, Runner: "pytorch", Metric: history.Throughput, Line: &line})
	if len(found) != 1 || found[0].ID != ids[0] || len(left) != 2 || left[0].Reason != "it is of another branch: fix/one" {
		t.Errorf("figures %+v, left out %+v", found, left)
	}
	for _, bad := range []history.Label{{Machine: "a\x1b[31m"}, {Branch: "-x"}, {Branch: "a b"}} {
		if err := h.Label(t.Context(), bad, ids[0]); err == nil {
			t.Errorf("%+v was accepted", bad)
		}
	}
	must(t, os.WriteFile(filepath.Join(h.Dir(), "labels.json"), []byte(`{"label`), 0o644))
	if _, err := h.List(t.Context(), history.Filter{}); err == nil || !strings.Contains(err.Error(), "labels.json") {
		t.Errorf("broken labels give %v", err)
	}
}

func TestABaselineOfSeveralNights(t *testing.T) {
	h := open(t)
	ids := add(t, h, night(0), night(1), night(2))
	if _, err := h.SetBaseline(t.Context(), "release", ids[0], ids[2], ids[0]); err != nil {
		t.Fatal(err)
	}
	nights, err := h.Baseline(t.Context(), "release")
	if err != nil || len(nights) != 2 || nights[0].ID != ids[0] || nights[1].ID != ids[2] {
		t.Errorf("the baseline has %+v, %v", nights, err)
	}
	removed, err := h.Keep(t.Context(), 0)
	if err != nil || len(removed) != 1 || removed[0].ID != ids[1] {
		t.Errorf("removed are %+v, %v: a night of a baseline stays", removed, err)
	}
}
