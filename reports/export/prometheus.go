package export

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
)

// Prometheus writes gauges in the text exposition format, version 0.0.4, for
// node_exporter's textfile collector or a push gateway. Units are the base
// ones: seconds, bytes. A figure that a cell does not have has no sample.
func Prometheus(w io.Writer, rec *record.Record) error {
	var b strings.Builder
	run := labels{{"suite", rec.Suite}, {"host", rec.Environment.Host}}
	gauge(&b, "dlbench_run_timestamp_seconds", "When the run was created.", func(add func(labels, float64)) {
		add(append(run, label{"status", rec.Status}), float64(rec.Created.Unix()))
	})
	for _, f := range families {
		gauge(&b, f.name, f.help, func(add func(labels, float64)) {
			for i := range rec.Cells {
				c := &rec.Cells[i]
				cell := slices.Concat(run, labels{{"workload", c.Workload}, {"runner", c.Runner}, {"device", c.Device}})
				f.samples(c, func(extra labels, v float64) { add(slices.Concat(cell, extra), v) })
			}
		})
	}
	gauge(&b, "dlbench_peak_ratio", "Achieved operations over the most that the machine or card reached, or by its datasheet.", func(add func(labels, float64)) {
		for i := range rec.Cells {
			c := &rec.Cells[i]
			if percent := summary.PercentOfPeak(rec, c); percent != nil {
				add(slices.Concat(run, labels{{"workload", c.Workload}, {"runner", c.Runner}, {"device", c.Device}}), *percent/100)
			}
		}
	})
	for _, f := range overallFamilies {
		gauge(&b, f.name, f.help, func(add func(labels, float64)) {
			for _, o := range rec.Overall {
				add(slices.Concat(run, labels{{"mode", o.Mode}, {"runner", o.A}, {"against", o.B}, {"verdict", o.Verdict}}), f.of(o))
			}
		})
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// family is one metric of every cell.
type family struct {
	name, help string
	samples    func(c *record.Cell, add func(labels, float64))
}

var families = []family{
	{"dlbench_cell_info", "A cell and how far it came.", func(c *record.Cell, add func(labels, float64)) {
		add(labels{{"framework_version", c.FrameworkVersion}, {"status", c.Status}, {"parity", c.Parity.Status}}, 1)
	}},
	{"dlbench_throughput_images_per_second", "Median over processes.", ofThroughput(func(t *record.Throughput) float64 { return t.Median })},
	{"dlbench_throughput_low_images_per_second", "Lower end of the median's interval.", ofThroughput(func(t *record.Throughput) float64 { return t.CILow })},
	{"dlbench_throughput_high_images_per_second", "Upper end of the median's interval.", ofThroughput(func(t *record.Throughput) float64 { return t.CIHigh })},
	{"dlbench_throughput_processes", "Fresh processes behind the median.", ofThroughput(func(t *record.Throughput) float64 { return float64(t.N) })},
	{"dlbench_latency_seconds", "Latency of iterations issued one at a time.", func(c *record.Cell, add func(labels, float64)) { latencies(c.LatencyMS, add) }},
	{"dlbench_multi_stream_latency_seconds", "Latency of queries of several images.", func(c *record.Cell, add func(labels, float64)) {
		if c.MultiStream != nil {
			latencies(&c.MultiStream.LatencyMS, add)
		}
	}},
	{"dlbench_server_latency_seconds", "Latency of queries of the server scenario, at the rates below.", func(c *record.Cell, add func(labels, float64)) {
		if c.Server != nil {
			latencies(c.Server.LatencyMS, add)
		}
	}},
	{"dlbench_server_queries_per_second", "Highest rate of the server scenario that keeps the bound, median over processes.", func(c *record.Cell, add func(labels, float64)) {
		if c.Server != nil && c.Server.Rate != nil {
			add(nil, c.Server.Rate.Median)
		}
	}},
	{"dlbench_server_processes_over", "Processes that kept the server scenario's bound at no rate.", func(c *record.Cell, add func(labels, float64)) {
		if c.Server != nil {
			add(nil, float64(c.Server.Over))
		}
	}},
	{"dlbench_sliding_window_seconds", "Time of whole images or volumes that were inferred by patches.", func(c *record.Cell, add func(labels, float64)) {
		if c.SlidingWindow != nil {
			latencies(&c.SlidingWindow.LatencyMS, add)
		}
	}},
	{"dlbench_sliding_window_megavoxels_per_second", "Of whole images or volumes that were inferred by patches, median over processes.", func(c *record.Cell, add func(labels, float64)) {
		if c.SlidingWindow != nil && c.SlidingWindow.Rate != nil {
			add(nil, c.SlidingWindow.Rate.Median)
		}
	}},
	{"dlbench_startup_seconds", "Cold start, medians over processes.", startups},
	{"dlbench_memory_peak_bytes", "Largest memory of the runner.", func(c *record.Cell, add func(labels, float64)) {
		if u := c.Utilization; u != nil && u.MemoryPeakBytes != nil {
			add(nil, float64(*u.MemoryPeakBytes))
		}
	}},
	{"dlbench_images_per_joule", "Images of the throughput blocks over the GPU's energy in them.", func(c *record.Cell, add func(labels, float64)) {
		if u := c.Utilization; u != nil && u.ImagesPerJoule != nil {
			add(nil, *u.ImagesPerJoule)
		}
	}},
	{"dlbench_images_per_cpu_joule", "Images of the throughput blocks over the energy of all processors in them.", func(c *record.Cell, add func(labels, float64)) {
		if u := c.Utilization; u != nil && u.ImagesPerCPUJoule != nil {
			add(nil, *u.ImagesPerCPUJoule)
		}
	}},
}

// overallFamilies are the metrics of what each mode comes to. Without an interval
// its ends are the ratio, and the verdict says so.
var overallFamilies = []struct {
	name, help string
	of         func(record.Overall) float64
}{
	{"dlbench_overall_ratio", "Geometric mean of the ratios of throughputs over the workloads of a mode.", func(o record.Overall) float64 { return o.Ratio }},
	{"dlbench_overall_ratio_low", "Lower end of its interval.", func(o record.Overall) float64 { return o.CILow }},
	{"dlbench_overall_ratio_high", "Upper end of its interval.", func(o record.Overall) float64 { return o.CIHigh }},
}

func ofThroughput(figure func(*record.Throughput) float64) func(*record.Cell, func(labels, float64)) {
	return func(c *record.Cell, add func(labels, float64)) {
		if c.Throughput != nil {
			add(nil, figure(c.Throughput))
		}
	}
}

func latencies(l *record.Latency, add func(labels, float64)) {
	if l == nil {
		return
	}
	for _, q := range []struct {
		name string
		ms   *float64
	}{{"0.5", l.P50}, {"0.9", l.P90}, {"0.95", l.P95}, {"0.99", l.P99}} {
		if q.ms != nil {
			add(labels{{"quantile", q.name}}, *q.ms/1e3)
		}
	}
}

func startups(c *record.Cell, add func(labels, float64)) {
	if s := c.Startup; s != nil {
		add(labels{{"phase", "start"}}, s.StartSeconds)
		add(labels{{"phase", "import"}}, s.ImportSeconds)
		add(labels{{"phase", "load"}}, s.LoadSeconds)
		add(labels{{"phase", "first_iteration"}}, s.FirstIterationSeconds)
	}
}

type label struct{ name, value string }

type labels []label

// escaped is a label's value as the format wants it.
var escaped = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace

func (l labels) String() string {
	parts := make([]string, len(l))
	for i, each := range l {
		parts[i] = each.name + `="` + escaped(each.value) + `"`
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// gauge writes a metric with its samples; without any, nothing.
func gauge(b *strings.Builder, name, help string, each func(add func(labels, float64))) {
	var samples strings.Builder
	each(func(l labels, v float64) { fmt.Fprintf(&samples, "%s%s %s\n", name, l, number(v)) })
	if samples.Len() > 0 {
		fmt.Fprintf(b, "# HELP %s %s\n# TYPE %s gauge\n%s", name, help, name, samples.String())
	}
}
