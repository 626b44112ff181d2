package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/reports/table"
	"github.com/dlbench/dlbench/runners/campaign"
	"github.com/dlbench/dlbench/runners/manifest"
	"github.com/dlbench/dlbench/runners/selftest"
	"github.com/dlbench/dlbench/workloads/plan"
)

func (p *program) selftestCommand() *cli.Command {
	return &cli.Command{
		Name:  "selftest",
		Usage: "measure the harness itself: false alarms, slowdowns found, cost of sampling, floor, coverage of intervals",
		Flags: append(append(selectionFlags(), termFlags()...),
			&cli.IntFlag{Name: "rounds", Value: 12, Usage: "processes of each side in a campaign"},
			&cli.IntFlag{Name: "repeats", Value: 5, Usage: "campaigns with each runner"},
			&cli.BoolFlag{Name: "short", Usage: "one campaign of six processes with the null runner alone"},
			jsonFlag()),
		Action: p.doSelftest,
	}
}

// What the self-test takes where nobody says another: a real runner on work
// that is short enough for many processes.
const (
	selftestRunner   = "pytorch"
	selftestWorkload = "lenet/infer/b32/fp32"
	nullIteration    = 1_000_000 // ns that the null runner waits
)

func (p *program) doSelftest(c *cli.Context) (err error) {
	ctx := c.Context
	runner := selftestRunner
	if c.Bool("short") {
		runner = "reference" // not measured: it only lends its image to the null runner
	}
	for name, value := range map[string]string{"runner": runner, "workload": selftestWorkload} {
		if c.IsSet(name) || name == "workload" && c.IsSet("suite") {
			continue
		}
		if err := c.Set(name, value); err != nil {
			return err
		}
	}
	for name, least := range map[string]int{"rounds": 6, "repeats": 1} {
		if c.Int(name) < least {
			return usage(fmt.Errorf("--%s is %d, expected at least %d", name, c.Int(name), least))
		}
	}
	b, err := p.newBench(ctx, c, "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close(ctx)) }()
	t := &selftesting{bench: b, rounds: c.Int("rounds"), repeats: c.Int("repeats"), short: c.Bool("short")}
	if t.short {
		t.rounds, t.repeats = 6, 1
	}
	promises, err := t.run(ctx)
	if err != nil {
		return err
	}
	b.progress.end()
	out := table.New("what", "promised", "seen", "kept")
	broken := 0
	for _, promise := range promises {
		kept := "yes"
		if !promise.Kept {
			kept = "NO"
			broken++
		}
		out.Add(promise.Part, promise.Promise, promise.Seen, kept)
	}
	if err := p.print(c, promises, out); err != nil {
		return err
	}
	if broken > 0 {
		return failed("%d of %d promises were not kept on this machine", broken, len(promises))
	}
	return nil
}

type selftesting struct {
	*bench
	rounds, repeats int
	short           bool
}

func (t *selftesting) run(ctx context.Context) ([]selftest.Promise, error) {
	t.progress.step("simulate intervals", -1, 0)
	promises := selftest.Coverage()
	id := t.selection.workloads[0]
	made, err := plan.New(id, t.selection.seed)
	if err != nil {
		return nil, err
	}
	files, err := t.materialize(ctx, made)
	if err != nil {
		return nil, err
	}
	null := t.reference
	null.manifest = nullManifest(null.manifest, 0)
	t.progress.step("the null runner", -1, 0)
	floor, err := selftest.Floor(ctx, files, t.opener(null, nil))
	if err != nil {
		return nil, err
	}
	promises = append(promises, floor...)
	null.manifest = nullManifest(null.manifest, nullIteration)
	subjects := []subject{{null, []float64{0.005, 0.01, 0.02, 0.05}, 0.02}}
	for _, m := range t.selection.runners {
		if s := t.startable[m.Name]; s.unusable == "" && !t.short {
			subjects = append(subjects, subject{s, []float64{0.005, 0.01, 0.02, 0.05}, 0.05})
		}
	}
	for _, s := range subjects {
		more, err := t.subject(ctx, s, made, files)
		promises = append(promises, more...)
		if err != nil {
			return nil, err
		}
	}
	return promises, nil
}

// subject is a runner that is held against itself.
type subject struct {
	startable
	slowdowns []float64
	sure      float64
}

func (t *selftesting) subject(ctx context.Context, s subject, made *plan.Plan, files plan.Files) ([]selftest.Promise, error) {
	progress := func(text string, share float64) { t.progress.step(text, share, 0) }
	experiment := selftest.Experiment{Runner: s.manifest.Name, Plan: made, Files: files, Slowdowns: s.slowdowns, Sure: s.sure,
		Rounds: t.rounds, Repeats: t.repeats, Seed: t.selection.seed, Device: s.device.Name, Meter: t.meter, Progress: progress,
		Open: func(ctx context.Context, slowdown float64) (campaign.Runner, error) {
			return t.opener(s.startable, &slowdown)(ctx)
		}}
	promises, err := experiment.Run(ctx)
	if err != nil {
		return nil, err
	}
	sampling := selftest.Sampling{Runner: s.manifest.Name, Plan: made, Files: files, Processes: t.rounds, Device: s.device.Name, Meter: t.meter,
		Open: t.opener(s.startable, nil), Progress: progress}
	cost, err := sampling.Run(ctx)
	return append(promises, cost), err
}

// slowdownVariable is read by the library of the Python runners.
const slowdownVariable = "DLBENCH_SLOWDOWN"

// opener starts a runner, slowed where a share is given. A runner that does
// not confirm its slowdown cannot be tested with it.
func (t *selftesting) opener(s startable, slowdown *float64) func(ctx context.Context) (campaign.Runner, error) {
	m := s.manifest
	if slowdown != nil {
		m.Environment = maps.Clone(m.Environment)
		if m.Environment == nil {
			m.Environment = map[string]string{}
		}
		m.Environment[slowdownVariable] = strconv.FormatFloat(*slowdown, 'g', -1, 64)
	}
	return func(ctx context.Context) (campaign.Runner, error) {
		opened, err := t.launcher.Open(ctx, m, s.image, s.device)
		if err != nil {
			return nil, err
		}
		if _, confirmed := opened.Hello().Terms.Switches["injected_slowdown"]; slowdown != nil && !confirmed {
			return nil, errors.Join(usage(fmt.Errorf("runner %q cannot be slowed on purpose: choose one whose adapter is written in Python 3", m.Name)), opened.Close(ctx))
		}
		return opened, nil
	}
}

// nullManifest is a runner without a framework, in the reference's image, each
// of whose iterations waits.
func nullManifest(m manifest.Manifest, waits int) manifest.Manifest {
	command := []string{"python3", "-m", "dlbench_sdk.null"}
	m.Name, m.Framework, m.Command, m.Reference = "null", "none", command, false
	if m.Local != nil {
		local := *m.Local
		local.Command = command
		m.Local = &local
	}
	m.Environment = map[string]string{"DLBENCH_NULL_NS": strconv.Itoa(waits)}
	return m
}
