package bench

import (
	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/workloads/onnx"
	"github.com/dlbench/dlbench/workloads/plan"
)

// aboutOwnNetwork warns of what a reader has to know of a workload whose
// network is a file.
func (r *run) aboutOwnNetwork(id plan.ID) error {
	f, ok := r.catalog.File(id.Network)
	if !ok {
		return nil
	}
	m, p, err := f.Plan(id, r.seed)
	if err != nil {
		return err
	}
	scope := record.AboutWorkload(id.String())
	weights := "weights drawn from the seed"
	if p.Weights != nil {
		weights = "the file's weights"
	}
	r.record.Warn(scope, record.OwnNetwork, "the network is %s (SHA-256 %s), with %s: parity says that frameworks compute what the file says, not that its export was right",
		f.Path, m.SHA256, weights)
	if p.Weights == nil {
		return nil
	}
	for _, w := range m.Warnings {
		code := record.WeightsConstant
		if w.Code == onnx.Denormals {
			code = record.WeightsDenormal
		}
		r.record.Warn(scope, code, "%s", w.Text)
	}
	return nil
}
