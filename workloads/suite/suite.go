// Package suite names lists of workloads that are measured together. A suite is
// a YAML file; the built-in ones are embedded files of the same form.
package suite

import (
	"embed"
	"fmt"
	"path"
	"slices"

	"github.com/dlbench/dlbench/workloads/catalog"
	"github.com/dlbench/dlbench/workloads/names"
	"github.com/dlbench/dlbench/workloads/plan"
)

// Others stands for every workload that has no smallest change of its own.
const Others = "*"

// Suite is a named list of workloads with the profile they are measured in if
// nobody says another.
type Suite struct {
	Name        string    `json:"name"`
	Description string    `json:"description"`
	Profile     string    `json:"profile"`
	Runners     []string  `json:"runners,omitempty"`   // if nobody names others; empty is all
	Scenarios   []string  `json:"scenarios,omitempty"` // of inference, beside those that are always measured
	Volume      string    `json:"volume,omitempty"`    // that the sliding-window scenario infers, like 48x64x64
	Overlap     *float64  `json:"overlap,omitempty"`   // of its patches; nil is the default
	Workloads   []plan.ID `json:"-"`
	// MinChange are the smallest changes that a check of its records tells, as
	// shares: by network or workload, and of all others as Others.
	MinChange map[string]float64 `json:"min_change,omitempty"`
}

//go:embed builtin/*.yaml
var builtin embed.FS

// order is that of lists: small suites first, and what is for a purpose last.
var order = []string{"smoke", "small", "nightly", "resnet", "classic", "mobile", "modern", "inference", "training", "scaling", "medical", "precision", "gpu", "medical-gpu", "full"}

// All lists the built-in suites, for a machine of so many threads.
func All(threads int) []Suite {
	all := make([]Suite, len(order))
	for i, name := range order {
		file := path.Join("builtin", name+".yaml")
		data, err := builtin.ReadFile(file)
		if err == nil {
			all[i], err = parse(data, ".", &catalog.Catalog{}, threads)
		}
		if err == nil && all[i].Name != name {
			err = fmt.Errorf("its name is %q", all[i].Name)
		}
		if err != nil {
			panic(fmt.Sprintf("built-in suite %s: %v", file, err)) // a test reads them all
		}
	}
	return all
}

// Names lists their names.
func Names() []string { return slices.Clone(order) }

// Get returns a built-in suite; an unknown name is answered with the nearest
// ones. Threads is what "all" of them is.
func Get(name string, threads int) (Suite, error) {
	if !slices.Contains(order, name) {
		return Suite{}, names.Unknown("suite", name, order)
	}
	for _, s := range All(threads) {
		if s.Name == name {
			return s, nil
		}
	}
	return Suite{}, names.Unknown("suite", name, order)
}
