package main

import (
	"errors"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/runners/fidelity"
)

func (p *program) fidelityCommand() *cli.Command {
	return &cli.Command{
		Name:  "fidelity",
		Usage: "compare each runner with a bare loop of its framework, in two fresh processes and in one, and the sampler on with off",
		Flags: append(setupFlags(),
			&cli.IntFlag{Name: "rounds", Value: 6, Usage: "pairs of fresh processes; 0 is none"},
			&cli.IntFlag{Name: "blocks", Value: 6, Usage: "blocks of each process, in turn with its twin's"},
			&cli.IntFlag{Name: "processes", Value: 6, Usage: "processes that hold both, the runner and its bare loop; 0 is none"},
			&cli.IntFlag{Name: "groups", Value: 50, Usage: "groups of four short blocks in each of those"},
			&cli.StringFlag{Name: "o", Usage: "write the table as Markdown to `FILE`, too, with the machine it is of"},
			jsonFlag()),
		Action: p.fidelity,
	}
}

func (p *program) fidelity(c *cli.Context) error {
	g := p.newProgress()
	setup, err := p.setup(c, g)
	if err != nil {
		return err
	}
	dir, err := tryTable(c)
	if err != nil {
		return err
	}
	defer dir.release()
	answer, err := fidelity.Run(c.Context, fidelity.Options{Setup: setup, Rounds: c.Int("rounds"), Blocks: c.Int("blocks"),
		Processes: c.Int("processes"), Groups: c.Int("groups")})
	g.End()
	if len(answer.Rows) == 0 {
		return err
	}
	if path := c.String("o"); path != "" {
		if failed := p.writeFidelity(path, answer); failed != nil {
			err = errors.Join(err, failed)
		} else {
			g.Say("wrote %s", path)
		}
	}
	return errors.Join(p.print(c.Bool("json"), answer.Rows, fidelityTable(answer.Rows)), err)
}
