package tensors_test

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/workloads/tensors"
)

func made[T any](v []T) func() ([]T, error)          { return func() ([]T, error) { return v, nil } }
func floats(v ...float32) func() ([]float32, error)  { return made(v) }
func doubles(v ...float64) func() ([]float64, error) { return made(v) }
func ints(v ...int64) func() ([]int64, error)        { return made(v) }

func TestWriteThenRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.safetensors")
	digest, err := tensors.Write(path, []tensors.Tensor{
		{Name: "z", Shape: []int{2, 2}, Floats: floats(1, -2.5, float32(math.Inf(1)), 1e-45)},
		{Name: "d", Shape: []int{2}, Doubles: doubles(math.Pi, 0)},
		{Name: "i", Shape: []int{2}, Ints: ints(math.MinInt64, 3)},
		{Name: "scalar", Floats: floats(4)},
		{Name: "none", Shape: []int{0, 3}, Floats: floats()},
	})
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(content); digest != hex.EncodeToString(sum[:]) {
		t.Errorf("the digest %s is not that of the bytes", digest)
	}
	f, err := tensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if want := []string{"d", "i", "none", "scalar", "z"}; !slices.Equal(f.Names(), want) {
		t.Errorf("names %v, want %v", f.Names(), want)
	}
	z, err := f.Float32s("z")
	if err != nil || !slices.Equal(z, []float32{1, -2.5, float32(math.Inf(1)), 1e-45}) {
		t.Errorf("z = %v, %v", z, err)
	}
	d, err := f.Float64s("d")
	if err != nil || !slices.Equal(d, []float64{math.Pi, 0}) {
		t.Errorf("d = %v, %v", d, err)
	}
	i, err := f.Int64s("i")
	if err != nil || !slices.Equal(i, []int64{math.MinInt64, 3}) {
		t.Errorf("i = %v, %v", i, err)
	}
	if info, ok := f.Info("scalar"); !ok || info.Elements() != 1 || len(info.Shape) != 0 {
		t.Errorf("scalar is %+v", info)
	}
}

func TestReadRefusesOtherTypes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.safetensors")
	if _, err := tensors.Write(path, []tensors.Tensor{
		{Name: "d", Shape: []int{1}, Doubles: doubles(1)}, {Name: "i", Shape: []int{1}, Ints: ints(1)},
	}); err != nil {
		t.Fatal(err)
	}
	f, err := tensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for _, c := range []struct {
		name string
		read func() error
		want string
	}{
		{"double as float32", func() error { _, err := f.Float32s("d"); return err }, `tensor "d": dtype F64, expected one of [F16 BF16 F32]`},
		{"integer as float", func() error { _, err := f.Float64s("i"); return err }, `tensor "i": dtype I64`},
		{"float as integer", func() error { _, err := f.Int64s("d"); return err }, `tensor "d": dtype F64, expected one of [U8 I32 I64]`},
		{"absent", func() error { _, err := f.Int64s("q"); return err }, `there is no tensor "q"`},
	} {
		if err := c.read(); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v, want the path and %q", c.name, err, c.want)
		}
	}
}

func TestSmallFloatTypes(t *testing.T) {
	f, err := tensors.Open(onDisk(t, file(
		`{"b":{"dtype":"BF16","shape":[2],"data_offsets":[14,18]},"h":{"dtype":"F16","shape":[7],"data_offsets":[0,14]},`+
			`"i":{"dtype":"I32","shape":[1],"data_offsets":[18,22]}}`,
		0x00, 0x3c, 0x00, 0xc0, 0xff, 0x7b, 0x01, 0x00, 0xff, 0x83, 0x00, 0x7c, 0x00, 0xfc, // 1, -2, 65504, 2^-24, -1023·2^-24, ±Inf
		0x80, 0x3f, 0x49, 0xc0, // 1, -3.140625
		0xfe, 0xff, 0xff, 0xff)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	h, err := f.Float64s("h")
	want := []float64{1, -2, 65504, math.Ldexp(1, -24), -1023 * math.Ldexp(1, -24), math.Inf(1), math.Inf(-1)}
	if err != nil || !slices.Equal(h, want) {
		t.Errorf("F16: %v, %v; want %v", h, err, want)
	}
	b, err := f.Float32s("b")
	if err != nil || !slices.Equal(b, []float32{1, -3.140625}) {
		t.Errorf("BF16: %v, %v", b, err)
	}
	i, err := f.Int64s("i")
	if err != nil || !slices.Equal(i, []int64{-2}) {
		t.Errorf("I32: %v, %v", i, err)
	}
}

func TestWriteRefusesAndLeavesNothing(t *testing.T) {
	for _, c := range []struct {
		name string
		all  []tensors.Tensor
		want string
	}{
		{"too few values", []tensors.Tensor{{Name: "a", Shape: []int{3}, Floats: floats(1, 2)}}, `tensor "a": its maker gave 8 bytes, expected 12`},
		{"twice", []tensors.Tensor{{Name: "a", Floats: floats(1)}, {Name: "a", Floats: floats(1)}}, `tensor "a": the name is taken`},
		{"metadata", []tensors.Tensor{{Name: "__metadata__", Floats: floats(1)}}, "the name is taken"},
		{"no maker", []tensors.Tensor{{Name: "a"}}, "nobody makes its values"},
		{"no shape", []tensors.Tensor{{Name: "a", Shape: []int{-1}, Floats: floats()}}, "is not a shape"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "x.safetensors")
			if err := os.WriteFile(path, []byte("before"), 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := tensors.Write(path, c.all)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v, want the path and %q", err, c.want)
			}
			entries, err := os.ReadDir(dir)
			if err != nil || len(entries) != 1 {
				t.Errorf("left behind: %v, %v", entries, err)
			}
			if content, err := os.ReadFile(path); err != nil || string(content) != "before" {
				t.Errorf("the file there became %q, %v", content, err)
			}
		})
	}
}
