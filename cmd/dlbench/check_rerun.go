package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/compare"
	"github.com/dlbench/dlbench/reports/gate"
	"github.com/dlbench/dlbench/runners/campaign"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/manifest"
	"github.com/dlbench/dlbench/workloads/plan"
)

// judgeAgain measures both sides once more, each from the image that its record
// names, under the terms of the result.
func (p *program) judgeAgain(ctx context.Context, c *cli.Context, result, baseline compare.Source, out string) (report *gate.Report, err error) {
	again, err := p.newRemeasuring(ctx, c.String("engine"), c.String("runner-dir"), result.Record, baseline.Record, out)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, again.close(ctx)) }()
	again.budget = c.Duration("check-budget")
	return gate.Rerun(ctx, result, baseline, ruled(c, gate.RerunRule), again)
}

// newRemeasuring makes both sides startable.
func (p *program) newRemeasuring(ctx context.Context, engineName, runnerDir string, result, baseline *record.Record, out string) (*remeasuring, error) {
	again := &remeasuring{bench: &bench{progress: p.newProgress(), startable: map[string]startable{}}, program: p, out: out,
		began: time.Now(), why: map[string]string{}, same: map[string]bool{}}
	again.terms, again.selection.seed, again.selection.suite.Name = result.Terms, result.Seed, result.Suite
	again.terms.LatencyBoundMS = 0
	var err error
	if again.devices, err = p.devices(result.Terms.Device); err != nil {
		return nil, err
	}
	if err := p.equip(ctx, again.bench, engineName, filepath.Join(out, "logs")); err != nil {
		return nil, err
	}
	all, err := knownRunners(runnerDir)
	if err != nil {
		return nil, err
	}
	return again, again.find(ctx, all, result, baseline)
}

// remeasuring measures cells once more for a check.
type remeasuring struct {
	*bench
	program *program
	out     string
	budget  time.Duration // 0 is none
	began   time.Time
	why     map[string]string // runner → why a side cannot be started
	same    map[string]bool   // runner → both sides are one image
}

// find makes both sides of every runner of the result startable, or says why
// that cannot be.
func (r *remeasuring) find(ctx context.Context, all []manifest.Manifest, result, baseline *record.Record) error {
	command, ok := r.engine.(*engine.CLI)
	if !ok {
		for _, runner := range result.Runners {
			r.why[runner.Name] = fmt.Sprintf("engine %s keeps no earlier version of a runner", r.engine.Name())
		}
		return nil
	}
	store, err := r.program.store(command, r.cache, r.progress)
	if err != nil {
		return err
	}
	for _, m := range all {
		if m.Reference {
			r.selection.reference = m
			if r.reference, err = r.program.prepare(ctx, r.bench, m); err != nil {
				return err
			}
		}
	}
	for i := range result.Runners {
		now := &result.Runners[i]
		before := baseline.Runner(now.Name)
		known, _, unknown := selectRunners(all, []string{withoutDevice(now.Name)})
		if before == nil || unknown != nil {
			continue // Both says so
		}
		r.same[now.Name] = now.ImageID != "" && now.ImageID == before.ImageID
		for _, side := range []struct {
			name, of string
			runner   *record.Runner
		}{{now.Name, "result", now}, {gate.BaselineName(now.Name), "baseline", before}} {
			id := side.runner.ImageID
			if id == "" || store.ID(ctx, id) == "" {
				r.why[now.Name] = fmt.Sprintf("the image of the %s is not here (%s, %.12s)", side.of, side.runner.Image, id)
				continue
			}
			on := r.deviceOf(now.Name)
			m := onDevices(known, []device.Device{on})[0]
			m.Name, m.Version = side.name, side.runner.FrameworkVersion
			r.startable[side.name] = startable{manifest: m, device: on, image: id, imageID: id, key: id}
		}
	}
	return nil
}

// deviceOf is the device of a runner's entry: of several, the one in its name.
func (r *remeasuring) deviceOf(entry string) device.Device {
	for _, d := range r.devices {
		if entry == withoutDevice(entry)+"@"+d.Name {
			return d
		}
	}
	return r.devices[0]
}

// Both says whether both sides can be started.
func (r *remeasuring) Both(runner string) (same bool, why string) {
	if r.same[runner] {
		return true, ""
	}
	if why, ok := r.why[runner]; ok {
		return false, why
	}
	if _, ok := r.startable[runner]; !ok {
		return false, "this dlbench has no runner of that name: give its --runner-dir"
	}
	return false, ""
}

// Stage measures pairs, and leaves what a run leaves in a directory of its own.
func (r *remeasuring) Stage(ctx context.Context, number, pairs int, cells []gate.Pair) (*record.Record, error) {
	chosen := &r.selection
	chosen.workloads, chosen.runners = nil, nil
	for _, cell := range cells {
		id, err := plan.ParseID(cell.Workload)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(chosen.workloads, id) {
			chosen.workloads = append(chosen.workloads, id)
		}
		for _, name := range []string{cell.Runner, gate.BaselineName(cell.Runner)} {
			if !slices.ContainsFunc(chosen.runners, func(o manifest.Manifest) bool { return o.Name == name }) {
				chosen.runners = append(chosen.runners, r.startable[name].manifest)
			}
		}
	}
	profile, err := campaign.ProfileNamed("gate")
	if err != nil {
		return nil, err
	}
	profile.LatencyTime = time.Millisecond // throughput is what is judged
	one := &run{bench: r.bench, program: r.program, dir: filepath.Join(r.out, fmt.Sprintf("stage%d", number)), profile: profile.WithRounds(pairs), verifying: true,
		wanted: func(workload, runner string) bool {
			return slices.ContainsFunc(cells, func(p gate.Pair) bool {
				return p.Workload == workload && (p.Runner == runner || gate.BaselineName(p.Runner) == runner)
			})
		}}
	if r.budget > 0 {
		if one.budget = r.budget - time.Since(r.began); one.budget <= 0 {
			one.budget = time.Nanosecond // over: everything is named as missed
		}
	}
	if err := one.begin(ctx, nil); err != nil {
		return nil, err
	}
	r.progress.say("stage %d: %d cells, %d pairs each", number, len(cells), pairs)
	err = one.measure(ctx)
	r.progress.end()
	return one.record, err
}
