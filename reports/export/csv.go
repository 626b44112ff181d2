package export

import (
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
)

// csvHeader are the columns of CSV.
var csvHeader = []string{"workload", "runner", "framework_version", "device", "status", "reason", "parity", "warnings",
	"images_per_s", "images_per_s_low", "images_per_s_high", "level", "processes", "outliers", "gflops", "percent_of_peak",
	"p50_ms", "p90_ms", "p95_ms", "p99_ms", "start_s", "import_s", "load_s", "first_iteration_s",
	"cpu_percent", "memory_peak_bytes", "gpu_percent", "gpu_power_watts", "images_per_joule", "cpu_power_watts", "images_per_cpu_joule",
	"multi_stream_p50_ms", "multi_stream_p90_ms", "multi_stream_p95_ms", "multi_stream_p99_ms",
	"server_queries_per_s", "server_queries_per_s_low", "server_queries_per_s_high", "server_p99_ms", "server_processes_over",
	"sliding_window_megavoxels_per_s", "sliding_window_megavoxels_per_s_low", "sliding_window_megavoxels_per_s_high", "sliding_window_p50_ms", "sliding_window_p90_ms", "sliding_window_patches"}

// CSV writes one row a cell (RFC 4180). What was not seen is empty; a level of 0
// says that low and high are the extremes and no interval; warnings are the
// codes of those about the cell or its runner.
func CSV(w io.Writer, rec *record.Record) error {
	out := csv.NewWriter(w)
	if err := out.Write(csvHeader); err != nil {
		return err
	}
	for i := range rec.Cells {
		c := &rec.Cells[i]
		line := []string{c.Workload, c.Runner, c.FrameworkVersion, c.Device, c.Status, c.Reason, c.Parity.Status, strings.Join(rec.CodesAbout(c), " ")}
		line = slices.Concat(line, throughputColumns(c.Throughput), computeColumns(rec, c), latencyColumns(c.LatencyMS), startupColumns(c.Startup),
			usageColumns(c.Utilization), scenarioColumns(c))
		if err := out.Write(line); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func throughputColumns(t *record.Throughput) []string {
	if t == nil {
		return make([]string, 6)
	}
	return []string{number(t.Median), number(t.CILow), number(t.CIHigh), number(t.Level), strconv.Itoa(t.N), strconv.Itoa(t.Outliers)}
}

// computeColumns are what the throughput achieves, and its share of the peak.
func computeColumns(rec *record.Record, c *record.Cell) []string {
	columns := []string{"", optional(summary.PercentOfPeak(rec, c))}
	if w := rec.Workload(c.Workload); w != nil {
		if e := summary.Achieved(*w, c); e != nil {
			columns[0] = number(e.Value)
		}
	}
	return columns
}

func latencyColumns(l *record.Latency) []string {
	if l == nil {
		return make([]string, 4)
	}
	return []string{optional(l.P50), optional(l.P90), optional(l.P95), optional(l.P99)}
}

// scenarioColumns are those of queries of several images, of the server scenario
// and of whole volumes; no rate says that no process kept the bound.
func scenarioColumns(c *record.Cell) []string {
	multi := latencyColumns(nil)
	if c.MultiStream != nil {
		multi = latencyColumns(&c.MultiStream.LatencyMS)
	}
	served := make([]string, 5)
	if s := c.Server; s != nil {
		copy(served, throughputColumns(s.Rate)[:3])
		served[3], served[4] = latencyColumns(s.LatencyMS)[3], strconv.Itoa(s.Over)
	}
	whole := make([]string, 6)
	if w := c.SlidingWindow; w != nil {
		copy(whole, throughputColumns(w.Rate)[:3])
		copy(whole[3:5], latencyColumns(&w.LatencyMS))
		whole[5] = strconv.Itoa(w.Patches)
	}
	return slices.Concat(multi, served, whole)
}

func startupColumns(s *record.Startup) []string {
	if s == nil {
		return make([]string, 4)
	}
	return []string{number(s.StartSeconds), number(s.ImportSeconds), number(s.LoadSeconds), number(s.FirstIterationSeconds)}
}

func usageColumns(u *record.Utilization) []string {
	if u == nil {
		return make([]string, 7)
	}
	memory := ""
	if u.MemoryPeakBytes != nil {
		memory = strconv.FormatInt(*u.MemoryPeakBytes, 10)
	}
	return []string{optional(u.CPUPercent), memory, optional(u.GPUPercent), optional(u.GPUPowerWatts), optional(u.ImagesPerJoule),
		optional(u.CPUPowerWatts), optional(u.ImagesPerCPUJoule)}
}
