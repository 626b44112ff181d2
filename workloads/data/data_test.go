package data_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"maps"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/dlbench/dlbench/workloads/data"
)

// filled is an image of one colour.
func filled(w, h int, c color.Color) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.Set(x, y, c)
		}
	}
	return img
}

func asPNG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// folder is a directory with files.
func folder(t testing.TB, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func mustOpen(t testing.TB, dir string) *data.Set {
	t.Helper()
	s, err := data.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// opened is a directory as inputs of a shape.
func opened(t testing.TB, dir string, shape []int) *data.View {
	t.Helper()
	v, err := mustOpen(t, dir).For(shape)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// header is a PNG that says to be of some size and holds nothing else.
func header(w, h uint32) []byte {
	b := []byte("\x89PNG\r\n\x1a\n")
	chunk := binary.BigEndian.AppendUint32([]byte("IHDR"), w)
	chunk = append(binary.BigEndian.AppendUint32(chunk, h), 8, 2, 0, 0, 0)
	b = append(binary.BigEndian.AppendUint32(b, 13), chunk...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(chunk))
}

func TestFoldersAreClasses(t *testing.T) {
	red := asPNG(t, filled(4, 4, color.NRGBA{255, 0, 0, 255}))
	files := map[string][]byte{"dog/1.png": red, "cat/b/2.PNG": red, "cat/a.jpeg": red, "Zebra/1.jpg": red, "cat/notes.txt": []byte("x"), "cat/.hidden.png": []byte("x"),
		".git/1.png": []byte("x"), "readme.png": []byte("x")}
	dir := folder(t, files)
	s, v := mustOpen(t, dir), opened(t, dir, []int{3, 8, 8})
	var labels []int64
	for i := range v.Len() {
		labels = append(labels, v.Label(i))
	}
	if v.Source != data.ImageSource || len(v.Formats) != 0 {
		t.Errorf("images are %s of %q", v.Source, v.Formats)
	}
	if !slices.Equal(s.Classes, []string{"Zebra", "cat", "dog"}) || !slices.Equal(labels, []int64{0, 1, 1, 2}) {
		t.Errorf("classes %q, labels %v", s.Classes, labels)
	}
	if again := mustOpen(t, folder(t, files)); again.Digest != s.Digest || len(s.Digest) != 64 {
		t.Errorf("the digest depends on where the images lie: %s, %s", s.Digest, again.Digest)
	}
	for name, change := range map[string]func(files map[string][]byte){
		"another pixel": func(files map[string][]byte) {
			files["dog/1.png"] = asPNG(t, filled(4, 4, color.NRGBA{254, 0, 0, 255}))
		},
		"another name":  func(files map[string][]byte) { files["dog/2.png"] = red; delete(files, "dog/1.png") },
		"another class": func(files map[string][]byte) { files["wolf/1.png"] = red; delete(files, "dog/1.png") },
		"one more":      func(files map[string][]byte) { files["dog/2.png"] = red },
	} {
		others := maps.Clone(files)
		change(others)
		if mustOpen(t, folder(t, others)).Digest == s.Digest {
			t.Errorf("%s does not change the digest", name)
		}
	}
	linked := t.TempDir()
	if err := os.Symlink(filepath.Join(dir, "cat"), filepath.Join(linked, "cat")); err != nil {
		t.Fatal(err)
	}
	if s := opened(t, linked, []int{3, 8, 8}); s.Len() != 2 {
		t.Errorf("a folder that is a link has %d images", s.Len())
	}
}

// By hand: (v/255 − mean) / std with ImageNet's figures; of grey the luma of
// BT.601, 0.299·255 = 76.245 of red.
func TestNormalisation(t *testing.T) {
	grey := image.NewGray(image.Rect(0, 0, 6, 6))
	for i := range grey.Pix {
		grey.Pix[i] = 51 // 0.2
	}
	var lossy bytes.Buffer
	if err := jpeg.Encode(&lossy, filled(16, 16, color.NRGBA{255, 0, 0, 255}), &jpeg.Options{Quality: 100}); err != nil {
		t.Fatal(err)
	}
	one, zero := func(mean, std float64) float64 { return (1 - mean) / std }, func(mean, std float64) float64 { return -mean / std }
	red := []float64{one(0.485, 0.229), zero(0.456, 0.224), zero(0.406, 0.225)}
	for name, tt := range map[string]struct {
		content []byte
		shape   []int
		want    []float64 // of each channel
		near    float64
	}{
		"red":                  {asPNG(t, filled(7, 9, color.NRGBA{255, 0, 0, 255})), []int{3, 5, 4}, red, 1e-6},
		"red JPEG":             {lossy.Bytes(), []int{3, 5, 4}, red, 0.03},
		"enlarged":             {asPNG(t, filled(1, 1, color.NRGBA{255, 0, 0, 255})), []int{3, 8, 8}, red, 1e-6},
		"red in one channel":   {asPNG(t, filled(7, 9, color.NRGBA{255, 0, 0, 255})), []int{1, 5, 4}, []float64{(76.245/255 - 0.449) / 0.226}, 1e-6},
		"grey in one channel":  {asPNG(t, grey), []int{1, 2, 2}, []float64{(0.2 - 0.449) / 0.226}, 1e-6},
		"grey in three":        {asPNG(t, grey), []int{3, 2, 2}, []float64{(0.2 - 0.485) / 0.229, (0.2 - 0.456) / 0.224, (0.2 - 0.406) / 0.225}, 1e-6},
		"transparent is black": {asPNG(t, filled(4, 4, color.NRGBA{255, 255, 255, 0})), []int{3, 2, 2}, []float64{zero(0.485, 0.229), zero(0.456, 0.224), zero(0.406, 0.225)}, 1e-6},
	} {
		t.Run(name, func(t *testing.T) {
			s := opened(t, folder(t, map[string][]byte{"a/1.png": tt.content}), tt.shape)
			plane := tt.shape[1] * tt.shape[2]
			out := make([]float32, tt.shape[0]*plane)
			if err := s.Fill(0, tt.shape, out); err != nil {
				t.Fatal(err)
			}
			for i, v := range out {
				if want := tt.want[i/plane]; math.Abs(float64(v)-want) > tt.near {
					t.Fatalf("element %d is %v, want %v", i, v, want)
				}
			}
		})
	}
}

// A wide image loses its sides, a high one its ends, and neither is squeezed.
func TestTheMiddleIsTaken(t *testing.T) {
	for _, wide := range []bool{true, false} {
		img := image.NewNRGBA(image.Rect(0, 0, 30, 10))
		if !wide {
			img = image.NewNRGBA(image.Rect(0, 0, 10, 30))
		}
		for y := range img.Bounds().Dy() {
			for x := range img.Bounds().Dx() {
				c := color.NRGBA{0, 0, 0, 255}
				if at := max(x, y); at >= 10 && at < 20 {
					c = color.NRGBA{255, 255, 255, 255}
				}
				img.Set(x, y, c)
			}
		}
		s := opened(t, folder(t, map[string][]byte{"a/1.png": asPNG(t, img)}), []int{1, 5, 5})
		out := make([]float32, 25)
		if err := s.Fill(0, []int{1, 5, 5}, out); err != nil {
			t.Fatal(err)
		}
		if least, want := slices.Min(out), float32((1-0.449)/0.226); math.Abs(float64(least-want)) > 1e-5 {
			t.Errorf("wide %v: the darkest is %v, want %v everywhere", wide, least, want)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	good := asPNG(t, filled(40, 40, color.NRGBA{1, 2, 3, 255}))
	many := map[string][]byte{}
	for _, name := range []string{"1", "2", "3", "4", "5", "6", "7"} {
		many["a/"+name+".png"] = []byte("x")
	}
	for name, tt := range map[string]struct {
		files map[string][]byte
		want  []string
	}{
		"nothing":      {map[string][]byte{"1.png": good}, []string{"there is no folder: expected one for each class"}},
		"empty class":  {map[string][]byte{"a/1.png": good, "b/1.txt": good}, []string{"/b: there is no image in this folder: expected files that end in .png, .jpg, .jpeg, .dcm, .nii, .nii.gz"}},
		"text":         {map[string][]byte{"a/1.png": good, "a/2.png": []byte("no image")}, []string{`/a/2.png": not a PNG or JPEG that can be read`}},
		"cut off":      {map[string][]byte{"a/1.png": good[:len(good)-20], "b/2.png": good}, []string{`/a/1.png": it is broken: `}},
		"two of them":  {map[string][]byte{"a/1.png": good[:len(good)-20], "b/2.png": nil}, []string{`/a/1.png": it is broken: `, `/b/2.png": not a PNG or JPEG`}},
		"many of them": {many, []string{`/a/5.png": not`, "; and 2 more"}},
		"a bomb":       {map[string][]byte{"a/1.png": header(100_000, 100_000)}, []string{`/a/1.png": it is 100000×100000 pixels, expected at most 50000000 in all and 32768 a side`}},
		"a long one":   {map[string][]byte{"a/1.png": header(1_000_000, 1)}, []string{"it is 1000000×1 pixels"}},
		"a square one": {map[string][]byte{"a/1.png": header(8_000, 8_000)}, []string{"it is 8000×8000 pixels"}},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := data.Open(folder(t, tt.files))
			runtime.ReadMemStats(&after)
			for _, want := range tt.want {
				if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
					t.Errorf("got %v, want %q in one line", err, want)
				}
			}
			if taken := after.TotalAlloc - before.TotalAlloc; taken > 8<<20 {
				t.Errorf("it took %d bytes of memory", taken)
			}
		})
	}
	if _, err := data.Open(filepath.Join(t.TempDir(), "none")); !os.IsNotExist(err) {
		t.Errorf("a directory that is not there: %v", err)
	}
}

func TestPipesAreNotRead(t *testing.T) {
	dir := folder(t, map[string][]byte{"a/1.png": asPNG(t, filled(2, 2, color.White))})
	if err := syscall.Mkfifo(filepath.Join(dir, "a", "2.png"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := data.Open(dir); err == nil || !strings.Contains(err.Error(), `a/2.png": not a regular file`) {
		t.Errorf("got %v", err)
	}
}

func TestLargeFilesAreRefused(t *testing.T) {
	dir := folder(t, map[string][]byte{"a/1.png": asPNG(t, filled(2, 2, color.White))})
	if err := os.Truncate(filepath.Join(dir, "a", "1.png"), 65<<20); err != nil {
		t.Fatal(err)
	}
	if _, err := data.Open(dir); err == nil || !strings.Contains(err.Error(), "more than the 67108864 bytes") {
		t.Errorf("got %v", err)
	}
}

// What is measured is what was looked at.
func TestFillNoticesAnotherImage(t *testing.T) {
	dir := folder(t, map[string][]byte{"a/1.png": asPNG(t, filled(2, 2, color.White))})
	s := opened(t, dir, []int{3, 2, 2})
	if err := os.WriteFile(filepath.Join(dir, "a", "1.png"), asPNG(t, filled(2, 2, color.Black)), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := s.Fill(0, []int{3, 2, 2}, make([]float32, 12)); err == nil || !strings.Contains(err.Error(), `a/1.png": it is another one than when the directory was read first`) {
		t.Errorf("got %v", err)
	}
}

func TestFits(t *testing.T) {
	s := mustOpen(t, folder(t, map[string][]byte{"a/1.png": asPNG(t, filled(2, 2, color.White))}))
	for _, shape := range [][]int{{1, 28, 28}, {3, 224, 224}} {
		if _, err := s.For(shape); err != nil {
			t.Errorf("%v: %v", shape, err)
		}
	}
	for _, shape := range [][]int{{4, 28, 28}, {2, 8, 8, 8}, {3, 8, 8, 8}, {3}} {
		if _, err := s.For(shape); err == nil {
			t.Errorf("%v can be an image", shape)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(asPNG(f, filled(3, 3, color.NRGBA{1, 2, 3, 4})))
	f.Add(header(100_000, 100_000))
	f.Fuzz(func(t *testing.T, content []byte) {
		s, err := data.Open(folder(t, map[string][]byte{"a/1.png": content}))
		if err != nil {
			return
		}
		v, err := s.For([]int{3, 4, 4})
		if err != nil {
			t.Fatal(err)
		}
		if err := v.Fill(0, []int{3, 4, 4}, make([]float32, 48)); err != nil {
			t.Errorf("what can be decoded once cannot be the next time: %v", err)
		}
	})
}
