package onnx_test

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/workloads/onnx"
)

// withRuntime is an interpreter with onnx and onnxruntime: the one that
// DLBENCH_TEST_PYTHON names, or python3.
func withRuntime(t *testing.T) string {
	t.Helper()
	python := os.Getenv("DLBENCH_TEST_PYTHON")
	if python == "" {
		python = "python3"
	}
	if out, err := exec.Command(python, "-c", "import onnx, onnxruntime").CombinedOutput(); err != nil {
		t.Skipf("%s has no onnx and onnxruntime (DLBENCH_TEST_PYTHON names another): %v: %s", python, err, out)
	}
	return python
}

func answerOf(t *testing.T, python string, args ...string) judged {
	t.Helper()
	var says bytes.Buffer
	command := exec.Command(python, args...)
	command.Stderr = &says
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, says.String())
	}
	var answer judged
	if err := json.Unmarshal(out, &answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

// Public networks (ResNet-50, DenseNet-121, Inception v1 and v2, ShuffleNet,
// SqueezeNet) come in and go out, and ONNX Runtime computes the same of both
// files.
func TestPublicNetworks(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of megabytes")
	}
	python, dir := withRuntime(t), t.TempDir()
	if out, err := exec.Command(python, "testdata/light.py", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*.onnx"))
	if err != nil || len(paths) < 6 {
		t.Fatalf("%d networks, %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			want := readJudged(t, strings.TrimSuffix(path, ".onnx")+".json")
			m, err := onnx.Read(path, onnx.Options{})
			if err != nil {
				t.Fatal(err)
			}
			again := filepath.Join(t.TempDir(), "again.onnx")
			if err := onnx.Write(again, onnx.Export{Network: m.Network, Values: m.Values, Origin: onnx.Origin{Workload: "w"}}); err != nil {
				t.Fatal(err)
			}
			nearly(t, answerOf(t, python, "testdata/run.py", again, "1"), want)
		})
	}
}

// nearly holds an answer against another of the same numbers in another order of
// adding.
func nearly(t *testing.T, got, want judged) {
	t.Helper()
	largest := 0.0
	for _, v := range want.Output {
		largest = max(largest, math.Abs(v))
	}
	if len(got.Output) != len(want.Output) {
		t.Fatalf("%d numbers, want %d", len(got.Output), len(want.Output))
	}
	for k := range got.Output {
		if d := math.Abs(got.Output[k] - want.Output[k]); !(d <= 1e-4*largest) {
			t.Fatalf("number %d is %v, of the file it is %v", k, got.Output[k], want.Output[k])
		}
	}
}

// Files that exporters wrote, in the folder that DLBENCH_TEST_ONNX names: ONNX
// Runtime computes the same of them and of what came in.
func TestExportersFiles(t *testing.T) {
	folder := os.Getenv("DLBENCH_TEST_ONNX")
	if folder == "" {
		t.Skip("DLBENCH_TEST_ONNX names no folder")
	}
	python := withRuntime(t)
	paths, err := filepath.Glob(filepath.Join(folder, "*.onnx"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%d files, %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			m, err := onnx.Read(path, onnx.Options{Batch: 2})
			if err != nil {
				t.Skipf("refused: %v", err)
			}
			again := filepath.Join(t.TempDir(), "again.onnx")
			if err := onnx.Write(again, onnx.Export{Network: m.Network, Values: m.Values, Origin: onnx.Origin{Workload: "w"}}); err != nil {
				t.Fatal(err)
			}
			fed := []string{"testdata/run.py", path, "2"}
			if slices.ContainsFunc(m.Folded, func(text string) bool { return strings.Contains(text, "images come with their channels first") }) {
				fed = append(fed, "last")
			}
			nearly(t, answerOf(t, python, "testdata/run.py", again, "2"), answerOf(t, python, fed...))
		})
	}
}
