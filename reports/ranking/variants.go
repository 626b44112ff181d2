package ranking

import (
	"fmt"
	"math"

	"github.com/dustin/go-humanize"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
)

// Sheets are the tables of a workload beside its ranking.
func Sheets(rec *record.Record, workload string) []Sheet {
	sheets := Scenarios(rec, workload)
	for _, s := range []Sheet{Volumes(rec, workload), Variants(rec, workload)} {
		if len(s.Rows) > 0 {
			sheets = append(sheets, s)
		}
	}
	return sheets
}

// Variants are the runners that were measured as they are and in a variant, like
// a compiled one: what that gains, and when it has paid for the longer start.
func Variants(rec *record.Record, workload string) Sheet {
	s := Sheet{Title: "variants against their runners as they are",
		Header: []string{"runner", "against", "throughput", IntervalName(rec), "warm later by s", "with what was compiled before by s", "paid for after"}}
	paybacks := summary.Paybacks(rec, workload)
	for _, cell := range Cells(rec, workload) { // fastest first, as everywhere
		for _, p := range paybacks {
			if p.Variant.Runner == cell.Runner {
				s.Rows = append(s.Rows, []string{cell.Runner, p.Default.Runner, Times(p.Speed.Value), RatioSpan(p.Speed.Low, p.Speed.High),
					seconds(p.Extra), seconds(p.ExtraFound), paid(p)})
			}
		}
	}
	return s
}

func seconds(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	return fmt.Sprintf("%.1f", v)
}

// paid is after how many steps a variant has paid for itself.
func paid(p summary.Payback) string {
	switch {
	case p.Never() && math.IsInf(p.Steps.Low, 1):
		return "never"
	case p.Never():
		return fmt.Sprintf("never; at best %s steps", steps(p.Steps.Low))
	case math.IsInf(p.Steps.High, 1):
		return fmt.Sprintf("%s steps (%s – never)", steps(p.Steps.Value), steps(p.Steps.Low))
	case p.Steps.High == 0:
		return "at once"
	}
	return fmt.Sprintf("%s steps (%s – %s)", steps(p.Steps.Value), steps(p.Steps.Low), steps(p.Steps.High))
}

// steps are counted in three digits: the seconds behind them are no better.
func steps(n float64) string {
	if n >= 1000 {
		scale := math.Pow(10, math.Floor(math.Log10(n))-2)
		n = math.Round(n/scale) * scale
	}
	return humanize.Comma(int64(n))
}
