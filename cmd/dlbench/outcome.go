package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/manifest"
	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/workloads/plan"
)

// show prints the answer: the table, or the record as JSON.
func (r *run) show(asJSON bool) error {
	r.progress.end()
	if asJSON {
		return r.program.printJSON(r.record)
	}
	if err := reports.Table(r.program.stdout, r.record, r.program.width); err != nil {
		return err
	}
	_, err := fmt.Fprintf(r.program.stdout, "\nreport  %s\nrecord  %s\n", filepath.Join(r.dir, "report.html"), filepath.Join(r.dir, "result.json"))
	return err
}

// outcome is the exit code that the cells amount to.
func (r *run) outcome(ctx context.Context) error {
	if ctx.Err() != nil {
		return &exitError{code: exitInterrupted, err: fmt.Errorf("interrupted; go on with dlbench run --resume %s", r.dir)}
	}
	var bad []string
	for _, c := range r.record.Cells {
		if c.Status == record.Failed || c.Status == record.NotRanked && c.Parity.Status != record.ParitySkipped {
			bad = append(bad, c.Workload+" on "+c.Runner)
		}
	}
	if len(bad) > 0 {
		return failed("%d of %d cells failed or did not pass parity: %s", len(bad), len(r.record.Cells), strings.Join(bad, ", "))
	}
	var late []string
	for _, c := range r.record.Cells {
		if c.Status == record.Pending {
			late = append(late, c.Workload+" on "+c.Runner)
		}
	}
	if len(late) > 0 {
		return lackingHere(fmt.Errorf("the budget of %s ended before %d of %d cells were measured: %s", r.budget, len(late), len(r.record.Cells), strings.Join(late, ", ")),
			"give a longer --budget, or fewer workloads")
	}
	if err := refuse(r.strict, r.record.Warnings); err != nil {
		return err
	}
	if err := r.nothingMeasured(); err != nil {
		return err
	}
	if len(r.lacking) > 0 {
		return lackingHere(fmt.Errorf("%d runners could not be used; their cells are unsupported", len(r.lacking)), "dlbench doctor")
	}
	return nil
}

// nothingMeasured is an error where all cells are unsupported: a script must not
// take that for a measurement.
func (r *run) nothingMeasured() error {
	for _, c := range r.record.Cells {
		if c.Status != record.Unsupported {
			return nil
		}
	}
	if len(r.record.Cells) == 0 {
		return nil
	}
	c := r.record.Cells[0]
	return lackingHere(fmt.Errorf("nothing could be measured: all %d cells are unsupported; %s on %s: %s", len(r.record.Cells), c.Workload, c.Runner, c.Reason), r.unfitHint())
}

// unfitHint names a driver that is new enough where an older one is what keeps
// runners from computing.
func (b *bench) unfitHint() string {
	needed := 0
	for _, s := range b.startable {
		if s.device.GPU() && s.manifest.GPU != nil && s.unusable != "" {
			needed = max(needed, s.manifest.GPU.DriverNeeded(cardOf(s.device.Card)))
		}
	}
	if needed > 0 {
		return manifest.DriverHint(needed)
	}
	return "dlbench doctor tells what is missing; dlbench list runners what else there is"
}

func (p *program) printJSON(value any) error { return writeJSON(p.stdout, value) }

func writeJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// describeWorkload counts a workload for the record.
func describeWorkload(id plan.ID, seed uint64) (record.Workload, error) {
	p, err := plan.New(id, seed)
	if err != nil {
		return record.Workload{}, err
	}
	digest, err := p.Digest()
	if err != nil {
		return record.Workload{}, err
	}
	counts, err := p.Network.Counts()
	return record.Workload{ID: id.String(), Digest: digest, Network: id.Network, Mode: string(id.Mode), Batch: id.Batch, Precision: id.Precision,
		InputShape: p.Network.Input.Shape, Parameters: counts.Parameters, MACs: counts.MACs, ActivationBytes: counts.ActivationBytes}, err
}

// noteRunner records how a runner introduced itself.
func noteRunner(rec *record.Record, name string, hello protocol.HelloResult) {
	i := slices.IndexFunc(rec.Runners, func(r record.Runner) bool { return r.Name == name })
	if i < 0 {
		return
	}
	r := &rec.Runners[i]
	r.FrameworkVersion, r.AdapterDigest, r.Build = hello.FrameworkVersion, hello.AdapterDigest, hello.Build
	t := hello.Terms
	r.Terms = record.RunnerTerms{Threads: t.Threads, CPUs: t.CPUs, Layout: t.Layout, Execution: t.Execution, Precision: t.Precision, Switches: t.Switches}
	for j := range rec.Cells {
		if rec.Cells[j].Runner == name {
			rec.Cells[j].FrameworkVersion = hello.FrameworkVersion
		}
	}
}

// warnOfEngine notes what the engine cannot enforce, and parity that nobody
// asked for.
func (r *run) warnOfEngine() {
	if lax, ok := r.engine.(engine.Lax); ok {
		r.warn(record.LocalEngine, fmt.Sprintf("runners ran as plain processes: not enforced were %s", strings.Join(lax.Unenforced(), ", ")))
	}
	if !r.verifying {
		r.warn(record.ParityNotAsked, "parity was not checked (--no-verify): nothing says that these runners computed the same, and nothing is ranked")
	}
	if r.profile.HalfWidth == 0 && r.profile.MaxRounds < 6 {
		r.warn(record.FewProcesses, fmt.Sprintf("%d processes a cell allow no 95 %% interval: ranges are shown; give --profile report for intervals", r.profile.MaxRounds))
	}
}

func (r *run) warn(code, text string) { r.record.Warn(record.AboutRun, code, "%s", text) }
