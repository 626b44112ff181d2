package tensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"sort"
)

// The safetensors format: eight bytes with the header's length (little-endian),
// a JSON header, then the tensors' bytes
// (https://github.com/huggingface/safetensors#format).

// DType is a tensor's element type, by safetensors' name.
type DType string

// The element types that dlbench reads.
const (
	F32 DType = "F32"
	F64 DType = "F64"
	I64 DType = "I64"
)

func (d DType) size() int {
	switch d {
	case F32:
		return 4
	case F64, I64:
		return 8
	}
	return 0
}

// Info describes one tensor of a file.
type Info struct {
	DType DType    `json:"dtype"`
	Shape []int    `json:"shape"`
	Range [2]int64 `json:"data_offsets"` // bytes, from the end of the header
}

// Elements is the number of elements.
func (i Info) Elements() int {
	n := 1
	for _, extent := range i.Shape {
		n *= extent
	}
	return n
}

// mostHeader is the limit of the public library.
const mostHeader = 100 << 20

// readHeader reads and checks a header against the file's size. It returns the
// tensors and the offset at which their bytes begin.
func readHeader(r io.Reader, size int64) (map[string]Info, int64, error) {
	var length uint64
	if err := binary.Read(r, binary.LittleEndian, &length); err != nil {
		return nil, 0, fmt.Errorf("offset 0: expected eight bytes with the header's length, the file has %d", size)
	}
	if length > mostHeader || int64(length) > size-8 {
		return nil, 0, fmt.Errorf("offset 0: the header is said to have %d bytes, the file has %d", length, size)
	}
	text := make([]byte, length)
	if _, err := io.ReadFull(r, text); err != nil {
		return nil, 0, fmt.Errorf("offset 8: read the header: %w", err)
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, 0, fmt.Errorf("offset 8: the header is not a JSON object: %w", err)
	}
	begin := 8 + int64(length)
	infos := make(map[string]Info, len(raw))
	for name, entry := range raw {
		if name == "__metadata__" {
			continue
		}
		info, err := readInfo(entry, size-begin)
		if err != nil {
			return nil, 0, fmt.Errorf("tensor %q: %w", name, err)
		}
		infos[name] = info
	}
	return infos, begin, nil
}

func readInfo(entry json.RawMessage, room int64) (Info, error) {
	var info Info
	if err := json.Unmarshal(entry, &info); err != nil {
		return info, err
	}
	if info.DType.size() == 0 {
		return info, fmt.Errorf("element type %q, expected F32, F64 or I64", info.DType)
	}
	bytes := int64(info.DType.size())
	for _, extent := range info.Shape {
		if extent < 0 || extent > 0 && bytes > math.MaxInt64/int64(extent) {
			return info, fmt.Errorf("shape %v is no shape", info.Shape)
		}
		bytes *= int64(extent)
	}
	low, high := info.Range[0], info.Range[1]
	if low < 0 || high < low || high-low != bytes {
		return info, fmt.Errorf("bytes %d to %d do not hold %s of shape %v (%d bytes)", low, high, info.DType, info.Shape, bytes)
	}
	if high > room {
		return info, fmt.Errorf("it ends at byte %d of the data, the file has only %d: truncated", high, room)
	}
	return info, nil
}

// encodeHeader lays tensors out in the order of the names and pads the header
// with spaces, so that the data begin at a multiple of eight.
func encodeHeader(names []string, infos map[string]Info) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, name := range names {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := json.Marshal(name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(infos[name])
		if err != nil {
			return nil, err
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	for b.Len()%8 != 0 {
		b.WriteByte(' ')
	}
	length := binary.LittleEndian.AppendUint64(nil, uint64(b.Len()))
	return append(length, b.Bytes()...), nil
}

func sortedNames(infos map[string]Info) []string {
	names := make([]string, 0, len(infos))
	for name := range infos {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
