// Package fuzztest holds what every parser's fuzz test asks of it beside not
// crashing: that a small file cannot make the program allocate without end.
package fuzztest

import (
	"runtime/metrics"
	"testing"
)

// The bound on what a parser may allocate in all: generous for the trees, copies
// and messages that reading takes, and far below what a length in a file can ask for.
const (
	base    = 32 << 20 // whatever the input is: tables that are compiled once, databases that are opened
	perByte = 4 << 10
)

// Bounded runs a parser on an input of so many bytes, and fails if it allocated
// far more than the input can need.
func Bounded(t testing.TB, size int, parse func()) {
	t.Helper()
	before := allocated()
	parse()
	if got, most := allocated()-before, uint64(base+perByte*size); got > most {
		t.Errorf("%d bytes of input made the parser allocate %d bytes, expected at most %d", size, got, most)
	}
}

// allocated is what this process has allocated in its life, freed or not.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
