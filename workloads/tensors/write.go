package tensors

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
)

// Tensor is one tensor to write. Exactly one of the makers is set; it is called
// when the tensor's turn comes, so that a file needs no more memory than its
// largest tensor.
type Tensor struct {
	Name   string
	Shape  []int
	Floats func() []float32
	Ints   func() []int64
}

// Write makes a safetensors file, whole or not at all, and returns the SHA-256
// of its bytes in hexadecimal. Tensors lie in the order given.
func Write(path string, all []Tensor) (digest string, err error) {
	temp, err := os.CreateTemp(filepath.Dir(path), ".tmp-"+filepath.Base(path)+"-*")
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			_ = temp.Close()
			_ = os.Remove(temp.Name())
		}
	}()
	hash := sha256.New()
	w := bufio.NewWriterSize(io.MultiWriter(temp, hash), 1<<20)
	if err = encode(w, all); err != nil {
		return "", fmt.Errorf("write %s: %w", path, err)
	}
	if err = w.Flush(); err == nil {
		err = temp.Chmod(0o644)
	}
	if err == nil {
		err = temp.Sync()
	}
	if err == nil {
		err = temp.Close()
	}
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	return hex.EncodeToString(hash.Sum(nil)), err
}

func encode(w io.Writer, all []Tensor) error {
	names, infos, at := make([]string, len(all)), map[string]Info{}, int64(0)
	for i, t := range all {
		info := Info{DType: F32, Shape: t.Shape}
		if t.Ints != nil {
			info.DType = I64
		}
		size := int64(info.Elements() * info.DType.size())
		info.Range = [2]int64{at, at + size}
		at += size
		names[i], infos[t.Name] = t.Name, info
	}
	header, err := encodeHeader(names, infos)
	if err != nil {
		return err
	}
	if _, err := w.Write(header); err != nil {
		return err
	}
	for _, t := range all {
		if _, err := w.Write(t.bytes()); err != nil {
			return err
		}
	}
	return nil
}

func (t Tensor) bytes() []byte {
	var out []byte
	if t.Ints != nil {
		for _, v := range t.Ints() {
			out = binary.LittleEndian.AppendUint64(out, uint64(v))
		}
		return out
	}
	values := t.Floats()
	out = make([]byte, 4*len(values))
	for i, v := range values {
		binary.LittleEndian.PutUint32(out[4*i:], math.Float32bits(v))
	}
	return out
}
