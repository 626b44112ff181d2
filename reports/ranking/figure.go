package ranking

import (
	"fmt"
	"math"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
)

// Figure writes a number with the digits that its uncertainty leaves; without
// one, with three significant digits.
func Figure(v, uncertainty float64) string {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return fmt.Sprint(v)
	}
	magnitude := int(math.Floor(math.Log10(math.Abs(v))))
	digits := 2 - magnitude
	if uncertainty > 0 {
		digits = 1 - int(math.Floor(math.Log10(uncertainty)))
	}
	digits = min(max(digits, 0), max(0, 4-magnitude))
	return fmt.Sprintf("%.*f", digits, v)
}

// PercentOfPeak writes a share of the peak, "–" if none is known.
func PercentOfPeak(percent *float64) string {
	if percent == nil {
		return "–"
	}
	return fmt.Sprintf("%.1f", *percent)
}

// Ratio writes a ratio with four significant digits, as every report does: a
// change of a thousandth shows, and the same ratio looks the same everywhere.
func Ratio(v float64) string {
	if v <= 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return fmt.Sprint(v)
	}
	return fmt.Sprintf("%.*f", max(0, 3-int(math.Floor(math.Log10(v)))), v)
}

// Times is a ratio as a multiple.
func Times(v float64) string { return Ratio(v) + "×" }

// Count is so many of something.
func Count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Some are the first few of all, and how many more there are.
func Some(all []string, most int) string {
	if len(all) <= most {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(all[:most], ", "), len(all)-most)
}

// figureSpan is the interval of a figure, or its range.
func figureSpan(low, high, uncertainty float64) string {
	return Figure(low, uncertainty) + " – " + Figure(high, uncertainty)
}

// RatioSpan is the interval of a ratio, or its range.
func RatioSpan(low, high float64) string { return Ratio(low) + " – " + Ratio(high) }

// IntervalName is what the figures beside the medians are.
func IntervalName(rec *record.Record) string {
	for _, c := range rec.Cells {
		if c.Throughput != nil {
			if c.Throughput.Level > 0 {
				return fmt.Sprintf("%.0f %% interval", 100*c.Throughput.Level)
			}
			return "range"
		}
	}
	return "interval"
}
