package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/manifest"
)

// setupCommand is the first half of `make run`: an engine if none answers.
func (p *program) setupCommand() *cli.Command {
	return &cli.Command{
		Name:  "setup",
		Usage: "install a container engine if none answers (Debian; as root or with sudo that asks nothing)",
		Action: func(c *cli.Context) error {
			cache, err := p.host().CacheDir()
			if err != nil {
				return err
			}
			engines, err := p.host().KnownEngines(cache)
			if err != nil {
				return err
			}
			var broken error
			for _, e := range engines.WithImages() {
				health := e.Probe(c.Context)
				if health.State == engine.Healthy {
					if _, err := fmt.Fprintf(p.stdout, "engine: %s %s answers\n", e.Name(), health.Version); err != nil {
						return err
					}
					return p.foreseeDisk(c.Context, e, cache)
				}
				if health.State == engine.Unhealthy && e.Name() == engine.Installs && !engine.IsInstallation(health.Hint) {
					broken = bench.EnvironmentError(fmt.Errorf("%s is installed, and does not work: %s", e.Name(), health.Reason), health.Hint)
				}
			}
			if broken != nil { // what is there already would only be installed again
				return broken
			}
			return p.install(c.Context)
		},
	}
}

// install says what it does before it does it; if it may not, it says the
// command, and dlbench goes on with plain processes.
func (p *program) install(ctx context.Context) error {
	g := p.newProgress()
	defer g.End()
	installer := engine.Installer{Say: g.Say, Run: func(command *exec.Cmd) error {
		command.Stdout, command.Stderr = p.stderr, p.stderr
		return command.Run()
	}}
	err := installer.Install(ctx)
	var missing *engine.EnvironmentError
	if errors.As(err, &missing) {
		g.Say("%s", missing.Text)
		g.Say("to get one: %s", missing.Hint)
		g.Say("without one, runners whose framework this machine's Python imports run as plain processes (--engine local)")
		return nil
	}
	return err
}

// foreseeDisk says which directories have no room for the runners' images: a run
// of some of them may go well.
func (p *program) foreseeDisk(ctx context.Context, e engine.Engine, cache string) error {
	command, ok := e.(*engine.CLI)
	all, err := manifest.Builtin()
	if err != nil || !ok {
		return err
	}
	for _, f := range roomFindings(ctx, p.host().Store(command, cache, "", nil), all) {
		if f.Remedy == "" {
			continue
		}
		if _, err := fmt.Fprintf(p.stdout, "%s: %s → %s\n", f.What, f.Text, f.Remedy); err != nil {
			return err
		}
	}
	return nil
}
