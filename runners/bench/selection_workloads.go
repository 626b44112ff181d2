package bench

import (
	"fmt"
	"slices"

	"github.com/dlbench/dlbench/workloads/catalog"
	"github.com/dlbench/dlbench/workloads/data"
	"github.com/dlbench/dlbench/workloads/plan"
	"github.com/dlbench/dlbench/workloads/suite"
)

// DefaultSuite is measured when neither a suite, a workload nor a network is
// named.
const DefaultSuite = "smoke"

// Selection is what is to be measured, and the catalog that knows its networks.
type Selection struct {
	Suite     suite.Suite
	Workloads []plan.ID
	Catalog   *catalog.Catalog
}

// Select takes the suite's workloads, or the named ones, which need not be in
// the suite, or those of the named networks. What this machine cannot hold is
// refused here, before anything is built.
func (s Setup) Select() (Selection, error) {
	out, err := s.selection()
	if err != nil {
		return out, UsageError(err)
	}
	if err := s.readImages(); err != nil {
		return out, err
	}
	out.Catalog.UseImages(s.images)
	memory, err := memoryHere()
	if err != nil {
		return out, err
	}
	for _, id := range out.Workloads {
		p, err := out.Catalog.New(id, s.Seed)
		if err == nil {
			err = p.Fits(memory)
		}
		if err != nil {
			return out, UsageError(err)
		}
	}
	return out, nil
}

// readImages reads the directory of images, once: every image is decoded, which
// takes its time.
func (s *Setup) readImages() (err error) {
	if s.Data == "" || s.images != nil {
		return nil
	}
	if s.images, err = data.Open(s.Data); err != nil {
		return UsageError(fmt.Errorf("--data: %w", err))
	}
	return nil
}

func (s Setup) selection() (Selection, error) {
	out := Selection{Suite: suite.Suite{Name: "custom", Profile: "report"}, Catalog: &catalog.Catalog{}}
	own, err := s.networks(out.Catalog)
	if err != nil {
		return out, err
	}
	if err := s.knownFiles(out.Catalog); err != nil {
		return out, err
	}
	name := s.Suite
	if name == "" && len(s.Workloads) == 0 && len(own) == 0 {
		name = DefaultSuite
	}
	switch {
	case suite.IsFile(name):
		out.Suite, err = suite.Read(name, out.Catalog, s.MostThreads())
	case name != "":
		out.Suite, err = suite.Get(name, s.MostThreads())
	}
	if err != nil {
		return out, err
	}
	if s.Threads != 0 {
		out.Suite.Workloads = byOneNumber(out.Suite.Workloads)
	}
	named, err := parseAll(out.Catalog, s.Workloads)
	if err != nil {
		return out, err
	}
	if len(named) > 0 {
		own = nil // the named ones may be of the networks, in other batches
	}
	out.Workloads = slices.Concat(named, own)
	if len(out.Workloads) == 0 {
		out.Workloads = out.Suite.Workloads
	}
	return out, nil
}

// byOneNumber are a suite's workloads by the number of threads that the request
// names instead of the suite's.
func byOneNumber(ids []plan.ID) []plan.ID {
	var out []plan.ID
	for _, id := range ids {
		if id = id.WithoutThreads(); !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

func parseAll(c *catalog.Catalog, wanted []string) ([]plan.ID, error) {
	var ids []plan.ID
	for _, text := range wanted {
		id, err := c.ParseID(text)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// defaultBatch is that of a file which leaves its batch open.
const defaultBatch = 8

// networks adds the ONNX files that are named, and returns their workloads: each
// in each mode and batch.
func (s Setup) networks(c *catalog.Catalog) ([]plan.ID, error) {
	weights, err := catalog.ParseWeights(s.Weights)
	if err != nil {
		return nil, err
	}
	var input []int
	if s.Input != "" {
		if input, err = suite.ParseInput(s.Input); err != nil {
			return nil, err
		}
	}
	if len(s.Networks) == 0 && (s.Input != "" || s.Weights != "" || len(s.Modes) > 0 || len(s.Batches) > 0) {
		return nil, fmt.Errorf("--input, --weights, --mode and --batch are about --network; name a file with it")
	}
	modes := s.Modes
	if len(modes) == 0 {
		modes = []string{string(plan.Infer)}
	}
	var texts []string
	for _, path := range s.Networks {
		f, err := c.Add(path, input, weights)
		if err != nil {
			return nil, err
		}
		batches := s.Batches
		if len(batches) == 0 {
			batches = []int{defaultBatch}
			if f.Batch != 0 {
				batches[0] = f.Batch
			}
		}
		for _, mode := range modes {
			for _, batch := range batches {
				texts = append(texts, fmt.Sprintf("%s/%s/b%d/%s", f.Name, mode, batch, plan.FP32))
			}
		}
	}
	return parseAll(c, texts)
}
