package summary

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/stats"
)

// Figures of different nights differ although nothing changed: the machine was
// warmer, the kernel laid memory out otherwise. A test of the processes of two
// nights takes that for a change, with 53 cells nearly every night. Here nights
// are the unit: what a cell did tonight, and in the nights up to tonight, is held
// against its level before, in units of how much nights differ.

// Unchanged is the verdict on a cell that left its level in no window.
const Unchanged = "unchanged"

// windows are how many of the last nights are looked at together. One tells a
// large change at once; more of them tell smaller ones, and only if the last two
// nights agree, so that one bad night is not a regression.
var windows = []int{1, 2, 3, 5, 8, 13}

const (
	// assumedNight is how much nights are taken to differ before any were seen,
	// and assumedNights how many nights that assumption is worth.
	assumedNight  = 0.01
	assumedNights = 6
	// boldest bounds the degrees of freedom if a side is a single night:
	// nights have outliers, which a normal distribution does not.
	boldest = 4
	// each of the last two nights has to look slower by itself, at this level.
	alone = 0.05
	// large is a loss that two nights in a row prove without any statistics: both
	// are this far below every night of the baseline.
	large = 0.7
)

// Night is a column of Nights.
type Night struct {
	ID      string
	Created time.Time
	Named   bool // it is one of a baseline's
}

// Nights are the logarithms of throughputs, a row for each cell and a column for
// each night, oldest first; NaN where the cell has none.
type Nights struct {
	nights  []Night
	x       [][]float64
	noise   []float64   // by cell: variance of one night's figure by its processes alone
	from    []settledAt // by cell: where its present level began
	changes []float64   // by cell: smallest change, as a share
	named   bool        // some nights are the baseline; else all before the window are
}

// NewNights has no cells yet. If some nights are a baseline's, these are what
// others are held against; else all nights before the window are.
func NewNights(nights []Night) *Nights {
	return &Nights{nights: nights, named: slices.ContainsFunc(nights, func(n Night) bool { return n.Named })}
}

// Add adds a cell: its figures' logarithms by night, NaN where it has none; the
// variance of a night's figure that its processes explain; and the smallest
// change that counts, as a share.
func (l *Nights) Add(row []float64, noise, change float64) {
	var from settledAt
	if !l.named {
		from = segment(row)
	}
	l.x, l.noise, l.from, l.changes = append(l.x, row), append(l.noise, noise), append(l.from, from), append(l.changes, change)
}

// Outcome is what was found of one cell.
type Outcome struct {
	Judged  bool
	Verdict string
	Window  int // nights looked at together
	Base    int // nights of the baseline
	Since   int // column of the first night of the window
	P       float64
	Old     float64 // images per second
	Ratio   float64
	Low     float64
	High    float64
	Spread  float64 // between nights, of logarithms
}

// sides are the columns of a cell that are held against each other.
type sides struct{ base, past, window []int }

// sidesOf parts a cell's nights up to a column; false if that leaves a side
// empty.
func (l *Nights) sidesOf(cell, column, window int) (sides, bool) {
	var s sides
	var all []int
	lastNamed := -1
	for t := l.from[cell].column; t <= column; t++ {
		if !math.IsNaN(l.x[cell][t]) && !l.nights[t].Named {
			all = append(all, t)
		}
	}
	for t := 0; t < column; t++ {
		if l.nights[t].Named && !math.IsNaN(l.x[cell][t]) {
			s.base = append(s.base, t)
			lastNamed = t
		}
	}
	if math.IsNaN(l.x[cell][column]) || len(all) < window {
		return s, false
	}
	s.past, s.window = all[:len(all)-window], all[len(all)-window:]
	if !l.named {
		s.base, s.past = s.past, nil
	}
	return s, len(s.base) > 0 && (!l.named || s.window[0] > lastNamed)
}

// Decide judges every cell as of a night, with at most so many false alarms a
// night over all cells.
func (l *Nights) Decide(column int, alarms float64) []Outcome {
	found := make([]Outcome, len(l.x))
	cells := 0
	for c := range l.x {
		if _, ok := l.sidesOf(c, column, 1); ok {
			cells++
		}
	}
	best := make([]float64, len(l.x))
	for i, window := range windows {
		limit := alarms / 2 / float64(cells) // half of the alarms are for single nights
		if i > 0 {
			limit /= float64(len(windows) - 1)
		}
		parts := make([]sides, len(l.x))
		usable := make([]bool, len(l.x))
		for c := range l.x {
			parts[c], usable[c] = l.sidesOf(c, column, window)
		}
		for c, spread := range l.spreads(parts, usable) {
			if !usable[c] {
				continue
			}
			one := l.held(c, parts[c], spread, limit)
			if changed := one.Verdict != Unchanged; window == 1 || changed && (found[c].Verdict == Unchanged || one.P/limit < best[c]) {
				found[c], best[c] = one, one.P/limit
			}
		}
	}
	return found
}

// held holds a window against a baseline.
func (l *Nights) held(cell int, s sides, spread stats.Spread, limit float64) Outcome {
	row := l.x[cell]
	base, window := mean(row, s.base), mean(row, s.window)
	n, k := float64(len(s.window)), float64(len(s.base))
	wide := spread.SD * math.Sqrt(1/n+1/k)
	freedom := spread.Freedom
	if len(s.window) == 1 || len(s.base) == 1 {
		freedom = min(freedom, boldest)
	}
	shift := window - base
	half := wide * stats.StudentQuantile(0.975, freedom)
	one := Outcome{Judged: true, Verdict: Unchanged, Window: len(s.window), Base: len(s.base), Since: s.window[0], P: stats.StudentP(shift/wide, freedom),
		Old: math.Exp(base), Ratio: math.Exp(shift), Low: math.Exp(shift - half), High: math.Exp(shift + half), Spread: spread.SD}
	if (one.P <= limit && agree(row, s, shift, spread) || isLarge(row, s)) && math.Abs(one.Ratio-1) >= l.changes[cell] {
		one.Verdict = record.Slower
		if shift > 0 {
			one.Verdict = record.Faster
		}
	}
	return one
}

// agree says whether the last two nights of a window each look changed against
// the middle of the baseline: neither one bad night of the window nor one good
// night of the baseline makes a change.
func agree(row []float64, s sides, shift float64, spread stats.Spread) bool {
	if len(s.window) == 1 {
		return true
	}
	toward := make([]float64, len(s.base)) // nearest to the window first
	for i, t := range s.base {
		toward[i] = row[t]
	}
	slices.SortFunc(toward, func(a, b float64) int { return cmp.Compare(a*math.Copysign(1, shift), b*math.Copysign(1, shift)) * -1 })
	base := toward[(len(toward)-1)/2]
	wide := spread.SD * math.Sqrt(1+1/float64(len(s.base)))
	for _, t := range s.window[len(s.window)-2:] {
		d := row[t] - base
		if d*shift <= 0 || stats.StudentP(d/wide, spread.Freedom) > alone {
			return false
		}
	}
	return true
}

// isLarge says whether two nights lie so far below every night of the baseline
// that nothing else needs to be known.
func isLarge(row []float64, s sides) bool {
	if len(s.window) != 2 {
		return false
	}
	lowest := math.Inf(1)
	for _, t := range s.base {
		lowest = min(lowest, row[t])
	}
	return max(row[s.window[0]], row[s.window[1]]) <= lowest+math.Log(large)
}

func mean(row []float64, columns []int) float64 {
	total := 0.0
	for _, t := range columns {
		total += row[t]
	}
	return total / float64(len(columns))
}

// spreads are how much nights differ for each cell: from the nights of each side
// around their own mean, or, as long as there is one night a side, from how far
// all the cells moved.
func (l *Nights) spreads(parts []sides, usable []bool) []stats.Spread {
	residuals := make([][]float64, len(l.x))
	freedom := make([]int, len(l.x))
	assumed := make([]stats.Spread, len(l.x))
	known, fitted := 0, 0
	var moved []float64
	for c := range l.x {
		residuals[c] = make([]float64, len(l.nights))
		for t := range residuals[c] {
			residuals[c][t] = math.NaN()
		}
		assumed[c] = stats.Spread{SD: math.Sqrt(assumedNight*assumedNight + l.noise[c]), Freedom: assumedNights}
		if !usable[c] {
			continue
		}
		moved = append(moved, mean(l.x[c], parts[c].window)-mean(l.x[c], parts[c].base))
		sidesUsed := 0
		for _, columns := range [][]int{parts[c].base, parts[c].past, parts[c].window} {
			if len(columns) < 2 {
				continue
			}
			sidesUsed++
			center := mean(l.x[c], columns)
			for _, t := range columns {
				residuals[c][t] = l.x[c][t] - center
			}
			freedom[c] += len(columns) - 1
		}
		known += freedom[c]
		fitted = max(fitted, sidesUsed)
	}
	if known > 0 {
		return stats.NightSpreads(residuals, freedom, fitted, assumed)
	}
	spreads := make([]stats.Spread, len(l.x))
	for c := range spreads {
		spreads[c] = stats.DifferenceSpread(moved, assumed[c])
	}
	return spreads
}

// Settled is how old a change has to be to be the level that nights are held
// against: those of the windows are still being judged.
func Settled() int { return windows[len(windows)-1] }

// settledAt is where a cell's present level began: a change that the history has
// absorbed since. The zero value is no change.
type settledAt struct {
	column int
	ratio  float64 // this level over the one before
	p      float64
}

// Absorbed is the last change of a cell's level that the nights before the
// windows show: the first night after it, the ratio of the levels and its p;
// false if there is none.
func (l *Nights) Absorbed(cell int) (night Night, ratio, p float64, ok bool) {
	from := l.from[cell]
	return l.nights[from.column], from.ratio, from.p, from.column > 0
}

// Night is a column.
func (l *Nights) Night(column int) Night { return l.nights[column] }

// Tonight is the last column.
func (l *Nights) Tonight() int { return len(l.nights) - 1 }

// ToldBefore says of every cell that was found changed tonight whether an earlier
// night showed that already. Nights that are held against a baseline are told
// each time.
func (l *Nights) ToldBefore(found []Outcome, alarms float64) []bool {
	told := make([]bool, len(found))
	if l.named || !slices.ContainsFunc(found, func(o Outcome) bool { return o.Judged && o.Verdict != Unchanged }) {
		return told
	}
	for t := l.Tonight() - 1; t >= max(1, l.Tonight()-Settled()); t-- {
		for cell, o := range l.Decide(t, alarms) {
			told[cell] = told[cell] || o.Judged && o.Verdict == found[cell].Verdict
		}
	}
	return told
}

// segment finds where a cell's present level began.
func segment(row []float64) settledAt {
	var columns []int
	var values []float64
	for t, v := range row {
		if !math.IsNaN(v) {
			columns, values = append(columns, t), append(values, v)
		}
	}
	if len(values) <= Settled() {
		return settledAt{}
	}
	changes := stats.ChangePoints(values[:len(values)-Settled()], 0.001)
	if len(changes) == 0 {
		return settledAt{}
	}
	last := changes[len(changes)-1]
	return settledAt{column: columns[last.Index], ratio: math.Exp(last.After - last.Before), p: last.P}
}
