package onnx

import "strconv"

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
