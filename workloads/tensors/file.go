package tensors

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
)

// File is an open safetensors file. Tensors are read one at a time: a file may
// be larger than anyone wants in memory.
type File struct {
	path  string
	file  *os.File
	begin int64
	infos map[string]Info
}

// Open reads the header and checks that the file is whole.
func Open(path string) (*File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	stat, err := file.Stat()
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	infos, begin, err := readHeader(file, stat.Size())
	if err != nil {
		_ = file.Close()
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

// Float64s reads a tensor of F32 or F64.
func (f *File) Float64s(name string) ([]float64, error) {
	info, data, err := f.read(name)
	if err != nil {
		return nil, err
	}
	out := make([]float64, info.Elements())
	switch info.DType {
	case F32:
		for i := range out {
			out[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:])))
		}
	case F64:
		for i := range out {
			out[i] = math.Float64frombits(binary.LittleEndian.Uint64(data[8*i:]))
		}
	default:
		return nil, fmt.Errorf("%s: tensor %q: element type %s, expected F32 or F64", f.path, name, info.DType)
	}
	return out, nil
}

// Int64s reads a tensor of I64.
func (f *File) Int64s(name string) ([]int64, error) {
	info, data, err := f.read(name)
	if err != nil {
		return nil, err
	}
	if info.DType != I64 {
		return nil, fmt.Errorf("%s: tensor %q: element type %s, expected I64", f.path, name, info.DType)
	}
	out := make([]int64, info.Elements())
	for i := range out {
		out[i] = int64(binary.LittleEndian.Uint64(data[8*i:]))
	}
	return out, nil
}

func (f *File) read(name string) (Info, []byte, error) {
	info, ok := f.infos[name]
	if !ok {
		return info, nil, fmt.Errorf("%s: no tensor %q", f.path, name)
	}
	data := make([]byte, info.Range[1]-info.Range[0])
	if _, err := f.file.ReadAt(data, f.begin+info.Range[0]); err != nil && err != io.EOF {
		return info, nil, fmt.Errorf("%s: tensor %q: %w", f.path, name, err)
	}
	return info, data, nil
}
