package onnx_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/workloads/onnx"
	"github.com/dlbench/dlbench/workloads/pythontest"
)

// withRuntime is an interpreter with onnx and onnxruntime: the one that
// DLBENCH_TEST_PYTHON names, or python3.
func withRuntime(t *testing.T) string {
	t.Helper()
	return pythontest.Find(t, "onnx", "onnxruntime")
}

// onnxRuntime is a process of testdata/run.py: to import what it needs takes longer
// than most networks.
type onnxRuntime struct {
	requests io.Writer
	answers  *json.Decoder
	says     bytes.Buffer
}

func startRuntime(t *testing.T, python string) *onnxRuntime {
	t.Helper()
	r := &onnxRuntime{}
	command := exec.Command(python, "testdata/run.py")
	command.Stderr = &r.says
	requests, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	answers, err := command.StdoutPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	r.requests, r.answers = requests, json.NewDecoder(answers)
	t.Cleanup(func() {
		if err := errors.Join(requests.Close(), command.Wait()); err != nil && !t.Failed() {
			t.Errorf("%v: %s", err, r.says.String())
		}
	})
	return r
}

// answer is what ONNX Runtime computes of a file.
func (r *onnxRuntime) answer(t *testing.T, path string, batch int, layout string) judged {
	t.Helper()
	var answer struct {
		judged
		Error string
	}
	err := json.NewEncoder(r.requests).Encode([]any{path, batch, layout})
	if err == nil {
		err = r.answers.Decode(&answer)
	}
	if err != nil || answer.Error != "" {
		t.Fatalf("%s: %v %s", path, err, answer.Error)
	}
	return answer.judged
}

// Public networks (ResNet-50, DenseNet-121, Inception v1 and v2, ShuffleNet,
// SqueezeNet) come in and go out, and ONNX Runtime computes the same of both
// files; and of the weights that are drawn for them.
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
	runtime := startRuntime(t, python)
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
			nearly(t, runtime.answer(t, again, 1, ""), want)
		})
	}
	t.Run("drawn", func(t *testing.T) { drawnWeightsOf(t, python, paths) })
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
	runtime := startRuntime(t, withRuntime(t))
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
			layout := ""
			if slices.ContainsFunc(m.Folded, func(text string) bool { return strings.Contains(text, "images come with their channels first") }) {
				layout = "last"
			}
			nearly(t, runtime.answer(t, again, 2, ""), runtime.answer(t, path, 2, layout))
		})
	}
}
