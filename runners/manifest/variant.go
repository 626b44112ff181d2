package manifest

import (
	"maps"
	"slices"
)

// VariantVariable tells a runner's program which variant it is to be.
const VariantVariable = "DLBENCH_VARIANT"

// Names are the runner's own and those of its variants, NAME+VARIANT.
func (m Manifest) Names() []string {
	names := []string{m.Name}
	for _, variant := range slices.Sorted(maps.Keys(m.Variants)) {
		names = append(names, m.Name+"+"+variant)
	}
	return names
}

// As is the runner in a variant, a runner of its own with the same image;
// false when there is none of that name.
func (m Manifest) As(variant string) (Manifest, bool) {
	v, ok := m.Variants[variant]
	if !ok {
		return m, false
	}
	environment := maps.Clone(m.Environment)
	if environment == nil {
		environment = map[string]string{}
	}
	maps.Copy(environment, v.Environment)
	environment[VariantVariable] = variant
	m.Name += "+" + variant
	m.Environment, m.Description, m.Variants = environment, v.Description, nil
	if len(v.Devices) > 0 {
		m.Devices = v.Devices
	}
	return m, true
}
