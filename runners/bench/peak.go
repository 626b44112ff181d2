package bench

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/metrics/environment"
	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/timeline"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/manifest"
	"github.com/dlbench/dlbench/runners/peak"
)

// A run measures what the machine reaches at most before its first round, when
// nothing else of ours computes: once for a set of CPUs, because it is kept.

// peakVariable turns that off, with this value.
const peakVariable, peakOff = "DLBENCH_PEAK", "off"

// Peaks are what the devices of a bench reach at most.
type Peaks struct {
	CPUs    []record.Peak        `json:"cpus,omitempty"`    // one for each number of threads
	Cards   map[int]*record.Peak `json:"cards,omitempty"`   // by their index
	Missing map[string]string    `json:"missing,omitempty"` // "peak", or that of a card → why there is none
}

// MeasurePeaks measures, anew, what the devices of a setup reach at most with all
// of their threads, by every library that is at hand.
func MeasurePeaks(ctx context.Context, s Setup) (p Peaks, err error) {
	b, err := Equip(ctx, s)
	if err != nil {
		return p, err
	}
	defer func() { err = errors.Join(err, b.Close(ctx)) }()
	if b.local() {
		known, err := s.knownRunners()
		if err != nil {
			return p, err
		}
		for _, m := range known {
			e, err := b.prepareLocal(ctx, m)
			if err != nil {
				continue // its framework does not import here
			}
			for _, on := range b.devices {
				e.Device, e.Unusable = on, UnfitFor(m, on, true)
				b.entries = append(b.entries, e)
			}
		}
	}
	here := s.Host.Machine(ctx)
	return b.measurePeaks(ctx, here, []int{b.terms.Threads}, true, busy(environment.Conditions(ctx, "/", here)))
}

// busy says whether others compute here.
func busy(conditions []record.Warning) bool {
	return slices.ContainsFunc(conditions, func(w record.Warning) bool { return w.Code == record.BusyMachine })
}

// peakReason is why a run does not measure; empty if it does.
func (h Host) peakReason() string {
	switch {
	case h.Triad == nil:
		return notMeasured
	case h.Getenv(peakVariable) == peakOff:
		return fmt.Sprintf("%s=%s in the environment", peakVariable, peakOff)
	}
	return ""
}

const notMeasured = "this program does not measure it"

// peakMachine is what measures on the bench's engine, under its terms.
func (b *Bench) peakMachine(here record.Environment, again, busy bool) peak.Machine {
	return peak.Machine{Here: here, Engine: b.engine.Name(), CPUs: b.terms.CPUs, Memory: b.terms.MemoryBytes, Root: "/",
		Dir: filepath.Join(b.cache, "peak"), Again: again, Busy: busy, Now: b.host.Now, Say: b.progress.Say, Triad: b.host.Triad,
		Start: func(ctx context.Context, l peak.Library, command []string, on device.Device, threads int) (peak.Program, error) {
			return b.launcher.StartProgram(ctx, l.Manifest, command, l.Image, on, threads)
		}}
}

// peakLibraries are the frameworks of the bench's runners on a device, the
// reference's, and those whose images happen to be built. Which of them multiply,
// and which are the same, the measurement sees.
func (b *Bench) peakLibraries(ctx context.Context, on device.Device) ([]peak.Library, error) {
	found := b.entryLibraries(on)
	add := func(m manifest.Manifest, image, key string) {
		found = append(found, peak.Library{Manifest: m, Image: image, Key: key})
	}
	if !on.GPU() {
		add(b.reference.Manifest, b.reference.Image, b.reference.Key)
	}
	command, containers := b.engine.(*engine.CLI)
	if !containers {
		return found, nil
	}
	all, err := manifest.Builtin()
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(m manifest.Manifest) bool { return len(m.Peak) == 0 }) // each image is a question to the engine
	built, err := b.store(command).List(ctx, all)
	if err != nil {
		return nil, err
	}
	kind := device.CPU.Name
	if on.GPU() {
		kind = "gpu"
	}
	for _, s := range built {
		i := slices.IndexFunc(all, func(m manifest.Manifest) bool { return m.Name == s.Runner })
		if i < 0 || !s.Built || !slices.Contains(s.Devices, kind) || on.GPU() && UnfitFor(all[i], on, false) != "" {
			continue
		}
		m := all[i]
		if on.GPU() {
			m = m.OnGPU()
		}
		add(m, s.Image, s.ID)
	}
	return found, nil
}

// entryLibraries are the frameworks of the bench's runners on a device.
func (b *Bench) entryLibraries(on device.Device) []peak.Library {
	var found []peak.Library
	for _, e := range b.entries {
		if e.Unusable == "" && e.Device.Name == on.Name {
			found = append(found, peak.Library{Manifest: e.Manifest, Image: e.Image, Key: e.Key})
		}
	}
	return found
}

// measurePeaks measures all devices, the CPUs with each of these numbers of
// threads. What cannot be measured is missing, with the reason.
func (b *Bench) measurePeaks(ctx context.Context, here record.Environment, numbers []int, again, busy bool) (Peaks, error) {
	out := Peaks{Missing: map[string]string{}, Cards: map[int]*record.Peak{}}
	if b.host.Triad == nil {
		out.Missing["peak"] = notMeasured
		return out, nil
	}
	m := b.peakMachine(here, again, busy)
	for _, on := range b.devices {
		libraries, err := b.peakLibraries(ctx, on)
		if err != nil {
			return out, err
		}
		if on.GPU() {
			b.progress.Step("measure what "+on.Name+" reaches at most", -1, 0)
			p, err := m.OfCard(ctx, libraries, on, b.terms.Threads)
			if ctx.Err() != nil {
				return out, ctx.Err()
			}
			if err != nil {
				out.Missing["peak of "+on.Name] = err.Error()
				continue
			}
			out.Cards[on.Card.Index] = p
			continue
		}
		for _, threads := range numbers {
			b.progress.Step(fmt.Sprintf("measure what %d threads on CPUs %s reach at most", threads, b.terms.CPUs), -1, 0)
			p, err := m.OfCPUs(ctx, libraries, threads)
			if ctx.Err() != nil {
				return out, ctx.Err()
			}
			if err != nil {
				out.Missing["peak"] = err.Error()
				break
			}
			out.CPUs = append(out.CPUs, *p)
		}
	}
	return out, nil
}

// threadNumbers are those of the workloads, the terms' first.
func (b *Bench) threadNumbers() []int {
	numbers := []int{b.terms.Threads}
	for _, id := range b.workloads {
		if id.Threads > 0 && !slices.Contains(numbers, id.Threads) {
			numbers = append(numbers, id.Threads)
		}
	}
	return numbers
}

// peakTime is about how long measuring takes if nothing is known yet.
func (r *run) peakTime() time.Duration {
	if r.host.peakReason() != "" {
		return 0
	}
	var took time.Duration
	for _, on := range r.devices {
		libraries := map[string]bool{}
		for _, l := range r.entryLibraries(on) {
			if len(l.Manifest.Peak) > 0 {
				libraries[l.Key] = true
			}
		}
		number := time.Duration(len(libraries))
		if on.GPU() {
			took += number * peak.ExpectedOnCard
			continue
		}
		if reference := r.reference; len(reference.Manifest.Peak) > 0 && !libraries[reference.Key] {
			number++
		}
		took += (number*peak.Expected + peak.ExpectedTriad) * time.Duration(len(r.threadNumbers()))
	}
	return took
}

// peakWords say how long that is, if it has to be measured.
func (r *run) peakWords(here record.Environment) string {
	took := r.peakTime()
	if took == 0 || r.peakKnown(here) {
		return ""
	}
	return fmt.Sprintf("; what this machine reaches at most is measured first, once, in about %s", words(took))
}

// peakKnown says whether an earlier run has measured the devices, as far as that
// can be told without asking the engine for its images, or whether others compute.
func (r *run) peakKnown(here record.Environment) bool {
	m := r.peakMachine(here, false, true)
	return !slices.ContainsFunc(r.devices, func(on device.Device) bool {
		if on.GPU() {
			return !m.KnownOnCard(r.entryLibraries(on), on, r.terms.Threads)
		}
		return slices.ContainsFunc(r.threadNumbers(), func(threads int) bool { return !m.Known(threads) })
	})
}

// peaks fills the record's peaks before the first round, unless an earlier
// session of the run has.
func (r *run) peaks(ctx context.Context) error {
	e := &r.record.Environment
	if e.Peak != nil || slices.ContainsFunc(e.GPUs, func(g record.GPU) bool { return g.Measured != nil }) {
		return nil
	}
	if reason := r.host.peakReason(); reason != "" {
		Peaks{Missing: map[string]string{"peak": reason}}.addTo(e)
		return nil
	}
	ended := r.timeline.Begin(timeline.Peak, "peak")
	found, err := r.measurePeaks(ctx, *e, r.threadNumbers(), false, busy(r.record.Warnings))
	ended(err)
	if err != nil {
		return err
	}
	found.addTo(e)
	return nil
}

// addTo fills the peaks of an environment.
func (p Peaks) addTo(e *record.Environment) {
	if len(p.Missing) > 0 && e.Missing == nil {
		e.Missing = map[string]string{}
	}
	for what, why := range p.Missing {
		e.Missing[what] = why
	}
	if len(p.CPUs) > 0 {
		e.Peak, e.Peaks = &p.CPUs[0], p.CPUs[1:]
	}
	for i := range e.GPUs {
		e.GPUs[i].Measured = p.Cards[e.GPUs[i].Index]
	}
}
