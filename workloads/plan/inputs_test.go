package plan_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/workloads/plan"
	"github.com/dlbench/dlbench/workloads/plan/plantest"
	"github.com/dlbench/dlbench/workloads/tensors"
)

// counted are images whose every pixel is their number.
type counted struct {
	n      int
	broken int // one that cannot be read
	masked int // one whose mask cannot be read
}

func (c counted) Len() int          { return c.n }
func (c counted) Label(i int) int64 { return int64(i % 3) }
func (c counted) Mask(i int, shape []int, out []int64) error {
	if i == c.masked-1 {
		return errors.New("image 1_seg.png: it is broken")
	}
	for k := range out {
		out[k] = int64(i % 2)
	}
	return nil
}
func (c counted) Fill(i int, shape []int, out []float32) error {
	if i == c.broken-1 {
		return errors.New("image 1.png: it is broken")
	}
	for k := range out {
		out[k] = float32(i)
	}
	return nil
}

func ofImages(t *testing.T, id string, images counted, digest string) *plan.Plan {
	t.Helper()
	p := mustMake(t, id, 1)
	if err := p.TakeImages(plan.Inputs{Source: "images", SHA256: strings.Repeat(digest, 64), Classes: 3}, images); err != nil {
		t.Fatal(err)
	}
	if err := p.Check(); err != nil {
		t.Fatal(err)
	}
	return p
}

// taken are the images of a slot, and their labels.
func taken(t *testing.T, files plan.Files, slot string) (images []int, labels []int64) {
	t.Helper()
	f, err := tensors.Open(files.Batch.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	values, err := f.Float32s("input." + slot)
	if err != nil {
		t.Fatal(err)
	}
	const size = 28 * 28
	for at := 0; at < len(values); at += size {
		if slices.Min(values[at:at+size]) != slices.Max(values[at:at+size]) {
			t.Fatalf("image %d is of several", at/size)
		}
		images = append(images, int(values[at]))
	}
	if labels, err = f.Int64s("labels." + slot); err != nil {
		t.Fatal(err)
	}
	return images, labels
}

func TestBatchesOfImages(t *testing.T) {
	dir := t.TempDir()
	materialize := func(p *plan.Plan) plan.Files {
		files, err := plan.Materialize(t.Context(), dir, p)
		if err != nil {
			t.Fatal(err)
		}
		return files
	}
	large := ofImages(t, "lenet/infer/b50/fp32", counted{n: 20}, "a")
	files := materialize(large)
	images, labels := taken(t, files, "0")
	for i, n := range images {
		if labels[i] != int64(n%3) {
			t.Errorf("image %d has label %d", n, labels[i])
		}
		if i >= 20 && n != images[i-20] {
			t.Errorf("place %d has image %d, and did not begin again", i, n)
		}
	}
	if !slices.Equal(labels, large.Labels(0)) {
		t.Error("the plan's labels are others than the file's")
	}
	once := slices.Clone(images[:20])
	if slices.IsSorted(once) {
		t.Error("the images come folder by folder")
	}
	slices.Sort(once)
	if once = slices.Compact(once); len(once) != 20 || once[0] != 0 || once[19] != 19 {
		t.Errorf("20 places have the images %v", once)
	}
	if other, _ := taken(t, files, "1"); slices.Equal(other, images) {
		t.Error("both slots have the same images")
	}
	if small, _ := taken(t, materialize(ofImages(t, "lenet/infer/b8/fp32", counted{n: 20}, "a")), "0"); !slices.Equal(small, images[:8]) {
		t.Errorf("a small batch has %v, a larger one begins with %v", small, images[:8])
	}
	generated := materialize(mustMake(t, "lenet/infer/b50/fp32", 1))
	others := materialize(ofImages(t, "lenet/infer/b50/fp32", counted{n: 20}, "b"))
	for name, f := range map[string]plan.Files{"generated": generated, "others": others} {
		if f.Batch.Path == files.Batch.Path || f.Plan.SHA256 == files.Plan.SHA256 {
			t.Errorf("%s: the same batch or plan", name)
		}
		if f.Weights != files.Weights {
			t.Errorf("%s: other weights", name)
		}
	}
}

// A batch that is written in several pieces has its images in their places.
func TestLargeBatchesOfImages(t *testing.T) {
	files, err := plan.Materialize(t.Context(), t.TempDir(), ofImages(t, "lenet/infer/b3000/fp32", counted{n: 2900}, "a"))
	if err != nil {
		t.Fatal(err)
	}
	images, labels := taken(t, files, "1")
	for i, n := range images {
		if labels[i] != int64(n%3) || i >= 2900 && n != images[i-2900] {
			t.Fatalf("place %d has image %d with label %d", i, n, labels[i])
		}
	}
}

// Folders are no labels of pixels: those stay drawn, and there may be as many
// folders as there are.
func TestVolumesOfNetworksForPixels(t *testing.T) {
	p := mustMake(t, "unet3d@8/train/b2/fp32", 1)
	drawn := p.Labels(0)
	in := plan.Inputs{Source: "volumes", Formats: []string{"dicom"}, SHA256: strings.Repeat("a", 64), Classes: 11}
	if err := p.TakeImages(in, counted{n: 20}); err != nil {
		t.Fatal(err)
	}
	if err := p.Check(); err != nil {
		t.Error(err)
	}
	if got := p.Labels(0); len(got) != 2*8*8*8 || !slices.Equal(got, drawn) {
		t.Errorf("%d labels, others than the %d of generated inputs", len(got), len(drawn))
	}
	if again, err := plan.Decode(encode(t, p)); err != nil || again.Inputs.Source != "volumes" || !slices.Equal(again.Inputs.Formats, in.Formats) {
		t.Errorf("written and read again: %+v, %v", again.Inputs, err)
	}
}

// Masks label the pixels of their images, wherever an image is in the batch.
func TestMasksAreLabels(t *testing.T) {
	in := plan.Inputs{Source: "slices", Formats: []string{"nifti"}, SHA256: strings.Repeat("a", 64), Classes: 1, Masks: 2}
	of := func(images counted) *plan.Plan {
		p := mustMake(t, "unet@16/train/b5/fp32", 1)
		if err := p.TakeImages(in, images); err != nil {
			t.Fatal(err)
		}
		if err := p.Check(); err != nil {
			t.Fatal(err)
		}
		return p
	}
	p := of(counted{n: 3})
	f := plantest.Batch(t, p)
	values, err := f.Float32s("input.1")
	if err != nil {
		t.Fatal(err)
	}
	labels, err := f.Int64s("labels.1")
	if err != nil || len(labels) != 5*16*16 || !slices.Equal(labels, p.Labels(1)) {
		t.Fatalf("%d labels, %v", len(labels), err)
	}
	for i, label := range labels {
		if label != int64(values[i])%2 {
			t.Fatalf("pixel %d of image %v has label %d", i, values[i], label)
		}
	}
	if _, err := plan.Materialize(t.Context(), t.TempDir(), of(counted{n: 3, masked: 2})); err == nil || !strings.Contains(err.Error(), "image 1_seg.png: it is broken") {
		t.Errorf("got %v", err)
	}
	if generated := mustMake(t, "unet@16/train/b5/fp32", 1); slices.Equal(generated.Labels(1), labels) {
		t.Error("the labels are the drawn ones")
	}
	in.Masks = 3
	if err := mustMake(t, "unet@16/train/b5/fp32", 1).TakeImages(in, counted{n: 3}); err == nil || !strings.Contains(err.Error(), "the masks have classes from 0 to 2, the network's output has 2") {
		t.Errorf("got %v", err)
	}
	in.Masks = 2
	classifier := mustMake(t, "lenet/train/b5/fp32", 1)
	if err := classifier.TakeImages(in, counted{n: 3}); err == nil {
		err = classifier.Check()
		if err == nil || !strings.Contains(err.Error(), "none unless every pixel has a label") {
			t.Errorf("got %v", err)
		}
	}
}

func TestImagesThatCannotBe(t *testing.T) {
	p := mustMake(t, "lenet/infer/b8/fp32", 1)
	err := p.TakeImages(plan.Inputs{Source: "images", SHA256: strings.Repeat("a", 64), Classes: 11}, counted{n: 20})
	if err == nil || !strings.Contains(err.Error(), "the images have 11 classes, the network's output has 10") {
		t.Errorf("got %v", err)
	}
	broken := ofImages(t, "lenet/infer/b40/fp32", counted{n: 20, broken: 7}, "a")
	if _, err := plan.Materialize(t.Context(), t.TempDir(), broken); err == nil || !strings.Contains(err.Error(), "image 1.png: it is broken") {
		t.Errorf("got %v", err)
	}
	again, err := plan.Decode(encode(t, broken))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plan.Materialize(t.Context(), t.TempDir(), again); err == nil || !strings.Contains(err.Error(), "its inputs are images, which were not read") {
		t.Errorf("a plan of a file: %v", err)
	}
	for name, change := range map[string]func(in *plan.Inputs){
		"source": func(in *plan.Inputs) { in.Source = "video" }, "classes": func(in *plan.Inputs) { in.Classes = 11 },
		"images": func(in *plan.Inputs) { in.Images = 0 }, "digest": func(in *plan.Inputs) { in.SHA256 = "a" },
	} {
		p := ofImages(t, "lenet/infer/b8/fp32", counted{n: 20}, "a")
		change(p.Inputs)
		if err := p.Check(); err == nil || !strings.Contains(err.Error(), "inputs: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
