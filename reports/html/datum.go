package html

import (
	"encoding/json"
	"math"
	"strconv"
)

// Datum is a number of a chart. One that is missing, not a number or infinite is
// null, which ECharts draws as a gap: a zero would be a figure that nobody
// measured.
type Datum float64

// MarshalJSON writes the shortest text of the number, or null.
func (d Datum) MarshalJSON() ([]byte, error) {
	if !finite(float64(d)) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(d))
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// rounded keeps five digits: a chart shows no more, and a page of thousands of
// points is half as long.
func rounded(v float64) Datum { return roundedTo(5, v) }

func roundedTo(digits int, v float64) Datum {
	short, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', digits, 64), 64)
	if err != nil {
		return Datum(v) // rounded up, it would be too large
	}
	return Datum(short)
}

// points are pairs for a series.
func points(xs, ys []float64) [][2]Datum {
	out := make([][2]Datum, len(xs))
	for i := range xs {
		out[i] = [2]Datum{rounded(xs[i]), rounded(ys[i])}
	}
	return out
}
