package datatest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/dlbench/dlbench/workloads/pythontest"
)

// Written are the files that testdata/write.py writes with these modules of Python,
// in a directory, and what it says to expect of them.
func Written[T any](t testing.TB, modules ...string) (dir string, expected T) {
	t.Helper()
	command := pythontest.Find(t, modules...)
	dir = t.TempDir()
	if out, err := exec.Command(command, "testdata/write.py", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	text, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &expected); err != nil {
		t.Fatal(err)
	}
	return dir, expected
}
