package compare_test

import (
	"fmt"
	"io"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
)

// blocks is a record of 300 cells with so many blocks in all, in 30 processes
// each.
func blocks(n int, speed float64) *record.Record {
	const cells, processes = 300, 30
	r := campaign(nil)
	for i := range cells {
		name := fmt.Sprintf("runner%d", i)
		r.AddRunner(record.Runner{Name: name, Framework: name, FrameworkVersion: "1"})
		c := r.AddCell(record.Cell{Workload: workload, Runner: name, Parity: record.Parity{Status: record.ParityPassed}})
		for round := range processes {
			p := record.Process{Round: round, Status: record.Measured}
			at := int64(1)
			for block := range n / cells / processes {
				end := at + int64(4000/(speed+float64((31*round+17*block+i)%13))*1e9)
				p.Blocks = append(p.Blocks, record.Block{Scenario: record.Offline, Iterations: 1000, StartNS: at, EndNS: end})
				at = end
			}
			c.Processes = append(c.Processes, p)
		}
	}
	summary.Summarize(r)
	return r
}

func BenchmarkCompare(b *testing.B) {
	older, newer := blocks(100_000, 1000), blocks(100_000, 1010)
	b.Run("100000-blocks", func(b *testing.B) {
		for b.Loop() {
			if err := of(older, newer).HTML(io.Discard); err != nil {
				b.Fatal(err)
			}
		}
	})
}
