package record

import "time"

// The figures of a record are made by a program that cannot make some of them. A
// record that has such a one was written by hand or by something broken, and
// what is drawn from it would be nonsense with three digits.

// earliest and latest bound the time of a record. A machine whose clock was never
// set is in 1970; nanoseconds since then, in which a history counts, end in 2262.
var (
	earliest = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
	latest   = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
)

func (v validator) times() error {
	for _, t := range []struct {
		field string
		at    time.Time
	}{{"created", v.record.Created}, {"updated", v.record.Updated}} {
		if t.at.Before(earliest) || t.at.After(latest) {
			return problemf(path{t.field}, "is %s, expected a time from %d to %d", t.at.Format(time.RFC3339), earliest.Year(), latest.Year())
		}
	}
	if r := v.record; r.Updated.Before(r.Created.Add(-clockStep)) {
		return problemf(path{"updated"}, "is %s, before the run was created at %s", r.Updated.Format(time.RFC3339), r.Created.Format(time.RFC3339))
	}
	return nil
}

// Figures beyond these are of no machine.
const (
	mostImagesPerSecond = 1e12
	mostMilliseconds    = 1e12
)

// possible refuses figures that no measurement can give.
func possible(at path, c *Cell) error {
	if c.Status == Measured && c.Parity.Status != ParityPassed {
		return problemf(at.field("status"), "is %s with parity %q: only what passed parity is %s", Measured, c.Parity.Status, Measured)
	}
	if t := c.Throughput; t != nil {
		at := at.field("throughput")
		switch {
		case !(t.CILow <= t.Median && t.Median <= t.CIHigh):
			return problemf(at, "the median %v is outside its interval [%v, %v]", t.Median, t.CILow, t.CIHigh)
		case !(t.Median > 0 && t.CILow >= 0 && t.CIHigh <= mostImagesPerSecond):
			return problemf(at, "%v images per second (%v to %v) are of no machine: expected more than 0 and at most %g", t.Median, t.CILow, t.CIHigh, mostImagesPerSecond)
		}
	}
	type figure struct {
		at path
		l  *Latency
	}
	latencies := []figure{{at.field("latency_ms"), c.LatencyMS}}
	if m := c.MultiStream; m != nil {
		latencies = append(latencies, figure{at.field("multi_stream").field("latency_ms"), &m.LatencyMS})
	}
	if w := c.SlidingWindow; w != nil {
		latencies = append(latencies, figure{at.field("sliding_window").field("latency_ms"), &w.LatencyMS})
	}
	if s := c.Server; s != nil {
		latencies = append(latencies, figure{at.field("server").field("latency_ms"), s.LatencyMS})
	}
	for _, one := range latencies {
		if err := ascending(one.at, one.l); err != nil {
			return err
		}
	}
	return nil
}

// ascending checks that percentiles rise to the maximum.
func ascending(at path, l *Latency) error {
	if l == nil {
		return nil
	}
	last, name := 0.0, "0"
	for _, p := range []struct {
		name  string
		value *float64
	}{{"p50", l.P50}, {"p90", l.P90}, {"p95", l.P95}, {"p99", l.P99}, {"p99_9", l.P999}, {"max", l.Max}} {
		if p.value == nil {
			continue
		}
		if !(*p.value >= last && *p.value <= mostMilliseconds) {
			return problemf(at.field(p.name), "is %v ms, expected at least the %v of %s and at most %g", *p.value, last, name, mostMilliseconds)
		}
		last, name = *p.value, p.name
	}
	return nil
}
