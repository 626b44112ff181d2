package plan_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/dlbench/dlbench/workloads/plan"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares with a file under testdata, or rewrites it with -update.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got\n%s\nwant\n%s", path, got, want)
	}
}

// The bytes that runners get are the same on every machine and in every
// version: results of two machines compare only while these digests hold.
func TestFilesAreTheSameEverywhere(t *testing.T) {
	dir := t.TempDir()
	var out bytes.Buffer
	for _, name := range []string{
		"lenet/infer/b8/fp32", "lenet/train/b8/fp32", "resnet20/train/b4/fp32", "resnet18/infer/b1/fp32", "resnet18@96/train/b2/fp32",
	} {
		files, err := plan.Materialize(t.Context(), dir, mustMake(t, name, 1))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range []struct {
			what string
			file plan.File
		}{{"plan", files.Plan}, {"weights", files.Weights}, {"batch", files.Batch}} {
			fmt.Fprintf(&out, "%s %-26s %-7s %d\n", f.file.SHA256, name, f.what, f.file.Bytes)
		}
	}
	golden(t, "testdata/digests.golden", out.Bytes())
}

// plan.json is a contract with runners in three languages; the golden file
// shows a reviewer every change of its form.
func TestPlanJSON(t *testing.T) {
	data, err := mustMake(t, "lenet/train/b2/fp32", 1).Encode()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/lenet.plan.json", data)
}

func mustMake(t testing.TB, name string, seed uint64) *plan.Plan {
	t.Helper()
	id, err := plan.ParseID(name)
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.New(id, seed)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
