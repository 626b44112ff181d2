// Package pythontest finds the Python whose libraries tests hold the project's
// own reading and writing against.
package pythontest

import (
	"cmp"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Find is an interpreter that has these modules: the one that DLBENCH_TEST_PYTHON
// names, or python3. Without them a test is skipped.
func Find(t testing.TB, modules ...string) string {
	t.Helper()
	command := cmp.Or(os.Getenv("DLBENCH_TEST_PYTHON"), "python3")
	list := strings.Join(modules, ", ")
	if out, err := exec.Command(command, "-c", "import "+list).CombinedOutput(); err != nil {
		t.Skipf("%s has not all of %s (DLBENCH_TEST_PYTHON names another): %v: %s", command, list, err, out)
	}
	return command
}

// Compile makes the bytecode of what lies under a directory, as images have it:
// the processes that tests start by hundreds would each compile all of it.
func Compile(t testing.TB, python, dir string) {
	t.Helper()
	if out, err := exec.Command(python, "-m", "compileall", "-q", dir).CombinedOutput(); err != nil {
		t.Fatalf("compile %s: %v: %s", dir, err, out)
	}
}
