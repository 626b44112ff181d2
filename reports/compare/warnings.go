package compare

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
)

// The codes of the warnings about a comparison: why a difference between two
// records may not be one of the frameworks. They stand in every view of it.
const (
	MachineDiffers   = "machine_differs"
	SystemDiffers    = "system_differs"
	TermsDiffer      = "terms_differ"
	ProfileDiffers   = "profile_differs"
	WorkloadDiffers  = "workload_differs"
	FrameworkDiffers = "framework_differs"
	BuildDiffers     = "build_differs"
	RunnerDiffers    = "runner_terms_differ"
	HarnessDiffers   = "harness_differs"
	WrongOrder       = "wrong_order"
	SameRecord       = "same_record"
	Unfinished       = "unfinished"
	TooFew           = "few_processes"
	ManyCells        = "many_cells"
	Unpaired         = "unpaired"
)

// Meaning explains a code.
type Meaning struct{ Code, Text string }

// Meanings lists every code that a warning about a comparison may have.
var Meanings = []Meaning{
	{BuildDiffers, "a runner's image, adapter or build is another one"},
	{TooFew, "cells have too few processes for an interval of the ratio: 95 % needs 4 on each side"},
	{FrameworkDiffers, "a framework's version is another one: often what one wants to see, and then the only difference there should be"},
	{HarnessDiffers, "another dlbench wrote the record"},
	{MachineDiffers, "the records are of different machines: a ratio says nothing about the frameworks"},
	{ManyCells, "of so many cells some differ by chance"},
	{ProfileDiffers, "the profiles differ, and with them how many processes were measured"},
	{RunnerDiffers, "a runner confirmed other threads, CPUs, layout, execution, precision or switches"},
	{SameRecord, "both files hold the same run"},
	{SystemDiffers, "the system, its clocks' settings or the engine differ"},
	{TermsDiffer, "device, threads, CPUs or memory limit that were asked for differ"},
	{Unfinished, "a record is not complete"},
	{Unpaired, "the records share no rounds, so that a drift of the machine between them looks like a change"},
	{WorkloadDiffers, "a workload of the same name is another one: another seed, another plan, or other inputs"},
	{WrongOrder, "the first record, taken as the old one, is younger than the second"},
}

// warningsAbout are the warnings about two records, the gravest first.
func warningsAbout(a, b *record.Record, cells []Cell) record.Warnings {
	w := record.Warnings{}
	oldMachine, newMachine := machines(a, b)
	differ(&w, MachineDiffers, record.AboutRun, oldMachine, newMachine)
	differ(&w, TermsDiffer, record.AboutRun, termFacts(a.Terms), termFacts(b.Terms))
	differ(&w, SystemDiffers, record.AboutRun, systemFacts(a.Environment), systemFacts(b.Environment))
	for _, workload := range b.Workloads {
		if old := a.Workload(workload.ID); old != nil && old.Digest != workload.Digest {
			w.Add(record.AboutWorkload(workload.ID), WorkloadDiffers, "plan %s → %s (seeds %d and %d)%s", short(old.Digest), short(workload.Digest), a.Seed, b.Seed, inputs(*old, workload))
		}
	}
	for i := range b.Runners {
		now := &b.Runners[i]
		if old := a.Runner(now.Name); old != nil {
			scope := record.AboutRunner(now.Name)
			differ(&w, FrameworkDiffers, scope, frameworkFacts(old), frameworkFacts(now))
			differ(&w, BuildDiffers, scope, buildFacts(old), buildFacts(now))
			differ(&w, RunnerDiffers, scope, runnerFacts(old.Terms), runnerFacts(now.Terms))
		}
	}
	differ(&w, ProfileDiffers, record.AboutRun, []fact{{"profile", a.Profile}}, []fact{{"profile", b.Profile}})
	differ(&w, HarnessDiffers, record.AboutRun, []fact{{"dlbench", a.DlbenchVersion}}, []fact{{"dlbench", b.DlbenchVersion}})
	warnOfReading(&w, a, b, cells)
	return w
}

// inputs says in which inputs two workloads differ; empty if in none.
func inputs(old, now record.Workload) string {
	if old.InputsDigest() == now.InputsDigest() {
		return ""
	}
	return fmt.Sprintf("; inputs %s → %s", old.InputsText(), now.InputsText())
}

// machines are the facts about the machines of two records: the same for two
// records of one. A host that only has another name is the same machine, as hired
// runners have one each night.
func machines(a, b *record.Record) (old, current []fact) {
	old, current = machineFacts(a), machineFacts(b)
	if record.SameMachine(a.Environment, b.Environment) {
		return old, current
	}
	x, y := a.Environment.MachineName(), b.Environment.MachineName()
	if x == y { // the hardware tells them apart
		x, y = x+" ("+a.Environment.Fingerprint+")", y+" ("+b.Environment.Fingerprint+")"
	}
	return append([]fact{{"machine", x}}, old...), append([]fact{{"machine", y}}, current...)
}

// differ warns of the facts that differ, if any does.
func differ(w *record.Warnings, code string, scope record.Scope, old, now []fact) {
	if text := differences(old, now); text != "" {
		w.Add(scope, code, "%s", text)
	}
}

// warnOfReading warns of what to mind when the two are read together.
func warnOfReading(w *record.Warnings, a, b *record.Record, cells []Cell) {
	same := a.Created.Equal(b.Created) && record.SameMachine(a.Environment, b.Environment) && a.Seed == b.Seed
	switch {
	case same:
		w.Add(record.AboutRun, SameRecord, "both were created at %s on the same host", b.Created.Format(stamp))
	case a.Created.After(b.Created):
		w.Add(record.AboutRun, WrongOrder, "the old one is of %s, the new one of %s: change their places if that is not meant", a.Created.Format(stamp), b.Created.Format(stamp))
	}
	for _, side := range []struct {
		name string
		r    *record.Record
	}{{"old", a}, {"new", b}} {
		if side.r.Status != record.Complete {
			w.Add(record.AboutRun, Unfinished, "the %s record is %s after %d rounds", side.name, side.r.Status, side.r.Rounds)
		}
	}
	judged, few := 0, 0
	for _, c := range cells {
		if c.Level > 0 {
			judged++
		} else {
			few++
		}
	}
	if few > 0 {
		w.Add(record.AboutRun, TooFew, "%d of %d cells have too few processes for an interval; their ranges are shown: give --profile report when measuring", few, len(cells))
	}
	if judged >= manyCells {
		w.Add(record.AboutRun, ManyCells, "of %d intervals at %.0f %%, about %.0f miss the truth by chance", judged, 100*summary.Level, (1-summary.Level)*float64(judged))
	}
	if !same {
		w.Add(record.AboutRun, Unpaired, "the records share no rounds: a drift of the machine between them looks like a change; measure both again in one run to be sure")
	}
}

// manyCells is how many cells make one false verdict likely.
const manyCells = 20

const stamp = "2006-01-02 15:04 MST"

// differences words the facts that differ, "" when none does.
func differences(a, b []fact) string {
	var parts []string
	for i := range a {
		if a[i].value != b[i].value {
			parts = append(parts, fmt.Sprintf("%s %s → %s", a[i].name, said(a[i].value), said(b[i].value)))
		}
	}
	return strings.Join(parts, "; ")
}

func said(value string) string {
	if value == "" {
		return "unknown"
	}
	return value
}

// short is what tells digests apart for people.
func short(digest string) string {
	digest = strings.TrimPrefix(digest, "sha256:")
	return digest[:min(12, len(digest))]
}

func pairs(m map[string]string) string {
	var parts []string
	for name, value := range m {
		parts = append(parts, name+"="+value)
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}
