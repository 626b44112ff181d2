package suite_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/dlbench/dlbench/workloads/names"
	"github.com/dlbench/dlbench/workloads/plan"
	"github.com/dlbench/dlbench/workloads/suite"
)

func TestSuites(t *testing.T) {
	if want := []string{"smoke", "small", "nightly", "resnet", "classic", "mobile", "modern", "inference", "training", "scaling", "medical", "precision", "gpu", "medical-gpu", "full"}; !slices.Equal(suite.Names(), want) {
		t.Errorf("names %v, want %v", suite.Names(), want)
	}
	for _, s := range suite.All(6) {
		if s.Description == "" || !slices.Contains([]string{"quick", "report", "gate"}, s.Profile) {
			t.Errorf("suite %q: description %q, profile %q", s.Name, s.Description, s.Profile)
		}
		seen := map[plan.ID]bool{}
		for _, id := range s.Workloads {
			if seen[id] {
				t.Errorf("suite %q has %s twice", s.Name, id)
			}
			seen[id] = true
			if again, err := plan.ParseID(id.String()); err != nil || again != id {
				t.Errorf("suite %q: %s reads back as %v, %v", s.Name, id, again, err)
			}
			if _, err := plan.New(id, 1); err != nil {
				t.Errorf("suite %q: %v", s.Name, err)
			}
		}
	}
}

func TestGet(t *testing.T) {
	s, err := suite.Get("resnet", 6)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, id := range s.Workloads {
		ids = append(ids, id.String())
	}
	for _, want := range []string{"resnet18/infer/b1/fp32", "resnet50/infer/b8/fp32", "resnet152/train/b8/fp32"} {
		if !slices.Contains(ids, want) {
			t.Errorf("resnet lacks %s", want)
		}
	}
	if len(ids) != 15 {
		t.Errorf("resnet has %d workloads, want 15", len(ids))
	}
	s.Workloads[0].Network = "changed"
	if again, err := suite.Get("resnet", 6); err != nil || again.Workloads[0].Network == "changed" {
		t.Error("a caller changed the suite")
	}
}

// The suite for cards has every batch in every precision that is compared
// there; those that were there before stay in float32.
func TestPrecisionsOfSuites(t *testing.T) {
	s, err := suite.Get("gpu", 6)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, id := range s.Workloads {
		ids = append(ids, id.String())
	}
	for _, shape := range []string{"infer/b1", "infer/b32", "infer/b128", "train/b32", "train/b64"} {
		for _, precision := range []string{"fp32", "tf32", "bf16"} {
			if want := "resnet50/" + shape + "/" + precision; !slices.Contains(ids, want) {
				t.Errorf("gpu lacks %s", want)
			}
		}
	}
	if len(ids) != 15 {
		t.Errorf("gpu has %d workloads, want 15", len(ids))
	}
	for _, name := range []string{"smoke", "small", "resnet"} {
		s, err := suite.Get(name, 6)
		if err != nil || slices.ContainsFunc(s.Workloads, func(id plan.ID) bool { return id.Precision != plan.FP32 }) {
			t.Errorf("%s is not of float32 alone: %v, %v", name, s.Workloads, err)
		}
	}
}

func TestGetRefuses(t *testing.T) {
	_, err := suite.Get("smoek", 6)
	var unknown *names.UnknownError
	if !errors.As(err, &unknown) || !slices.Equal(unknown.Nearest, []string{"smoke"}) {
		t.Errorf("got %v", err)
	}
}
