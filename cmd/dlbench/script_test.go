package main

import (
	"cmp"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/sample"
	"github.com/dlbench/dlbench/runners/manifest"
	"github.com/dlbench/dlbench/workloads/pythontest"
)

// TestMain makes the test binary the command `dlbench` in the scripts, `gpubench`
// on a machine with two cards, and `paced`, which sets durations. The first two
// measure for shorter times if TEST_HASTE says so.
func TestMain(m *testing.M) {
	command := func(openGPU func() (sample.GPU, error)) func() {
		return func() {
			haste, _ := strconv.Atoi(os.Getenv("TEST_HASTE"))
			os.Exit(mainCode(openGPU, haste))
		}
	}
	testscript.Main(m, map[string]func(){"dlbench": command(sample.OpenGPU), "paced": paced,
		"gpubench": command(func() (sample.GPU, error) { return twoCards{}, nil })})
}

// twoCards is a driver that shows an H100 and an A100. The environment says
// who computes on the first, and what it is.
type twoCards struct{}

func (twoCards) Cards() []record.GPU {
	first := cmp.Or(os.Getenv("TEST_FIRST_CARD"), "GPU-8d3f0000")
	return []record.GPU{{Index: 0, Name: "H100", UUID: first, MemoryBytes: 80 << 30, Driver: "580.65", ComputeCapability: "9.0"},
		{Index: 1, Name: "A100", UUID: "GPU-8e000000", MemoryBytes: 40 << 30, Driver: "580.65", ComputeCapability: "8.0"}}
}

func (twoCards) Sources(int, sample.Target) ([]sample.Source, error) {
	return nil, errors.New("not metered")
}

func (twoCards) Unreadable() error { return nil }

func (twoCards) Index(string) (int, bool) { return 0, false }

func (twoCards) Close() error { return nil }

func (twoCards) Processes(index int) ([]sample.GPUProcess, error) {
	switch name := os.Getenv("TEST_FOREIGN"); {
	case name == "unknown":
		return nil, errors.New("no permission to ask the NVIDIA driver")
	case name != "" && index == 0:
		used := int64(1 << 30)
		return []sample.GPUProcess{{PID: 4711, Name: name, MemoryBytes: &used}}, nil
	}
	return nil, nil
}

// TestScripts runs the command lines of testdata/script. Scripts that say
// [python] need a Python with numpy (DLBENCH_TEST_PYTHON names one).
func TestScripts(t *testing.T) {
	python, shared := testPython(), t.TempDir()
	if err := os.MkdirAll(filepath.Join(shared, "parity", "reference"), 0o755); err != nil {
		t.Fatal(err)
	}
	compiledAdapters(t, python, shared)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			// What is measured is seldom what a script is about. One that is says env TEST_HASTE=1.
			env.Setenv("TEST_HASTE", "10")
			// What the reference answers has the name of all that it depends on: it computes
			// each answer for the first script that asks.
			for _, name := range []string{"adapters", "parity/reference"} {
				link := filepath.Join(env.WorkDir, "cache", "dlbench", name)
				if err := errors.Join(os.MkdirAll(filepath.Dir(link), 0o755), os.Symlink(filepath.Join(shared, name), link)); err != nil {
					return err
				}
			}
			env.Setenv("XDG_CACHE_HOME", env.WorkDir+"/cache")
			env.Setenv("DLBENCH_PYTHON", python)
			env.Setenv("DLBENCH_PEAK", "off") // a script that wants it measures it itself
			return nil
		},
		Condition: func(condition string) (bool, error) {
			if condition == "gpu" {
				gpu, err := sample.OpenGPU()
				if err == nil {
					err = gpu.Close()
				}
				return err == nil, nil
			}
			if condition == "mount" {
				return exec.Command("unshare", "--mount", "sh", "-c", "mount -t tmpfs none /mnt").Run() == nil, nil
			}
			return condition == "python" && python != "", nil
		},
		UpdateScripts: os.Getenv("DLBENCH_UPDATE_SCRIPTS") != "",
	})
}

// compiledAdapters extracts the adapters into a cache, with their bytecode.
func compiledAdapters(t *testing.T, python, cache string) {
	t.Helper()
	adapters, err := manifest.ExtractPython(cache)
	if err != nil {
		t.Fatal(err)
	}
	if python != "" {
		pythontest.Compile(t, python, adapters)
	}
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
