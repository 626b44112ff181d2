//go:build cgo && linux

package lazynvml_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The program starts on a machine without a driver where the linker binds at
// once, as Ubuntu's does: a function of NVML that functions.h lacks would end
// it by "undefined symbol".
func TestAProgramThatIsBoundAtOnceStarts(t *testing.T) {
	program := filepath.Join(t.TempDir(), "dlbench")
	build := exec.Command("go", "build", "-o", program, "github.com/dlbench/dlbench/cmd/dlbench")
	build.Env = append(os.Environ(), "CGO_LDFLAGS=-Wl,-z,now", "CGO_CFLAGS=-O2 -Wno-deprecated-declarations")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, text)
	}
	for _, args := range [][]string{{"--version"}, {"list", "runners"}} {
		if text, err := exec.Command(program, args...).CombinedOutput(); err != nil {
			t.Errorf("dlbench %s: %v\n%s", strings.Join(args, " "), err, text)
		}
	}
	// Without it, the test would say nothing.
	text, err := exec.Command("readelf", "-d", program).CombinedOutput()
	if err != nil {
		t.Skipf("readelf does not tell whether the build is bound at once: %v", err)
	}
	if !strings.Contains(string(text), "NOW") {
		t.Errorf("the linker did not bind at once:\n%s", text)
	}
}
