package tensors

import (
	"fmt"
	"os"
	"slices"
)

// File is an open safetensors file. Tensors are read one at a time: a file may
// be larger than anyone wants in memory.
type File struct {
	path  string
	file  *os.File
	begin int64
	infos map[string]Info
}

// Open reads the header and checks that the file is whole. An error names the
// file, the place, and what was expected there.
func Open(path string) (*File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	f, err := open(path, file)
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return f, nil
}

func open(path string, file *os.File) (*File, error) {
	stat, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !stat.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a safetensors file: not a regular file", path)
	}
	infos, begin, err := readHeader(file, stat.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: not a whole safetensors file: %w", path, err)
	}
	return &File{path: path, file: file, begin: begin, infos: infos}, nil
}

// Close closes the file.
func (f *File) Close() error { return f.file.Close() }

// Names lists the tensors, sorted.
func (f *File) Names() []string { return sortedNames(f.infos) }

// Info describes a tensor; the second result is false when there is none.
func (f *File) Info(name string) (Info, bool) {
	info, ok := f.infos[name]
	return info, ok
}

// Float64s reads a tensor of F16, BF16, F32 or F64; nothing is rounded.
func (f *File) Float64s(name string) ([]float64, error) {
	info, data, err := f.read(name, F16, BF16, F32, F64)
	if err != nil {
		return nil, err
	}
	out := make([]float64, info.Elements())
	for i := range out {
		out[i] = info.DType.float(data, i)
	}
	return out, nil
}

// Float32s reads a tensor of F16, BF16 or F32; nothing is rounded.
func (f *File) Float32s(name string) ([]float32, error) {
	info, data, err := f.read(name, F16, BF16, F32)
	if err != nil {
		return nil, err
	}
	out := make([]float32, info.Elements())
	for i := range out {
		out[i] = float32(info.DType.float(data, i))
	}
	return out, nil
}

// Int64s reads a tensor of U8, I32 or I64.
func (f *File) Int64s(name string) ([]int64, error) {
	info, data, err := f.read(name, U8, I32, I64)
	if err != nil {
		return nil, err
	}
	out := make([]int64, info.Elements())
	for i := range out {
		out[i] = info.DType.integer(data, i)
	}
	return out, nil
}

// read returns a tensor's bytes if it is of one of the types.
func (f *File) read(name string, wanted ...DType) (Info, []byte, error) {
	info, ok := f.infos[name]
	if !ok {
		return info, nil, fmt.Errorf("%s: there is no tensor %q", f.path, name)
	}
	if !slices.Contains(wanted, info.DType) {
		return info, nil, fmt.Errorf("%s: tensor %q: dtype %s, expected one of %v", f.path, name, info.DType, wanted)
	}
	data := make([]byte, info.Range[1]-info.Range[0])
	if n, err := f.file.ReadAt(data, f.begin+info.Range[0]); n < len(data) {
		// Open saw it whole: someone cut it since.
		return info, nil, fmt.Errorf("%s: tensor %q: read %d of %d bytes: %w", f.path, name, n, len(data), err)
	}
	return info, data, nil
}
