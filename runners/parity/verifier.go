// Package parity proves, before anything is timed, that a runner computes what
// the reference computes: operator by operator, network by network, and in the
// step of the optimizer. It judges files that runners wrote; no runner judges
// itself. docs/parity.md tells users what is checked and why.
package parity

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/workloads/cases"
	"github.com/dlbench/dlbench/workloads/plan"
)

// Verifier judges runners against the reference and remembers its verdicts.
// Several runners may be judged at once, each on one workload at a time.
type Verifier struct {
	CacheDir      string
	Processor     string // model of the processor: rounding may differ with it
	ReferenceKey  string // identity of the reference
	OpenReference func(ctx context.Context) (Runner, error)
	Materialize   func(ctx context.Context, p *plan.Plan) (plan.Files, error)
	Progress      func(who, what string)
	Cases         []cases.Case // of the operators; cases.All if it is nil

	listing    sync.Once // of the cases
	casesKey   string
	casesFault error
	consulting sync.Mutex // the reference answers one question at a time
	reference  Runner
}

// Candidate is a runner to be judged. Key is its identity: image, or adapter
// and versions of a local one; an empty key is never cached. Device is "cpu", or
// tells one card from all others: the same image may be right on only one.
type Candidate struct {
	Name   string
	Key    string
	Device string
	Open   func(ctx context.Context) (Runner, error)
}

func (c Candidate) identity() string { return keyOf(c.Name, c.Key, c.Device) }

// Close ends the reference, if it was needed.
func (v *Verifier) Close(ctx context.Context) error {
	v.consulting.Lock()
	defer v.consulting.Unlock()
	return v.dismiss(ctx)
}

// dismiss ends the reference, if there is one.
func (v *Verifier) dismiss(ctx context.Context) error {
	if v.reference == nil {
		return nil
	}
	err := v.reference.Close(ctx)
	v.reference = nil
	return err
}

func (v *Verifier) tell(who, what string) {
	if v.Progress != nil {
		v.Progress(who, what)
	}
}

// Verify judges one runner on one workload. A runner that fails or refuses is
// a verdict too; an error is the reference's or the machine's.
func (v *Verifier) Verify(ctx context.Context, c Candidate, id plan.ID, seed uint64) (*Verdict, error) {
	actual, err := plan.New(id, seed)
	if err != nil {
		return nil, err
	}
	deep, err := plan.Parity(id, seed)
	if err != nil {
		return nil, err
	}
	return v.VerifyPlans(ctx, c, actual, deep)
}

// VerifyPlans judges one runner on the plan that is to be timed, by it and by a
// smaller plan of the same network and mode that is judged in depth.
func (v *Verifier) VerifyPlans(ctx context.Context, c Candidate, actual, deep *plan.Plan) (*Verdict, error) {
	path, err := v.place(ctx, c, actual, deep)
	if err != nil {
		return nil, err
	}
	if verdict := remembered(c, path); verdict != nil {
		return verdict, nil
	}
	verdict, lasting, err := v.judge(ctx, c, actual, deep, path+".safetensors")
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("verify %s on %s: %w", c.Name, actual.Workload, err)
	}
	if c.Key != "" && lasting {
		if err := save(path+".json", verdict); err != nil {
			return nil, fmt.Errorf("keep the verdict of %s on %s: %w", c.Name, actual.Workload, err)
		}
	}
	return verdict, nil
}

// place is where a verdict is kept: its name has all that it depends on.
func (v *Verifier) place(ctx context.Context, c Candidate, actual, deep *plan.Plan) (string, error) {
	parts := []string{c.identity(), v.ReferenceKey, v.Processor, toleranceKey()}
	casesKey, err := v.loadCases()
	if err != nil {
		return "", err
	}
	parts = append(parts, casesKey)
	for _, p := range []*plan.Plan{actual, deep} {
		files, err := v.Materialize(ctx, p)
		if err != nil {
			return "", err
		}
		parts = append(parts, files.Plan.SHA256, files.Weights.SHA256, files.Batch.SHA256)
	}
	return filepath.Join(v.CacheDir, "verdicts", keyOf(parts...)), nil
}

// remembered finds a kept verdict; a broken one is as good as absent.
func remembered(c Candidate, path string) *Verdict {
	var verdict Verdict
	if c.Key == "" || !load(path+".json", &verdict) || verdict.Parity.Status == "" || verdict.Parity.Checks == nil {
		return nil
	}
	if verdict.Expected != "" && !whole(verdict.Expected, verdict.ExpectedSHA256) {
		return nil
	}
	verdict.Parity.Cached = true
	return &verdict
}

// judge reaches a verdict; lasting says that a later run would reach the same.
func (v *Verifier) judge(ctx context.Context, c Candidate, actual, deep *plan.Plan, expected string) (verdict *Verdict, lasting bool, err error) {
	operators, err := v.operators(ctx, c, actual.Precision)
	if err != nil {
		return nil, false, err
	}
	verdict = &Verdict{Precision: actual.Precision}
	checks, all := operators.of(actual, v.Cases)
	verdict.Cases = all
	if operators.broken != nil && record.Full(operators.broken) { // a full disk is nobody's verdict
		return nil, false, operators.broken
	}
	if operators.broken != nil {
		verdict.Parity = operators.broken.parity()
		return verdict, operators.broken.lasting(), nil
	}
	more, err := v.workload(ctx, c, actual, deep, expected, verdict)
	var fault *runnerFault
	if errors.As(err, &fault) && !record.Full(err) {
		return &Verdict{Precision: actual.Precision, Parity: fault.parity(), Cases: all}, fault.lasting(), nil
	}
	if err != nil {
		return nil, false, err
	}
	verdict.Parity = decide(slices.Concat(checks, more))
	return verdict, operators.crashes == 0, nil
}
