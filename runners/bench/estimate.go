package bench

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/campaign"
)

// Estimate is how long measuring would take on this machine. Building images and
// verifying runners for the first time come on top.
type Estimate struct {
	Least, Most time.Duration // by the profile's fewest and most processes of a cell
	Cells       int
	Seen        int       // cells whose time is that of a record of this machine; the others are estimated from operations
	SeenOn      time.Time // the newest of these records
}

// Took is how long each process of a cell took, how many there were, and when.
type Took struct {
	Process   time.Duration // mean
	Processes int           // 0 if the runner could not be measured
	On        time.Time
}

// SeenCell is a cell of a profile, whose processes take as long whatever the suite.
type SeenCell struct {
	Profile, Workload, Runner string
	Card                      bool // a GPU computed it
}

// OnCard says whether what a device is called in the terms is a GPU.
func OnCard(terms record.Terms) bool { return terms.Device != device.CPU.Name }

// Seen tells what a cell took on this machine; false if that is not known.
type Seen func(SeenCell) (Took, bool)

// Estimate estimates what a request would take. Nothing is started.
func (o Options) Estimate(seen Seen) (Estimate, error) {
	chosen, err := o.Select()
	if err != nil {
		return Estimate{}, err
	}
	r, err := o.imagined(chosen)
	if err != nil {
		return Estimate{}, err
	}
	return r.estimate(seen)
}

// Times are how long measuring each selected workload takes at least, as far as its
// operations tell: to deal them out to machines of which nothing is known, so that
// what this one could not hold is not refused.
func (o Options) Times() (Selection, []time.Duration, error) {
	chosen, err := o.selection()
	if err != nil {
		return chosen, nil, UsageError(err)
	}
	if err := o.readImages(); err != nil {
		return chosen, nil, err
	}
	chosen.Catalog.UseImages(o.images)
	r, err := o.imagined(chosen)
	if err != nil {
		return chosen, nil, err
	}
	times := make([]time.Duration, len(chosen.Workloads))
	all := r.workloads
	for i := range all {
		r.workloads = all[i : i+1]
		e, err := r.estimate(nil)
		if err != nil {
			return chosen, nil, UsageError(err)
		}
		times[i] = e.Least
	}
	return chosen, times, nil
}

// imagined is a run of which nothing is started.
func (o *Options) imagined(chosen Selection) (*run, error) {
	r := &run{Bench: &Bench{workloads: chosen.Workloads, catalog: chosen.Catalog, seed: o.Seed}}
	r.terms.Device = o.Device
	r.terms.Threads = cmp.Or(o.Threads, o.MostThreads())
	if err := r.ask(o, chosen); err != nil {
		return nil, err
	}
	runners, _, err := o.runnersFor(chosen.Suite)
	if err != nil {
		return nil, err
	}
	for _, m := range runners {
		entry := Entry{Manifest: m}
		if OnCard(r.terms) {
			entry.Unusable = m.WithoutGPUs()
		}
		r.entries = append(r.entries, entry)
	}
	return r, nil
}

// estimate estimates the cells of the entries that can be started.
func (r *run) estimate(seen Seen) (Estimate, error) {
	var e Estimate
	card := OnCard(r.terms)
	for _, id := range r.workloads {
		p, err := r.catalog.New(id, r.seed)
		if err != nil {
			return e, err
		}
		counts, err := p.Network.Counts()
		if err != nil {
			return e, err
		}
		work := campaign.Work{Mode: id.Mode, Batch: id.Batch, MACs: counts.MACs, Threads: cmp.Or(id.Threads, r.terms.Threads), Card: card}
		if !r.scenarios.Window.None() {
			work.Patches, _ = campaign.Patches(p, r.scenarios.Window) // what cannot be inferred takes no time
		}
		process := r.profile.Estimate(work, r.scenarios)
		for _, entry := range r.entries {
			if entry.Unusable == "" {
				e.add(r.profile, process, seen, SeenCell{r.profile.Name, id.String(), entry.Name(), card})
			}
		}
	}
	return e, nil
}

// add adds a cell.
func (e *Estimate) add(profile campaign.Profile, process time.Duration, seen Seen, cell SeenCell) {
	e.Cells++
	least, most := profile.MinRounds, profile.MaxRounds
	if seen != nil {
		if took, known := seen(cell); known {
			e.Seen++
			if took.On.After(e.SeenOn) {
				e.SeenOn = took.On
			}
			process, least = took.Process, min(max(least, took.Processes), most)
			most = least
		}
	}
	e.Least += time.Duration(least) * process
	e.Most += time.Duration(most) * process
}

// String says how long, and how that is known: "about 7 min, from operations".
func (e Estimate) String() string {
	text := words(e.Least)
	if words(e.Most) != text {
		text += " to " + words(e.Most)
	}
	seen := "as seen on " + e.SeenOn.Format("2006-01-02")
	switch e.Seen {
	case e.Cells:
		return text + ", " + seen
	case 0:
		return "about " + text + ", from operations"
	}
	return fmt.Sprintf("about %s, %d of %d cells %s, the others from operations", text, e.Seen, e.Cells, seen)
}

// words are a time as a person says it: no estimate is good to a second.
func words(d time.Duration) string {
	number := func(v float64) string { return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0") }
	switch {
	case d < 90*time.Second:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < 90*time.Minute:
		return fmt.Sprintf("%.0f min", d.Minutes())
	case d < 48*time.Hour:
		return number(d.Hours()) + " h"
	}
	return number(d.Hours()/24) + " days"
}
