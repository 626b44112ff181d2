package fuzztest_test

import (
	"testing"

	"github.com/dlbench/dlbench/workloads/fuzztest"
)

// told notes whether a test failed.
type told struct {
	testing.TB
	failed bool
}

func (t *told) Helper()               {}
func (t *told) Errorf(string, ...any) { t.failed = true }

var kept []byte

func TestAParserThatBelievesALengthIsFound(t *testing.T) {
	for allocates, want := range map[int]bool{1 << 10: false, 1 << 28: true} {
		asked := &told{TB: t}
		fuzztest.Bounded(asked, 100, func() { kept = make([]byte, allocates) })
		if asked.failed != want {
			t.Errorf("%d bytes for 100: failed is %v, want %v", allocates, asked.failed, want)
		}
	}
}
