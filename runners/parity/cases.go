package parity

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/workloads/cases"
	"github.com/dlbench/dlbench/workloads/plan"
)

// CaseResult is what a runner did with one operator case.
type CaseResult struct {
	Name        string       `json:"name"`
	Bears       bool         `json:"bears"`                 // the workload needs the operator in this way
	Check       record.Check `json:"check"`                 // of all that the case asks for
	Forward     record.Check `json:"forward"`               // of the outputs only
	Unsupported string       `json:"unsupported,omitempty"` // the runner's reason; there are no checks then
}

// caseResults are a runner's results of all cases.
type caseResults struct {
	Results []CaseResult
	broken  *runnerFault // the runner did not get through them
	crashes int
}

// mostCrashes is how often a runner is started again for the next case.
const mostCrashes = 5

// operators runs every operator case in one process, once for each runner and
// precision.
func (v *Verifier) operators(ctx context.Context, c Candidate, precision string) (*caseResults, error) {
	casesKey, err := v.loadCases()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(v.CacheDir, "operators", keyOf(c.identity(), v.ReferenceKey, v.Processor, casesKey, toleranceKey(), precision)+".json")
	results := &caseResults{}
	if c.Key != "" && load(path, results) && len(results.Results) == len(v.Cases) {
		return results, nil
	}
	results = &caseResults{}
	v.tell(c.Name, fmt.Sprintf("%d operator cases in %s", len(v.Cases), precision))
	err = v.runCases(ctx, c, precision, results)
	if errors.As(err, &results.broken) {
		return results, nil
	}
	if err == nil && c.Key != "" && results.crashes == 0 {
		err = save(path, results)
	}
	return results, err
}

// loadCases builds the cases once and returns what names them all.
func (v *Verifier) loadCases() (string, error) {
	v.listing.Do(func() { v.casesKey, v.casesFault = v.listCases() })
	return v.casesKey, v.casesFault
}

func (v *Verifier) listCases() (string, error) {
	if v.Cases == nil {
		all, err := cases.All()
		if err != nil {
			return "", err
		}
		v.Cases = all
	}
	var digests []string
	for _, c := range v.Cases {
		digest, err := c.Plan.Digest()
		if err != nil {
			return "", err
		}
		digests = append(digests, c.Name, digest)
	}
	return keyOf(digests...), nil
}

func (v *Verifier) runCases(ctx context.Context, c Candidate, precision string, results *caseResults) (err error) {
	var runner Runner
	defer func() {
		if runner != nil {
			err = errors.Join(err, runner.Close(ctx))
		}
	}()
	for _, each := range v.Cases {
		if runner == nil {
			if runner, err = c.Open(ctx); err != nil {
				return &runnerFault{err}
			}
			if err := lacks(runner.Hello().Capabilities, precision); err != nil {
				return err
			}
		}
		if each.Plan, err = inPrecision(each.Plan, precision); err != nil {
			return fmt.Errorf("operator case %s: %w", each.Name, err)
		}
		result, healthy, err := v.runCase(ctx, runner, each)
		if err := errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		results.Results = append(results.Results, result)
		if healthy {
			continue
		}
		// A framework that crashes on one operator may well have the others.
		_ = runner.Close(ctx)
		runner = nil
		if results.crashes++; results.crashes > mostCrashes {
			return &runnerFault{fmt.Errorf("it broke in %d operator cases, the last was %s", results.crashes, describe(result.Check))}
		}
	}
	return nil
}

// runCase judges one case; healthy says that the runner can take another one.
func (v *Verifier) runCase(ctx context.Context, runner Runner, c cases.Case) (result CaseResult, healthy bool, err error) {
	result = CaseResult{Name: c.Name}
	p := within(c.Plan, runner.Hello().Capabilities)
	if result.Unsupported = lacking(runner.Hello().Capabilities, p); result.Unsupported != "" {
		return result, true, nil
	}
	depth := caseDepth
	if p.Precision != plan.FP32 {
		depth = caseNoisy
	}
	ref, err := v.consult(ctx, p, depth)
	var judgeless *protocol.Error
	if errors.As(err, &judgeless) && judgeless.Code == protocol.Unsupported {
		result.Unsupported = judgeless.Message
		return result, true, nil
	}
	if err != nil {
		return result, false, err
	}
	defer func() { err = errors.Join(err, ref.Close()) }()
	err = v.with(ctx, runner, p, caseDepth.params, func(w written) (err error) {
		result.Check, result.Forward, err = judgeOperator(c.Name, p, w.file, ref, runner.Hello().Capabilities.RunningVariance)
		return err
	})
	var fault *runnerFault
	if !errors.As(err, &fault) {
		return result, true, err
	}
	var refused *protocol.Error
	answered := errors.As(err, &refused)
	if answered && refused.Code == protocol.Unsupported {
		result.Unsupported = refused.Message
	} else {
		w := newWorst(Operators, c.Name)
		w.refuse("the runner failed", fmt.Errorf("%w: %s", errNotComparable, firstWords(fault.Error())), numbersOf(p.Precision).operator)
		result.Check, result.Forward = w.check, w.check
	}
	// A runner that answered is asked to forget the case; refusing leaves the
	// plan loaded in some.
	return result, answered && runner.Unload(ctx) == nil, nil
}

// within is a plan as far as a runner goes: of one that cannot train, or not in
// the plan's precision, the forward pass.
func within(p *plan.Plan, can protocol.Capabilities) *plan.Plan {
	trains := slices.Contains(can.Modes, string(plan.Train)) || len(can.Modes) == 0
	if p.Mode != plan.Train || trains && can.NoTraining[p.Precision] == "" {
		return p
	}
	return p.Forward()
}

// inPrecision is a case in another precision: in int8 its forward pass, calibrated by
// the case's own batches.
func inPrecision(p *plan.Plan, precision string) (*plan.Plan, error) {
	if precision != plan.INT8 {
		return p.In(precision), nil
	}
	p = p.Forward()
	ranges, err := p.Ranges()
	if err != nil {
		return nil, err
	}
	return p.Quantize(ranges)
}

// of are the checks of the cases that bear on a plan, the worst one of each
// operator, and all results with the mark of those that bear. Inference needs
// the outputs only, and batch norm is another operator in either mode.
func (r *caseResults) of(p *plan.Plan, all []cases.Case) ([]record.Check, []CaseResult) {
	bearing := map[string]bool{}
	for _, c := range cases.For(all, p) {
		bearing[c.Name] = p.Mode == c.Plan.Mode || !slices.Contains(c.Operators(), "BatchNormalization")
	}
	results := slices.Clone(r.Results)
	var checks []record.Check
	at := map[string]int{}
	for i := range results {
		result := &results[i]
		result.Bears = bearing[result.Name]
		if !result.Bears || result.Unsupported != "" {
			continue // a network that needs what is unsupported does not load
		}
		check := result.Check
		if p.Mode == plan.Infer {
			check = result.Forward
		}
		check.Tensor = check.Name + ": " + check.Tensor
		check.Name, _, _ = strings.Cut(check.Name, "/")
		j, seen := at[check.Name]
		if !seen {
			at[check.Name] = len(checks)
			checks = append(checks, check)
		} else if check.WorseThan(checks[j]) {
			checks[j] = check
		}
	}
	return checks, results
}
