package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/metrics/record"
)

// Resuming are the options that ask what an interrupted campaign asked.
func Resuming(old *record.Record) Options {
	o := Defaults()
	o.Resume = old
	for _, r := range old.Runners {
		if name := withoutDevice(r.Name); !slices.Contains(o.Runners, name) {
			o.Runners = append(o.Runners, name)
		}
	}
	for _, w := range old.Workloads {
		o.Workloads = append(o.Workloads, w.ID)
	}
	o.Files = networkFiles(old)
	o.Seed, o.Threads, o.CPUs, o.Device = old.Seed, old.Terms.Threads, old.Terms.CPUs, old.Terms.Device
	o.Machine, o.Branch = old.Environment.Machine, old.Branch
	o.Profile, o.Scenarios, o.LatencyBound = old.Profile, old.Scenarios, time.Duration(old.Terms.LatencyBoundMS*1e6)
	if old.Terms.Volume != "" {
		o.Volume, o.Overlap = old.Terms.Volume, &old.Terms.Overlap
	}
	o.MinChange = old.MinChange
	if old.Environment.Engine != "" {
		o.Engine = old.Environment.Engine
	}
	return o
}

// differences collects what keeps a campaign from going on.
type differences []string

// add notes a difference, with what was and what to do about it.
func (d *differences) add(differs bool, format string, args ...any) {
	if differs {
		*d = append(*d, fmt.Sprintf(format, args...))
	}
}

// refuse is the error that the differences from the run in a directory are.
func (d differences) refuse(dir string) error {
	if len(d) == 0 {
		return nil
	}
	if dir == "" {
		dir = "the interrupted run"
	}
	return UsageError(fmt.Errorf("%s was measured %s", dir, strings.Join(d, "; and ")))
}

// sameQuestion refuses to go on with another question than the interrupted
// campaign asked. How many rounds are measured may change.
func (r *run) sameQuestion(o Options, chosen Selection) error {
	asked := Resuming(o.Resume)
	var d differences
	d.add(!sameNames(o.Runners, asked.Runners), "with the runners %s: give these again", strings.Join(asked.Runners, ", "))
	var names []string
	for _, id := range chosen.Workloads {
		names = append(names, id.String())
	}
	d.add(o.Suite != "" && chosen.Suite.Name != o.Resume.Suite, "in suite %s: give no other --suite", o.Resume.Suite)
	d.add(!sameNames(names, asked.Workloads), "on the workloads %s: give these again", strings.Join(asked.Workloads, ", "))
	if was, now := inputsOf(o.Resume), o.images; was != "" && now == nil {
		d.add(true, "with the images whose digest is %.12s: give their --data again", was)
	} else if now != nil {
		d.add(was == "", "with generated inputs: give no --data")
		d.add(was != "" && was != now.Digest, "with other images (digest %.12s, of %s it is %.12s): give their --data again", was, now.Dir, now.Digest)
	}
	d.add(o.Seed != asked.Seed, "with seed %d: give --seed %d", asked.Seed, asked.Seed)
	d.add(r.profile.Name != asked.Profile, "with profile %s: give --profile %s", asked.Profile, asked.Profile)
	d.add(!sameNames(r.scenarios.Names(), asked.Scenarios), "with the scenarios %q beside those that are always measured: give these again", asked.Scenarios)
	if was, now := o.Resume.Terms, r.scenarios.Window; was.Volume != "" && !now.None() {
		d.add(was.Volume != now.String() || was.Overlap != now.Overlap, "with volumes of %s and an overlap of %g: give --volume %s --overlap %g", was.Volume, was.Overlap, was.Volume, was.Overlap)
	}
	d.add(o.Engine != "auto" && o.Engine != asked.Engine, "by engine %s: give --engine %s", asked.Engine, asked.Engine)
	return d.refuse(r.dir)
}

// inputsOf is the digest of a record's images; empty if its inputs are generated.
func inputsOf(r *record.Record) string {
	for _, w := range r.Workloads {
		return w.InputsDigest() // all have the same
	}
	return ""
}

func sameNames(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(slices.Compact(a), slices.Compact(b))
}

// resume goes on with an old record, unless that would mix two experiments in
// it. It keeps the warnings of every session, each once.
func (r *run) resume(ctx context.Context, old *record.Record, here record.Environment, conditions record.Warnings) error {
	r.record = old
	var d differences
	was, terms := old.Environment, old.Terms
	d.add(was.CPU != here.CPU || !record.SameMachine(was, here), "on %s (%s): a run goes on where it began", was.Host, was.CPU)
	if other := otherCard(was.GPUs, r.devices); terms.Device != r.terms.Device {
		d.add(true, "on %s: give --device %s", terms.Device, terms.Device)
	} else if other != "" {
		d.add(true, "on %s: a run goes on where it began", other)
	} else {
		d.add(terms != r.terms, "with %d threads on CPUs %s and %d bytes of memory: give --threads and --cpus again", terms.Threads, terms.CPUs, terms.MemoryBytes)
	}
	d.add(was.Engine != here.Engine, "by engine %s: give --engine %s", was.Engine, was.Engine)
	for _, id := range r.workloads {
		now, err := r.describe(id)
		if err != nil {
			return err
		}
		if w := old.Workload(now.ID); w != nil {
			d.add(w.Digest != now.Digest, "on another network of the name %s: begin a new run", now.ID)
		}
	}
	if err := d.refuse(r.dir); err != nil {
		return err
	}
	if err := r.sameRunners(ctx, old); err != nil {
		return err
	}
	r.warnAll(conditions)
	return nil
}

// sameRunners refuses runners that are other programs than those in the record:
// other images, or, for those that have none, other adapters or versions. A
// runner that never introduced itself has nothing to be mixed with.
func (r *run) sameRunners(ctx context.Context, old *record.Record) error {
	var d differences
	for i := range old.Runners {
		was := &old.Runners[i]
		e := r.entry(was.Name)
		switch {
		case e == nil:
			d.add(true, "with runner %s, which is not selected now", was.Name)
		case e.Unusable != "":
			d.add(was.AdapterDigest != "", "with runner %s, which cannot be used now: %s", was.Name, e.Unusable)
		case was.ImageID != e.ImageID:
			d.add(true, "with runner %s from image %.12s, which is now %.12s: begin a new run", was.Name, was.ImageID, e.ImageID)
		case was.ImageID == "" && was.AdapterDigest != "":
			if err := r.sameProgram(ctx, &d, *e, was); err != nil {
				return err
			}
		}
	}
	return d.refuse(r.dir)
}

// sameProgram asks a runner without an image to identify itself.
func (r *run) sameProgram(ctx context.Context, d *differences, e Entry, was *record.Runner) (err error) {
	opened, err := r.Start(ctx, e)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, opened.Close(ctx)) }()
	hello := opened.Hello()
	d.add(was.FrameworkVersion != hello.FrameworkVersion, "with %s %s, which is now %s: begin a new run", was.Name, was.FrameworkVersion, hello.FrameworkVersion)
	d.add(was.AdapterDigest != hello.AdapterDigest, "with the adapter %.12s of runner %s, which is now %.12s: begin a new run", was.AdapterDigest, was.Name, hello.AdapterDigest)
	return nil
}

// otherCard describes the card that a record's device was, if it is another one
// now.
func otherCard(recorded []record.GPU, devices []device.Device) string {
	for _, d := range devices {
		for _, old := range recorded {
			if d.GPU() && old.Index == d.Card.Index && old.UUID != d.Card.UUID {
				return fmt.Sprintf("GPU %d, %s %s, which is now %s %s", old.Index, old.Name, old.UUID, d.Card.Name, d.Card.UUID)
			}
		}
	}
	return ""
}
