// Package catalog knows the networks that can be asked for by name: the zoo's,
// and those of ONNX files that a person brings.
package catalog

import (
	"fmt"
	"path/filepath"
	"slices"
	"sync"

	"github.com/dlbench/dlbench/workloads/data"
	"github.com/dlbench/dlbench/workloads/initial"
	"github.com/dlbench/dlbench/workloads/names"
	"github.com/dlbench/dlbench/workloads/onnx"
	"github.com/dlbench/dlbench/workloads/plan"
	"github.com/dlbench/dlbench/workloads/zoo"
)

// Catalog makes plans of networks by their names. The zero value has the zoo's.
type Catalog struct {
	files  []File
	images *data.Set // that plans' batches are made of; nil if they are generated

	calibrating sync.Mutex
	ranges      map[string]plan.Ranges // of networks that were asked for in int8
}

// File is a network that a file brings.
type File struct {
	Name    string // of the network: the file's name and digest
	Path    string
	SHA256  string        // of all that it holds, weights beside it too
	Input   []int         // [C H W] or [C D H W] that was given beside the file; nil for its own
	Batch   int           // that the file fixes; 0 if it is open
	Weights WeightsSource // of which weights its plans start
}

// WeightsSource says which weights the plans of a file have.
type WeightsSource string

// The sources of weights. By default inference has the file's, and training
// starts from drawn ones, which are well-conditioned.
const (
	ByMode    WeightsSource = ""
	OfFile    WeightsSource = "file"
	Generated WeightsSource = "generated"
)

// ParseWeights reads a source's name.
func ParseWeights(text string) (WeightsSource, error) {
	switch w := WeightsSource(text); w {
	case ByMode, OfFile, Generated:
		return w, nil
	}
	return "", names.Unknown("source of weights", text, []string{string(OfFile), string(Generated)})
}

// Add reads an ONNX file and registers its network. Input is [C H W], or [C D H W]
// of volumes, for files that leave it open.
func (c *Catalog) Add(path string, input []int, weights WeightsSource) (File, error) {
	m, err := onnx.Read(path, onnx.Options{Input: input})
	if err != nil {
		return File{}, err
	}
	f := File{Name: m.Network.Name, Path: path, SHA256: m.SHA256, Input: input, Batch: m.Batch, Weights: weights}
	if slices.ContainsFunc(c.files, func(other File) bool { return other.Name == f.Name }) {
		return File{}, fmt.Errorf("%s: there is a network %q already", path, f.Name)
	}
	c.files = append(c.files, f)
	return f, nil
}

// Files are those that were added, in order.
func (c *Catalog) Files() []File { return slices.Clone(c.files) }

// File is the file of a network, if a file brings it.
func (c *Catalog) File(network string) (File, bool) {
	for _, f := range c.files {
		if f.Name == network {
			return f, true
		}
	}
	return File{}, false
}

// Names lists all networks: those of files first.
func (c *Catalog) Names() []string {
	var all []string
	for _, f := range c.files {
		all = append(all, f.Name)
	}
	return append(all, zoo.Names()...)
}

// ParseID reads a workload's name.
func (c *Catalog) ParseID(text string) (plan.ID, error) {
	id, err := plan.ParseIDOf(text, func(network string) (int, error) {
		if _, ok := c.File(network); ok {
			return 0, nil
		}
		entry, err := zoo.Get(network)
		if err != nil {
			return 0, names.Unknown("network", network, c.Names())
		}
		return entry.Size, nil
	})
	if err != nil {
		return id, err
	}
	if f, ok := c.File(id.Network); ok {
		if id.Size != 0 {
			return id, fmt.Errorf("workload %q: the size of a file's images is given as --input CxHxW, that of volumes as CxDxHxW", text)
		}
		if f.Batch != 0 && f.Batch != id.Batch {
			return id, fmt.Errorf("workload %q: %s fixes its batch to %d", text, f.Path, f.Batch)
		}
	}
	return id, nil
}

// New makes the plan of a workload.
func (c *Catalog) New(id plan.ID, seed uint64) (*plan.Plan, error) {
	return c.inPrecision(id, seed, c.newFloat)
}

// inPrecision is a plan as float makes it, or one in int8 that is made of that.
func (c *Catalog) inPrecision(id plan.ID, seed uint64, float func(id plan.ID, seed uint64) (*plan.Plan, error)) (*plan.Plan, error) {
	return plan.InPrecision(id, func(id plan.ID) (*plan.Plan, error) { return float(id, seed) },
		func(p *plan.Plan) (plan.Ranges, error) { return c.rangesOf(id, p, seed) })
}

// rangesOf calibrates a network once for all of its workloads: that takes seconds.
func (c *Catalog) rangesOf(id plan.ID, p *plan.Plan, seed uint64) (plan.Ranges, error) {
	c.calibrating.Lock()
	defer c.calibrating.Unlock()
	key := fmt.Sprintf("%s@%d of seed %d", id.Network, id.Size, seed)
	if found, ok := c.ranges[key]; ok {
		return found, nil
	}
	ranges, err := plan.RangesOf(id, p, func(at plan.ID) (*plan.Plan, error) {
		if f, ok := c.File(id.Network); ok && f.Batch != 0 {
			at.Batch = f.Batch
		}
		return c.newFloat(at, seed)
	})
	if err != nil {
		return nil, err
	}
	if c.ranges == nil {
		c.ranges = map[string]plan.Ranges{}
	}
	c.ranges[key] = ranges
	return ranges, nil
}

func (c *Catalog) newFloat(id plan.ID, seed uint64) (*plan.Plan, error) {
	f, ok := c.File(id.Network)
	if !ok {
		return c.withImages(plan.New(id, seed))
	}
	_, p, err := f.Plan(id, seed)
	return c.withImages(p, err)
}

// UseImages has all plans take their batches from images.
func (c *Catalog) UseImages(s *data.Set) { c.images = s }

// withImages gives a plan its images, if there are some.
func (c *Catalog) withImages(p *plan.Plan, err error) (*plan.Plan, error) {
	if err != nil || c.images == nil {
		return p, err
	}
	view, err := c.images.For(p.Network.Input.Shape[1:])
	if err != nil {
		return nil, fmt.Errorf("workload %s: %w", p.Workload, err)
	}
	in := plan.Inputs{Source: view.Source, Formats: view.Formats, SHA256: c.images.Digest, Classes: len(c.images.Classes)}
	if p.OfPixels() {
		if in.Masks, err = view.Masks(); err != nil {
			return nil, fmt.Errorf("workload %s: %w", p.Workload, err)
		}
	}
	return p, p.TakeImages(in, view)
}

// Plan reads the file for a workload and makes its plan.
func (f File) Plan(id plan.ID, seed uint64) (*onnx.Model, *plan.Plan, error) {
	m, err := onnx.Read(f.Path, onnx.Options{Name: f.Name, Batch: id.Batch, Input: f.Input, Training: id.Mode == plan.Train})
	if err != nil {
		return nil, nil, err
	}
	if name := onnx.Name(f.Path, m.SHA256); name != f.Name {
		return nil, nil, fmt.Errorf("%s: it was %s when it was read first, and is %s now", f.Path, f.Name, name)
	}
	p := plan.From(m.Network, id, seed, initial.LearningRate(m.Network))
	p.TrainBy(m.Loss, m.Origin != nil && m.Origin.DiceBatch)
	if err := p.Check(); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", f.Path, err)
	}
	if f.Weights == OfFile || f.Weights == ByMode && id.Mode == plan.Infer {
		p.Take(plan.Weights{Source: "file", File: filepath.Base(f.Path), SHA256: m.SHA256}, m.Values)
	}
	return m, p, nil
}

// Parity is the plan by which a workload's runner is verified in depth.
func (c *Catalog) Parity(id plan.ID, seed uint64) (*plan.Plan, error) {
	return c.inPrecision(id, seed, c.parityFloat)
}

func (c *Catalog) parityFloat(id plan.ID, seed uint64) (*plan.Plan, error) {
	f, ok := c.File(id.Network)
	if !ok {
		return c.withImages(plan.Parity(id, seed))
	}
	if f.Batch == 0 {
		id.Batch = min(id.Batch, plan.ParityBatch(id.Mode))
	}
	p, err := c.newFloat(id, seed)
	if err != nil {
		return nil, fmt.Errorf("parity plan: %w", err)
	}
	return p, nil
}
