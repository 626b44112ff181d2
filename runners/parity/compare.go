package parity

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/stats"
	"github.com/dlbench/dlbench/workloads/tensors"
)

// errNotComparable says why a runner's tensor cannot be compared. It is a
// finding about the runner, never an error of the harness.
var errNotComparable = errors.New("not comparable")

// failing is the deviation of what cannot be compared: missing tensors, other
// shapes, values that are not numbers. It is finite, because records are JSON.
const failing = 1e9

// smallest keeps quotients finite if a reference is zero.
const smallest = 1e-30

// distance is ‖a−b‖ and ‖b‖ in the Euclidean norm.
func distance(a, b []float64) (apart, norm float64, err error) {
	if len(a) != len(b) {
		return 0, 0, fmt.Errorf("%w: %d elements, the reference has %d", errNotComparable, len(a), len(b))
	}
	for i := range a {
		d := a[i] - b[i]
		apart += d * d
		norm += b[i] * b[i]
	}
	if math.IsNaN(apart) || math.IsInf(apart, 0) {
		return 0, 0, fmt.Errorf("%w: it holds values that are not numbers", errNotComparable)
	}
	return math.Sqrt(apart), math.Sqrt(norm), nil
}

// read reads a runner's tensor; whatever is wrong with it is not comparable.
func read(candidate *tensors.File, name string, shape []int) ([]float64, error) {
	return readBy(candidate, name, shape, candidate.Float64s)
}

// readBy is read with numbers as wide as the caller wants them.
func readBy[F float32 | float64](candidate *tensors.File, name string, shape []int, all func(name string) ([]F, error)) ([]F, error) {
	info, ok := candidate.Info(name)
	if !ok {
		return nil, fmt.Errorf("%w: the runner did not write it", errNotComparable)
	}
	if !slices.Equal(info.Shape, shape) {
		return nil, fmt.Errorf("%w: shape %v, expected %v", errNotComparable, info.Shape, shape)
	}
	values, err := all(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNotComparable, err)
	}
	return values, nil
}

// pair reads one tensor of two files.
func pair(candidate, reference *tensors.File, name string) (a, b []float64, err error) {
	info, _ := reference.Info(name)
	if a, err = read(candidate, name, info.Shape); err != nil {
		return nil, nil, err
	}
	b, err = reference.Float64s(name)
	return a, b, err
}

// group is the part of a tensor's name before the slash.
func group(name string) string {
	before, _, _ := strings.Cut(name, "/")
	return before
}

// groupNorms are the norms of whole groups, like all gradients of a step.
func groupNorms(f *tensors.File, names []string) (map[string]float64, error) {
	squares := map[string]float64{}
	for _, name := range names {
		values, err := f.Float64s(name)
		if err != nil {
			return nil, err
		}
		for _, v := range values {
			squares[group(name)] += v * v
		}
	}
	for g, s := range squares {
		squares[g] = math.Sqrt(s)
	}
	return squares, nil
}

// worst collects the comparison that is closest to its tolerance, or beyond.
type worst struct {
	check   record.Check
	seen    bool
	values  []float64 // of all tensors, and their spreads
	spreads []float64
}

func newWorst(layer, name string) *worst {
	return &worst{check: record.Check{Layer: layer, Name: name}}
}

func (w *worst) add(tensor string, value, tolerance, spread float64) {
	if math.IsNaN(value) || value > failing {
		value = failing
	}
	w.values, w.spreads = append(w.values, value), append(w.spreads, spread)
	check := record.Check{Layer: w.check.Layer, Name: w.check.Name, Tensor: tensor, Value: value, Tolerance: tolerance, Spread: spread, Passed: value <= tolerance}
	if w.seen && !check.WorseThan(w.check) {
		return
	}
	w.seen, w.check = true, check
}

// compare adds what two tensors are apart, relative to the reference's norm or
// to least if that is larger. A tensor that is not comparable fails; any
// other error is the harness' own.
func (w *worst) compare(name string, a, b []float64, err error, least, tolerance float64) error {
	if err != nil && !errors.Is(err, errNotComparable) {
		return err
	}
	var apart, norm float64
	if err == nil {
		apart, norm, err = distance(a, b)
	}
	if err != nil {
		w.refuse(name, err, tolerance)
		return nil
	}
	w.add(name, apart/max(norm, least, smallest), tolerance, 0)
	return nil
}

// refuse notes a tensor that cannot be compared; the text goes with its name.
func (w *worst) refuse(tensor string, err error, tolerance float64) {
	w.add(fmt.Sprintf("%s (%s)", tensor, strings.TrimPrefix(err.Error(), errNotComparable.Error()+": ")), failing, tolerance, 0)
}

// typical is the check of the median over tensors: what moves a few tensors
// much leaves it small, what is wrong everywhere does not.
func (w *worst) typical(q quantity) record.Check {
	c := record.Check{Layer: w.check.Layer, Name: w.check.Name + ", median", Tensor: fmt.Sprintf("median of %d tensors", len(w.values)),
		Value: stats.Median(w.values), Spread: stats.Median(w.spreads)}
	c.Tolerance = q.tolerance(c.Spread)
	c.Passed = c.Value <= c.Tolerance
	return c
}

// exactly makes a check of two counts or shapes that have to be equal.
func exactly(layer, name, tensor string, equal bool) record.Check {
	c := record.Check{Layer: layer, Name: name, Tensor: tensor, Tolerance: 0.5, Passed: equal}
	if !equal {
		c.Value = failing
	}
	return c
}
