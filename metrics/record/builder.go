package record

import "time"

// Whoever writes a record (a campaign, a self-test, a summary, a test) builds it
// with these, so that what a new record, runner and cell look like is said once.

// New is the record of a campaign that begins now: nothing is in it, and no list
// is nil.
func New(now time.Time) *Record {
	return &Record{SchemaVersion: SchemaVersion, Status: Running, Created: now.UTC(), Updated: now.UTC(),
		Environment: Environment{CPUFlags: []string{}, GPUs: []GPU{}},
		Warnings:    Warnings{}, Workloads: []Workload{}, Runners: []Runner{}, Cells: []Cell{}, Comparisons: []Comparison{}}
}

// Warn adds a warning unless the very same is there.
func (r *Record) Warn(scope Scope, code, format string, args ...any) {
	r.Warnings.Add(scope, code, format, args...)
}

// AddWorkload adds what is measured.
func (r *Record) AddWorkload(w Workload) { r.Workloads = append(r.Workloads, w) }

// AddRunner adds a runner, which has confirmed no terms yet unless it says so.
func (r *Record) AddRunner(runner Runner) {
	if runner.Build == nil {
		runner.Build = map[string]string{}
	}
	if runner.Terms.CPUs == nil {
		runner.Terms.CPUs = []int{}
	}
	if runner.Terms.Switches == nil {
		runner.Terms.Switches = map[string]string{}
	}
	r.Runners = append(r.Runners, runner)
}

// AddCell adds a row to measure: unless the cell says otherwise it is pending,
// and nobody has verified it. The cell that it returns is the record's, until
// the next one is added.
func (r *Record) AddCell(c Cell) *Cell {
	if c.Status == "" {
		c.Status = Pending
	}
	if c.Parity.Status == "" {
		c.Parity.Status = ParitySkipped
	}
	if c.Parity.Checks == nil {
		c.Parity.Checks = []Check{}
	}
	if c.Processes == nil {
		c.Processes = []Process{}
	}
	r.Cells = append(r.Cells, c)
	return &r.Cells[len(r.Cells)-1]
}
