package record_test

import (
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
)

func TestChecksAreOrderedByTheToleranceTheyUse(t *testing.T) {
	ordered := []record.Check{ // each worse than the one before it
		{Name: "no tolerance", Passed: true},
		{Name: "a tenth", Value: 1, Tolerance: 10, Passed: true},
		{Name: "nearly all", Value: 0.9, Tolerance: 1, Passed: true},
		{Name: "far beyond", Value: 1e9, Tolerance: 1e-5},
		{Name: "a failure without a tolerance"}}
	for i, worse := range ordered {
		for k, better := range ordered {
			if got := worse.WorseThan(better); got != (i > k) {
				t.Errorf("%q worse than %q: %v", worse.Name, better.Name, got)
			}
		}
	}
	if share, ok := ordered[1].Used(); !ok || share != 0.1 {
		t.Errorf("used %v, %v", share, ok)
	}
	if _, ok := ordered[0].Used(); ok {
		t.Error("a check without a tolerance uses a share of it")
	}
}
