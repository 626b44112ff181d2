package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

func (p *program) app() *cli.App {
	app := &cli.App{
		Name:                 "dlbench",
		Usage:                "measure deep-learning frameworks on the same networks, after proving that they are the same",
		Version:              version(),
		Writer:               p.stdout,
		ErrWriter:            p.stderr,
		HideHelpCommand:      true,
		EnableBashCompletion: true,
		ExitErrHandler:       func(*cli.Context, error) {}, // run decides
		CommandNotFound:      nil,
		Action:               p.noCommand,
		OnUsageError:         usageError,
		Commands: []*cli.Command{
			p.runCommand(), p.verifyCommand(), p.reportCommand(), p.compareCommand(), p.nodesCommand(), p.checkCommand(), p.nightlyCommand(), p.exportCommand(), p.historyCommand(),
			p.listCommand(), p.imagesCommand(), p.workloadCommand(),
			p.doctorCommand(), p.timelineCommand(), p.setupCommand(), p.fidelityCommand(), p.selftestCommand(), p.completionCommand(), p.shardCommand(),
		},
	}
	for _, command := range app.Commands {
		prepare(command)
	}
	return app
}

// prepare gives every command the same manners.
func prepare(command *cli.Command) {
	command.OnUsageError = usageError
	command.HideHelpCommand = true
	for _, sub := range command.Subcommands {
		prepare(sub)
	}
}

func (p *program) noCommand(c *cli.Context) error {
	if c.NArg() == 0 {
		return cli.ShowAppHelp(c)
	}
	var names []string
	for _, command := range c.App.Commands {
		names = append(names, command.Name)
	}
	return unknown("command", c.Args().First(), names)
}

// usageError answers a broken command line; an unknown flag is answered with
// the nearest ones.
func usageError(c *cli.Context, err error, _ bool) error {
	const undefined = "flag provided but not defined: -"
	if name, found := strings.CutPrefix(err.Error(), undefined); found {
		var names []string
		flags := c.App.Flags
		if c.Command != nil {
			flags = append(flags, c.Command.Flags...)
		}
		for _, flag := range flags {
			for _, name := range flag.Names() {
				name = strings.Repeat("-", min(len(name), 2)) + name // of one letter: -o
				if !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
		}
		return unknown("flag", "--"+strings.TrimPrefix(name, "-"), names)
	}
	return usage(err)
}
