package onnx

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"github.com/dlbench/dlbench/workloads/onnx/schema"
)

// tensor is a value that is known before the network runs: float32 numbers that
// are read when someone wants them, or whole numbers that are held.
type tensor struct {
	name   string
	dims   []int
	ints   []int64 // of shapes and axes
	stored *stored // float32, as the file has them
	from   []*tensor
	make   func() ([]float32, error) // float32, made of others
}

// stored is floating-point numbers where they lie.
type stored struct {
	kind   *float              // nil of a constant that a node holds
	raw    []byte              // little-endian
	list   []float32           // the older form
	other  func(k int) float64 // the older form of other types
	beside *external
	fill   float32 // the same for all, where none of the others is there
}

// The most elements of a tensor, the most whole numbers of a stored one, and
// the most numbers of what is computed from shapes: a shape has few, and a file
// of small nodes must not grow large here.
const (
	mostElements = 1 << 36
	mostInts     = 1 << 16
	mostShape    = 64
)

func elements(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

func toDims(dims []int64) ([]int, error) {
	out, n := make([]int, len(dims)), int64(1)
	for i, d := range dims {
		if d < 0 || d > mostElements/n {
			return nil, fmt.Errorf("shape %v is no shape, or has more than %d elements", dims, int64(mostElements))
		}
		out[i], n = int(d), n*max(d, 1)
	}
	return out, nil
}

// fromProto reads a tensor's header and makes sure that all its bytes are there.
func fromProto(t *schema.TensorProto, f *folder) (*tensor, error) {
	dims, err := toDims(t.Dims)
	if err != nil {
		return nil, err
	}
	n := elements(dims)
	out := &tensor{name: t.GetName(), dims: dims}
	outside := t.GetDataLocation() == schema.TensorProto_EXTERNAL
	if kind := floats[schema.TensorProto_DataType(t.GetDataType())]; kind != nil {
		out.stored, err = storedFloats(t, kind, n, f)
		return out, err
	}
	switch kind := schema.TensorProto_DataType(t.GetDataType()); kind {
	case schema.TensorProto_INT64, schema.TensorProto_INT32, schema.TensorProto_BOOL:
		if outside || n > mostInts {
			return nil, fmt.Errorf("it holds %d whole numbers, wants at most %d, in the model's file", n, mostInts)
		}
		out.ints, err = wholeNumbers(t, kind, n)
		return out, err
	default:
		return nil, fmt.Errorf("its numbers are %s, dlbench reads float32, float16, bfloat16 and float64 (and int64 for shapes)", strings.ToLower(kind.String()))
	}
}

// storedFloats finds the numbers of a tensor: in a file beside the model, in its
// bytes, or in the list of its type.
func storedFloats(t *schema.TensorProto, kind *float, n int, f *folder) (*stored, error) {
	s := &stored{kind: kind}
	if t.GetDataLocation() == schema.TensorProto_EXTERNAL {
		var err error
		s.beside, err = f.external(t, int64(kind.size)*int64(n))
		return s, err
	}
	if t.RawData != nil {
		s.raw = t.RawData
		return s, holds(len(t.RawData), kind.size*n, "bytes")
	}
	switch kind.size {
	case 2: // 16 bits of each of 32
		var word [2]byte
		s.other = func(k int) float64 {
			binary.LittleEndian.PutUint16(word[:], uint16(t.Int32Data[k]))
			return kind.decode(word[:])
		}
		return s, holds(len(t.Int32Data), n, "numbers")
	case 8:
		s.other = func(k int) float64 { return t.DoubleData[k] }
		return s, holds(len(t.DoubleData), n, "numbers")
	}
	s.list = t.FloatData
	return s, holds(len(t.FloatData), n, "numbers")
}

func holds(got, want int, what string) error {
	if got != want {
		return fmt.Errorf("it holds %d %s, its shape wants %d: truncated", got, what, want)
	}
	return nil
}

func wholeNumbers(t *schema.TensorProto, kind schema.TensorProto_DataType, n int) ([]int64, error) {
	out := make([]int64, n)
	size := map[schema.TensorProto_DataType]int{schema.TensorProto_INT64: 8, schema.TensorProto_INT32: 4, schema.TensorProto_BOOL: 1}[kind]
	switch raw := t.RawData; {
	case raw != nil:
		if err := holds(len(raw), size*n, "bytes"); err != nil {
			return nil, err
		}
		for i := range out {
			switch size {
			case 8:
				out[i] = int64(binary.LittleEndian.Uint64(raw[8*i:]))
			case 4:
				out[i] = int64(int32(binary.LittleEndian.Uint32(raw[4*i:])))
			default:
				out[i] = int64(raw[i])
			}
		}
		return out, nil
	case kind == schema.TensorProto_INT64:
		copy(out, t.Int64Data)
		return out, holds(len(t.Int64Data), n, "numbers")
	default:
		for i := range min(n, len(t.Int32Data)) {
			out[i] = int64(t.Int32Data[i])
		}
		return out, holds(len(t.Int32Data), n, "numbers")
	}
}

func ints(values ...int64) *tensor {
	return &tensor{dims: []int{len(values)}, ints: append([]int64{}, values...)}
}

func (t *tensor) isInts() bool { return t.ints != nil }

func (t *tensor) count() int { return elements(t.dims) }

// floats reads all numbers of a float32 tensor.
func (t *tensor) floats() ([]float32, error) {
	if t.make != nil {
		return t.make()
	}
	out := make([]float32, 0, t.count())
	err := t.stored.each(t.count(), func(v float32, times int) {
		for range times {
			out = append(out, v)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("tensor %q: %w", t.name, err)
	}
	return out, nil
}

// scalar is the number of a tensor that holds one.
func (t *tensor) scalar() (float64, bool) {
	if t == nil || t.count() != 1 {
		return 0, false
	}
	if t.isInts() {
		return float64(t.ints[0]), true
	}
	v, err := t.floats()
	if err != nil || len(v) != 1 {
		return 0, false
	}
	return shortest(v[0]), true
}

// each visits the numbers in order, those of a fill at once, without holding
// them.
func (s *stored) each(n int, visit func(v float32, times int)) error {
	switch {
	case s.list != nil:
		for _, v := range s.list {
			visit(v, 1)
		}
		return nil
	case s.other != nil:
		for k := range n {
			v, err := single(s.other(k))
			if err != nil {
				return err
			}
			visit(v, 1)
		}
		return nil
	case s.raw != nil:
		return s.eachOf(bytes.NewReader(s.raw), n, visit)
	case s.beside != nil:
		reader, err := s.beside.open()
		if err != nil {
			return err
		}
		defer func() { _ = reader.Close() }()
		return s.eachOf(bufio.NewReaderSize(reader, 1<<16), n, visit)
	}
	if n > 0 {
		visit(s.fill, n)
	}
	return nil
}

// blockNumbers are read at once: a call for each of 140 million takes longer than
// all else that is done with them.
const blockNumbers = 1 << 14

func (s *stored) eachOf(r io.Reader, n int, visit func(v float32, times int)) error {
	size := s.kind.size
	block := make([]byte, size*min(n, blockNumbers))
	for n > 0 {
		wanted := block[:size*min(n, blockNumbers)]
		got, short := io.ReadFull(r, wanted)
		for words := wanted[:got-got%size]; len(words) > 0; words = words[size:] {
			v, err := single(s.kind.decode(words[:size]))
			if err != nil {
				return err
			}
			visit(v, 1)
		}
		if short != nil {
			return fmt.Errorf("truncated: %w", short)
		}
		n -= len(wanted) / size
	}
	return nil
}

// derived is a tensor that is made of others when someone wants its numbers.
func derived(dims []int, make func() ([]float32, error), from ...*tensor) *tensor {
	return &tensor{name: from[0].name, dims: dims, make: make, from: from}
}

// root is the stored tensor that a tensor is made of.
func (t *tensor) root() *stored {
	for t.stored == nil && len(t.from) > 0 {
		t = t.from[0]
	}
	return t.stored
}

// shaped is the same numbers in another shape.
func (t *tensor) shaped(dims ...int) *tensor {
	other := *t
	other.dims = dims
	return &other
}

// mapped applies a function to each number.
func (t *tensor) mapped(f func(float64) float64) *tensor {
	return derived(t.dims, func() ([]float32, error) {
		values, err := t.floats()
		for i, v := range values {
			values[i] = float32(f(float64(v)))
		}
		return values, err
	}, t)
}

// combined applies a function to the numbers of a tensor, and to those of another
// of its shape or with one for each part of its first axis.
func combined(a, b *tensor, f func(a, b float64) float64) *tensor {
	return derived(a.dims, func() ([]float32, error) {
		x, err := a.floats()
		if err != nil {
			return nil, err
		}
		y, err := b.floats()
		if err != nil {
			return nil, err
		}
		size := len(x) / len(y)
		for i := range x {
			x[i] = float32(f(float64(x[i]), float64(y[i/size])))
		}
		return x, nil
	}, a, b)
}

// transposed swaps the axes of a matrix.
func (t *tensor) transposed() *tensor {
	rows, columns := t.dims[0], t.dims[1]
	return derived([]int{columns, rows}, func() ([]float32, error) {
		values, err := t.floats()
		if err != nil {
			return nil, err
		}
		return swapped(values, rows, columns), nil
	}, t)
}

// swapped are the numbers of a matrix, column by column.
func swapped[T any](values []T, rows, columns int) []T {
	out := make([]T, len(values))
	for r := range rows {
		for c := range columns {
			out[c*rows+r] = values[r*columns+c]
		}
	}
	return out
}

// filled is n times the same number.
func filled(v float32, dims ...int) *tensor {
	return &tensor{dims: dims, stored: &stored{fill: v}}
}
