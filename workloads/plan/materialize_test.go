package plan_test

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dlbench/dlbench/workloads/cases"
	"github.com/dlbench/dlbench/workloads/plan"
	"github.com/dlbench/dlbench/workloads/tensors"
)

func materialize(t *testing.T, dir string, p *plan.Plan) plan.Files {
	t.Helper()
	files, err := plan.Materialize(t.Context(), dir, p)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestMaterializeHoldsWhatThePlanSays(t *testing.T) {
	p := mustMake(t, "resnet20/train/b3/fp32", 9)
	files := materialize(t, t.TempDir(), p)
	read, err := plan.Read(files.Plan.Path)
	if err != nil {
		t.Fatal(err)
	}
	if read.Workload != p.Workload {
		t.Errorf("plan.json is of %s", read.Workload)
	}
	weights, err := tensors.Open(files.Weights.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = weights.Close() }()
	if got, want := len(weights.Names()), len(p.Network.Parameters); got != want {
		t.Errorf("%d tensors, want %d", got, want)
	}
	for _, param := range p.Network.Parameters {
		info, ok := weights.Info(param.Name)
		if !ok || info.DType != tensors.F32 || !slices.Equal(info.Shape, param.Shape) {
			t.Errorf("%s is %+v, want F32 of %v", param.Name, info, param.Shape)
		}
	}
	variance, err := weights.Float32s("bn1.running_var")
	if err != nil {
		t.Fatal(err)
	}
	if low := slices.Min(variance); low <= 0 {
		t.Errorf("a running variance of %v", low)
	}
	batch, err := tensors.Open(files.Batch.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = batch.Close() }()
	if want := []string{"input.0", "input.1", "labels.0", "labels.1"}; !slices.Equal(batch.Names(), want) {
		t.Errorf("batch holds %v, want %v", batch.Names(), want)
	}
	labels, err := batch.Int64s("labels.1")
	if err != nil || len(labels) != 3 || slices.Min(labels) < 0 || slices.Max(labels) >= 10 {
		t.Errorf("labels %v, %v", labels, err)
	}
}

// Image i of a slot has the same bytes whatever the batch and the mode, and the
// slots differ.
func TestImagesDoNotDependOnTheBatch(t *testing.T) {
	dir := t.TempDir()
	images := func(name, tensor string) []float32 {
		f, err := tensors.Open(materialize(t, dir, mustMake(t, name, 1)).Batch.Path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		values, err := f.Float32s(tensor)
		if err != nil {
			t.Fatal(err)
		}
		return values
	}
	for _, tensor := range []string{"input.0", "input.1"} {
		small, large := images("lenet/infer/b2/fp32", tensor), images("lenet/train/b5/fp32", tensor)
		if !slices.Equal(small, large[:len(small)]) {
			t.Errorf("%s of batch 2 is not the beginning of batch 5", tensor)
		}
	}
	if slices.Equal(images("lenet/infer/b2/fp32", "input.0"), images("lenet/infer/b2/fp32", "input.1")) {
		t.Error("both slots hold the same images")
	}
}

func TestWeightsAreSharedByNetworkAndSeed(t *testing.T) {
	dir := t.TempDir()
	first := materialize(t, dir, mustMake(t, "lenet/infer/b2/fp32", 1))
	second := materialize(t, dir, mustMake(t, "lenet/train/b4/fp32", 1))
	other := materialize(t, dir, mustMake(t, "lenet/train/b4/fp32", 2))
	if first.Weights != second.Weights {
		t.Errorf("%+v and %+v", first.Weights, second.Weights)
	}
	if other.Weights.SHA256 == first.Weights.SHA256 {
		t.Error("another seed gave the same weights")
	}
	if small, large := materialize(t, dir, mustMake(t, "resnet18@32/train/b2/fp32", 1)), materialize(t, dir, mustMake(t, "resnet18@64/infer/b1/fp32", 1)); small.Weights != large.Weights {
		t.Error("the size of the input changed the weights")
	}
}

func TestWholeFilesAreKept(t *testing.T) {
	dir, p := t.TempDir(), mustMake(t, "lenet/infer/b2/fp32", 1)
	before := materialize(t, dir, p)
	made := modified(t, before.Weights.Path)
	if after := materialize(t, dir, p); after != before {
		t.Errorf("%+v became %+v", before, after)
	}
	if !modified(t, before.Weights.Path).Equal(made) {
		t.Error("a whole file was made again")
	}
}

func modified(t *testing.T, path string) time.Time {
	t.Helper()
	stat, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return stat.ModTime()
}

// Whatever befell the cache, a runner gets the right bytes.
func TestBrokenFilesAreMadeAgain(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, path string){
		"truncated": func(t *testing.T, path string) { must(t, os.Truncate(path, 100)) },
		"truncated, of the same time": func(t *testing.T, path string) {
			before := modified(t, path)
			must(t, os.Truncate(path, 100))
			must(t, os.Chtimes(path, before, before))
		},
		"removed": func(t *testing.T, path string) { must(t, os.Remove(path)) },
		"changed": func(t *testing.T, path string) {
			data, err := os.ReadFile(path)
			must(t, err)
			data[len(data)-1] ^= 1
			must(t, os.WriteFile(path, data, 0o644))
			must(t, os.Chtimes(path, time.Time{}, time.Now().Add(time.Second)))
		},
		"no note":     func(t *testing.T, path string) { must(t, os.Remove(path+".note")) },
		"broken note": func(t *testing.T, path string) { must(t, os.WriteFile(path+".note", []byte("{"), 0o644)) },
		"empty note, empty file": func(t *testing.T, path string) {
			must(t, os.WriteFile(path+".note", []byte("{}"), 0o644))
			must(t, os.WriteFile(path, nil, 0o644))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir, p := t.TempDir(), mustMake(t, "lenet/infer/b2/fp32", 1)
			before := materialize(t, dir, p)
			want, err := os.ReadFile(before.Weights.Path)
			must(t, err)
			for _, f := range []plan.File{before.Plan, before.Weights, before.Batch} {
				damage(t, f.Path)
			}
			if after := materialize(t, dir, p); after != before {
				t.Errorf("%+v became %+v", before, after)
			}
			if got, err := os.ReadFile(before.Weights.Path); err != nil || !slices.Equal(got, want) {
				t.Errorf("the weights are not what they were: %v", err)
			}
		})
	}
}

// A copied cache has other times and the right bytes.
func TestTouchedFilesAreReadAgain(t *testing.T) {
	dir, p := t.TempDir(), mustMake(t, "lenet/infer/b2/fp32", 1)
	before := materialize(t, dir, p)
	touched := time.Now().Add(-time.Hour)
	must(t, os.Chtimes(before.Weights.Path, touched, touched))
	if after := materialize(t, dir, p); after != before {
		t.Errorf("%+v became %+v", before, after)
	}
	if !modified(t, before.Weights.Path).Equal(touched) {
		t.Error("a whole file was made again")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestConcurrentCallersAgree(t *testing.T) {
	dir, p := t.TempDir(), mustMake(t, "lenet/infer/b2/fp32", 1)
	results := make([]plan.Files, 8)
	errs := make([]error, len(results))
	var wg sync.WaitGroup
	for i := range results {
		wg.Go(func() { results[i], errs[i] = plan.Materialize(t.Context(), dir, p) })
	}
	wg.Wait()
	must(t, errors.Join(errs...))
	for _, r := range results[1:] {
		if r != results[0] {
			t.Errorf("%+v and %+v", r, results[0])
		}
	}
	left := leftovers(t, dir)
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func leftovers(t *testing.T, dir string) []string {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(dir, "*", "*", ".*"))
	must(t, err)
	return left
}

func TestSweepTakesWhatKilledWritersLeft(t *testing.T) {
	dir, p := t.TempDir(), mustMake(t, "lenet/infer/b2/fp32", 1)
	where := filepath.Dir(materialize(t, dir, p).Weights.Path)
	old, young := filepath.Join(where, ".weights.safetensors1"), filepath.Join(where, ".weights.safetensors2")
	for path, age := range map[string]time.Duration{old: 48 * time.Hour, young: time.Minute} {
		must(t, os.WriteFile(path, []byte("half"), 0o644))
		must(t, os.Chtimes(path, time.Now().Add(-age), time.Now().Add(-age)))
	}
	must(t, os.Remove(filepath.Join(where, "weights.safetensors")))
	materialize(t, dir, p)
	if left := leftovers(t, dir); len(left) != 1 || left[0] != young {
		t.Errorf("left behind: %v, want only the young one", left)
	}
}

func TestMaterializeStopsWhenAsked(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	if _, err := plan.Materialize(ctx, dir, mustMake(t, "lenet/infer/b2/fp32", 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestMaterializeNamesTheWorkloadAndThePath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(dir, nil, 0o644))
	_, err := plan.Materialize(t.Context(), dir, mustMake(t, "lenet/infer/b2/fp32", 1))
	if err == nil || !strings.Contains(err.Error(), "workload lenet/infer/b2/fp32") || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %v", err)
	}
}

// A network's name, which may come from a file, cannot lead out of dir.
func TestMaterializeStaysInItsDirectory(t *testing.T) {
	all, err := cases.All()
	must(t, err)
	p := *all[0].Plan
	p.Network.Name = "../../../outside"
	dir := filepath.Join(t.TempDir(), "a", "b", "c")
	files := materialize(t, dir, &p)
	for _, f := range []plan.File{files.Plan, files.Weights, files.Batch} {
		if inside, err := filepath.Rel(dir, f.Path); err != nil || !filepath.IsLocal(inside) {
			t.Errorf("%s lies outside of %s", f.Path, dir)
		}
	}
}

// Five standard errors of the mean and of the deviation.
func TestWeightsFollowTheirInit(t *testing.T) {
	p := mustMake(t, "resnet18/infer/b1/fp32", 1)
	f, err := tensors.Open(materialize(t, t.TempDir(), p).Weights.Path)
	must(t, err)
	defer func() { _ = f.Close() }()
	for _, param := range p.Network.Parameters {
		values, err := f.Float64s(param.Name)
		must(t, err)
		var sum, squares float64
		for _, v := range values {
			sum += v
			squares += v * v
		}
		n := float64(len(values))
		mean := sum / n
		std := math.Sqrt(squares/n - mean*mean)
		wantMean, wantStd := param.Init.Mean, param.Init.Std
		if param.Init.Kind == "uniform" {
			wantMean, wantStd = (param.Init.Low+param.Init.High)/2, (param.Init.High-param.Init.Low)/math.Sqrt(12)
		}
		if math.Abs(mean-wantMean) > 5*wantStd/math.Sqrt(n) || math.Abs(std/wantStd-1) > 5/math.Sqrt(n) {
			t.Errorf("%s: mean %v, deviation %v; its init says %v and %v", param.Name, mean, std, wantMean, wantStd)
		}
	}
}
