package gate_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/record/recordtest"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/reports/gate"
	"github.com/dlbench/dlbench/reports/history"
)

// shard is a record of some workloads, net0 to net9, from a node on a day of
// January, with the throughput of runner a on each.
func shard(day, minute int, node string, speeds map[int]float64) *record.Record {
	r := night(day)
	r.Created = r.Created.Add(time.Duration(minute) * time.Minute)
	r.Updated = r.Created
	r.Environment.Host, r.Environment.Fingerprint = node, "f-"+node
	r.Workloads = nil
	for w := range 10 {
		if speed, has := speeds[w]; has {
			id := fmt.Sprintf("net%d/infer/b4/fp32", w)
			r.AddWorkload(record.Workload{ID: id, Network: fmt.Sprintf("net%d", w), Mode: "infer", Precision: "fp32", Batch: 4, Digest: "d", InputShape: []int{4, 1, 8, 8}, MACs: 100, Parameters: 10})
			r.AddCell(recordtest.Cell(id, "a", 4, around(speed)...))
		}
	}
	r.AddRunner(record.Runner{Name: "a", Framework: "a", FrameworkVersion: "1"})
	summary.Summarize(r)
	return r
}

// ask adds a record to a history and holds it against what the question says.
func ask(t *testing.T, h *history.History, rec *record.Record, q gate.Question) (*gate.Report, string, error) {
	t.Helper()
	path := written(t, rec)
	added, err := h.Add(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	q.History = h
	r, err := gate.Check(t.Context(), path, q)
	return r, added[0].ID, err
}

// TestAShardIsNotHeldAgainstWhatOthersMeasured: nodes of one kind share a name, and the
// workloads are dealt to them otherwise from one night to the next.
func TestAShardIsNotHeldAgainstWhatOthersMeasured(t *testing.T) {
	h := emptyHistory(t)
	rng := rand.New(rand.NewPCG(8, 3))
	q := gate.Question{Machine: "pool", Part: gate.Part{Of: 2, Dealt: true}}
	speed := func(v float64) float64 { return v * math.Exp(0.002*rng.NormFloat64()) }
	for n := range 12 {
		first, second := shard(1+n, 0, "n1", map[int]float64{0: speed(100), 1: speed(200)}), shard(1+n, 1, "n2", map[int]float64{2: speed(300)})
		if n%2 == 1 {
			first, second = shard(1+n, 0, "n2", map[int]float64{0: speed(100)}), shard(1+n, 1, "n1", map[int]float64{1: speed(200), 2: speed(300)})
		}
		for _, rec := range []*record.Record{first, second} {
			rec.Environment.Machine = "pool"
			r, _, err := ask(t, h, rec, q)
			if err != nil {
				t.Fatal(err)
			}
			if n == 0 != (r.Baseline == nil) || n > 0 && (r.Regressed || len(r.Findings) > 0 || r.Counts.Judged != len(rec.Cells)) {
				t.Errorf("night %d: %s, findings %q, baseline %v", n, r.Headline(), kinds(r), r.Baseline)
			}
		}
	}
	slow := shard(13, 0, "n2", map[int]float64{2: 150})
	slow.Environment.Machine = "pool"
	r, _, err := ask(t, h, slow, q)
	if err != nil || kinds(r) != "slower a" || r.Findings[0].Workload != "net2/infer/b4/fp32" {
		t.Errorf("a half on one shard: %q, %v", kinds(r), err)
	}
	// As a whole night it would lack what the other shards have.
	q.Part = gate.Part{}
	if r, _, err = ask(t, h, slow, q); err != nil || !strings.Contains(kinds(r), "missing a") {
		t.Errorf("as a whole night: %q, %v", kinds(r), err)
	}
}

// TestABrokenCellOfAShardIsFound: what a shard's own workloads were before is known,
// from whichever record had them.
func TestABrokenCellOfAShardIsFound(t *testing.T) {
	h := emptyHistory(t)
	q := gate.Question{Part: gate.Part{Of: 2, Dealt: true}}
	for day, speeds := range []map[int]float64{{0: 100}, {1: 200}} {
		if _, _, err := ask(t, h, shard(1+day, 0, "n1", speeds), q); err != nil {
			t.Fatal(err)
		}
	}
	now := shard(3, 0, "n1", map[int]float64{0: 100, 1: 200, 2: 300})
	for i := range 2 {
		c := &now.Cells[i]
		c.Status, c.Reason, c.Processes, c.Throughput, c.LatencyMS, c.Startup = record.Failed, "it crashed", []record.Process{}, nil, nil, nil
	}
	summary.Summarize(now)
	r, _, err := ask(t, h, now, q)
	if err != nil || !r.Regressed || strings.Count(kinds(r), "not_measured a") != 2 || strings.Count(kinds(r), "new a") != 1 {
		t.Errorf("findings %q, %v", kinds(r), err)
	}
}

// TestAPartIsHeldAgainstItsMachinesBaseline names the records of two nodes, of which
// one was always slower.
func TestAPartIsHeldAgainstItsMachinesBaseline(t *testing.T) {
	for name, dealt := range map[string]bool{"each node measures all": false, "each some": true} {
		t.Run(name, func(t *testing.T) {
			h := emptyHistory(t)
			speeds := map[string]map[int]float64{"n1": {0: 100}, "n2": {0: 50}}
			if dealt {
				speeds["n2"] = map[int]float64{1: 50}
			}
			q := gate.Question{Part: gate.Part{Of: 2, Dealt: dealt}}
			var ids []string
			for _, node := range []string{"n1", "n2"} {
				for day := range 6 {
					_, id, err := ask(t, h, shard(1+day, 0, node, speeds[node]), q)
					if err != nil {
						t.Fatal(err)
					}
					ids = append(ids, id)
				}
			}
			if _, err := h.SetBaseline(t.Context(), "release", ids...); err != nil {
				t.Fatal(err)
			}
			q.Baseline = "release"
			for node, own := range speeds {
				r, _, err := ask(t, h, shard(9, 0, node, own), q)
				if err != nil || r.Regressed || r.Counts.Judged != 1 || len(r.Findings) != 0 || r.Cells[0].BaselineNights != 6 {
					t.Errorf("%s: findings %q, %+v, %v", node, kinds(r), r, err)
				}
			}
			var refused *gate.RefusedError
			if _, _, err := ask(t, h, shard(9, 0, "n3", speeds["n1"]), q); !errors.As(err, &refused) || !strings.Contains(err.Error(), "--baseline release has no record of n3") {
				t.Errorf("of a node that the baseline lacks: %v", err)
			}
		})
	}
}

// TestPartsShareTheFalseAlarms: a hundred nodes are not to have a hundred times as many.
func TestPartsShareTheFalseAlarms(t *testing.T) {
	baseline := written(t, night(1, cell("a", around(100)...)))
	for of, want := range map[int]float64{0: gate.StoredRule.P, 1: gate.StoredRule.P, 100: gate.StoredRule.P / 100} {
		r, err := gate.Check(t.Context(), written(t, night(2, cell("a", around(100)...))), gate.Question{Baseline: baseline, Part: gate.Part{Of: of}})
		if err != nil || r.Rule.P != want {
			t.Errorf("of %d parts: %+v, %v", of, r, err)
		}
	}
}
