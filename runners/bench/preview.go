package bench

import (
	"context"
	"math"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/metrics/timeline"
	"github.com/dlbench/dlbench/runners/campaign"
	"github.com/dlbench/dlbench/runners/images"
	"github.com/dlbench/dlbench/runners/manifest"
)

// Somebody who starts from nothing waits many minutes until every image is
// built. So the images of the reference and of the four runners that take the
// least are built first, and nothing else meanwhile; these are verified and
// measured once each, on a machine on which nothing is built; and only then the
// other images are. The preview is shown and forgotten: no figure of it enters
// the record, for which all runners are measured again, side by side.

// mostPreview is how long measuring the first runners once may take, as a share of
// building what the others lack: a pause for adapters only, or for networks that
// take minutes, would keep everybody waiting for the whole.
const mostPreview = 0.3

// hooks are what open does beside making runners startable.
type hooks struct {
	verify  bool                                // runners while images of others are built
	preview func(ctx context.Context, b *Bench) // nil is none
}

// preview measures the runners that are ready, once each.
func (r *run) preview(ctx context.Context, b *Bench, show func(*record.Record)) {
	p := &run{Bench: b, profile: campaign.OneLook().Hastened(b.host.Haste), wanted: func(_, runner string) bool {
		e := b.entry(runner)
		return e != nil && e.Image != "" && e.Unusable == ""
	}}
	ended := b.timeline.Begin(timeline.Preview, "preview")
	err := p.tryOut(ctx)
	ended(err)
	switch {
	case err == nil && len(p.record.Cells) > 0:
		show(p.record)
	case err != nil && ctx.Err() == nil:
		b.progress.Say("there is no preview: %v", err)
	}
}

// tryOut verifies and measures into a record that nobody keeps.
func (r *run) tryOut(ctx context.Context) error {
	if err := r.newRecord(r.host.Machine(ctx), nil); err != nil {
		return err
	}
	cells, err := r.cells(ctx, time.Now())
	if err == nil {
		err = r.judge.Close(ctx) // it is opened again when it is asked next
	}
	if err != nil {
		return err
	}
	return campaign.Run(ctx, campaign.Config{Profile: r.profile, Seed: r.seed, Cells: cells, Record: r.record,
		Meter: r.meter, Limit: r.limit(), Summarize: summary.Summarize, Save: func(*record.Record) error { return nil },
		Progress: func(e campaign.Event) {
			r.progress.Step("preview: "+e.Cell, float64(e.Done)/float64(max(1, e.Total)), e.TimeLeft)
		}})
}

// previewFirst says which runners are made ready before the others, for a
// preview of them, and which then; nobody before the others if there is none.
func (b *Bench) previewFirst(ctx context.Context, store *images.Store, wanted []manifest.Manifest) (first, rest []int, err error) {
	order, err := images.Order(wanted)
	if err != nil || b.previewing == nil || len(order) <= images.Early+1 {
		return nil, order, err
	}
	first, rest = order[:images.Early+1], order[images.Early+1:]
	behind, err := store.Missing(ctx, chosen(wanted, rest))
	if err != nil || float64(b.previewTime()) > mostPreview*float64(behind.Time) {
		return nil, order, nil
	}
	return first, rest, nil
}

// previewTime is how long measuring all workloads once takes with as many runners
// as a preview has, as far as their operations tell.
func (b *Bench) previewTime() time.Duration {
	imagined := &run{Bench: &Bench{workloads: b.workloads, catalog: b.catalog, seed: b.seed, terms: b.terms, entries: make([]Entry, images.Early)}, profile: campaign.OneLook()}
	e, err := imagined.estimate(nil)
	if err != nil {
		return math.MaxInt64
	}
	return e.Least
}

// chosen are the manifests at these places.
func chosen(all []manifest.Manifest, places []int) (some []manifest.Manifest) {
	for _, i := range places {
		some = append(some, all[i])
	}
	return some
}
