//go:build cgo && linux

// Package lazynvml defines NVML's functions, so that a program starts without
// the library and goes on without one of its functions, however it is linked.
//
// go-nvml leaves the functions undefined and expects the dynamic linker to look
// each up at its first call. Where the linker binds at once (-z now, the
// default of Ubuntu's compiler), the program dies at its start on every machine
// without a driver, and "-Wl,-z,lazy" is no flag that cgo accepts from a source
// file, so `go build` and `go install` could not be given it. Where the linker
// does bind late, a call of a function that the driver's library lacks ends the
// process. The functions here ask for the library's own at each call and answer
// NVML_ERROR_FUNCTION_NOT_FOUND if there is none.
package lazynvml

// #cgo CFLAGS: -O2
// #cgo LDFLAGS: -ldl
import "C"
