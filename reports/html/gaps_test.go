package html_test

import (
	"math"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
)

// A figure that is missing is a gap in a chart and a dash in a table: nobody
// measured a zero.
func TestWhatIsMissingIsAGap(t *testing.T) {
	for name, missing := range map[string]float64{"NaN": math.NaN(), "infinite": math.Inf(1)} {
		t.Run(name, func(t *testing.T) {
			rec := campaign(small())
			c := rec.Cell("lenet/infer/b8/fp32", "mxnet")
			c.Throughput.CILow = missing
			*c.LatencyMS.P90 = missing
			process := medianOf(c)
			process.SeriesNamed(record.SeriesCPU).Values[3] = missing
			page := render(t, rec)
			d := drawn(t, page)
			for what, point := range map[string]any{
				"the end of the interval": d.chart(t, "lenet-infer-b8-fp32-throughput").of("mxnet")[1].Data[0],
				"a rate":                  d.chart(t, "lenet-infer-b8-fp32-compute").of("mxnet")[1].Data[0],
			} {
				if x, _ := pair(point); x != nil {
					t.Errorf("%s is drawn at %v", what, x)
				}
			}
			for what, point := range map[string]any{
				"a percentile": d.chart(t, "lenet-infer-b8-fp32-latency").of("mxnet")[0].Data[1],
				"a reading":    d.chart(t, "lenet-infer-b8-fp32-time-mxnet").Series[0].Data[3],
			} {
				if x, y := pair(point); x == nil || y != nil {
					t.Errorf("%s is drawn at %v", what, y)
				}
			}
			for _, id := range []string{"throughput", "compute", "latency"} {
				for _, row := range d.Tables["lenet-infer-b8-fp32-"+id+"-table"].Rows {
					if cellText(row[1]) == "mxnet" && cellText(row[3]) != "–" {
						t.Errorf("the table of %s says %q", id, cellText(row[3]))
					}
				}
			}
			if i := strings.Index(page, `left:NaN`) + strings.Index(page, `left:+Inf`); i != -2 {
				t.Error("the ranking draws an interval without an end")
			}
		})
	}
}
