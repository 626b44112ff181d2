package tensors

import (
	"encoding/binary"
	"math"
)

// DType is a tensor's element type, by safetensors' name.
type DType string

// The element types that dlbench reads. It writes F32, F64 and I64.
const (
	F16  DType = "F16"
	BF16 DType = "BF16"
	F32  DType = "F32"
	F64  DType = "F64"
	U8   DType = "U8"
	I32  DType = "I32"
	I64  DType = "I64"
)

func dtypes() []DType { return []DType{F16, BF16, F32, F64, U8, I32, I64} }

// size is that of one element in bytes; 0 when dlbench does not know the type.
func (d DType) size() int {
	switch d {
	case U8:
		return 1
	case F16, BF16:
		return 2
	case F32, I32:
		return 4
	case F64, I64:
		return 8
	}
	return 0
}

// float decodes element i of a floating-point tensor; float64 holds them all.
func (d DType) float(data []byte, i int) float64 {
	switch d {
	case F16:
		return half(binary.LittleEndian.Uint16(data[2*i:]))
	case BF16:
		return float64(math.Float32frombits(uint32(binary.LittleEndian.Uint16(data[2*i:])) << 16))
	case F32:
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:])))
	default:
		return math.Float64frombits(binary.LittleEndian.Uint64(data[8*i:]))
	}
}

// integer decodes element i of an integer tensor.
func (d DType) integer(data []byte, i int) int64 {
	switch d {
	case U8:
		return int64(data[i])
	case I32:
		return int64(int32(binary.LittleEndian.Uint32(data[4*i:])))
	default:
		return int64(binary.LittleEndian.Uint64(data[8*i:]))
	}
}

// half decodes IEEE 754 binary16.
func half(bits uint16) float64 {
	sign := 1.0
	if bits>>15 == 1 {
		sign = -1
	}
	exponent, fraction := int(bits>>10&0x1f), float64(bits&0x3ff)
	switch exponent {
	case 0: // subnormal: no implied one
		return sign * math.Ldexp(fraction, -24)
	case 31:
		if fraction != 0 {
			return math.NaN()
		}
		return math.Inf(int(sign))
	}
	return sign * math.Ldexp(1024+fraction, exponent-25)
}
