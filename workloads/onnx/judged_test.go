package onnx_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/workloads/onnx"
)

// images are the numbers that testdata/judge.py feeds.
func images(n int) []float64 {
	x := make([]float64, n)
	for k := range x {
		x[k] = float64(float32(float64(k*7919%2003-1001) / 1001))
	}
	return x
}

type judged struct {
	Batch  int       `json:"batch"`
	Shape  []int     `json:"shape"`
	Output []float64 `json:"output"`
}

func readJudged(t *testing.T, path string) judged {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var want judged
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	return want
}

// What comes in computes what ONNX Runtime computes of the file.
func TestJudged(t *testing.T) {
	answers, err := filepath.Glob("testdata/cases/*.json")
	if err != nil || len(answers) < 15 {
		t.Fatalf("%d answers, %v", len(answers), err)
	}
	for _, answer := range answers {
		name := strings.TrimSuffix(filepath.Base(answer), ".json")
		t.Run(name, func(t *testing.T) {
			want := readJudged(t, answer)
			path := filepath.Join("testdata/cases", name+".onnx")
			if _, err := os.Stat(path); err != nil {
				path = filepath.Join("testdata", name+".onnx")
			}
			m, err := onnx.Read(path, onnx.Options{Batch: want.Batch})
			if err != nil {
				t.Fatal(err)
			}
			out, err := evaluated(m, images(count(m.Network.Input.Shape)))
			if err != nil {
				t.Fatal(err)
			}
			compare(t, out["logits"], want)
		})
	}
}

func compare(t *testing.T, got []float64, want judged) {
	t.Helper()
	if len(got) != len(want.Output) {
		t.Fatalf("%d numbers, want %v", len(got), want.Shape)
	}
	for k := range got {
		if d := math.Abs(got[k] - want.Output[k]); d > 2e-5*max(1, math.Abs(want.Output[k])) {
			t.Fatalf("number %d is %v, ONNX Runtime says %v", k, got[k], want.Output[k])
		}
	}
}
