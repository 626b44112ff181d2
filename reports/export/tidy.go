package export

import (
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
)

// tidyHeader are the columns of Tidy. Those of the record and the cell repeat
// in every row, so that tables of several records can be put one below the
// other.
var tidyHeader = []string{"created", "host", "suite", "profile", "seed", "device", "threads", "cpus",
	"workload", "network", "mode", "batch", "precision", "runner", "framework_version", "cell_status", "parity",
	"round", "order", "process_status", "block", "scenario", "iterations", "start_ns", "end_ns", "images_per_s",
	"query_rate_per_s", "cpu_percent", "host_cpu_percent", "gpu_percent"}

// Tidy writes one row a block: pandas.read_csv reads it as it is. Times are
// nanoseconds of the host's monotonic clock; images per second are batch ×
// iterations over the block's time, whatever its scenario; what was not seen
// is empty. A process without blocks has no row.
func Tidy(w io.Writer, rec *record.Record) error {
	out := csv.NewWriter(w)
	if err := out.Write(tidyHeader); err != nil {
		return err
	}
	for i := range rec.Cells {
		c := &rec.Cells[i]
		key := append(recordKey(rec, c), cellKey(rec, c)...)
		for _, p := range c.Processes {
			process := slices.Concat(key, []string{strconv.Itoa(p.Round), strconv.Itoa(p.Order), p.Status})
			for j, b := range p.Blocks {
				if err := out.Write(slices.Concat(process, blockColumns(rec, c, j, b))); err != nil {
					return err
				}
			}
		}
	}
	out.Flush()
	return out.Error()
}

func recordKey(r *record.Record, c *record.Cell) []string {
	return []string{r.Created.UTC().Format(time.RFC3339), r.Environment.Host, r.Suite, r.Profile, strconv.FormatUint(r.Seed, 10),
		r.Terms.Device, strconv.Itoa(r.ThreadsOf(c.Workload)), r.Terms.CPUs}
}

func cellKey(r *record.Record, c *record.Cell) []string {
	w := workloadOf(r, c)
	return []string{c.Workload, w.Network, w.Mode, strconv.Itoa(w.Batch), w.Precision, c.Runner, c.FrameworkVersion, c.Status, c.Parity.Status}
}

// workloadOf is the cell's workload, empty in a record that lacks it.
func workloadOf(r *record.Record, c *record.Cell) record.Workload {
	if w := r.Workload(c.Workload); w != nil {
		return *w
	}
	return record.Workload{}
}

func blockColumns(r *record.Record, c *record.Cell, index int, b record.Block) []string {
	rate := ""
	if b.QueryRate > 0 {
		rate = number(b.QueryRate)
	}
	return []string{strconv.Itoa(index), b.Scenario, strconv.Itoa(b.Iterations), strconv.FormatInt(b.StartNS, 10), strconv.FormatInt(b.EndNS, 10),
		number(b.Throughput(workloadOf(r, c).Batch)), rate, optional(b.CPUPercent), optional(b.HostCPUPercent), optional(b.GPUPercent)}
}

// number is the shortest text that reads back as the same value.
func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// optional is empty for what was not seen.
func optional(v *float64) string {
	if v == nil {
		return ""
	}
	return number(*v)
}
