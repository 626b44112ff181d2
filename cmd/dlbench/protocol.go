package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/dlbench/dlbench/reports/table"
	"github.com/dlbench/dlbench/runners/conformance"
	"github.com/dlbench/dlbench/runners/launch"
	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/workloads/plan"
)

// spoken is what was found about a runner's side of the protocol.
type spoken struct {
	Runner   string                `json:"runner"`
	Findings []conformance.Finding `json:"findings"`
}

// verifyProtocol asks every runner all that the protocol says.
func (p *program) verifyProtocol(ctx context.Context, b *bench, asJSON bool) error {
	suite, err := b.protocolSuite(ctx)
	if err != nil {
		return err
	}
	var rows []spoken
	var bad []string
	t := table.New("runner", "behaviour", "verdict")
	for i, m := range b.selection.runners {
		s := b.startable[m.Name]
		if s.unusable != "" {
			continue // said already, and in the exit code of run
		}
		b.progress.step("protocol of "+m.Name, float64(i)/float64(len(b.selection.runners)), 0)
		suite.Open = func(ctx context.Context) (*launch.Conversation, error) {
			return b.launcher.Talk(ctx, s.manifest, s.image, s.device)
		}
		findings, err := suite.Run(ctx)
		if err != nil {
			return fmt.Errorf("protocol of %s: %w", m.Name, err)
		}
		rows = append(rows, spoken{m.Name, findings})
		faults := 0
		for _, f := range findings {
			verdict := "as it should be"
			if f.Fault != "" {
				faults++
				verdict = "FAULT: " + f.Fault
			}
			t.Add(m.Name, f.Behaviour, verdict)
		}
		if faults > 0 {
			bad = append(bad, fmt.Sprintf("%s (%d of %d)", m.Name, faults, len(findings)))
		}
	}
	b.progress.end()
	if asJSON {
		err = p.printJSON(rows)
	} else {
		err = t.Write(p.stdout, p.width)
	}
	if err == nil && len(bad) > 0 {
		err = failed("runners that do not speak the protocol: %s", strings.Join(bad, ", "))
	}
	return err
}

// protocolSuite has a small workload in both modes.
func (b *bench) protocolSuite(ctx context.Context) (conformance.Suite, error) {
	suite := conformance.Suite{Hello: protocol.HelloParams{Protocol: protocol.Version, Device: b.devices[0].Inside(), Threads: b.terms.Threads}}
	for mode, files := range map[plan.Mode]*plan.Files{plan.Infer: &suite.Infer, plan.Train: &suite.Train} {
		made, err := plan.New(plan.ID{Network: "lenet", Mode: mode, Batch: 2, Precision: "fp32"}, b.selection.seed)
		if err != nil {
			return suite, err
		}
		if *files, err = b.materialize(ctx, made); err != nil {
			return suite, err
		}
		counts, err := made.Network.Counts()
		if err != nil {
			return suite, err
		}
		suite.Parameters = counts.Parameters
	}
	return suite, nil
}
