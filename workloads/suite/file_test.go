package suite_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/workloads/catalog"
	"github.com/dlbench/dlbench/workloads/fuzztest"
	"github.com/dlbench/dlbench/workloads/suite"
	"github.com/dlbench/dlbench/workloads/zoo"
)

// written puts a suite beside a copy of a small ONNX file.
func written(t testing.TB, text string) string {
	t.Helper()
	dir := t.TempDir()
	model, err := os.ReadFile("../onnx/testdata/fixed_batch_1.onnx")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "model.onnx"), model, 0o644); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "mine.yaml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRead(t *testing.T) {
	path := written(t, `# what I deploy
name: mine
description: my own network beside a known one
profile: quick
runners: [pytorch, onnxruntime]
workloads:
  - networks: [mobilenet-v2@192, lenet]
    modes: [infer, train]
    batches: [1, 8]
  - networks: [model.onnx, {file: ./model.onnx}]
    batches: 1
    precisions: [bf16]
`)
	var c catalog.Catalog
	s, err := suite.Read(path, &c, 6)
	if err == nil || !strings.Contains(err.Error(), "mine.yaml: line 10: workload fixed_batch") && !strings.Contains(err.Error(), "is there twice") {
		t.Fatalf("the same file twice in one group: %v", err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(text), ", {file: ./model.onnx}", "", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	c = catalog.Catalog{}
	if s, err = suite.Read(path, &c, 6); err != nil {
		t.Fatal(err)
	}
	file := c.Files()[0].Name
	var ids []string
	for _, id := range s.Workloads {
		ids = append(ids, id.String())
	}
	want := []string{
		"mobilenet-v2@192/infer/b1/fp32", "mobilenet-v2@192/infer/b8/fp32", "mobilenet-v2@192/train/b1/fp32", "mobilenet-v2@192/train/b8/fp32",
		"lenet/infer/b1/fp32", "lenet/infer/b8/fp32", "lenet/train/b1/fp32", "lenet/train/b8/fp32", file + "/infer/b1/bf16",
	}
	if !slices.Equal(ids, want) {
		t.Errorf("workloads\n%s\nwant\n%s", strings.Join(ids, "\n"), strings.Join(want, "\n"))
	}
	if s.Name != "mine" || s.Profile != "quick" || !slices.Equal(s.Runners, []string{"pytorch", "onnxruntime"}) {
		t.Errorf("%+v", s)
	}
}

func TestReadRefuses(t *testing.T) {
	const group = "name: n\nworkloads:\n  - networks: [lenet]\n    batches: [1]\n"
	for name, c := range map[string]struct{ text, want string }{
		"empty":         {"", "line 1: the file is empty"},
		"no YAML":       {"name: [", "not YAML: line 1"},
		"a list":        {"- name: n\n", "line 1: expected fields"},
		"two documents": {group + "---\nname: m\n", "a suite is one document, more follow"},
		"field":         {group + "profil: quick\n", `line 5: unknown field "profil"; did you mean "profile"?`},
		"twice":         {group + "name: m\n", "line 5: name is there twice"},
		"no name":       {"workloads:\n  - networks: lenet\n    batches: 1\n", "line 1: name is missing"},
		"no batches":    {"name: n\nworkloads:\n  - networks: lenet\n", "line 3: batches is missing"},
		"no groups":     {"name: n\nworkloads: []\n", "line 2: expected a list of groups"},
		"null":          {"name:\nworkloads: []\n", "line 1: expected one word or number"},
		"network":       {"name: n\nworkloads:\n  - batches: 1\n    networks:\n      - lenet\n      - resnt50\n", `line 6: workload "resnt50/infer/b1/fp32": unknown network "resnt50"; did you mean`},
		"mode":          {"name: n\nworkloads:\n  - networks: lenet\n    batches: 1\n    modes: [inference]\n", `line 5: unknown mode "inference"; there are "infer", "train"`},
		"batch":         {"name: n\nworkloads:\n  - networks: lenet\n    batches: [1, two]\n", `line 4: batch "two", expected a whole number`},
		"batch of 0":    {"name: n\nworkloads:\n  - networks: lenet\n    batches: 0\n", `line 4: batch "0"`},
		"precision":     {"name: n\nworkloads:\n  - networks: lenet\n    batches: 1\n    precisions: fp64\n", `line 5: unknown precision "fp64"`},
		"profile":       {"name: n\nprofile: fast\n", `line 2: unknown profile "fast"`},
		"same twice":    {group + "  - networks: lenet\n    batches: 1\n", "line 5: workload lenet/infer/b1/fp32 is there twice"},
		"too many":      {"name: n\nworkloads:\n  - networks: lenet\n    batches: [" + strings.Repeat("1, ", 20) + "2" + strings.Repeat(", 3", 1001) + "]\n", "line 4: there are 1022 combinations, a group has at most 1000"},
		"no file":       {"name: n\nworkloads:\n  - networks: other.onnx\n    batches: 1\n", "line 3: open "},
		"fixed batch":   {"name: n\nworkloads:\n  - networks: model.onnx\n    batches: 8\n", "fixes its batch to 1"},
		"input":         {"name: n\nworkloads:\n  - networks: {file: model.onnx, input: 224}\n    batches: 1\n", `line 3: input "224", expected channels, height and width, like 3x224x224`},
		"threads":       {group + "threads: [1, many]\n", `line 5: threads "many", expected a whole number from 1 to 4096, "all", or "1..all"`},
		"threads of 0":  {"name: n\nworkloads:\n  - networks: lenet\n    batches: 1\n    threads: 0\n", `line 5: threads "0"`},
		"no threads":    {group + "threads: []\n", "line 5: threads is empty"},
		"volume":        {group + "scenarios: sliding-window\nvolume: 48\n", `line 6: volume "48", expected height and width`},
		"overlap":       {group + "scenarios: sliding-window\nvolume: 48x48\noverlap: 1\n", `line 7: overlap 1, expected a share from 0 to 0.9`},
		"no share":      {group + "overlap: half\n", `line 5: overlap "half", expected a share`},
		"no volume":     {group + "scenarios: [server, sliding-window]\n", `line 5: scenario sliding-window wants a size`},
		"no window":     {group + "volume: 48x48\n", `line 5: volume is of scenario sliding-window`},
		"only overlap":  {group + "overlap: 0.5\n", `line 5: overlap is of scenario sliding-window`},
		"scenario":      {group + "scenarios: [servr]\n", `line 5: unknown scenario "servr"; did you mean "server"?`},
		"change":        {group + "min_change: 150%\n", `line 5: min_change "150%", expected a share below 1 like 0.005 or 0.5%`},
		"no change":     {group + "min_change: {}\n", "line 5: min_change is empty"},
		"change of":     {group + "min_change:\n  lenet: 1%\n  resnet50: 1%\n", `line 7: min_change: unknown network or workload of this suite "resnet50"; there are "lenet", "lenet/infer/b1/fp32"`},
		"change twice":  {group + "min_change:\n  lenet: 1%\n  lenet: 2%\n", "line 7: lenet is there twice"},
		"change of all": {group + "min_change: [1%]\n", "line 5: expected one word or number"},
		"many threads":  {"name: n\nworkloads:\n  - networks: lenet\n    batches: [1]\n    threads: [" + strings.Repeat("1, ", 3) + "2]\n  - networks: lenet\n    batches: 1\n    threads: 2\n", "line 6: workload lenet/infer/b1/fp32/t2 is there twice"},
		"weights":       {"name: n\nworkloads:\n  - networks: {file: model.onnx, weights: drawn}\n    batches: 1\n", `line 3: unknown source of weights "drawn"`},
	} {
		t.Run(name, func(t *testing.T) {
			path := written(t, c.text)
			_, err := suite.Read(path, &catalog.Catalog{}, 6)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			if !strings.HasPrefix(err.Error(), path+": ") || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q is not one line that begins with the file", err)
			}
		})
	}
}

func TestFullIsTheWholeZoo(t *testing.T) {
	s, err := suite.Get("full", 6)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range zoo.Names() {
		n := 0
		for _, id := range s.Workloads {
			if id.Network == name {
				n++
			}
		}
		if n != 2 {
			t.Errorf("full has %s %d times, want inference and training", name, n)
		}
	}
}

func TestIsFile(t *testing.T) {
	for name, want := range map[string]bool{"smoke": false, "./mine": true, "mine.yaml": true, "a/b.yml": true, "mine.json": false} {
		if suite.IsFile(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("name: n\nworkloads:\n  - networks: [lenet, {file: model.onnx, input: 3x32x32}]\n    batches: [1]\n")
	f.Add("name: &a [*a]\nworkloads: *a\n")
	f.Add("a: !!binary x\n? {b: c}\n: d\n")
	f.Fuzz(func(t *testing.T, text string) {
		path := written(t, text)
		var err error
		fuzztest.Bounded(t, len(text), func() { _, err = suite.Read(path, &catalog.Catalog{}, 6) })
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("%q is not one line", err)
		}
	})
}

// What a suite says beside its workloads. Numbers of threads are workloads of
// their own; what a group says goes before what the suite says.
func TestReadThreadsScenariosAndChanges(t *testing.T) {
	path := written(t, `name: mine
scenarios: server
min_change: {"*": 3%, lenet: 0.5%, resnet20/train/b8/fp32: 0.05, model.onnx: 0.2}
workloads:
  - networks: lenet
    batches: 1
  - networks: resnet20
    modes: train
    batches: 8
    threads: [4, all, 3, 4]
  - networks: model.onnx
    batches: 1
    threads: 1
threads: 1..all
`)
	read := func(threads int) (suite.Suite, string) {
		var c catalog.Catalog
		s, err := suite.Read(path, &c, threads)
		if err == nil {
			t.Fatalf("a workload without its threads is not named: %v", s.MinChange)
		}
		text, _ := os.ReadFile(path)
		text = []byte(strings.Replace(string(text), "fp32: 0.05", "fp32/t3: 0.05", 1))
		if err := os.WriteFile(path+".yaml", text, 0o644); err != nil {
			t.Fatal(err)
		}
		if s, err = suite.Read(path+".yaml", &c, threads); err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, id := range s.Workloads {
			ids = append(ids, strings.TrimPrefix(id.String(), s.Workloads[len(s.Workloads)-1].Network))
			if id.Network == s.Workloads[0].Network && id.Threads == 0 {
				t.Errorf("%s has no threads of its own", id)
			}
		}
		return s, strings.Join(ids, " ")
	}
	s, ids := read(6)
	if want := "lenet/infer/b1/fp32/t1 lenet/infer/b1/fp32/t2 lenet/infer/b1/fp32/t4 lenet/infer/b1/fp32/t6 " +
		"resnet20/train/b8/fp32/t3 resnet20/train/b8/fp32/t4 resnet20/train/b8/fp32/t6 /infer/b1/fp32/t1"; ids != want {
		t.Errorf("by 6 threads\n%s\nwant\n%s", ids, want)
	}
	if !slices.Equal(s.Scenarios, []string{"server"}) {
		t.Errorf("scenarios %q", s.Scenarios)
	}
	own := s.Workloads[len(s.Workloads)-1].Network
	if want := map[string]float64{"*": 0.03, "lenet": 0.005, "resnet20/train/b8/fp32/t3": 0.05, own: 0.2}; !maps.Equal(s.MinChange, want) {
		t.Errorf("smallest changes %v, want %v", s.MinChange, want)
	}
	if _, ids := read(1); ids != "lenet/infer/b1/fp32/t1 resnet20/train/b8/fp32/t1 resnet20/train/b8/fp32/t3 resnet20/train/b8/fp32/t4 /infer/b1/fp32/t1" {
		t.Errorf("by one thread %s", ids)
	}
}

// A threshold finds a file that was named by another path to it, as a group does.
func TestChangesOfAFileByAnotherPath(t *testing.T) {
	path := written(t, "name: mine\nmin_change: {model.onnx: 0.2}\nworkloads:\n  - networks: model.onnx\n    batches: 1\n")
	t.Chdir(filepath.Dir(path))
	var c catalog.Catalog
	f, err := c.Add(filepath.Join(filepath.Dir(path), "model.onnx"), nil, catalog.ByMode)
	if err != nil {
		t.Fatal(err)
	}
	s, err := suite.Read(filepath.Base(path), &c, 1)
	if err != nil || !maps.Equal(s.MinChange, map[string]float64{f.Name: 0.2}) {
		t.Errorf("smallest changes %v, %v", s.MinChange, err)
	}
}

func TestScaling(t *testing.T) {
	s, err := suite.Get("scaling", 12)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string][]int{}
	for _, id := range s.Workloads {
		work := id.WithoutThreads().String()
		counts[work] = append(counts[work], id.Threads)
	}
	for work, threads := range counts {
		if !slices.Equal(threads, []int{1, 2, 4, 8, 12}) {
			t.Errorf("%s by %v threads", work, threads)
		}
	}
	if len(counts) != 3 {
		t.Errorf("%d networks", len(counts))
	}
}
