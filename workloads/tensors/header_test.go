package tensors_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/workloads/fuzztest"
	"github.com/dlbench/dlbench/workloads/tensors"
)

// file is a safetensors file with the header and data given.
func file(header string, data ...byte) []byte {
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(out, header...), data...)
}

func onDisk(t testing.TB, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "w.safetensors")
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

const whole = `{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`

func TestOpenRefusesBrokenFiles(t *testing.T) {
	eight := make([]byte, 8)
	for _, c := range []struct {
		name    string
		content []byte
		want    string
	}{
		{"empty", nil, "offset 0: expected eight bytes with the header's length, the file has 0"},
		{"five bytes", make([]byte, 5), "the file has 5"},
		{"huge header", binary.LittleEndian.AppendUint64(nil, 1<<63+5), "offset 0: the header is said to have 9223372036854775813 bytes, expected at most 0"},
		{"header beyond the end", file(whole)[:30], "offset 0: the header is said to have 54 bytes, expected at most 22"},
		{"header beyond the end by one", append(binary.LittleEndian.AppendUint64(nil, 3), '{', '}'), "offset 0: the header is said to have 3 bytes, expected at most 2"},
		{"no object", file(`[1]`), "it begins with ["},
		{"cut JSON", file(`{"a":{"dtype":`), "it ends too early"},
		{"bad JSON", file(`{"a":{]}`), "the header is not a JSON object of tensors"},
		{"bytes after", file(whole+`{}`, eight...), "2 bytes follow it"},
		{"no fields", file(`{"a":{}}`), `tensor "a": expected dtype, shape and data_offsets [begin, end]`},
		{"three offsets", file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,9]}}`, eight...), "data_offsets [begin, end]"},
		{"a number", file(`{"a":3}`), `tensor "a": expected dtype`},
		{"unknown dtype", file(`{"a":{"dtype":"F31","shape":[2],"data_offsets":[0,8]}}`, eight...), `tensor "a": dtype "F31": expected one of [F16 `},
		{"negative axis", file(`{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}`, eight...), "shape [-2] is not a shape"},
		{"overflowing shape", file(`{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`), "is not a shape"},
		{"wrong size", file(`{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}`, eight...), "data_offsets [0, 8]: expected 12 bytes for F32 of shape [3]"},
		{"backwards", file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}`, eight...), "data_offsets [8, 0]"},
		{"truncated data", file(whole, 1, 2, 3), "the file has 3 bytes of data: truncated"},
		{"data too long", file(whole, make([]byte, 9)...), "the tensors end at byte 8 of the data, the file has 9"},
		{"gap", file(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[4,6]}}`, make([]byte, 6)...), "begins at byte 4 of the data, expected 0"},
		{"overlap", file(`{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}`, make([]byte, 6)...), `tensor "b": it begins at byte 2`},
		{"twice", file(`{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`), `tensor "a": it is there twice`},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := onDisk(t, c.content)
			f, err := tensors.Open(path)
			if err == nil {
				_ = f.Close()
				t.Fatal("it was taken for a whole file")
			}
			if !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %q, want the path and %q", err, c.want)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %q", err)
			}
		})
	}
}

func TestOpenAccepts(t *testing.T) {
	for name, content := range map[string][]byte{
		"metadata":       file(`{"__metadata__":{"format":"pt"},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 7),
		"spaces":         file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}   `, 7),
		"unknown field":  file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"later":true}}`, 7),
		"not in order":   file(`{"z":{"dtype":"U8","shape":[1],"data_offsets":[1,2]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 7, 9),
		"empty tensors":  file(`{"z":{"dtype":"F32","shape":[0,9],"data_offsets":[0,0]},"a":{"dtype":"U8","shape":[],"data_offsets":[0,1]}}`, 7),
		"several shapes": file(`{"a":{"dtype":"U8","shape":[1,1,1,1,1],"data_offsets":[0,1]}}`, 7),
	} {
		t.Run(name, func(t *testing.T) {
			f, err := tensors.Open(onDisk(t, content))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = f.Close() }()
			got, err := f.Int64s("a")
			if err != nil || len(got) != 1 || got[0] != 7 {
				t.Errorf("got %v, %v; want [7]", got, err)
			}
		})
	}
}

// A file that is cut after Open must not be read as zeros.
func TestReadNoticesCutFile(t *testing.T) {
	path := onDisk(t, file(whole, make([]byte, 8)...))
	f, err := tensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if err := os.Truncate(path, int64(8+len(whole)+4)); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Float32s("a"); err == nil || !strings.Contains(err.Error(), "read 4 of 8 bytes") {
		t.Errorf("got %v", err)
	}
}

// FuzzOpen: whatever the bytes, Open and every read return, never panic, and
// hold no more than the file and its float64 copy.
func FuzzOpen(f *testing.F) {
	f.Add(file(whole, make([]byte, 8)...))
	f.Add(file(`{"__metadata__":{"a":"b"},"x":{"dtype":"F16","shape":[1,2],"data_offsets":[0,4]},"y":{"dtype":"I64","shape":[],"data_offsets":[4,12]}}`, make([]byte, 12)...))
	f.Add(file(`{"a":{"dtype":"F32","shape":[4294967296,0],"data_offsets":[0,0]}}`))
	f.Add([]byte{255, 255, 255, 255, 255, 255, 255, 127, '{', '}'})
	f.Add(bytes.Repeat([]byte{0}, 8))
	f.Fuzz(func(t *testing.T, content []byte) {
		path := onDisk(t, content)
		fuzztest.Bounded(t, len(content), func() { readAll(t, path) })
	})
}

// readAll opens a file and reads all that is in it.
func readAll(t *testing.T, path string) {
	opened, err := tensors.Open(path)
	if err != nil {
		return
	}
	defer func() { _ = opened.Close() }()
	for _, name := range opened.Names() {
		info, ok := opened.Info(name)
		if !ok {
			t.Fatalf("%q is listed and is not there", name)
		}
		floats, floatErr := opened.Float64s(name)
		ints, intErr := opened.Int64s(name)
		if (floatErr == nil) == (intErr == nil) {
			t.Fatalf("%q of %s is both float and integer, or neither: %v, %v", name, info.DType, floatErr, intErr)
		}
		if n := len(floats) + len(ints); n != info.Elements() {
			t.Fatalf("%q has %d elements, its shape %v says %d", name, n, info.Shape, info.Elements())
		}
	}
}
