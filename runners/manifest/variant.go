package manifest

import (
	"maps"
	"slices"
	"strings"
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

// As is the runner in a variant, a runner of its own; false when there is none of
// that name. A bare loop is one of the runner as it is.
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
	m.Environment, m.Description, m.Variants, m.Recommended, m.Bare = environment, v.Description, nil, nil, nil
	if len(v.Devices) > 0 {
		m.Devices = v.Devices
	}
	if v.Image != nil {
		m.Image = *v.Image
	}
	if v.GPUImage != nil && m.GPU != nil {
		gpu := *m.GPU
		gpu.Image, m.GPU = *v.GPUImage, &gpu
	}
	return m, true
}

// Best are the ways to run a framework at its best: as it is, and as its
// documentation recommends if that is a variant.
func (m Manifest) Best() []Manifest {
	if m.Recommended == nil {
		return []Manifest{m}
	}
	if recommended, ok := m.As(m.Recommended.Variant); ok {
		return []Manifest{m, recommended}
	}
	return []Manifest{m}
}

// cacheWord stands in a value of the environment for a directory that outlives
// the process.
const cacheWord = "{cache}"

// Caches says whether the runner keeps what it compiles for its next process.
func (m Manifest) Caches() bool {
	for _, value := range m.Environment {
		if strings.Contains(value, cacheWord) {
			return true
		}
	}
	return false
}
