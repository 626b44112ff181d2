package bench

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/campaign"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/manifest"
)

// Sides are two records of which a check measures cells once more, each side
// from the image that its record names, under the terms of the result.
type Sides struct {
	Setup            // engine, runners, host and progress; what the result says takes the place of the rest
	Result, Baseline *record.Record
	BaselineName     func(runner string) string // the baseline's side in the record of a stage
	Budget           time.Duration              // of all stages; 0 is none
	Dir              string                     // for the logs, and a directory for each stage
	Save             func(dir string, rec *record.Record) error
}

// Remeasuring is both sides of every runner, startable or not.
type Remeasuring struct {
	*Bench
	sides Sides
	began time.Time
	why   map[string]string // runner → why a side cannot be started
	same  map[string]bool   // runner → both sides are one image
}

// Remeasure makes both sides startable.
func Remeasure(ctx context.Context, s Sides) (*Remeasuring, error) {
	again := &Remeasuring{sides: s, began: time.Now(), why: map[string]string{}, same: map[string]bool{}}
	devices, err := s.Host.Devices(s.Result.Terms.Device)
	if err != nil {
		return nil, err
	}
	terms := s.Result.Terms
	terms.LatencyBoundMS, terms.Volume, terms.Overlap = 0, "", 0
	s.Logs, s.Seed = filepath.Join(s.Dir, "logs"), s.Result.Seed
	if again.Bench, err = equip(ctx, s.Setup, devices, terms); err != nil {
		return nil, err
	}
	again.suite = s.Result.Suite
	if err := (Setup{Files: networkFiles(s.Result)}).knownFiles(again.catalog); err != nil {
		return nil, UsageError(err)
	}
	known, err := s.knownRunners()
	if err == nil {
		err = again.furnish(ctx, s.Setup)
	}
	if err == nil {
		err = again.find(ctx, known)
	}
	if err != nil {
		return nil, errors.Join(err, again.Close(ctx))
	}
	return again, nil
}

// find makes both sides of every runner of the result startable, or says why
// that cannot be.
func (r *Remeasuring) find(ctx context.Context, all []manifest.Manifest) error {
	if digest := inputsOf(r.sides.Result); digest != "" {
		for _, runner := range r.sides.Result.Runners {
			r.why[runner.Name] = fmt.Sprintf("its inputs were images (digest %.12s), which a check does not have", digest)
		}
		return nil
	}
	command, ok := r.engine.(*engine.CLI)
	if !ok {
		for _, runner := range r.sides.Result.Runners {
			r.why[runner.Name] = fmt.Sprintf("engine %s keeps no earlier version of a runner", r.engine.Name())
		}
		return nil
	}
	_, reference, err := SelectRunners(all, nil)
	if err != nil {
		return err
	}
	if r.reference, err = r.prepare(ctx, reference); err != nil {
		return err
	}
	store := r.store(command)
	for i := range r.sides.Result.Runners {
		now := &r.sides.Result.Runners[i]
		before := r.sides.Baseline.Runner(now.Name)
		known, _, unknown := SelectRunners(all, []string{withoutDevice(now.Name)})
		if before == nil || unknown != nil {
			continue // Both says so
		}
		r.same[now.Name] = now.ImageID != "" && now.ImageID == before.ImageID
		for _, side := range []struct {
			name, of string
			runner   *record.Runner
		}{{now.Name, "result", now}, {r.sides.BaselineName(now.Name), "baseline", before}} {
			id := side.runner.ImageID
			if id == "" || store.ID(ctx, id) == "" {
				r.why[now.Name] = fmt.Sprintf("the image of the %s is not here (%s, %.12s)", side.of, side.runner.Image, id)
				continue
			}
			on := r.deviceOf(now.Name)
			m := onDevices(known, []device.Device{on})[0]
			m.Name, m.Version = side.name, side.runner.FrameworkVersion
			r.entries = append(r.entries, Entry{Manifest: m, Device: on, Image: id, ImageID: id, Key: id})
		}
	}
	return nil
}

// deviceOf is the device of a runner's entry: of several, the one in its name.
func (r *Remeasuring) deviceOf(entry string) device.Device {
	for _, d := range r.devices {
		if entry == withoutDevice(entry)+"@"+d.Name {
			return d
		}
	}
	return r.devices[0]
}

// Both says whether both sides can be started.
func (r *Remeasuring) Both(runner string) (same bool, why string) {
	if r.same[runner] {
		return true, ""
	}
	if why, ok := r.why[runner]; ok {
		return false, why
	}
	if r.entry(runner) == nil {
		return false, "this dlbench has no runner of that name: give its --runner-dir"
	}
	return false, ""
}

// RecordedCell is a cell of the result.
type RecordedCell struct{ Workload, Runner string }

// Stage measures cells on both sides, each so many times, and has the record saved
// in a directory of its own, which Save makes.
func (r *Remeasuring) Stage(ctx context.Context, number, pairs int, cells []RecordedCell) (*record.Record, error) {
	profile, err := campaign.ProfileNamed("gate")
	if err != nil {
		return nil, err
	}
	profile = profile.Hastened(r.host.Haste)
	profile.LatencyTime = time.Millisecond // throughput is what is judged
	stage, err := r.only(cells)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(r.sides.Dir, fmt.Sprintf("stage%d", number))
	one := &run{Bench: stage, profile: profile.WithRounds(pairs),
		save: func(rec *record.Record) error { return r.sides.Save(dir, rec) },
		wanted: func(workload, runner string) bool {
			return slices.ContainsFunc(cells, func(c RecordedCell) bool {
				return c.Workload == workload && (c.Runner == runner || r.sides.BaselineName(c.Runner) == runner)
			})
		}}
	if r.sides.Budget > 0 {
		if one.budget = r.sides.Budget - time.Since(r.began); one.budget <= 0 {
			one.budget = time.Nanosecond // over: everything is named as missed
		}
	}
	if err := one.begin(ctx, one.host.Machine(ctx), nil); err != nil {
		return nil, err
	}
	r.progress.Say("stage %d: %d cells, %d pairs each", number, len(cells), pairs)
	return one.record, errors.Join(one.measure(ctx), one.judge.Close(context.WithoutCancel(ctx)))
}

// only is the bench with the workloads of some cells, and both sides of their
// runners.
func (r *Remeasuring) only(cells []RecordedCell) (*Bench, error) {
	all := r.Bench
	stage := &Bench{host: all.host, progress: all.progress, cache: all.cache, suite: all.suite, catalog: all.catalog, seed: all.seed, terms: all.terms, devices: all.devices,
		engine: all.engine, launcher: all.launcher, meter: all.meter, reference: all.reference, self: all.self}
	for _, cell := range cells {
		id, err := all.catalog.ParseID(cell.Workload)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(stage.workloads, id) {
			stage.workloads = append(stage.workloads, id)
		}
		for _, name := range []string{cell.Runner, r.sides.BaselineName(cell.Runner)} {
			if stage.entry(name) == nil {
				stage.entries = append(stage.entries, *r.entry(name))
			}
		}
	}
	return stage, nil
}
