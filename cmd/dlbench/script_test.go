package main

import (
	"os"
	"os/exec"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes the test binary the command `dlbench` in the scripts.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"dlbench": main})
}

// TestScripts runs the command lines of testdata/script. Scripts that say
// [python] need a Python with numpy (DLBENCH_TEST_PYTHON names one).
func TestScripts(t *testing.T) {
	python := testPython()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("XDG_CACHE_HOME", env.WorkDir+"/cache")
			env.Setenv("DLBENCH_PYTHON", python)
			return nil
		},
		Condition: func(condition string) (bool, error) {
			return condition == "python" && python != "", nil
		},
		UpdateScripts: os.Getenv("DLBENCH_UPDATE_SCRIPTS") != "",
	})
}

// testPython is an interpreter that imports numpy, or "".
func testPython() string {
	for _, python := range []string{os.Getenv("DLBENCH_TEST_PYTHON"), "python3"} {
		if python != "" && exec.Command(python, "-c", "import numpy").Run() == nil {
			return python
		}
	}
	return ""
}
