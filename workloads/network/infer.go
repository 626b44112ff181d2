package network

import (
	"fmt"
	"slices"
)

// Infer is the shape that an operator makes of activations and parameters of
// these shapes, with the checks of its attributes that Check makes.
func Infer(op string, attributes Attributes, activations, parameters [][]int) ([]int, error) {
	o, err := lookup(op)
	if err != nil {
		return nil, err
	}
	if err := o.checkAttributes(attributes); err != nil {
		return nil, err
	}
	if err := o.checkArity(len(activations), len(parameters), op); err != nil {
		return nil, err
	}
	for _, shape := range slices.Concat(activations, parameters) {
		if err := checkShape(shape); err != nil {
			return nil, fmt.Errorf("inputs: %w", err)
		}
	}
	shape, err := o.infer(application{attributes: attributes, activations: activations, parameters: parameters})
	if err != nil {
		return nil, err
	}
	return slices.Clone(shape), checkShape(shape)
}
