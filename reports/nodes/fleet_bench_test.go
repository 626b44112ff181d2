package nodes_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/record/recordtest"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/reports/nodes"
)

// wholeRecord is a node's record with as many raw numbers as real ones have: 15
// workloads, one runner, six processes each, 1.3 MB in all.
func wholeRecord(number int) *record.Record {
	r := recordtest.Simulation{Seed: uint64(number), Modes: []string{"infer"}, Workloads: 15, Runners: 1, Rounds: 6, Noise: 0.01}.Record()
	for i := range r.Cells {
		for j := range r.Cells[i].Processes {
			fill(&r.Cells[i].Processes[j])
		}
	}
	summary.Summarize(r)
	return r
}

// fill gives a process what the runner and the samplers leave.
func fill(p *record.Process) {
	long := p.Blocks[0]
	p.Blocks = nil
	at := long.StartNS
	length := (long.EndNS - long.StartNS) / 10
	for range 10 {
		p.Blocks = append(p.Blocks, record.Block{Scenario: record.Offline, Iterations: 100, StartNS: at, EndNS: at + length})
		at += length
	}
	stream := record.Block{Scenario: record.SingleStream, Iterations: 200, StartNS: at, EndNS: at + 200*40_000_000}
	for i := range stream.Iterations {
		stream.IterationNS = append(stream.IterationNS, 38_000_000+int64(7919*i%1_000_003))
	}
	p.Blocks = append(p.Blocks, stream)
	for i := range 100 {
		p.WarmupNS = append(p.WarmupNS, 39_000_000+int64(104_729*i%1_000_003))
	}
	for _, name := range []string{record.SeriesCPU, record.SeriesHostCPU, record.SeriesMemory, record.SeriesThreads, record.SeriesAtOnce, record.SeriesSteal, record.SeriesClock, record.SeriesHeat} {
		s := record.Series{Name: name, Unit: "%"}
		for i := range 40 {
			s.TimeNS, s.Values = append(s.TimeNS, recordtest.Second+int64(i)*200_000_000), append(s.Values, 95.5+float64(i%7)/3)
		}
		p.Series = append(p.Series, s)
	}
}

// writeCluster makes a cluster's directory of so many nodes. Their records are of
// twenty different ones, because all of them would fill the disk.
func writeCluster(tb testing.TB, dir string, n int) (bytes int64) {
	tb.Helper()
	type shard struct {
		Index int    `json:"index"`
		Node  string `json:"node"`
	}
	var shards []shard
	const different = 20
	for i := range n {
		place := filepath.Join(dir, "shards", fmt.Sprintf("%04d", i))
		err := os.MkdirAll(place, 0o755)
		path := filepath.Join(place, "result.json")
		if i < different {
			err = errors.Join(err, record.Write(path, wholeRecord(i)))
		} else {
			err = errors.Join(err, os.Link(filepath.Join(dir, "shards", fmt.Sprintf("%04d", i%different), "result.json"), path))
		}
		info, late := os.Stat(path)
		if err = errors.Join(err, late); err != nil {
			tb.Fatal(err)
		}
		bytes += info.Size()
		shards = append(shards, shard{i, fmt.Sprintf("n%03d", i)})
	}
	plan, err := json.Marshal(map[string]any{"schema_version": 1, "spread": nodes.SpreadNodes, "suite": "simulated", "shards": shards})
	if err = errors.Join(err, os.WriteFile(filepath.Join(dir, "cluster.json"), plan, 0o644)); err != nil {
		tb.Fatal(err)
	}
	return bytes
}

// BenchmarkFleet collects a thousand nodes, merges and reports them. docs/nodes.md
// has what it takes on one core (-cpu 1).
func BenchmarkFleet(b *testing.B) {
	dir := b.TempDir()
	size := writeCluster(b, dir, 1000)
	b.SetBytes(size)
	for b.Loop() {
		f, err := nodes.ReadCluster(dir)
		if err == nil {
			err = f.Save(dir)
		}
		if err != nil || f.Counts.Judged != 1000 {
			b.Fatal(err, f.Counts)
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.Sys)/1e6, "MB-of-system")
}

// TestAFleetKeepsLittleOfARecord: a thousand records do not fit into memory.
func TestAFleetKeepsLittleOfARecord(t *testing.T) {
	live := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	c, err := nodes.New(nodes.SpreadNodes)
	if err != nil {
		t.Fatal(err)
	}
	const records, most = 10, 30_000
	before := live()
	for i := range records {
		c.Add(nodes.Member{Shard: i, Node: fmt.Sprint(i), Record: wholeRecord(i)})
	}
	if each := (live() - before) / records; each > most {
		t.Errorf("%d bytes are kept of each record, expected at most %d", each, most)
	}
	if f := c.Fleet(); f.Counts.Judged != records {
		t.Errorf("counts %+v", f.Counts)
	}
}
