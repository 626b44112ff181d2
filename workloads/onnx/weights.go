package onnx

import (
	"fmt"
	"hash"
	"math"

	"github.com/dlbench/dlbench/workloads/network"
)

// small is the numbers of a tensor that has few.
func (t *tensor) small() ([]float64, error) {
	values, err := t.few()
	if err != nil {
		return nil, err
	}
	out := make([]float64, len(values))
	for k, v := range values {
		out[k] = shortest(v)
	}
	return out, nil
}

// The codes of warnings about weights.
const (
	Denormals = "weights_denormal"
	Constants = "weights_constant"
)

// leastNormal is the smallest float32 that has all its bits.
const leastNormal = 0x1p-126

// examine reads every weight that the network uses, once. A network of NaN
// computes nothing; denormal weights take 40 times as long where a framework
// does not flush them; of weights that are all one number, parity tells little.
func (i *importer) examine(digest hash.Hash) ([]Warning, error) {
	var denormal, all, constant int
	seen := map[*stored]bool{}
	for _, p := range i.net.Parameters {
		t := i.weights[p.Name]
		e := examination{digest: digest, seen: seen}
		if err := e.of(t); err != nil {
			return nil, fmt.Errorf("weight %q: %w", t.name, err)
		}
		if p.Role == network.RunningVariance && e.low < 0 {
			return nil, fmt.Errorf("weight %q: a variance is %v, wants 0 or more", t.name, e.low)
		}
		all++
		denormal += e.denormal
		if t.count() > 1 && e.low == e.high && len(t.dims) > 1 {
			constant++
		}
	}
	var warnings []Warning
	if denormal > 0 {
		warnings = append(warnings, Warning{Denormals, fmt.Sprintf("%d weights are denormal: frameworks that flush them to zero and those that do not may differ 40-fold in speed", denormal)})
	}
	if constant > 0 {
		warnings = append(warnings, Warning{Constants, fmt.Sprintf("%d of %d weight tensors hold one number only, repeated: parity tells little of a network whose channels are all alike", constant, all)})
	}
	return warnings, nil
}

// examination is of one parameter, and of the stored tensors it is made of.
type examination struct {
	digest    hash.Hash
	seen      map[*stored]bool
	low, high float32
	begun     bool
	denormal  int
}

func (e *examination) of(t *tensor) error {
	for _, from := range t.from {
		if err := e.of(from); err != nil {
			return err
		}
	}
	if t.stored == nil {
		return nil
	}
	outside := t.stored.beside != nil && !e.seen[t.stored]
	e.seen[t.stored] = true
	var word []byte
	var bad error
	err := t.stored.each(t.count(), func(v float32, times int) {
		if bits := math.Float32bits(v); bits&0x7f800000 == 0x7f800000 && bad == nil {
			bad = fmt.Errorf("it holds %v, wants finite numbers", v)
		}
		if v != 0 && v > -leastNormal && v < leastNormal {
			e.denormal += times
		}
		if !e.begun {
			e.low, e.high, e.begun = v, v, true
		}
		e.low, e.high = min(e.low, v), max(e.high, v)
		if outside {
			if word = append(word, byte(math.Float32bits(v)), byte(math.Float32bits(v)>>8), byte(math.Float32bits(v)>>16), byte(math.Float32bits(v)>>24)); len(word) >= 1<<16 {
				_, _ = e.digest.Write(word)
				word = word[:0]
			}
		}
	})
	_, _ = e.digest.Write(word)
	if err == nil {
		err = bad
	}
	return err
}
