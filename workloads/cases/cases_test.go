package cases_test

import (
	"slices"
	"testing"

	"github.com/dlbench/dlbench/workloads/cases"
	"github.com/dlbench/dlbench/workloads/network"
)

func TestCasesCoverTheVocabulary(t *testing.T) {
	all, err := cases.All()
	if err != nil {
		t.Fatal(err)
	}
	names, covered := map[string]bool{}, map[string]bool{}
	for _, c := range all {
		if names[c.Name] {
			t.Errorf("case %q is there twice", c.Name)
		}
		names[c.Name] = true
		for _, op := range c.Operators() {
			covered[op] = true
		}
		if !slices.Equal(c.Plan.Network.Outputs, []string{"logits", "op"}) {
			t.Errorf("case %q has outputs %v", c.Name, c.Plan.Network.Outputs)
		}
	}
	for _, op := range network.Operators() {
		if !covered[op] {
			t.Errorf("no case for operator %s", op)
		}
	}
}
