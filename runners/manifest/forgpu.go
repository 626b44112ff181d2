package manifest

import "cmp"

// ForGPU is the runner as it computes on GPUs: with the image of that build and
// its version, where they are others than the CPU's.
func (m Manifest) ForGPU() Manifest {
	if m.GPU == nil || m.GPU.Image.Name == "" {
		return m
	}
	m.Image = m.GPU.Image
	m.Version = cmp.Or(m.GPU.Version, m.Version)
	return m
}
