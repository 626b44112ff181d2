package summary

import (
	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/stats"
)

// MachineLevel is a condition of a machine that is a number, as it was seen while
// it was measured: the median over processes.
type MachineLevel struct {
	Name  string
	Value float64
	Unit  string
}

// Levels are the conditions that a record has: clocks, temperatures, power.
func Levels(r *record.Record) []MachineLevel {
	var levels []MachineLevel
	add := func(name, unit string, values []float64) {
		if m := stats.Median(values); len(values) > 0 && m > 0 {
			levels = append(levels, MachineLevel{name, m, unit})
		}
	}
	add("CPU clock", "MHz", clocks(r))
	for _, of := range []struct {
		name, unit string
		value      func(*record.Utilization) *float64
	}{
		{"GPU clock", "MHz", func(u *record.Utilization) *float64 { return u.GPUClockMHz }},
		{"GPU memory clock", "MHz", func(u *record.Utilization) *float64 { return u.GPUMemoryClock }},
		{"GPU temperature", "°C", func(u *record.Utilization) *float64 { return u.GPUTemperature }},
		{"GPU power", "W", func(u *record.Utilization) *float64 { return u.GPUPowerWatts }},
		{"CPU power", "W", func(u *record.Utilization) *float64 { return u.CPUPowerWatts }},
	} {
		var values []float64
		for i := range r.Cells {
			if u := r.Cells[i].Utilization; u != nil && of.value(u) != nil {
				values = append(values, *of.value(u))
			}
		}
		add(of.name, of.unit, values)
	}
	return levels
}

// clocks are the medians of the processors' clock in each process.
func clocks(r *record.Record) []float64 {
	var values []float64
	for i := range r.Cells {
		for _, p := range r.Cells[i].MeasuredProcesses() {
			if s := p.SeriesNamed(record.SeriesClock); s != nil && len(s.Values) > 0 {
				values = append(values, stats.Median(s.Values))
			}
		}
	}
	return values
}
