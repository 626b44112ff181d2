package tensors

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/dlbench/dlbench/workloads/atomicfile"
)

// Tensor is one tensor to write. Exactly one of the makers is set; it is called
// when the tensor's turn comes, so that a file needs no more memory than its
// largest tensor, and one that is made in pieces needs no more than a piece.
type Tensor struct {
	Name    string
	Shape   []int
	Pieces  func(first int, out []float32) error // F32: the elements from the first on, as many as there is room for
	Piece   int                                  // how many elements Pieces makes at once, if not PieceElements
	Floats  func() ([]float32, error)            // F32
	Doubles func() ([]float64, error)            // F64
	Ints    func() ([]int64, error)              // I64
}

// PieceElements is how much of a tensor is made at once: enough to keep every
// CPU busy, and nothing that a machine would notice.
const PieceElements = 1 << 20

// Write makes a safetensors file, whole or not at all, and returns the SHA-256
// of its bytes in hexadecimal. Tensors lie in the order given.
func Write(path string, all []Tensor) (string, error) {
	hash := sha256.New()
	err := atomicfile.Write(path, func(file io.Writer) error {
		w := bufio.NewWriterSize(io.MultiWriter(file, hash), 1<<20)
		if err := encode(w, all); err != nil {
			return err
		}
		return w.Flush()
	})
	if err != nil {
		return "", fmt.Errorf("write %s: %w", path, err)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

func encode(w io.Writer, all []Tensor) error {
	order, infos, at := make([]string, len(all)), map[string]Info{}, int64(0)
	for i, t := range all {
		if _, twice := infos[t.Name]; twice || t.Name == metadata {
			return fmt.Errorf("tensor %q: the name is taken", t.Name)
		}
		info := Info{DType: t.dtype(), Shape: t.Shape}
		if info.Shape == nil {
			info.Shape = []int{} // a scalar; the format knows no null
		}
		size, err := byteSize(info.DType, info.Shape)
		if err != nil {
			return fmt.Errorf("tensor %q: %w", t.Name, err)
		}
		info.Range = [2]int64{at, at + size}
		at += size
		order[i], infos[t.Name] = t.Name, info
	}
	header, err := encodeHeader(order, infos)
	if err != nil {
		return err
	}
	if _, err := w.Write(header); err != nil {
		return err
	}
	for _, t := range all {
		if t.Pieces != nil {
			if err := t.writePieces(w, infos[t.Name].Elements()); err != nil {
				return fmt.Errorf("tensor %q: %w", t.Name, err)
			}
			continue
		}
		data, err := t.bytes()
		if err != nil {
			return fmt.Errorf("tensor %q: %w", t.Name, err)
		}
		if r := infos[t.Name].Range; int64(len(data)) != r[1]-r[0] {
			return fmt.Errorf("tensor %q: its maker gave %d bytes, expected %d for %s of shape %v", t.Name, len(data), r[1]-r[0], t.dtype(), t.Shape)
		}
		if _, err := w.Write(data); err != nil {
			return err
		}
	}
	return nil
}

// writePieces writes n elements, and never holds more than a piece of them.
func (t Tensor) writePieces(w io.Writer, n int) error {
	size := t.Piece
	if size == 0 {
		size = PieceElements
	}
	values := make([]float32, min(n, size))
	data := make([]byte, 4*len(values))
	for first := 0; first < n; first += len(values) {
		piece := values[:min(len(values), n-first)]
		if err := t.Pieces(first, piece); err != nil {
			return err
		}
		for i, v := range piece {
			binary.LittleEndian.PutUint32(data[4*i:], math.Float32bits(v))
		}
		if _, err := w.Write(data[:4*len(piece)]); err != nil {
			return err
		}
	}
	return nil
}

func (t Tensor) dtype() DType {
	switch {
	case t.Doubles != nil:
		return F64
	case t.Ints != nil:
		return I64
	}
	return F32
}

func (t Tensor) bytes() ([]byte, error) {
	switch {
	case t.Floats != nil:
		return encoded(t.Floats())
	case t.Doubles != nil:
		return encoded(t.Doubles())
	case t.Ints != nil:
		return encoded(t.Ints())
	}
	return nil, errors.New("nobody makes its values")
}

func encoded[T float32 | float64 | int64](values []T, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return binary.Append(nil, binary.LittleEndian, values)
}
