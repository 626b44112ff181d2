package onnx_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/dlbench/dlbench/workloads/onnx"
)

// A hostile file is refused or read: no crash, and no memory beyond its size
// times a small constant.
func FuzzRead(f *testing.F) {
	for _, pattern := range []string{"testdata/*.onnx", "testdata/cases/*.onnx"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data, uint8(1), false)
			f.Add(data, uint8(2), true)
		}
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte, batch uint8, training bool) {
		path := filepath.Join(dir, "fuzz.onnx")
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m, err := onnx.Read(path, onnx.Options{Batch: int(batch), Training: training})
		runtime.ReadMemStats(&after)
		if taken := after.TotalAlloc - before.TotalAlloc; taken > 64*uint64(len(data))+8<<20 {
			t.Errorf("%d bytes for a file of %d", taken, len(data))
		}
		if err == nil {
			if err := m.Network.Check(); err != nil {
				t.Errorf("what was read does not check: %v", err)
			}
		}
	})
}
