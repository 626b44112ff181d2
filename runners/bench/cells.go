package bench

import (
	"context"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/campaign"
)

// cells verifies every cell that the budget has time for, and returns those that
// may be measured.
func (r *run) cells(ctx context.Context, began time.Time) ([]campaign.Cell, error) {
	made := make([]*campaign.Cell, len(r.record.Cells))
	var done, missed atomic.Int64
	err := r.byRunner(ctx, len(made), func(i int) string { return r.record.Cells[i].Runner }, func(ctx context.Context, i int) (err error) {
		if r.budget > 0 && time.Since(began) >= r.budget {
			missed.Add(1)
			return nil
		}
		made[i], err = r.cell(ctx, &r.record.Cells[i], float64(done.Add(1)-1)/float64(len(made)))
		return err
	})
	if err != nil {
		return nil, err
	}
	if missed.Load() > 0 {
		r.outOfTime()
	}
	var cells []campaign.Cell
	for _, cell := range made {
		if cell != nil {
			cells = append(cells, *cell)
		}
	}
	return cells, nil
}

// outOfTime names the cells that the budget left unverified.
func (r *run) outOfTime() {
	var missed []string
	for i := range r.record.Cells {
		if c := &r.record.Cells[i]; c.Status == record.Pending && c.Parity.Status == record.ParitySkipped && len(c.Processes) == 0 {
			c.Reason = campaign.BudgetReason
			missed = append(missed, c.Workload+" "+c.Runner)
		}
	}
	r.record.Warn(record.AboutRun, record.BudgetEnded, "the budget of %s ended before %s were verified: give a longer --budget; verdicts are kept for the next run",
		r.budget, strings.Join(missed, ", "))
}

// cell verifies a cell and makes it measurable; nil when it is not to be
// measured. A cell that does not pass is not measured: its figure would be that
// of another computation.
func (r *run) cell(ctx context.Context, cell *record.Cell, share float64) (*campaign.Cell, error) {
	if cell.Status == record.Unsupported || cell.Status == record.Failed {
		return nil, nil
	}
	id, err := r.catalog.ParseID(cell.Workload)
	if err != nil {
		return nil, err
	}
	e := *r.entry(cell.Runner)
	timed := e
	timed.Threads, timed.Cache = id.Threads, r.compiled(cell)
	out := &campaign.Cell{Workload: cell.Workload, Runner: cell.Runner, Open: r.opener(timed)}
	if out.Plan, out.Files, err = r.Make(ctx, id); err != nil || r.skipParity {
		return out, err
	}
	r.progress.Step("verify "+cell.Workload+" on "+cell.Runner, share, 0)
	verdict, err := r.verify(ctx, e, id)
	if err != nil {
		return nil, err
	}
	cell.Parity = verdict.Parity
	out.Expect = verdict
	switch verdict.Parity.Status {
	case record.ParityPassed:
		return out, nil
	case record.ParityUnsupported:
		cell.Status, cell.Reason = record.Unsupported, verdict.Parity.Reason
	case record.ParityFailed:
		cell.Status, cell.Reason = record.NotRanked, verdict.Parity.Reason
		r.progress.Say("%s on %s does not compute what the reference computes: %s", cell.Workload, cell.Runner, cell.Reason)
	default:
		cell.Status, cell.Reason = record.Failed, verdict.Parity.Reason
		r.progress.Say("%s on %s: %s", cell.Workload, cell.Runner, cell.Reason)
	}
	return nil, nil
}

// compiled is where the processes of a cell keep what they compile. It is the
// run's own, and not the verification's: the first process finds nothing, so that
// each record has a cold start, and the others start as they would on any other day.
func (r *run) compiled(cell *record.Cell) string {
	began := r.record.Created.Format("20060102T150405.000000000") // a preview, or a stage, is a record of its own
	return filepath.Join(r.launcher.Work, "compiled", began, url.PathEscape(cell.Workload), url.PathEscape(cell.Runner))
}

// opener starts a process that is measured, and records how it identifies itself.
func (r *run) opener(e Entry) func(ctx context.Context) (campaign.Runner, error) {
	return func(ctx context.Context) (campaign.Runner, error) {
		opened, err := r.Start(ctx, e)
		if err != nil {
			return nil, err
		}
		r.introduce(e, opened.Hello())
		if unconfirmed := opened.Unconfirmed(); unconfirmed != "" {
			r.record.Warn(record.AboutRunner(e.Name()), record.DeviceUnconfirmed, "%s", unconfirmed)
		}
		return opened, nil
	}
}
