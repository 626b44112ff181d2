package conformance

import (
	"context"
	"errors"
	"fmt"

	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/launch"
	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/workloads/plan"
)

// Spoken is what was found about a runner's side of the protocol.
type Spoken struct {
	Runner   string    `json:"runner"`
	Findings []Finding `json:"findings"`
}

// Faults are how many of the findings are.
func (s Spoken) Faults() (n int) {
	for _, f := range s.Findings {
		if f.Fault != "" {
			n++
		}
	}
	return n
}

// Runners asks every selected runner all that the protocol says. One that cannot
// be started here is left out.
func Runners(ctx context.Context, s bench.Setup) (rows []Spoken, err error) {
	b, err := bench.Open(ctx, s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.Close(ctx)) }()
	for i, e := range b.Entries() {
		if e.Unusable != "" {
			continue // said already, and in the exit code of run
		}
		b.Progress().Step("protocol of "+e.Name(), float64(i)/float64(len(b.Entries())), 0)
		suite, err := suiteFor(ctx, b, e)
		if err != nil {
			return nil, err
		}
		findings, err := suite.Run(ctx)
		if err != nil {
			return nil, fmt.Errorf("protocol of %s: %w", e.Name(), err)
		}
		rows = append(rows, Spoken{e.Name(), findings})
	}
	return rows, nil
}

// suiteFor has a small workload in both modes.
func suiteFor(ctx context.Context, b *bench.Bench, e bench.Entry) (Suite, error) {
	suite := Suite{
		Operators: e.Manifest.Operators,
		Modes:     e.Manifest.Modes,
		Open:      func(ctx context.Context) (*launch.Conversation, error) { return b.StartRaw(ctx, e) },
		Hello:     protocol.HelloParams{Protocol: protocol.Version, Device: e.Device.Inside(), Threads: b.Terms().Threads},
	}
	for mode, files := range map[plan.Mode]*plan.Files{plan.Infer: &suite.Infer, plan.Train: &suite.Train} {
		made, found, err := b.Make(ctx, plan.ID{Network: "lenet", Mode: mode, Batch: 2, Precision: "fp32"})
		if err != nil {
			return suite, err
		}
		*files = found
		counts, err := made.Network.Counts()
		if err != nil {
			return suite, err
		}
		suite.Parameters = counts.Parameters
	}
	return suite, nil
}
