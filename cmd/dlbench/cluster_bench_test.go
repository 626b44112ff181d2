package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/record/recordtest"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/runners/cluster"
)

// thousand is a campaign of as many shards as an array has by default, on a Slurm of
// shell scripts.
type thousand struct {
	b   *testing.B
	bin string
	dir string // of the campaign
	run *cluster.Campaign
}

const manyShards = 1000

func newThousand(b *testing.B) *thousand {
	t := &thousand{b: b, bin: b.TempDir()}
	b.Setenv("PATH", t.bin+":"+os.Getenv("PATH"))
	var queue bytes.Buffer
	for i := range manyShards {
		fmt.Fprintf(&queue, "12|%d|COMPLETED|n%03d|None\n", i, i)
	}
	t.put(filepath.Join(t.bin, "queue"), queue.Bytes())
	for command, does := range map[string]string{"sbatch": "echo 12", "squeue": "cat " + t.bin + "/queue", "scancel": "", "sinfo": "", "scontrol": "", "sacct": "exit 1"} {
		t.put(filepath.Join(t.bin, command), []byte("#!/bin/sh\n"+does+"\n"))
	}
	return t
}

func (t *thousand) put(path string, data []byte) {
	t.b.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, data, 0o755)); err != nil {
		t.b.Fatal(err)
	}
}

// submit submits all shards, each with all of 15 workloads.
func (t *thousand) submit() {
	t.b.Helper()
	t.dir = t.b.TempDir()
	p := &program{stdout: io.Discard, stderr: io.Discard, getenv: os.Getenv, environ: os.Environ, now: time.Now}
	var err error
	if t.run, err = p.campaignIn(t.dir, p.progressTo(io.Discard)); err != nil {
		t.b.Fatal(err)
	}
	var workloads []cluster.Workload
	for i := range 15 {
		workloads = append(workloads, cluster.Workload{ID: fmt.Sprintf("net%d/infer/b4/fp32", i), Time: time.Second})
	}
	all, err := cluster.Spread(record.ByNodes, workloads, manyShards)
	if err != nil {
		t.b.Fatal(err)
	}
	plan := &cluster.Plan{Spread: record.ByNodes, Suite: "simulated", Shards: all, Arguments: []string{"--rounds=6"}}
	if err := t.run.Begin(t.b.Context(), plan, cluster.Request{Device: "cpu"}, "/bin/true"); err != nil {
		t.b.Fatal(err)
	}
}

// measured leaves what the jobs would. The records are of twenty different ones,
// because all of them would fill the disk.
func (t *thousand) measured() (bytes int64) {
	t.b.Helper()
	const different = 20
	for i := range manyShards {
		dir := cluster.ShardDir(t.dir, i)
		path := filepath.Join(dir, "result.json")
		if i < different {
			rec := recordtest.Node(i)
			summary.Summarize(rec)
			if err := record.Write(path, rec); err != nil {
				t.b.Fatal(err)
			}
		} else if err := os.Link(filepath.Join(cluster.ShardDir(t.dir, i%different), "result.json"), path); err != nil {
			t.b.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.b.Fatal(err)
		}
		bytes += info.Size()
		now := time.Now().Format(time.RFC3339)
		t.put(filepath.Join(dir, "node.json"), fmt.Appendf(nil, `{"node": "n%03d", "job": "12_%d", "began": %q, "ended": %q}`, i, i, now, now))
		t.put(filepath.Join(dir, "report.html"), nil)
	}
	return bytes
}

// collect waits for the jobs, which have all ended, and reports what they left.
func (t *thousand) collect() {
	t.b.Helper()
	if err := t.run.Wait(t.b.Context()); err != nil {
		t.b.Fatal(err)
	}
	fleet, rest, err := collectCluster(t.run, t.dir)
	if err != nil || fleet.Counts.Judged != manyShards || t.run.Outcome(rest) != nil {
		t.b.Fatal(err, fleet.Counts, t.run.Outcome(rest))
	}
}

// used is the CPU time of this process and of those that it has started.
func used(b *testing.B) (all time.Duration) {
	b.Helper()
	for _, who := range []int{unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN} {
		var u unix.Rusage
		if err := unix.Getrusage(who, &u); err != nil {
			b.Fatal(err)
		}
		all += time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	return all
}

// BenchmarkThousandShards submits a thousand shards, watches, collects, merges and
// reports them. docs/cluster.md has what it takes on one core (-cpu 1).
func BenchmarkThousandShards(b *testing.B) {
	t := newThousand(b)
	var submitting, collecting time.Duration
	for b.Loop() {
		before := used(b)
		t.submit()
		submitting += used(b) - before
		b.StopTimer()
		b.SetBytes(t.measured())
		runtime.GC()
		b.StartTimer()
		before = used(b)
		t.collect()
		collecting += used(b) - before
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.Sys)/1e6, "MB-of-system")
	b.ReportMetric(submitting.Seconds()/float64(b.N), "s-submitting")
	b.ReportMetric(collecting.Seconds()/float64(b.N), "s-collecting")
}
