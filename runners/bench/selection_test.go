package bench_test

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/manifest"
)

func file(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func selected(t *testing.T, s bench.Setup) string {
	t.Helper()
	out, err := s.Select()
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, id := range out.Workloads {
		ids = append(ids, id.String())
	}
	return strings.Join(ids, " ")
}

// The command line's number of threads takes the place of a suite's, and not of
// one that it names itself.
func TestThreadsOfASuite(t *testing.T) {
	suite := file(t, t.TempDir(), "mine.yaml", "name: mine\nthreads: [1, 3]\nworkloads:\n  - networks: lenet\n    batches: [1, 2]\n")
	if got := selected(t, bench.Setup{Suite: suite}); got != "lenet/infer/b1/fp32/t1 lenet/infer/b1/fp32/t3 lenet/infer/b2/fp32/t1 lenet/infer/b2/fp32/t3" {
		t.Errorf("the suite's: %s", got)
	}
	if got := selected(t, bench.Setup{Suite: suite, Threads: 2}); got != "lenet/infer/b1/fp32 lenet/infer/b2/fp32" {
		t.Errorf("with --threads: %s", got)
	}
	if got := selected(t, bench.Setup{Suite: suite, Threads: 2, Workloads: []string{"lenet/infer/b1/fp32/t3"}}); got != "lenet/infer/b1/fp32/t3" {
		t.Errorf("one that is named: %s", got)
	}
}

// All plans of a selection have their batches of the images.
func TestImagesOfASelection(t *testing.T) {
	var one bytes.Buffer
	if err := png.Encode(&one, image.NewGray(image.Rect(0, 0, 4, 4))); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, class := range strings.Split("abcdefghij", "") {
		file(t, dir, class+"/1.png", one.String())
	}
	s := bench.Setup{Workloads: []string{"lenet/infer/b1/fp32", "resnet18/train/b8/fp32"}, Data: dir}
	out, err := s.Select()
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range out.Workloads {
		actual, err := out.Catalog.New(id, 1)
		if err != nil {
			t.Fatal(err)
		}
		deep, err := out.Catalog.Parity(id, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range []interface{ Labels(int) []int64 }{actual, deep} {
			for _, label := range p.Labels(0) {
				if label < 0 || label > 9 {
					t.Errorf("%s: label %d", id, label)
				}
			}
		}
		if actual.Inputs == nil || deep.Inputs == nil || !cmp.Equal(actual.Inputs, deep.Inputs) || actual.Inputs.Images != 10 {
			t.Errorf("%s: inputs %+v, to verify %+v", id, actual.Inputs, deep.Inputs)
		}
	}
	file(t, dir, "k/1.png", one.String())
	if _, err := s.Select(); bench.KindOf(err) != bench.Usage || !strings.Contains(err.Error(), "the images have 11 classes, the network's output has 10") {
		t.Errorf("got %v", err)
	}
	file(t, dir, "a/2.png", "broken")
	if _, err := s.Select(); bench.KindOf(err) != bench.Usage || !strings.Contains(err.Error(), `a/2.png": not a PNG or JPEG`) {
		t.Errorf("got %v", err)
	}
}

// "best" is every framework as it is and as it is recommended, on the command
// line and in a suite, beside others that are named.
func TestTheBestOfEveryFramework(t *testing.T) {
	all := []manifest.Manifest{
		{Name: "judge", Reference: true, Recommended: &manifest.Recommendation{}},
		{Name: "plain", Variants: map[string]manifest.Variant{"other": {}}},
		{Name: "quick", Variants: map[string]manifest.Variant{"compile": {}, "other": {}}, Recommended: &manifest.Recommendation{Variant: "compile"}},
	}
	for wanted, want := range map[string]string{
		"best": "plain quick quick+compile", "best,plain+other": "plain plain+other quick quick+compile",
		"quick": "quick", "": "plain quick", "judge,best": "judge plain quick quick+compile",
	} {
		chosen, _, err := bench.SelectRunners(all, strings.FieldsFunc(wanted, func(r rune) bool { return r == ',' }))
		var names []string
		for _, m := range chosen {
			names = append(names, m.Name)
		}
		if got := strings.Join(names, " "); err != nil || got != want {
			t.Errorf("%q selects %q, want %q (%v)", wanted, got, want, err)
		}
	}
	if _, _, err := bench.SelectRunners(all, []string{"bst"}); err == nil || !strings.Contains(err.Error(), "best") {
		t.Errorf("a name that is nearly it: %v", err)
	}
}
