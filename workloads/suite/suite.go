// Package suite names lists of workloads that are measured together.
package suite

import (
	"slices"

	"github.com/dlbench/dlbench/workloads/names"
	"github.com/dlbench/dlbench/workloads/plan"
)

// Suite is a named list of workloads with the profile they are measured in
// where nobody says another.
type Suite struct {
	Name        string    `json:"name"`
	Description string    `json:"description"`
	Profile     string    `json:"profile"`
	Workloads   []plan.ID `json:"-"`
}

var suites = []Suite{
	{Name: "smoke", Profile: "quick", Description: "small networks, one trained and one not, a few minutes: does everything work here?",
		Workloads: append(ids([]string{"lenet"}, []plan.Mode{plan.Infer}, 32), ids([]string{"resnet20"}, []plan.Mode{plan.Train}, 8)...)},
	{Name: "small", Profile: "report", Description: "LeNet and ResNet-20, inference and training",
		Workloads: append(ids([]string{"lenet"}, both, 32), ids([]string{"resnet20"}, both, 32)...)},
	{Name: "nightly", Profile: "report", Description: "what a nightly job watches: ResNet-20 trained, ResNet-50 in both modes",
		Workloads: append(append(
			ids([]string{"resnet20"}, []plan.Mode{plan.Train}, 32),
			ids([]string{"resnet50"}, []plan.Mode{plan.Infer}, 1)...),
			ids([]string{"resnet50"}, both, 8)...)},
	{Name: "resnet", Profile: "report", Description: "ResNet-18/34/50/101/152 v1.5 at 224×224, inference and training",
		Workloads: append(append(
			ids(resnets, []plan.Mode{plan.Infer}, 1),
			ids(resnets, []plan.Mode{plan.Infer}, 8)...),
			ids(resnets, []plan.Mode{plan.Train}, 8)...)},
	{Name: "precision", Profile: "report", Description: "LeNet and ResNet-20 in every precision that a CPU may have",
		Workloads: in([]string{"fp32", "bf16"}, append(ids([]string{"lenet"}, both, 32), ids([]string{"resnet20"}, both, 32)...))},
	{Name: "gpu", Profile: "report", Description: "ResNet-50 in fp32, tf32 and bf16: inference at batches 1, 32 and 128, training at 32 and 64",
		Workloads: in([]string{"fp32", "tf32", "bf16"}, slices.Concat(
			ids(resnet50, []plan.Mode{plan.Infer}, 1), ids(resnet50, []plan.Mode{plan.Infer}, 32), ids(resnet50, []plan.Mode{plan.Infer}, 128),
			ids(resnet50, []plan.Mode{plan.Train}, 32), ids(resnet50, []plan.Mode{plan.Train}, 64)))},
}

var both = []plan.Mode{plan.Infer, plan.Train}

var resnets = []string{"resnet18", "resnet34", "resnet50", "resnet101", "resnet152"}

var resnet50 = []string{"resnet50"}

func ids(networks []string, modes []plan.Mode, batch int) []plan.ID {
	var out []plan.ID
	for _, network := range networks {
		for _, mode := range modes {
			out = append(out, plan.ID{Network: network, Mode: mode, Batch: batch, Precision: plan.FP32})
		}
	}
	return out
}

// in repeats workloads in each precision.
func in(precisions []string, workloads []plan.ID) []plan.ID {
	var out []plan.ID
	for _, id := range workloads {
		for _, precision := range precisions {
			id.Precision = precision
			out = append(out, id)
		}
	}
	return out
}

// All lists the suites.
func All() []Suite {
	all := slices.Clone(suites)
	for i := range all {
		all[i].Workloads = slices.Clone(all[i].Workloads)
	}
	return all
}

// Names lists their names.
func Names() []string {
	list := make([]string, len(suites))
	for i, s := range suites {
		list[i] = s.Name
	}
	return list
}

// Get returns a suite; an unknown name is answered with the nearest ones.
func Get(name string) (Suite, error) {
	for _, s := range All() {
		if s.Name == name {
			return s, nil
		}
	}
	return Suite{}, names.Unknown("suite", name, Names())
}
