package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/metrics/environment"
	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/table"
	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/images"
	"github.com/dlbench/dlbench/runners/manifest"
	"github.com/dlbench/dlbench/runners/preflight"
)

// finding is one thing that doctor looked at.
type finding struct {
	What  string `json:"what"`
	State string `json:"state"` // "ok", "warning", "missing", "not needed", "failed"
	Text  string `json:"text"`
	Mend  string `json:"mend,omitempty"`
}

func (p *program) doctorCommand() *cli.Command {
	return &cli.Command{
		Name:   "doctor",
		Usage:  "say what this machine can do, and what to install",
		Flags:  append([]cli.Flag{deviceFlag(), jsonFlag()}, deepFlags()...),
		Action: p.doDoctor,
	}
}

func (p *program) doDoctor(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	devices, absent := p.host().Devices(c.String("device"))
	if absent != nil && exitCode(absent) == exitUsage {
		return absent
	}
	findings, err := p.examine(c.Context)
	if err != nil {
		return err
	}
	var deep []preflight.Report
	if c.Bool("deep") && absent == nil {
		var more []finding
		deep, more, absent = p.deep(c.Context, c.String("engine"), devices)
		findings = append(findings, more...)
	}
	if path := c.String("bundle"); path != "" {
		if err := p.writeBundle(c.Context, path, findings, deep); err != nil {
			return err
		}
	}
	t := table.New("what", "state", "found")
	for _, f := range findings {
		text := f.Text
		if f.Mend != "" {
			text += " → " + f.Mend
		}
		t.Add(f.What, f.State, text)
	}
	if err := p.print(c.Bool("json"), findings, t); err != nil {
		return err
	}
	if absent != nil {
		return absent
	}
	if len(deep) > 0 { // what was tried says more than what should be there
		return deepOutcome(deep)
	}
	return gpuOutcome(devices, findings)
}

// gpuOutcome refuses a GPU that no engine hands over.
func gpuOutcome(devices []device.Device, findings []finding) error {
	if !devices[0].GPU() {
		return nil
	}
	for _, f := range findings {
		if strings.HasPrefix(f.What, handOver) && f.State == "missing" {
			return bench.EnvironmentError(errors.New(f.Text), f.Mend)
		}
	}
	return nil
}

func (p *program) examine(ctx context.Context) ([]finding, error) {
	cache, err := p.host().CacheDir()
	if err != nil {
		return nil, err
	}
	here := p.host().Machine(ctx)
	cards, unreadable, absent := p.host().Cards()
	gpus, err := gpuFindings(cards, unreadable, absent)
	if err != nil {
		return nil, err
	}
	findings := append(machineFindings(here), gpus...)
	findings = append(findings, conditionFindings(ctx, here)...)
	findings = append(findings, diskFinding(cache))
	engines, err := p.host().KnownEngines(cache)
	if err != nil {
		return nil, err
	}
	containers := false
	for _, e := range engines {
		health := e.Probe(ctx)
		f := finding{What: "engine " + e.Name(), State: "ok", Text: strings.TrimSpace(string(health.State) + " " + health.Version)}
		if health.State != engine.Healthy {
			f.State, f.Text, f.Mend = "missing", health.Reason, health.Hint
			if containers {
				f.State, f.Mend = "not needed", "" // one engine is enough
			}
		}
		if command, ok := e.(*engine.CLI); ok && health.State == engine.Healthy && !containers {
			containers = true
			more, err := p.imageFindings(ctx, command, cache, len(cards) > 0)
			if err != nil {
				return nil, err
			}
			findings = append(findings, more...)
			if len(cards) > 0 {
				findings = append(findings, handOverFinding(ctx, command, cards))
			}
		}
		findings = append(findings, f)
	}
	return findings, nil
}

func machineFindings(m record.Environment) []finding {
	findings := []finding{{What: "processor", State: "ok", Text: fmt.Sprintf("%s, %d logical CPUs, %s", m.CPU, m.LogicalCPUs, strings.Join(m.CPUFlags, " "))},
		{What: "memory", State: "ok", Text: table.Bytes(m.MemoryBytes)},
		{What: "control groups", State: "ok", Text: m.Cgroup}}
	return findings
}

// conditionFindings are what a run on this machine would be warned of.
func conditionFindings(ctx context.Context, m record.Environment) []finding {
	var findings []finding
	for _, w := range environment.Conditions(ctx, "/", m) {
		f := finding{What: w.Code, State: "warning", Text: w.Text}
		if c, ok := record.Explain(w.Code); ok {
			f.Mend = c.Remedy
		}
		findings = append(findings, f)
	}
	return findings
}

// leastDisk is what the images need while they are built.
const leastDisk = 25 << 30

func diskFinding(dir string) finding {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return finding{What: "disk", State: "warning", Text: err.Error()}
	}
	free := int64(fs.Bavail) * fs.Bsize
	f := finding{What: "disk", State: "ok", Text: table.Bytes(free) + " free"}
	if free < leastDisk {
		f.State, f.Mend = "warning", "the images need "+table.Bytes(leastDisk)+" while they are built: dlbench images prune"
	}
	return f
}

// imageFindings are the images of the built-in runners: those for GPUs alone
// where there is a GPU.
func (p *program) imageFindings(ctx context.Context, command *engine.CLI, cache string, gpus bool) ([]finding, error) {
	all, err := manifest.Builtin()
	if err != nil {
		return nil, err
	}
	store := &images.Store{CLI: command, Dir: cache}
	list, err := store.List(ctx, all)
	if err != nil {
		return nil, err
	}
	var findings []finding
	for _, s := range list {
		forGPUs := !slices.Contains(s.Devices, device.CPU.Name)
		if forGPUs && !gpus {
			continue
		}
		f := finding{What: "image " + s.Runner, State: "ok", Text: table.Bytes(s.Bytes)}
		mend := "dlbench images build " + s.Runner
		if forGPUs {
			f.What += " for GPUs"
			mend = "dlbench images build --device gpu " + s.Runner
		}
		if !s.Built {
			f.State, f.Text, f.Mend = "missing", "not built", mend
		}
		findings = append(findings, f)
	}
	return findings, nil
}

// setupCommand is the first half of `make run`: an engine where none answers.
func (p *program) setupCommand() *cli.Command {
	return &cli.Command{
		Name:  "setup",
		Usage: "install a container engine where none answers (Debian; as root or with sudo that asks nothing)",
		Action: func(c *cli.Context) error {
			cache, err := p.host().CacheDir()
			if err != nil {
				return err
			}
			engines, err := p.host().KnownEngines(cache)
			if err != nil {
				return err
			}
			for _, e := range engines.WithImages() {
				if health := e.Probe(c.Context); health.State == engine.Healthy {
					_, err := fmt.Fprintf(p.stdout, "engine: %s %s answers\n", e.Name(), health.Version)
					return err
				}
			}
			return p.install(c.Context)
		},
	}
}

// install says what it does before it does it; where it may not, it says the
// command, and dlbench goes on with plain processes.
func (p *program) install(ctx context.Context) error {
	g := p.newProgress()
	defer g.End()
	installer := engine.Installer{Say: g.Say, Run: func(command *exec.Cmd) error {
		command.Stdout, command.Stderr = p.stderr, p.stderr
		return command.Run()
	}}
	err := installer.Install(ctx)
	var lacking *engine.EnvironmentError
	if errors.As(err, &lacking) {
		g.Say("%s", lacking.Text)
		g.Say("to get one: %s", lacking.Hint)
		g.Say("without one, runners whose framework this machine's Python imports run as plain processes (--engine local)")
		return nil
	}
	return err
}
