package nifti

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Header is what is known of a file beside its voxels. Its free texts (descrip,
// aux_file, db_name, intent_name) are not read.
type Header struct {
	Width, Height, Depth int     // of the file's first, second and third dimension
	Low, High            float64 // that the file says to show it in; equal if it says nothing

	order            binary.ByteOrder
	kind             kind
	offset           int64 // of the first voxel
	slope, intercept float64
}

// The header of NIfTI-1, as nifti1.h has it.
const (
	headerBytes = 348
	leastOffset = 352 // after four bytes that say whether extensions follow
	offsetDim   = 40  // int16[8]
	offsetType  = 70  // int16
	offsetBits  = 72  // int16
	offsetVox   = 108 // float
	offsetSlope = 112 // float
	offsetInter = 116 // float
	offsetMax   = 124 // cal_max, float
	offsetMin   = 128 // cal_min, float
	offsetMagic = 344 // "n+1\0"
)

// The bounds of a volume.
const (
	mostPixels = 50_000_000 // of a slice
	mostVoxels = 1 << 30
	mostOffset = 64 << 20
)

// parse reads a header's bytes.
func parse(b []byte) (*Header, error) {
	h := &Header{order: binary.LittleEndian}
	switch size := binary.LittleEndian.Uint32(b); size {
	case headerBytes:
	case 540, 0x1C020000: // in either byte order
		return nil, fmt.Errorf("it is NIfTI-2, expected NIfTI-1")
	default:
		if h.order = binary.BigEndian; binary.BigEndian.Uint32(b) != headerBytes {
			return nil, fmt.Errorf("not a NIfTI-1 file: its header does not begin with its length, %d", headerBytes)
		}
	}
	switch magic := string(b[offsetMagic : offsetMagic+4]); magic {
	case "n+1\x00":
	case "ni1\x00":
		return nil, fmt.Errorf("its voxels are in another file (.img), expected one file with both")
	default:
		return nil, fmt.Errorf("not a NIfTI-1 file: it has no magic n+1 in its header")
	}
	if err := h.readDimensions(b); err != nil {
		return nil, err
	}
	code, bits := h.int16(b, offsetType), h.int16(b, offsetBits)
	var known bool
	if h.kind, known = kinds[code]; !known {
		return nil, fmt.Errorf("its voxels are of NIfTI's type %d, expected whole numbers of 8 to 64 bits or floats of 32 or 64", code)
	}
	if bits != 8*h.kind.bytes {
		return nil, fmt.Errorf("it is broken: its voxels of type %d have %d bits, expected %d", code, bits, 8*h.kind.bytes)
	}
	offset := h.float(b, offsetVox)
	if !(offset >= leastOffset && offset <= mostOffset) || offset != math.Trunc(offset) {
		return nil, fmt.Errorf("it is broken: its voxels begin at byte %v, expected a whole number from %d to %d", offset, leastOffset, mostOffset)
	}
	h.offset = int64(offset)
	return h, h.readScale(b)
}

// readDimensions reads how many voxels there are.
func (h *Header) readDimensions(b []byte) error {
	n := h.int16(b, offsetDim)
	if n < 1 || n > 7 {
		return fmt.Errorf("it is broken: it has %d dimensions, expected 1 to 7", n)
	}
	extent := [7]int{1, 1, 1, 1, 1, 1, 1}
	for i := range n {
		if extent[i] = h.int16(b, offsetDim+2+2*i); extent[i] < 1 {
			return fmt.Errorf("it is broken: its dimension %d has %d voxels", i+1, extent[i])
		}
		if i > 2 && extent[i] > 1 {
			return fmt.Errorf("it holds several volumes: its dimension %d has %d, expected 1: write each to a file of its own", i+1, extent[i])
		}
	}
	h.Width, h.Height, h.Depth = extent[0], extent[1], extent[2]
	if h.Width*h.Height > mostPixels || h.Width*h.Height*h.Depth > mostVoxels {
		return fmt.Errorf("it is %d×%d×%d voxels, expected at most %d in all and %d a slice", h.Width, h.Height, h.Depth, mostVoxels, mostPixels)
	}
	return nil
}

// readScale reads what a stored value stands for; a slope of 0 says that it
// stands for itself.
func (h *Header) readScale(b []byte) error {
	h.slope, h.intercept = h.float(b, offsetSlope), h.float(b, offsetInter)
	if h.slope == 0 {
		h.slope, h.intercept = 1, 0
	}
	if !(math.Abs(h.slope) <= mostScale) || !(math.Abs(h.intercept) <= mostScale) {
		return fmt.Errorf("its scl_slope is %v and its scl_inter %v, expected both within ±%g", h.slope, h.intercept, float64(mostScale))
	}
	if low, high := h.float(b, offsetMin), h.float(b, offsetMax); low < high && !math.IsInf(low, 0) && !math.IsInf(high, 0) {
		h.Low, h.High = low, high
	}
	return nil
}

const mostScale = 1e20

func (h *Header) int16(b []byte, at int) int { return int(int16(h.order.Uint16(b[at:]))) }

func (h *Header) float(b []byte, at int) float64 {
	return float64(math.Float32frombits(h.order.Uint32(b[at:])))
}
