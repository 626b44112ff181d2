package tensors_test

import (
	"errors"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/dlbench/dlbench/workloads/tensors"
)

// A tensor in pieces is the same file as the whole one, whatever does not divide.
func TestPiecesAreTheWhole(t *testing.T) {
	const n = 2_500_001
	s := tensors.NewStream(1, "pieces")
	element := func(i uint64) float32 { return s.Normal(i, 0, 1) }
	whole, err := tensors.Write(filepath.Join(t.TempDir(), "whole"), []tensors.Tensor{
		{Name: "a", Shape: []int{n}, Floats: func() ([]float32, error) { return tensors.Fill(n, element), nil }}})
	if err != nil {
		t.Fatal(err)
	}
	pieces, err := tensors.Write(filepath.Join(t.TempDir(), "pieces"), []tensors.Tensor{{Name: "a", Shape: []int{n}, Pieces: func(first int, out []float32) error {
		tensors.FillFrom(first, out, element)
		return nil
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if pieces != whole {
		t.Errorf("in pieces %s, whole %s", pieces, whole)
	}
}

// A file takes a bounded amount of memory, however large it is.
func TestPiecesAreNotHeld(t *testing.T) {
	const n = 20_000_000 // 80 MB
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := tensors.Write(filepath.Join(t.TempDir(), "large"), []tensors.Tensor{
		{Name: "a", Shape: []int{n}, Pieces: func(int, []float32) error { return nil }}}); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if taken := after.TotalAlloc - before.TotalAlloc; taken > 32<<20 {
		t.Errorf("a file of %d bytes took %d bytes of memory, in all", 4*n, taken)
	}
}

func TestAPieceThatCannotBeMadeLeavesNothing(t *testing.T) {
	dir, broken := t.TempDir(), errors.New("the image went away")
	for _, tensor := range []tensors.Tensor{
		{Name: "a", Shape: []int{3}, Pieces: func(int, []float32) error { return broken }},
		{Name: "a", Shape: []int{3}, Ints: func() ([]int64, error) { return nil, broken }},
	} {
		if _, err := tensors.Write(filepath.Join(dir, "f"), []tensors.Tensor{tensor}); !errors.Is(err, broken) {
			t.Errorf("got %v", err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 0 {
		t.Errorf("%v is left", left)
	}
}
