package stats

// Verdict says what an interval of a ratio supports.
type Verdict string

// The verdicts, as they stand in a record.
const (
	Faster            Verdict = "faster"            // the whole interval is above 1
	Slower            Verdict = "slower"            // the whole interval is below 1
	Indistinguishable Verdict = "indistinguishable" // the interval includes 1
	TooFew            Verdict = "too few processes" // there is no interval
)

// Judge reads the interval of a ratio of throughputs, A over B, as a verdict
// on A.
func Judge(ratio Interval) Verdict {
	switch {
	case !ratio.Exists():
		return TooFew
	case ratio.Low > 1:
		return Faster
	case ratio.High < 1:
		return Slower
	default:
		return Indistinguishable
	}
}
