package bench

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/timeline"
	"github.com/dlbench/dlbench/runners/parity"
	"github.com/dlbench/dlbench/workloads/cases"
	"github.com/dlbench/dlbench/workloads/plan"
)

// Verified is the verdict about one runner on one workload.
type Verified struct {
	Workload string              `json:"workload"`
	Runner   string              `json:"runner"`
	Parity   record.Parity       `json:"parity"`
	Cases    []parity.CaseResult `json:"cases,omitempty"` // of the operators, when every case was asked for
}

// Verify judges every selected runner on every selected workload, and measures
// nothing. The rows are nil if nothing could be begun; with rows, the error is
// what the verdicts amount to, or what ended the judging before the other rows.
// Operator cases that no network needs are run if every case is asked
// for.
func Verify(ctx context.Context, s Setup, everyCase bool) (rows []Verified, err error) {
	b, err := Open(ctx, s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.Close(ctx)) }()
	if err := b.newJudge(b.host.Machine(ctx).CPU, everyCase); err != nil {
		return nil, err
	}
	rows = make([]Verified, len(b.workloads)*len(b.entries))
	var done atomic.Int64
	err = b.byRunner(ctx, len(rows), func(i int) string { return b.entries[i%len(b.entries)].Name() }, func(ctx context.Context, i int) error {
		id, e := b.workloads[i/len(b.entries)], b.entries[i%len(b.entries)]
		b.progress.Step(fmt.Sprintf("verify %s on %s", id, e.Name()), float64(done.Add(1)-1)/float64(len(rows)), 0)
		verdict, err := b.verify(ctx, e, id)
		if err != nil {
			return err
		}
		rows[i] = Verified{Workload: id.String(), Runner: e.Name(), Parity: verdict.Parity}
		if everyCase {
			rows[i].Cases = verdict.Cases
		}
		return nil
	})
	if err != nil { // what was judged until then is told
		return slices.DeleteFunc(rows, func(v Verified) bool { return v.Runner == "" }), err
	}
	return rows, b.verdictOf(rows)
}

// verdictOf is the error that verdicts amount to.
func (b *Bench) verdictOf(rows []Verified) error {
	var bad []string
	judged := 0
	for _, row := range rows {
		if row.Parity.Status != record.ParityUnsupported {
			judged++
		}
		if row.Parity.Status == record.ParityFailed || row.Parity.Status == record.ParityError {
			bad = append(bad, fmt.Sprintf("%s on %s (%s)", row.Workload, row.Runner, row.Parity.Reason))
		}
	}
	if len(bad) > 0 {
		return Failed("%d of %d cells did not pass parity: %s", len(bad), len(rows), strings.Join(bad, "; "))
	}
	if judged == 0 && len(rows) > 0 {
		return EnvironmentError(fmt.Errorf("nothing could be judged: all %d cells are unsupported; %s on %s: %s", len(rows), rows[0].Workload, rows[0].Runner, rows[0].Parity.Reason), b.unfitHint())
	}
	return nil
}

// newJudge makes the verifier, if there is none yet; verdicts are shared by all
// campaigns.
func (b *Bench) newJudge(processor string, everyCase bool) error {
	if b.judge != nil {
		return nil
	}
	var needed []cases.Case // none: the verifier takes all
	if !everyCase {
		medical, err := b.medical()
		if err != nil {
			return err
		}
		if needed, err = cases.ForZoo(medical); err != nil {
			return err
		}
	}
	b.judge = &parity.Verifier{
		Cases:    needed,
		CacheDir: filepath.Join(b.cache, "parity"), Processor: processor,
		ReferenceKey:  b.reference.Key,
		OpenReference: b.judged(b.reference),
		Materialize:   b.materialize,
		Progress:      func(who, what string) { b.progress.Detail(who + ": " + what) },
	}
	return nil
}

// medical says whether a workload is of volumes, pixels or several findings, whose
// cases the others need not wait for.
func (b *Bench) medical() (bool, error) {
	for _, id := range b.workloads {
		p, err := b.catalog.New(id, b.seed)
		if err != nil {
			return false, err
		}
		if cases.Medical(p) {
			return true, nil
		}
	}
	return false, nil
}

// verify judges one cell.
func (b *Bench) verify(ctx context.Context, e Entry, id plan.ID) (*parity.Verdict, error) {
	if e.Unusable != "" {
		return &parity.Verdict{Parity: record.Parity{Status: record.ParityUnsupported, Reason: e.Unusable, Checks: []record.Check{}}}, nil
	}
	if verdict := b.ahead.verdict(e, id); verdict != nil {
		return verdict, nil
	}
	c := parity.Candidate{Name: e.Name(), Key: e.Key, Device: e.Device.Identity(), Open: b.judged(e)}
	actual, err := b.catalog.New(id, b.seed)
	if err != nil {
		return nil, err
	}
	deep, err := b.catalog.Parity(id, b.seed)
	if err != nil {
		return nil, err
	}
	ended := b.timeline.Begin(timeline.Verify, id.String()+" on "+e.Name())
	verdict, err := b.judge.VerifyPlans(ctx, c, actual, deep)
	ended(err)
	if err == nil {
		b.ahead.keep(e, id, verdict)
	}
	return verdict, err
}

// judged starts a runner for the judge.
func (b *Bench) judged(e Entry) func(ctx context.Context) (parity.Runner, error) {
	return func(ctx context.Context) (parity.Runner, error) {
		r, err := b.Start(ctx, e)
		if err != nil {
			return nil, err // a nil *launch.Runner must not become an interface that is not nil
		}
		return r, nil
	}
}
