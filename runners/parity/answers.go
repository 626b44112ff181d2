package parity

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/dlbench/dlbench/workloads/tensors"
)

// answers are what the reference says of a plan: its tensors, and by how much
// noise moved each of them.
type answers struct {
	file   *tensors.File
	spread map[string]float64 // largest distance of a noisy repetition, absolute
}

func (a *answers) Close() error { return a.file.Close() }

// memory stands beside the tensors in the cache. It is written last.
type memory struct {
	SHA256 string             `json:"sha256"`
	Spread map[string]float64 `json:"spread"`
}

// recall finds kept answers; what is broken is as good as absent.
func recall(base string) *answers {
	var m memory
	if !load(base+".json", &m) || !whole(base+".safetensors", m.SHA256) {
		return nil
	}
	f, err := tensors.Open(base + ".safetensors")
	if err != nil {
		return nil
	}
	return &answers{file: f, spread: m.Spread}
}

// remember keeps the tensors that are judged by, and lets go of the updated
// parameters: the update is judged by the runner's own gradients. Repetitions
// with noise leave one number a tensor. So ResNet-152 takes half a gigabyte
// and not eight.
func remember(base string, f *tensors.File, spread map[string]float64) error {
	if err := os.MkdirAll(filepath.Dir(base), 0o755); err != nil {
		return err
	}
	var kept []tensors.Tensor
	var fault error // of all tensors that have one
	for _, name := range judged(f) {
		t := tensors.Tensor{Name: name}
		info, _ := f.Info(name)
		t.Shape = info.Shape
		values := func() []float64 {
			all, err := f.Float64s(name)
			if err == nil {
				err = finite(all)
			}
			if err != nil {
				fault = errors.Join(fault, fmt.Errorf("the reference's own %s: %w", name, err))
			}
			return all
		}
		if info.Elements() > single {
			t.Floats = func() ([]float32, error) { return narrow(values()), nil }
		} else {
			t.Doubles = func() ([]float64, error) { return values(), nil }
		}
		kept = append(kept, t)
	}
	digest, err := tensors.Write(base+".safetensors", kept)
	if err := errors.Join(fault, err); err != nil {
		return err
	}
	return save(base+".json", memory{SHA256: digest, Spread: spread})
}

// single is the size from which tensors are kept in float32: rounding them
// moves them by 3e-8, a hundredth of what honest runners differ by.
const single = 1 << 12

func judged(f *tensors.File) []string {
	var names []string
	for _, name := range f.Names() {
		if !strings.HasPrefix(name, "param.") {
			names = append(names, name)
		}
	}
	return names
}

func narrow(values []float64) []float32 {
	out := make([]float32, len(values))
	for i, v := range values {
		out[i] = float32(v)
	}
	return out
}

// widen takes a noisy repetition into the spreads.
func widen(spread map[string]float64, exact *tensors.File, path string) (err error) {
	noisy, err := tensors.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, noisy.Close()) }()
	for _, name := range judged(exact) {
		a, b, err := pair(noisy, exact, name)
		if err != nil {
			return fmt.Errorf("tensor %s: %w", name, err)
		}
		apart, _, err := distance(a, b)
		if err != nil {
			return fmt.Errorf("tensor %s: %w", name, err)
		}
		spread[name] = max(spread[name], apart)
	}
	return nil
}
