package plan_test

import (
	"strings"
	"testing"

	"github.com/dlbench/dlbench/workloads/plan"
)

func TestParseID(t *testing.T) {
	for text, want := range map[string]plan.ID{
		"resnet50/infer/b8/fp32":      {Network: "resnet50", Mode: plan.Infer, Batch: 8, Precision: "fp32"},
		"lenet/train/b64/fp32":        {Network: "lenet", Mode: plan.Train, Batch: 64, Precision: "fp32"},
		"resnet50@96/train/b4/fp32":   {Network: "resnet50", Size: 96, Mode: plan.Train, Batch: 4, Precision: "fp32"},
		"resnet50/train/b8/bf16":      {Network: "resnet50", Mode: plan.Train, Batch: 8, Precision: "bf16"},
		"resnet50/train/b8/tf32":      {Network: "resnet50", Mode: plan.Train, Batch: 8, Precision: "tf32"},
		"lenet/infer/b8/fp16":         {Network: "lenet", Mode: plan.Infer, Batch: 8, Precision: "fp16"},
		"lenet/infer/b8/fp32/t12":     {Network: "lenet", Mode: plan.Infer, Batch: 8, Precision: "fp32", Threads: 12},
		"resnet18/infer/b999999/fp32": {Network: "resnet18", Mode: plan.Infer, Batch: 999999, Precision: "fp32"},
	} {
		got, err := plan.ParseID(text)
		if err != nil || got != want {
			t.Errorf("ParseID(%q) = %+v, %v; want %+v", text, got, err, want)
		}
		if got.String() != text {
			t.Errorf("ParseID(%q).String() = %q", text, got)
		}
	}
	// The network's own size has one name.
	if got, err := plan.ParseID("resnet50@224/infer/b8/fp32"); err != nil || got.String() != "resnet50/infer/b8/fp32" {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestParseIDRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "expected network/mode/bBATCH/precision",
		"resnet50":                      "expected network/mode/bBATCH/precision",
		"resnet50/infer/8/fp32":         "expected network/mode/bBATCH/precision",
		"resnet50/infer/b8/fp32/x":      "expected network/mode/bBATCH/precision",
		"resnet50/infer/b-1/fp32":       "expected network/mode/bBATCH/precision",
		"resnet50@/infer/b1/fp32":       "expected network/mode/bBATCH/precision",
		"resnet5/infer/b8/fp32":         `unknown network "resnet5"; did you mean "resnet50"`,
		"resnet50/tain/b8/fp32":         `unknown mode "tain"; did you mean "train"`,
		"resnet50/infer/b0/fp32":        `batch "0" has to be a positive integer`,
		"resnet50/infer/b8/fp31":        `unknown precision "fp31"; did you mean "fp32"`,
		"resnet50/infer/b8/bf61":        `unknown precision "bf61"; did you mean "bf16"`,
		"resnet50/infer/b8/fp32/t0":     `threads "0", expected a whole number from 1 to 4096`,
		"resnet50/infer/b8/fp32/t4097":  `threads "4097"`,
		"resnet50/infer/b8/fp32/t2/t2":  "expected network/mode/bBATCH/precision",
		"resnet50@0/infer/b8/fp32":      `size "0" has to be a positive integer`,
		"resnet50/infer/b8888888/fp32":  "expected network/mode/bBATCH/precision",
		"resnet50@999999/infer/b8/fp32": "expected network/mode/bBATCH/precision",
	} {
		_, err := plan.ParseID(text)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "workload \""+text+"\"") {
			t.Errorf("ParseID(%q): %v, want %q", text, err, want)
		}
	}
}

func FuzzParseID(f *testing.F) {
	f.Add("resnet50/infer/b8/fp32")
	f.Add("lenet@32/train/b01/fp32")
	f.Fuzz(func(t *testing.T, text string) {
		id, err := plan.ParseID(text)
		if err != nil {
			return
		}
		again, err := plan.ParseID(id.String())
		if err != nil || again != id {
			t.Errorf("%q is %+v, which reads back as %+v, %v", text, id, again, err)
		}
	})
}

// Threads are of who computes, not of what: the plan is the same.
func TestThreadsAreNotInThePlan(t *testing.T) {
	whole, err := mustMake(t, "lenet/infer/b8/fp32", 1).Digest()
	if err != nil {
		t.Fatal(err)
	}
	if one, err := mustMake(t, "lenet/infer/b8/fp32/t1", 1).Digest(); err != nil || one != whole {
		t.Errorf("by one thread %s, %v, else %s", one, err, whole)
	}
}
