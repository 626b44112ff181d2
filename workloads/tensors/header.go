package tensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
)

// The safetensors format: eight bytes with the header's length (little-endian),
// a JSON header, then the tensors' bytes without a gap
// (https://github.com/huggingface/safetensors#format).

// Info describes one tensor of a file.
type Info struct {
	DType DType    `json:"dtype"`
	Shape []int    `json:"shape"`
	Range [2]int64 `json:"data_offsets"` // bytes, from the end of the header
}

// Elements is the number of elements; 1 for a scalar, whose shape is empty.
func (i Info) Elements() int {
	n := 1
	for _, extent := range i.Shape {
		n *= extent
	}
	return n
}

const (
	mostHeader = 100 << 20 // the limit of the public library
	metadata   = "__metadata__"
)

// readHeader reads and checks a header against the file's size. It returns the
// tensors and the offset at which their bytes begin. What it allocates is
// bounded by the size of the file, whatever the header says.
func readHeader(r io.Reader, size int64) (map[string]Info, int64, error) {
	var length uint64
	if err := binary.Read(r, binary.LittleEndian, &length); err != nil {
		return nil, 0, fmt.Errorf("offset 0: expected eight bytes with the header's length, the file has %d", size)
	}
	if length > mostHeader || int64(length) > size-8 {
		return nil, 0, fmt.Errorf("offset 0: the header is said to have %d bytes, expected at most %d", length, min(size-8, mostHeader))
	}
	text := make([]byte, length)
	if _, err := io.ReadFull(r, text); err != nil {
		return nil, 0, fmt.Errorf("offset 8: read the header of %d bytes: %w", length, err)
	}
	begin := 8 + int64(length)
	infos, err := decodeHeader(text, size-begin)
	return infos, begin, err
}

// decodeHeader reads the JSON. It goes by tokens, because a map would let the
// last of two tensors of one name win without a word.
func decodeHeader(text []byte, room int64) (map[string]Info, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	broken := func(err error) error {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("it ends too early")
		}
		return fmt.Errorf("offset %d: the header is not a JSON object of tensors: %w", 8+d.InputOffset(), err)
	}
	if token, err := d.Token(); err != nil {
		return nil, broken(err)
	} else if token != json.Delim('{') {
		return nil, broken(fmt.Errorf("it begins with %v", token))
	}
	infos := map[string]Info{}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, broken(err)
		}
		name := key.(string) // the decoder lets nothing else be a key
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, broken(err)
		}
		if name == metadata {
			continue
		}
		if _, twice := infos[name]; twice {
			return nil, fmt.Errorf("tensor %q: it is there twice", name)
		}
		if infos[name], err = decodeInfo(value, room); err != nil {
			return nil, fmt.Errorf("tensor %q: %w", name, err)
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, broken(err)
	}
	if rest := bytes.TrimSpace(text[d.InputOffset():]); len(rest) > 0 {
		return nil, broken(fmt.Errorf("%d bytes follow it", len(rest)))
	}
	return infos, checkCover(infos, room)
}

// decodeInfo reads one entry and checks it against the room for data.
func decodeInfo(entry json.RawMessage, room int64) (Info, error) {
	var raw struct {
		DType   *DType   `json:"dtype"`
		Shape   *[]int   `json:"shape"`
		Offsets *[]int64 `json:"data_offsets"`
	}
	if err := json.Unmarshal(entry, &raw); err != nil {
		return Info{}, fmt.Errorf("expected dtype, shape and data_offsets: %w", err)
	}
	if raw.DType == nil || raw.Shape == nil || raw.Offsets == nil || len(*raw.Offsets) != 2 {
		return Info{}, errors.New("expected dtype, shape and data_offsets [begin, end]")
	}
	info := Info{DType: *raw.DType, Shape: *raw.Shape, Range: [2]int64(*raw.Offsets)}
	size, err := byteSize(info.DType, info.Shape)
	if err != nil {
		return Info{}, err
	}
	low, high := info.Range[0], info.Range[1]
	if low < 0 || high < low || high-low != size {
		return Info{}, fmt.Errorf("data_offsets [%d, %d]: expected %d bytes for %s of shape %v", low, high, size, info.DType, info.Shape)
	}
	if high > room {
		return Info{}, fmt.Errorf("data_offsets [%d, %d]: the file has %d bytes of data: truncated", low, high, room)
	}
	return info, nil
}

// byteSize is the number of bytes of a tensor.
func byteSize(dtype DType, shape []int) (int64, error) {
	size := int64(dtype.size())
	if size == 0 {
		return 0, fmt.Errorf("dtype %q: expected one of %v", dtype, dtypes())
	}
	for _, extent := range shape {
		if extent < 0 || extent > 0 && size > math.MaxInt64/int64(extent) {
			return 0, fmt.Errorf("shape %v is not a shape", shape)
		}
		size *= int64(extent)
	}
	return size, nil
}

// checkCover makes sure that the tensors cover the data without gap or overlap,
// as the format demands; so that a file that is too long is noticed too.
func checkCover(infos map[string]Info, room int64) error {
	order := sortedNames(infos)
	slices.SortStableFunc(order, func(a, b string) int {
		x, y := infos[a].Range, infos[b].Range
		return slices.Compare(x[:], y[:])
	})
	at := int64(0)
	for _, name := range order {
		if begin := infos[name].Range[0]; begin != at {
			return fmt.Errorf("tensor %q: it begins at byte %d of the data, expected %d: tensors lie without gap or overlap", name, begin, at)
		}
		at = infos[name].Range[1]
	}
	if at != room {
		return fmt.Errorf("the tensors end at byte %d of the data, the file has %d", at, room)
	}
	return nil
}

// encodeHeader writes the tensors in the order of the names and pads the header
// with spaces, so that the data begin at a multiple of eight.
func encodeHeader(order []string, infos map[string]Info) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, name := range order {
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
	slices.Sort(names)
	return names
}
