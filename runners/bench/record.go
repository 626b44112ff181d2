package bench

import (
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/workloads/plan"
)

// newRecord is the record of a run that begins: every cell is pending, or is
// unsupported.
func (r *run) newRecord(here record.Environment, conditions record.Warnings) error {
	rec := record.New(r.host.Now())
	rec.DlbenchVersion, rec.Suite, rec.Profile, rec.Seed, rec.Scenarios = r.host.Version, r.suite, r.profile.Name, r.seed, r.scenarios.Names()
	rec.MinChange = r.minChange
	rec.Environment, rec.Terms, rec.Branch = here, r.terms, r.branch
	r.record = rec
	r.warnAll(conditions)
	for _, id := range r.workloads {
		w, err := r.describe(id)
		if err != nil {
			return err
		}
		rec.AddWorkload(w)
		if err := r.aboutOwnNetwork(id); err != nil {
			return err
		}
		for _, e := range r.entries {
			if r.wanted == nil || r.wanted(w.ID, e.Name()) {
				rec.AddCell(e.cell(w.ID))
			}
		}
	}
	for _, e := range r.entries {
		rec.AddRunner(e.runner())
	}
	return nil
}

// describe counts a workload that is selected.
func (b *Bench) describe(id plan.ID) (record.Workload, error) {
	p, err := b.catalog.New(id, b.seed)
	if err != nil {
		return record.Workload{}, err
	}
	w, err := describe(id, p)
	if err != nil {
		return w, err
	}
	w.File, err = b.networkFile(id.Network)
	return w, err
}

// cell is what is known of the entry's cell before it is measured.
func (e Entry) cell(workload string) record.Cell {
	c := record.Cell{Workload: workload, Runner: e.Name(), FrameworkVersion: e.Manifest.Version, Image: e.Image, Device: e.Device.Name}
	if e.Unusable != "" {
		c.Status, c.Reason = record.Unsupported, e.Unusable
	}
	return c
}

// runner is what is known of the entry's runner before it has said anything.
func (e Entry) runner() record.Runner {
	m := e.Manifest
	return record.Runner{Name: m.Name, Framework: m.Framework, FrameworkVersion: m.Version,
		Released: m.Released, Maintained: m.Maintained, CPUFeatures: m.CPUFeatures, Image: e.Image, ImageID: e.ImageID}
}

// introduce records how a runner introduced itself.
func (r *run) introduce(e Entry, hello protocol.HelloResult) {
	name := e.Name()
	known := r.record.Runner(name)
	if known == nil {
		return
	}
	threads := known.Terms.Threads // of a cell with threads of its own they are not the runner's
	if e.Threads == 0 || e.Threads == r.terms.Threads {
		threads = hello.Terms.Threads
	}
	known.FrameworkVersion, known.AdapterDigest, known.Build = hello.FrameworkVersion, hello.AdapterDigest, hello.Build
	t := hello.Terms
	known.Terms = record.RunnerTerms{Threads: threads, CPUs: t.CPUs, Layout: t.Layout, Execution: t.Execution, Precision: t.Precision, Switches: t.Switches}
	for i := range r.record.Cells {
		if c := &r.record.Cells[i]; c.Runner == name {
			c.FrameworkVersion = hello.FrameworkVersion
		}
	}
}

// warnOfEngine notes what the engine cannot enforce, and parity that nobody
// asked for.
func (r *run) warnOfEngine() {
	if bestEffort, ok := r.engine.(engine.BestEffort); ok {
		r.record.Warn(record.AboutRun, record.LocalEngine, "runners ran as plain processes: not enforced were %s", strings.Join(bestEffort.Unenforced(), ", "))
	}
	if r.skipParity {
		r.record.Warn(record.AboutRun, record.ParityNotAsked, "parity was not checked (--no-verify): nothing says that these runners computed the same, and nothing is ranked")
	}
	if r.profile.HalfWidth == 0 && r.profile.MaxRounds < 6 {
		r.record.Warn(record.AboutRun, record.FewProcesses, "%d processes a cell allow no 95 %% interval: ranges are shown; give --profile report for intervals", r.profile.MaxRounds)
	}
}

// warnAll adds the warnings that the record lacks.
func (r *run) warnAll(warnings record.Warnings) {
	for _, w := range warnings {
		r.record.Warn(w.Scope, w.Code, "%s", w.Text)
	}
}

// Describe counts a workload of the zoo for the record.
func Describe(id plan.ID, seed uint64) (record.Workload, error) {
	p, err := plan.New(id, seed)
	if err != nil {
		return record.Workload{}, err
	}
	return describe(id, p)
}

func describe(id plan.ID, p *plan.Plan) (record.Workload, error) {
	digest, err := p.Digest()
	if err != nil {
		return record.Workload{}, err
	}
	inputs := &record.Inputs{Source: record.GeneratedInputs}
	if in := p.Inputs; in != nil {
		inputs = &record.Inputs{Source: in.Source, Formats: in.Formats, SHA256: in.SHA256, Images: in.Images, Classes: in.Classes, Masks: in.Masks}
	}
	counts, err := p.Network.Counts()
	return record.Workload{ID: id.String(), Digest: digest, Network: id.Network, Mode: string(id.Mode), Batch: id.Batch, Precision: id.Precision, Threads: id.Threads,
		InputShape: p.Network.Input.Shape, Parameters: counts.Parameters, MACs: counts.MACs, ActivationBytes: counts.ActivationBytes, Inputs: inputs}, err
}
