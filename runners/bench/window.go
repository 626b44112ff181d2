package bench

import (
	"errors"
	"fmt"

	"github.com/dlbench/dlbench/runners/campaign"
	"github.com/dlbench/dlbench/workloads/plan"
	"github.com/dlbench/dlbench/workloads/window"
)

// window reads what the sliding-window scenario infers.
func (o Options) window() (window.Window, error) {
	if o.Volume == "" {
		return window.Window{}, errors.New("--scenario sliding-window infers images or volumes larger than the network's input: give their size, like --volume 512x512 or --volume 48x64x64")
	}
	overlap := window.DefaultOverlap
	if o.Overlap != nil {
		overlap = *o.Overlap
	}
	w, err := window.Parse(o.Volume, overlap)
	if err != nil {
		return w, fmt.Errorf("--scenario sliding-window: %w", err)
	}
	return w, nil
}

// fits refuses a volume that is smaller than the input of a workload with as many
// axes, and one that no workload can infer. Workloads of another kind are measured
// without that scenario, which the record says.
func fits(w window.Window, chosen Selection, seed uint64) error {
	if w.None() {
		return nil
	}
	why := errors.New("none of the workloads infers")
	var small error // for the first workload whose input is larger
	some := false
	for _, id := range chosen.Workloads {
		if id.Mode != plan.Infer {
			continue
		}
		p, err := chosen.Catalog.New(id, seed)
		if err != nil {
			return err
		}
		if _, err = campaign.Patches(p, w); err == nil {
			some = true
			continue
		}
		why = fmt.Errorf("%s: %w", id, err)
		if err := smaller(w, p); err != nil && small == nil {
			small = UsageError(fmt.Errorf("--volume %s for %s: %w", w, id, err))
		}
	}
	if some {
		return small
	}
	return UsageError(fmt.Errorf("--volume %s: no workload can infer that: %w", w, why))
}

// smaller says that a volume is smaller than the input of a network with as many
// axes.
func smaller(w window.Window, p *plan.Plan) error {
	input := p.Network.Input.Shape
	if len(input) != len(w.Size)+2 || len(p.Logits()) != len(input) {
		return nil
	}
	_, err := w.Places(input[2:])
	return err
}
