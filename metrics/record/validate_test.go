package record_test

import (
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
)

func TestValidate(t *testing.T) {
	if err := small().Validate(); err != nil {
		t.Fatal(err)
	}
	process := func(r *record.Record) *record.Process { return &r.Cells[0].Processes[0] }
	tests := map[string]struct {
		spoil func(*record.Record)
		want  string
	}{
		"schema version":     {func(r *record.Record) { r.SchemaVersion = 2 }, "schema_version: is 2, expected 1"},
		"a workload twice":   {func(r *record.Record) { r.Workloads = append(r.Workloads, r.Workloads[0]) }, `workloads[1].id: workload "lenet/infer/b8/fp32" is there twice`},
		"a runner twice":     {func(r *record.Record) { r.Runners = append(r.Runners, r.Runners[1]) }, `runners[2].name: runner "caffe" is there twice`},
		"no batch":           {func(r *record.Record) { r.Workloads[0].Batch = 0 }, "workloads[0].batch: is 0, expected at least 1"},
		"cell's workload":    {func(r *record.Record) { r.Cells[1].Workload = "x" }, `cells[1].workload: workload "x" is not among`},
		"cell's runner":      {func(r *record.Record) { r.Cells[1].Runner = "x" }, `cells[1].runner: runner "x" is not among`},
		"a cell twice":       {func(r *record.Record) { r.Cells[1] = r.Cells[0] }, "cells[1]: the cell of workload"},
		"cell's status":      {func(r *record.Record) { r.Cells[1].Status = "x" }, `cells[1].status: "x" is not a state`},
		"median outside":     {func(r *record.Record) { r.Cells[0].Throughput.CILow = 1700 }, "cells[0].throughput: the median 1600 is outside its interval [1700, 1600]"},
		"comparison's b":     {func(r *record.Record) { r.Comparisons[0].B = "x" }, `comparisons[0].b: runner "x" is not among`},
		"comparison's work":  {func(r *record.Record) { r.Comparisons[0].Workload = "x" }, `comparisons[0].workload: workload "x" is not among`},
		"ratio outside":      {func(r *record.Record) { r.Comparisons[0].CIHigh = 1 }, "comparisons[0]: the ratio 2 is outside"},
		"overall's a":        {func(r *record.Record) { r.Overall[0].A = "x" }, `overall[0].a: runner "x" is not among`},
		"overall's b":        {func(r *record.Record) { r.Overall[0].B = "x" }, `overall[0].b: runner "x" is not among`},
		"an overall twice":   {func(r *record.Record) { r.Overall = append(r.Overall, r.Overall[0]) }, `overall[1]: the overall of runner "caffe" in mode "infer" is there twice`},
		"overall's interval": {func(r *record.Record) { r.Overall[0].CIHigh = 0.3 }, "overall[0]: the interval [0.4, 0.3] ends before it begins"},
		"a round twice":      {func(r *record.Record) { r.Cells[0].Processes = append(r.Cells[0].Processes, *process(r)) }, "cells[0].processes[1].round: the cell has two processes in round 0"},
		"a block backwards":  {func(r *record.Record) { process(r).Blocks[0].EndNS = 1e9 }, "cells[0].processes[0].blocks[0].end_ns: is 1000000000, expected later than start_ns 1000000000"},
		"blocks overlap":     {func(r *record.Record) { process(r).Blocks[1].StartNS-- }, "cells[0].processes[0].blocks[1].start_ns: is 1009999999, before the end"},
		"no iterations":      {func(r *record.Record) { process(r).Blocks[0].Iterations = 0 }, "blocks[0].iterations: is 0"},
		"lost latencies":     {func(r *record.Record) { process(r).Blocks[1].Iterations = 4 }, "blocks[1].iteration_ns: has 3 latencies for 4 iterations"},
		"series of two ends": {func(r *record.Record) { process(r).Series[0].TimeNS = []int64{1} }, `series[0]: series "cpu_percent" has 1 times for 2 values`},
		"series backwards":   {func(r *record.Record) { process(r).Series[0].TimeNS = []int64{2, 2} }, "series[0].time_ns[1]: is 2, expected later than the 2 before it"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := small()
			tt.spoil(r)
			if err := r.Validate(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got  %v\nwant %s", err, tt.want)
			}
			if _, err := record.Decode("f.json", []byte(encoded(t, r))); err == nil {
				t.Error("Decode took it")
			}
		})
	}
}
