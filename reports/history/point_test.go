package history_test

import (
	"testing"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/history"
)

func points(t *testing.T, h *history.History, s history.Series) ([]history.Point, []history.LeftOut) {
	t.Helper()
	found, left, err := h.Points(t.Context(), s)
	must(t, err)
	return found, left
}

func TestPointsAreTheRecordsFigures(t *testing.T) {
	h := open(t)
	ids := add(t, h, night(1), night(0))
	for metric, want := range map[history.Metric]history.Figure{
		history.Throughput: {Value: 1000, Low: 990, High: 1100, Level: 0.96, N: 6},
		history.P50:        {Value: 5, Low: 5, High: 5, Level: 0.96875, N: 6},
		history.P99:        {Value: 9, Low: 9, High: 9},
		history.Memory:     {Value: 1 << 30, Low: 1 << 30, High: 1 << 30},
	} {
		found, left := points(t, h, history.Series{Workload: workload, Runner: "pytorch", Metric: metric})
		if len(found) != 2 || len(left) != 0 || found[0].ID != ids[1] || found[0].Figure != want {
			t.Errorf("%s: %+v, %v, expected %+v first", metric, found, left, want)
		}
	}
}

// The interval of a latency is over processes: two have a range, and a range
// that misses the pooled figure is widened to it.
func TestLatencyHasTheIntervalOfItsProcesses(t *testing.T) {
	h := open(t)
	process := func(round int, ms int64) record.Process {
		b := record.Block{Scenario: record.SingleStream, Iterations: 10, StartNS: 1, EndNS: 1 + 10*ms*1e6}
		for range 10 {
			b.IterationNS = append(b.IterationNS, ms*1e6)
		}
		return record.Process{Round: round, Status: record.Measured, Blocks: []record.Block{b}}
	}
	of := func(ms ...int64) func(*record.Record) {
		return func(r *record.Record) {
			c := &r.Cells[0]
			c.Processes, c.Throughput, c.LatencyMS.N = nil, nil, 10*len(ms)
			for round, each := range ms {
				c.Processes = append(c.Processes, process(round, each))
			}
		}
	}
	add(t, h, night(0, of(6, 7)))
	add(t, h, night(1, of(1, 2, 3, 4, 5, 6)))
	found, _ := points(t, h, history.Series{Workload: workload, Runner: "pytorch", Metric: history.P50})
	if want := (history.Figure{Value: 5, Low: 5, High: 7, N: 2}); found[0].Figure != want {
		t.Errorf("two processes: %+v, expected %+v", found[0].Figure, want)
	}
	if want := (history.Figure{Value: 5, Low: 1, High: 6, Level: 0.96875, N: 6}); found[1].Low != want.Low || found[1].High != want.High || found[1].Level < 0.95 {
		t.Errorf("six processes: %+v, expected %+v", found[1].Figure, want)
	}
}

func TestWhatIsNoFigureIsLeftOutWithTheReason(t *testing.T) {
	h := open(t)
	add(t, h, night(0), night(1, func(r *record.Record) { r.Cells[0].Throughput = nil }),
		night(2, func(r *record.Record) {
			r.Cells[0].Status, r.Cells[0].Parity.Status = record.NotRanked, record.ParitySkipped
		}))
	found, left := points(t, h, history.Series{Workload: workload, Runner: "pytorch", Metric: history.Throughput})
	if len(found) != 1 || len(left) != 2 || left[0].Reason != "it has no figure for throughput" || left[1].Reason != "not_ranked: parity skipped" {
		t.Errorf("%+v, %+v", found, left)
	}
	found, left = points(t, h, history.Series{Workload: workload, Runner: "caffe", Metric: history.Throughput})
	if len(found) != 0 || len(left) != 3 || left[0].Reason != "not_ranked: conv is off" {
		t.Errorf("%+v, %+v", found, left)
	}
}

func TestARunThatWasResumedIsOnePoint(t *testing.T) {
	h := open(t)
	ids := add(t, h, night(0, func(r *record.Record) { r.Updated = r.Updated.Add(time.Hour); r.Cells[0].Throughput.Median = 1050 }),
		night(0, func(r *record.Record) { r.Status = record.Interrupted }))
	found, left := points(t, h, history.Series{Workload: workload, Runner: "pytorch", Metric: history.Throughput})
	if len(found) != 1 || found[0].ID != ids[0] || len(left) != 1 || left[0].ID != ids[1] {
		t.Errorf("%+v, %+v", found, left)
	}
}

func TestPointsOfOneHost(t *testing.T) {
	h := open(t)
	add(t, h, night(0), night(1, func(r *record.Record) { r.Environment.Host = "bench2" }))
	found, _ := points(t, h, history.Series{Workload: workload, Runner: "pytorch", Metric: history.Throughput, Host: "bench2"})
	if len(found) != 1 || found[0].Place.Host != "bench2" {
		t.Errorf("%+v", found)
	}
}
