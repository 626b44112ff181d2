package main

import (
	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/reports/table"
	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/selftest"
)

func (p *program) selftestCommand() *cli.Command {
	return &cli.Command{
		Name:  "selftest",
		Usage: "measure the harness itself: false alarms, slowdowns found, cost of sampling, floor, coverage of intervals",
		Flags: append(setupFlags(),
			&cli.IntFlag{Name: "rounds", Value: 12, Usage: "processes of each side in a campaign"},
			&cli.IntFlag{Name: "repeats", Value: 5, Usage: "campaigns with each runner"},
			&cli.BoolFlag{Name: "short", Usage: "one campaign of six processes, with the null runner only"},
			jsonFlag()),
		Action: p.selftest,
	}
}

func (p *program) selftest(c *cli.Context) error {
	g := p.newProgress()
	setup, err := p.setup(c, g)
	if err != nil {
		return err
	}
	promises, err := selftest.Run(c.Context, selftest.Options{Setup: setup, Rounds: c.Int("rounds"), Repeats: c.Int("repeats"), Short: c.Bool("short")})
	g.End()
	if err != nil {
		return err
	}
	t := table.New("what", "promised", "seen", "kept")
	broken := 0
	for _, promise := range promises {
		kept := "yes"
		if !promise.Kept {
			kept = "NO"
			broken++
		}
		t.Add(promise.Part, promise.Promise, promise.Seen, kept)
	}
	if err := p.print(c.Bool("json"), promises, t); err != nil {
		return err
	}
	if broken > 0 {
		return bench.Failed("%d of %d promises were not kept on this machine", broken, len(promises))
	}
	return nil
}
