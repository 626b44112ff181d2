//go:build !cgo || !linux

package sample

// OpenGPU fails with ErrNoCgo: NVML is a C library.
func OpenGPU() (GPU, error) { return nil, ErrNoCgo }
