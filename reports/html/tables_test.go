package html_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
)

func TestRatiosHoldEveryTwoAgainstEachOther(t *testing.T) {
	rec := campaign(thorough())
	rec.Comparisons[1].Verdict = record.Indistinguishable
	matrix := rows(t, render(t, rec), "resnet18-infer-b1-fp32-ratios-table")
	c, _ := rec.Comparison("resnet18/infer/b1/fp32", "onnxruntime", "mxnet")
	if got, want := cellOf(t, matrix, "onnxruntime", "mxnet"), fmt.Sprintf("%#.4g ▲ %#.4g – %#.4g", c.Ratio, c.CILow, c.CIHigh); got != want {
		t.Errorf("got %q, expected %q", got, want)
	}
	if got, want := cellOf(t, matrix, "mxnet", "onnxruntime"), fmt.Sprintf("%#.4g ▼ %#.4g – %#.4g", 1/c.Ratio, 1/c.CIHigh, 1/c.CILow); got != want {
		t.Errorf("got %q, expected %q", got, want)
	}
	if got := cellOf(t, matrix, "onnxruntime", rec.Comparisons[1].B); !strings.Contains(got, "≈") {
		t.Errorf("got %q", got)
	}
	if len(matrix) != 6 || len(matrix[0]) < 6 {
		t.Errorf("%d rows of %d columns for 5 ranked runners", len(matrix)-1, len(matrix[0]))
	}
}

func TestParityGoesDownToTheWorstTensor(t *testing.T) {
	page := render(t, campaign(thorough()))
	parity := rows(t, page, "resnet18-infer-b1-fp32-parity-table")
	for header, want := range map[string]string{"verdict": "failed", "worst check": "network gradients", "worst tensor": "layer3.0.conv2.weight", "deviation": "0.31", "beyond": "1", "checks": "16"} {
		if got := cellOf(t, parity, "jax", header); got != want {
			t.Errorf("%s: %q, expected %q", header, got, want)
		}
	}
	if got := cellOf(t, parity, "keras-tensorflow", "verdict"); got != "unsupported" {
		t.Errorf("verdict %q", got)
	}
	checks := drawn(t, page).Tables["resnet18-infer-b1-fp32-checks-table"]
	if len(checks.Rows) != 7*16 {
		t.Errorf("%d checks, expected 112", len(checks.Rows))
	}
}

// An adapter that is held to a tolerance of nothing is the worst when it fails.
func TestAFailureWithoutToleranceIsTheWorst(t *testing.T) {
	rec := campaign(small())
	c := rec.Cell("lenet/infer/b8/fp32", "mxnet")
	c.Parity.Checks = append(c.Parity.Checks, record.Check{Layer: "network", Name: "shapes", Tensor: "conv1"})
	if got := cellOf(t, rows(t, render(t, rec), "lenet-infer-b8-fp32-parity-table"), "mxnet", "worst check"); got != "network shapes" {
		t.Errorf("the worst is %q", got)
	}
}

func TestTermsThatDifferAreMarked(t *testing.T) {
	terms := rows(t, render(t, campaign(small())), "terms-table")
	for term, want := range map[string]string{"layout": "≠", "build": "≠", "threads": "", "precision": "", "framework": "", "image": ""} {
		if got := cellOf(t, terms, term, "differs"); got != want {
			t.Errorf("%s: %q, expected %q", term, got, want)
		}
	}
	if got := cellOf(t, terms, "layout", "mxnet"); got != "NCHW" {
		t.Errorf("mxnet's layout is %q", got)
	}
}

func TestEveryProcessIsListedWithItsRawBlocks(t *testing.T) {
	rec := campaign(small())
	table := drawn(t, render(t, rec)).Tables["lenet-infer-b8-fp32-processes-table"]
	if len(table.Rows) != 4*3+1 { // three measured runners and the one that failed parity; the one that was killed
		t.Fatalf("%d processes", len(table.Rows))
	}
	var words []string
	for _, line := range table.Rows {
		for _, c := range line[1:] {
			words = append(words, cellText(c))
		}
	}
	p := rec.Cell("lenet/infer/b8/fp32", "onnxruntime").Processes[0]
	want := fmt.Sprintf("offline 40 in %.4f, 40 in %.4f, 40 in %.4f, single-stream 140 in %.4f", p.Blocks[0].Seconds(), p.Blocks[1].Seconds(), p.Blocks[2].Seconds(), p.Blocks[3].Seconds())
	if !strings.Contains(strings.Join(words, "\n"), want) {
		t.Errorf("no process has the blocks %q", want)
	}
	if !strings.Contains(strings.Join(words, "\n"), "failed: exit 137") {
		t.Error("the process that was killed is not there")
	}
}

func TestMachineIsDescribed(t *testing.T) {
	machine := rows(t, render(t, campaign(thorough())), "machine-table")
	for fact, want := range map[string]string{"processor": "AMD EPYC 9555 64-Core Processor", "GPU 0": "NVIDIA H200, 141 GiB, driver 570.1, compute capability 9.0, PCIe generation 5 with 16 lanes at most; at most 67000 GFLOP/s in fp32, 494500 in tf32, 989500 in bf16, 4800 GB/s (datasheet, boost clock)",
		"measured peak": "51200 GFLOP/s, 3300 GB/s (cuBLAS sgemm 8192³, 20 repetitions)", "asked of every runner": "gpu:0, 8 threads, CPUs 0-7, memory: at most 16 GiB"} {
		if got := cellOf(t, machine, fact, "value"); got != want {
			t.Errorf("%s: %q, expected %q", fact, got, want)
		}
	}
}

func TestUsageNamesWhatWasNotSeen(t *testing.T) {
	page := plain(render(t, campaign(small())))
	if !strings.Contains(page, "Not seen: gpu: no NVIDIA driver") {
		t.Error("the missing source is not named")
	}
}

func TestSeveralRecordsStandSideBySide(t *testing.T) {
	a, b, c := small(), small(), small()
	b.threads, c.threads, c.networks = 4, 8, networks[1:3]
	records := []*record.Record{campaign(a), campaign(b), campaign(c)}
	records[1].DlbenchVersion, records[2].Environment.Host = "0.4.0", "other"
	page := render(t, records...)
	overview := rows(t, page, "records-table")
	for i, letter := range []string{"A", "B", "C"} {
		if got := cellOf(t, overview, letter, "threads"); got != []string{"2", "4", "8"}[i] {
			t.Errorf("%s has %s threads", letter, got)
		}
	}
	if cellOf(t, overview, "B", "dlbench") != "0.4.0" || cellOf(t, overview, "C", "machine") != "other" || cellOf(t, overview, "A", "measured") != "2026-11-24 12:04" {
		t.Errorf("overview %q", overview)
	}
	across := rows(t, page, "across-resnet20-infer-b8-fp32-table")
	want := fmt.Sprintf("%.0f", records[1].Cell("resnet20/infer/b8/fp32", "mxnet").Throughput.Median)
	if got := cellOf(t, across, "mxnet", "B images/s"); !strings.HasPrefix(got, want[:2]) {
		t.Errorf("B's mxnet has %q, expected %s", got, want)
	}
	if got := cellOf(t, across, "mxnet", "B version"); got != "2.1.0" {
		t.Errorf("B's mxnet has version %q", got)
	}
	threads := drawn(t, page).chart(t, "threads-resnet20-infer-b8-fp32").of("mxnet")[0].Data
	if len(threads) != 3 {
		t.Errorf("%d steps of threads", len(threads))
	}
	if _, there := drawn(t, page).Charts["threads-resnet18-infer-b8-fp32"]; there {
		t.Error("a workload of one record has a line over threads")
	}
	if strings.Contains(page, "across-resnet18") {
		t.Error("a workload of one record is compared across records")
	}
	if strings.Contains(render(t, records[0]), "records-table") {
		t.Error("a single record has an overview across records")
	}
}

// Records from another processor tell nothing about threads.
func TestThreadsAreComparedOnOneProcessorOnly(t *testing.T) {
	a, b := small(), small()
	b.threads = 4
	records := []*record.Record{campaign(a), campaign(b)}
	records[1].Environment.CPU = "another"
	for id := range drawn(t, render(t, records...)).Charts {
		if strings.HasPrefix(id, "threads-") {
			t.Errorf("there is %s", id)
		}
	}
}
