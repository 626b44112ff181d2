// Package plantest opens plans' files for tests.
package plantest

import (
	"testing"

	"github.com/dlbench/dlbench/workloads/plan"
	"github.com/dlbench/dlbench/workloads/tensors"
)

// Batch writes a plan's batch, and opens it until the test ends. The weights'
// file beside it is left empty: a network for images has tens of millions.
func Batch(t testing.TB, p *plan.Plan) *tensors.File {
	t.Helper()
	files, err := plan.Materialize(t.Context(), t.TempDir(), Weightless(p))
	if err != nil {
		t.Fatal(err)
	}
	f, err := tensors.Open(files.Batch.Path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// Weightless is a plan with the same batch and no weights.
func Weightless(p *plan.Plan) *plan.Plan {
	light := *p
	light.Network.Parameters = nil
	return &light
}
