package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"

	"github.com/dlbench/dlbench/workloads/onnx/schema"
)

// shortest is the shortest decimal that rounds to a float32. ONNX keeps its
// attributes in 32 bits, and people mean 1e-5 where a file says
// 9.999999747378752e-06: the two are one number in float32.
func shortest(v float32) float64 {
	d, err := strconv.ParseFloat(strconv.FormatFloat(float64(v), 'g', -1, 32), 64)
	if err != nil {
		return float64(v)
	}
	return d
}

// float is a type of floating-point numbers that weights may be stored in.
type float struct {
	name   string
	size   int    // in bytes
	note   string // what becomes of its numbers; none of float32's
	decode func(word []byte) float64
}

const exactly = ", which float32 holds exactly"

// floats are the types that are read, all as float32.
var floats = map[schema.TensorProto_DataType]*float{
	schema.TensorProto_FLOAT: {"float32", 4, "", func(b []byte) float64 {
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
	}},
	schema.TensorProto_FLOAT16:  {"float16", 2, exactly, func(b []byte) float64 { return half(binary.LittleEndian.Uint16(b)) }},
	schema.TensorProto_BFLOAT16: {"bfloat16", 2, exactly, func(b []byte) float64 { return brain(binary.LittleEndian.Uint16(b)) }},
	schema.TensorProto_DOUBLE: {"float64", 8, ", which are rounded to float32", func(b []byte) float64 {
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	}},
}

// single is a number as float32, if that can hold it.
func single(v float64) (float32, error) {
	f := float32(v)
	if math.IsInf(float64(f), 0) && !math.IsInf(v, 0) {
		return f, fmt.Errorf("it holds %v, which is beyond float32", v)
	}
	return f, nil
}

// half is an IEEE 754 number of 16 bits: a sign, five bits of exponent, ten of
// fraction.
func half(bits uint16) float64 {
	exponent, fraction := int(bits>>10&0x1f), float64(bits&0x3ff)
	v := math.Ldexp(1+fraction/1024, exponent-15)
	switch {
	case exponent == 0:
		v = math.Ldexp(fraction, -24)
	case exponent == 0x1f && fraction == 0:
		v = math.Inf(1)
	case exponent == 0x1f:
		return math.NaN()
	}
	if bits>>15 == 1 {
		return -v
	}
	return v
}

// brain is the upper half of a float32.
func brain(bits uint16) float64 {
	return float64(math.Float32frombits(uint32(bits) << 16))
}
