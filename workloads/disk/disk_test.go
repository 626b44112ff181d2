package disk_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/dlbench/dlbench/workloads/disk"
)

func TestFree(t *testing.T) {
	dir := t.TempDir()
	there, bytes, ok := disk.Free(dir)
	if !ok || bytes <= 0 {
		t.Errorf("%d bytes are free in %s, %t", bytes, dir, ok)
	}
	if later, bytes, ok := disk.Free(filepath.Join(dir, "not", "there", "yet")); !ok || bytes <= 0 || later != there {
		t.Errorf("%d bytes are free below it, on disk %s, want %s; %t", bytes, later, there, ok)
	}
	if proc, _, ok := disk.Free("/proc"); !ok || proc == there {
		t.Errorf("/proc is on disk %s as well, %t", proc, ok)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, ok := disk.Free(filepath.Join(file, "below")); ok {
		t.Error("there is room below a file")
	}
}
