package bench

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/manifest"
)

// outcome is the error that the cells amount to.
func (r *run) outcome(ctx context.Context) error {
	if ctx.Err() != nil {
		return &Error{Kind: Interrupted, Err: errors.New("interrupted")}
	}
	if bad := r.cellsThat(failed); len(bad) > 0 {
		return Failed("%d of %d cells failed or did not pass parity: %s", len(bad), len(r.record.Cells), strings.Join(bad, ", "))
	}
	if late := r.cellsThat(func(c *record.Cell) bool { return c.Status == record.Pending }); len(late) > 0 {
		return EnvironmentError(fmt.Errorf("the budget of %s ended before %d of %d cells were measured: %s", r.budget, len(late), len(r.record.Cells), strings.Join(late, ", ")),
			"give a longer --budget, or fewer workloads")
	}
	if err := refuse(r.strict, r.record.Warnings); err != nil {
		return err
	}
	if err := r.nothingMeasured(); err != nil {
		return err
	}
	if len(r.unbuilt) > 0 {
		return EnvironmentError(fmt.Errorf("%d runners could not be used; their cells are unsupported", len(r.unbuilt)), "dlbench doctor")
	}
	return nil
}

// HasFailures says whether a runner failed in a record, or did not pass parity.
func HasFailures(rec *record.Record) bool {
	for i := range rec.Cells {
		if failed(&rec.Cells[i]) {
			return true
		}
	}
	return false
}

func failed(c *record.Cell) bool {
	return c.Status == record.Failed || c.Status == record.NotRanked && c.Parity.Status != record.ParitySkipped
}

// cellsThat names the cells of which something is true.
func (r *run) cellsThat(is func(*record.Cell) bool) []string {
	var names []string
	for i := range r.record.Cells {
		if c := &r.record.Cells[i]; is(c) {
			names = append(names, c.Workload+" on "+c.Runner)
		}
	}
	return names
}

// nothingMeasured is an error if all cells are unsupported: a script must not
// take that for a measurement.
func (r *run) nothingMeasured() error {
	n := len(r.record.Cells)
	if n == 0 || n != len(r.cellsThat(func(c *record.Cell) bool { return c.Status == record.Unsupported })) {
		return nil
	}
	c := r.record.Cells[0]
	return EnvironmentError(fmt.Errorf("nothing could be measured: all %d cells are unsupported; %s on %s: %s", n, c.Workload, c.Runner, c.Reason), r.unfitHint())
}

// unfitHint names a driver that is new enough, if an older one is what keeps
// runners from computing.
func (b *Bench) unfitHint() string {
	needed := 0
	for _, e := range b.entries {
		if e.Device.GPU() && e.Manifest.GPU != nil && e.Unusable != "" {
			needed = max(needed, e.Manifest.GPU.DriverNeeded(manifest.CardOf(e.Device.Card)))
		}
	}
	if needed > 0 {
		return manifest.DriverHint(needed)
	}
	return "dlbench doctor tells what is missing; dlbench list runners what else there is"
}
