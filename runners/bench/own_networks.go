package bench

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/workloads/catalog"
	"github.com/dlbench/dlbench/workloads/onnx"
	"github.com/dlbench/dlbench/workloads/plan"
)

// knownFiles adds the networks' files of a run that goes on, unless they were
// named again. One that has become another network is refused.
func (s Setup) knownFiles(c *catalog.Catalog) error {
	for _, known := range s.Files {
		named := slices.ContainsFunc(c.Files(), func(f catalog.File) bool { return f.SHA256 == known.SHA256 })
		if named {
			continue
		}
		weights, err := catalog.ParseWeights(known.Weights)
		if err != nil {
			return err
		}
		f, err := c.Add(known.Path, known.Input, weights)
		if err != nil {
			return fmt.Errorf("the run's network: %w; put the file back, or name it as --network", err)
		}
		if f.SHA256 != known.SHA256 {
			return fmt.Errorf("%s has changed since the run began: its SHA-256 was %s and is %s; put the old file back, or begin a new run", known.Path, known.SHA256, f.SHA256)
		}
	}
	return nil
}

// networkFiles are the files that bring a record's networks, each once.
func networkFiles(rec *record.Record) []record.NetworkFile {
	var all []record.NetworkFile
	for _, w := range rec.Workloads {
		if w.File != nil && !slices.ContainsFunc(all, func(f record.NetworkFile) bool { return f.SHA256 == w.File.SHA256 }) {
			all = append(all, *w.File)
		}
	}
	return all
}

// networkFile is what the record says of the file that brings a network; nil for
// the zoo's.
func (b *Bench) networkFile(network string) (*record.NetworkFile, error) {
	f, ok := b.catalog.File(network)
	if !ok {
		return nil, nil
	}
	path, err := filepath.Abs(f.Path)
	return &record.NetworkFile{Path: path, SHA256: f.SHA256, Input: f.Input, Weights: string(f.Weights)}, err
}

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
