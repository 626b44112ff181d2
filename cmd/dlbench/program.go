package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/metrics/sample"
)

// program owns what the commands may touch of the outside: streams,
// environment, clock and directories. Tests build one of their own.
type program struct {
	stdout, stderr io.Writer
	getenv         func(string) string
	environ        func() []string
	now            func() time.Time
	openGPU        func() (sample.GPU, error)
	terminal       bool // standard error is one
	width          int  // of standard output, columns
}

// run is the whole program; it returns the exit code.
func (p *program) run(ctx context.Context, args []string) int {
	app := p.app()
	err := app.RunContext(ctx, flagsFirst(app, args))
	if err == nil {
		return exitDone
	}
	code := exitCode(err)
	text := err.Error()
	if errors.Is(err, context.Canceled) {
		text = "interrupted"
	}
	if text != "" {
		fmt.Fprintln(p.stderr, "dlbench: "+text)
	}
	var hinted *exitError
	if errors.As(err, &hinted) && hinted.hint != "" {
		fmt.Fprintln(p.stderr, "hint: "+hinted.hint)
	}
	return code
}

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
			p.runCommand(), p.verifyCommand(), p.reportCommand(), p.compareCommand(), p.checkCommand(), p.nightlyCommand(), p.exportCommand(), p.historyCommand(),
			p.listCommand(), p.imagesCommand(), p.workloadCommand(),
			p.doctorCommand(), p.setupCommand(), p.fidelityCommand(), p.selftestCommand(), p.completionCommand(),
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
			names = append(names, "--"+flag.Names()[0])
		}
		return unknown("flag", "--"+strings.TrimPrefix(name, "-"), names)
	}
	return usage(err)
}

// cacheDir is where workloads, verdicts and adapters are kept between runs.
func (p *program) cacheDir() (string, error) {
	base := p.getenv("XDG_CACHE_HOME")
	if base == "" {
		home := p.getenv("HOME")
		if home == "" {
			home = os.TempDir()
		}
		base = filepath.Join(home, ".cache")
	}
	dir := filepath.Join(base, "dlbench")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", lackingHere(fmt.Errorf("make the cache directory: %w", err), "set XDG_CACHE_HOME to a directory that can be written")
	}
	return dir, nil
}
