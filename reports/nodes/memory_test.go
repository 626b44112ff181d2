package nodes_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/record/recordtest"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/reports/nodes"
)

// TestAFleetKeepsLittleOfARecord: a thousand records do not fit into memory.
func TestAFleetKeepsLittleOfARecord(t *testing.T) {
	live := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	c, err := nodes.New(record.ByNodes)
	if err != nil {
		t.Fatal(err)
	}
	const records, most = 10, 30_000
	before := live()
	for i := range records {
		rec := recordtest.Node(i)
		summary.Summarize(rec)
		c.Add(nodes.Member{Shard: i, Node: fmt.Sprint(i), Record: rec})
	}
	if each := (live() - before) / records; each > most {
		t.Errorf("%d bytes are kept of each record, expected at most %d", each, most)
	}
	if f := c.Fleet(); f.Counts.Judged != records {
		t.Errorf("counts %+v", f.Counts)
	}
}
