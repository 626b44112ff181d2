package html_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/html"
)

// A page of thirty workloads on ten runners can be mailed.
func TestAFullSuiteIsUnderThreeMegabytes(t *testing.T) {
	rec := campaign(full())
	if len(rec.Workloads) != 30 || len(rec.Runners) != 10 {
		t.Fatalf("%d workloads on %d runners", len(rec.Workloads), len(rec.Runners))
	}
	page := render(t, rec)
	t.Logf("%d bytes for %d cells", len(page), len(rec.Cells))
	if len(page) >= 3_000_000 {
		t.Errorf("the page has %d bytes, more than 3 MB", len(page))
	}
	if !strings.Contains(page, "Apache Software Foundation") {
		t.Error("ECharts is not in it")
	}
}

// blocks is a record of that many blocks: the campaign's rounds are repeated.
func blocks(n int) *record.Record {
	p := full()
	p.blocks, p.latencies, p.readings = 40, 64, 40
	rec := campaign(p)
	total := 0
	for _, c := range rec.Cells {
		for _, process := range c.Processes {
			total += len(process.Blocks)
		}
	}
	for total < n {
		for i := range rec.Cells {
			c := &rec.Cells[i]
			for _, process := range c.Processes[:min(10, len(c.Processes))] {
				process.Round = len(c.Processes)
				c.Processes = append(c.Processes, process)
				total += len(process.Blocks)
			}
		}
	}
	return rec
}

func BenchmarkRender(b *testing.B) {
	for name, rec := range map[string]*record.Record{"smoke": campaign(small()), "100000-blocks": blocks(100_000)} {
		b.Run(name, func(b *testing.B) {
			var page bytes.Buffer
			for b.Loop() {
				page.Reset()
				if err := html.Render(&page, []*record.Record{rec}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(page.Len()), "page-bytes")
		})
	}
}
