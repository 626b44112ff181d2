package history_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/history"
)

func TestListTellsWhatARecordIs(t *testing.T) {
	h := open(t)
	id := add(t, h, night(0))[0]
	if _, err := h.SetBaseline(t.Context(), "main", id); err != nil {
		t.Fatal(err)
	}
	entries, err := h.List(t.Context(), history.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	want := []history.Entry{{ID: id, Created: epoch, Suite: "smoke", Profile: "report", Host: "bench1", CPU: "EPYC 9654", Status: "complete",
		Versions: map[string]string{"pytorch": "2.9.0", "caffe": "1.0"}, Baselines: []string{"main"}, File: filepath.Join(h.Dir(), "records", recordFiles(t, h)[0])}}
	if diff := cmp.Diff(want, entries); diff != "" {
		t.Error(diff)
	}
}

func TestFilters(t *testing.T) {
	h := open(t)
	ids := add(t, h, night(1), night(0), night(2, func(r *record.Record) { r.Suite = "resnet" }),
		night(3, func(r *record.Record) { r.Environment.Host = "bench2" }),
		night(4, func(r *record.Record) { r.Runners, r.Cells = r.Runners[:1], r.Cells[:1] }))
	for name, c := range map[string]struct {
		filter history.Filter
		want   []int // of ids, newest first
	}{
		"all, newest first":    {history.Filter{}, []int{4, 3, 2, 0, 1}},
		"suite":                {history.Filter{Suite: "resnet"}, []int{2}},
		"host":                 {history.Filter{Host: "bench2"}, []int{3}},
		"runner":               {history.Filter{Runner: "caffe"}, []int{3, 2, 0, 1}},
		"workload":             {history.Filter{Workload: workload}, []int{4, 3, 2, 0, 1}},
		"workload and runner":  {history.Filter{Workload: workload, Runner: "caffe", Suite: "resnet"}, []int{2}},
		"since, that included": {history.Filter{Since: epoch.AddDate(0, 0, 3)}, []int{4, 3}},
		"nothing":              {history.Filter{Suite: "smok"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			want := []string{}
			for _, i := range c.want {
				want = append(want, ids[i])
			}
			if got := listed(t, h, c.filter); !slices.Equal(got, want) {
				t.Errorf("listed are %v, expected %v of %v", got, c.want, ids)
			}
		})
	}
}

func TestNamesOfWhatWasMeasured(t *testing.T) {
	h := open(t)
	add(t, h, night(0), night(1))
	workloads, runners, err := h.Names(t.Context())
	if err != nil || !slices.Equal(workloads, []string{workload}) || !slices.Equal(runners, []string{"caffe", "pytorch"}) {
		t.Error(workloads, runners, err)
	}
}

func TestFind(t *testing.T) {
	h := open(t)
	var records []*record.Record
	for i := range 20 { // more than there are first digits
		records = append(records, night(i))
	}
	ids := add(t, h, records...)
	if e, err := h.Find(t.Context(), strings.ToUpper(ids[7][:11])); err != nil || e.ID != ids[7] {
		t.Errorf("found %+v, %v", e, err)
	}
	if _, err := h.SetBaseline(t.Context(), "main", ids[3]); err != nil {
		t.Fatal(err)
	}
	if e, err := h.Find(t.Context(), "main"); err != nil || e.ID != ids[3] {
		t.Errorf("found %+v, %v", e, err)
	}
	seen := map[string]bool{}
	twice := ""
	for _, id := range ids {
		if seen[id[:1]] {
			twice = id[:1]
		}
		seen[id[:1]] = true
	}
	for name, want := range map[string]string{twice: "give more of the ID", "ffffffffffff": "no record and no baseline", "x": "no record and no baseline",
		"": "no record and no baseline", "%": "no record and no baseline"} {
		var refused *history.Refusal
		if _, err := h.Find(t.Context(), name); !errors.As(err, &refused) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, expected %q", name, err, want)
		}
	}
}

func TestAMistypedDirectoryIsNoEmptyHistory(t *testing.T) {
	h := at(t, filepath.Join(t.TempDir(), "nowhere"))
	var refused *history.Refusal
	if _, err := h.List(t.Context(), history.Filter{}); !errors.As(err, &refused) || !strings.Contains(err.Error(), "nowhere: there is none") {
		t.Errorf("got %v", err)
	}
}
