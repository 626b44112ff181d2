package tensors_test

import (
	"math"
	"testing"

	"github.com/dlbench/dlbench/workloads/tensors"
)

// The generator is a contract: the same numbers on every machine, for ever. The
// values were computed by a second implementation, in Python.
func TestStreamIsFixed(t *testing.T) {
	s := tensors.NewStream(1, "resnet50/parameter/conv1.weight")
	for i, want := range []uint64{0xec5d43cc2590cd0d, 0x7fb38a9b26063379, 0x948dbff2ee7229c5} {
		if got := s.Bits(uint64(i)); got != want {
			t.Errorf("Bits(%d) = %#x, want %#x", i, got, want)
		}
	}
	if got, want := s.Normal(3, 0.5, 2), float32(3.3183882); got != want {
		t.Errorf("Normal(3) = %v, want %v", got, want)
	}
	if got, want := s.Uniform(3, -1, 1), float32(0.5555992); got != want {
		t.Errorf("Uniform(3) = %v, want %v", got, want)
	}
}

func TestStreamsDiffer(t *testing.T) {
	seen := map[uint64]string{}
	for seed := range uint64(4) {
		for _, name := range []string{"", "a", "b", "ab", "input/0", "input/1"} {
			s := tensors.NewStream(seed, name)
			for i := range uint64(100) {
				if before, twice := seen[s.Bits(i)]; twice {
					t.Fatalf("seed %d, stream %q repeats a number of %s", seed, name, before)
				}
				seen[s.Bits(i)] = name
			}
		}
	}
}

// Moments within five standard errors of a sample of n.
func TestDistributions(t *testing.T) {
	const n = 200_000
	s := tensors.NewStream(7, "moments")
	moments := func(draw func(i uint64) float64) (mean, std float64) {
		var sum, squares float64
		for i := range uint64(n) {
			v := draw(i)
			sum += v
			squares += v * v
		}
		mean = sum / n
		return mean, math.Sqrt(squares/n - mean*mean)
	}
	near := func(what string, got, want, tolerance float64) {
		t.Helper()
		if math.Abs(got-want) > tolerance {
			t.Errorf("%s is %v, want %v within %v", what, got, want, tolerance)
		}
	}
	mean, std := moments(func(i uint64) float64 { return float64(s.Normal(i, 3, 2)) })
	near("mean of normal", mean, 3, 5*2/math.Sqrt(n))
	near("deviation of normal", std, 2, 5*2/math.Sqrt(2*n))
	mean, std = moments(func(i uint64) float64 { return float64(s.Uniform(i, -1, 3)) })
	near("mean of uniform", mean, 1, 5*4/math.Sqrt(12*n))
	near("deviation of uniform", std, 4/math.Sqrt(12), 5*4/math.Sqrt(12*n))
	mean, _ = moments(func(i uint64) float64 { return float64(s.Below(i, 10)) })
	near("mean of below", mean, 4.5, 5*math.Sqrt(8.25/n))
}

func TestRanges(t *testing.T) {
	s := tensors.NewStream(0, "ranges")
	counts := make([]int, 7)
	for i := range uint64(10_000) {
		if v := s.Uniform(i, 0.8, 1.2); v < 0.8 || v > 1.2 {
			t.Fatalf("Uniform(%d) = %v is outside [0.8, 1.2]", i, v)
		}
		counts[s.Below(i, 7)]++
	}
	for v, n := range counts {
		if n < 1200 {
			t.Errorf("%d was drawn %d times of 10000", v, n)
		}
	}
}

func TestFillIsTheStream(t *testing.T) {
	s := tensors.NewStream(5, "fill")
	for _, n := range []int{0, 1, 2, 3, 1001} {
		got := tensors.Fill(n, func(i uint64) float32 { return s.Normal(i, 0, 1) })
		if len(got) != n {
			t.Fatalf("%d elements, want %d", len(got), n)
		}
		for i, v := range got {
			if want := s.Normal(uint64(i), 0, 1); v != want {
				t.Fatalf("element %d of %d is %v, want %v", i, n, v, want)
			}
		}
	}
}

func BenchmarkNormal(b *testing.B) {
	s := tensors.NewStream(5, "benchmark")
	b.SetBytes(4 << 20)
	for b.Loop() {
		tensors.Fill(1<<20, func(i uint64) float32 { return s.Normal(i, 0, 1) })
	}
}
