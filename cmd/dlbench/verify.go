package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/conformance"
)

func (p *program) verifyCommand() *cli.Command {
	return &cli.Command{
		Name:  "verify",
		Usage: "check that runners compute what the reference computes, and measure nothing",
		Flags: append(setupFlags(),
			&cli.BoolFlag{Name: "all-checks", Usage: "print every check, not the closest one of each layer"},
			&cli.BoolFlag{Name: "protocol", Usage: "check how runners speak instead of what they compute"},
			&cli.BoolFlag{Name: "cases", Usage: "print every operator case, also those that no workload here needs"}, jsonFlag()),
		Action: p.verify,
	}
}

func (p *program) verify(c *cli.Context) error {
	g := p.newProgress()
	setup, err := p.setup(c, g)
	if err != nil {
		return err
	}
	if c.Bool("protocol") {
		rows, err := conformance.Runners(c.Context, setup)
		g.End()
		if err != nil {
			return err
		}
		if err := p.print(c.Bool("json"), rows, protocolTable(rows)); err != nil {
			return err
		}
		return protocolOutcome(rows)
	}
	rows, err := bench.Verify(c.Context, setup, c.Bool("cases"))
	g.End()
	if len(rows) == 0 {
		return err
	}
	if c.Bool("cases") && !c.Bool("json") {
		return errors.Join(p.printCases(rows), err)
	}
	return errors.Join(p.print(c.Bool("json"), rows, verifyTable(rows, c.Bool("all-checks"))), err)
}

// protocolOutcome is the error that what runners said amounts to.
func protocolOutcome(rows []conformance.Spoken) error {
	var bad []string
	for _, row := range rows {
		if faults := row.Faults(); faults > 0 {
			bad = append(bad, fmt.Sprintf("%s (%d of %d)", row.Runner, faults, len(row.Findings)))
		}
	}
	if len(bad) > 0 {
		return bench.Failed("runners that do not speak the protocol: %s", strings.Join(bad, ", "))
	}
	return nil
}
