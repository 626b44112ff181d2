//go:build !cgo || !linux

package sample_test

import (
	"errors"
	"testing"

	"github.com/dlbench/dlbench/metrics/sample"
)

func TestWithoutCgoThereIsAReason(t *testing.T) {
	if gpu, err := sample.OpenGPU(); gpu != nil || !errors.Is(err, sample.ErrNoCgo) || err.Error()[:17] != "built without cgo" {
		t.Errorf("got %v, %v", gpu, err)
	}
}
