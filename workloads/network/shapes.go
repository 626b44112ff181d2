package network

import "fmt"

func sameShape(_ *Node, x, _ [][]int) ([]int, error) { return x[0], nil }

// spatial refuses what is not NCHW.
func spatial(x []int) error {
	if len(x) != 4 {
		return fmt.Errorf("input has shape %v, expected [N C H W]", x)
	}
	return nil
}

func convShape(n *Node, x, p [][]int) ([]int, error) {
	if err := spatial(x[0]); err != nil {
		return nil, err
	}
	group, kernel := n.Attributes.Int("group"), n.Attributes.Ints("kernel_shape")
	w := p[0]
	if len(w) != 4 || w[2] != kernel[0] || w[3] != kernel[1] {
		return nil, fmt.Errorf("weight has shape %v, expected [O I %d %d]", w, kernel[0], kernel[1])
	}
	if x[0][1] != w[1]*group || w[0]%group != 0 {
		return nil, fmt.Errorf("weight %v in %d groups does not fit %d input channels", w, group, x[0][1])
	}
	if err := bias(p, w[0]); err != nil {
		return nil, err
	}
	out := []int{x[0][0], w[0], 0, 0}
	return out, slide(n, x[0], out, n.Attributes.Ints("dilations"), false)
}

func convTransposeShape(n *Node, x, p [][]int) ([]int, error) {
	if err := spatial(x[0]); err != nil {
		return nil, err
	}
	a := n.Attributes
	group, kernel, strides, pads := a.Int("group"), a.Ints("kernel_shape"), a.Ints("strides"), a.Ints("pads")
	w := p[0]
	if len(w) != 4 || w[2] != kernel[0] || w[3] != kernel[1] || w[0] != x[0][1] || w[0]%group != 0 {
		return nil, fmt.Errorf("weight has shape %v, expected [%d O/group %d %d]", w, x[0][1], kernel[0], kernel[1])
	}
	if err := bias(p, w[1]*group); err != nil {
		return nil, err
	}
	out := []int{x[0][0], w[1] * group, 0, 0}
	for i := range 2 {
		reach := a.Ints("dilations")[i]*(kernel[i]-1) + 1
		out[2+i] = (x[0][2+i]-1)*strides[i] + reach - pads[i] - pads[2+i] + a.Ints("output_padding")[i]
		if out[2+i] < 1 {
			return nil, fmt.Errorf("the padding %v leaves nothing of input %v", pads, x[0])
		}
	}
	return out, nil
}

func bias(p [][]int, channels int) error {
	if len(p) > 1 && (len(p[1]) != 1 || p[1][0] != channels) {
		return fmt.Errorf("bias has shape %v, expected [%d]", p[1], channels)
	}
	return nil
}

// slide fills the spatial axes of out for a window that slides over x. With
// ceil a last window that starts beyond the input and its left padding is left
// out, as ONNX and PyTorch have it.
func slide(n *Node, x, out, dilations []int, ceil bool) error {
	kernel, strides, pads := n.Attributes.Ints("kernel_shape"), n.Attributes.Ints("strides"), n.Attributes.Ints("pads")
	for i := range 2 {
		room := x[2+i] + pads[i] + pads[2+i] - (dilations[i]*(kernel[i]-1) + 1)
		if room < 0 {
			return fmt.Errorf("the kernel %v does not fit into input %v padded by %v", kernel, x, pads)
		}
		out[2+i] = room/strides[i] + 1
		if ceil && room%strides[i] > 0 && out[2+i]*strides[i] < x[2+i]+pads[i] {
			out[2+i]++
		}
	}
	return nil
}

func poolShape(n *Node, x, _ [][]int) ([]int, error) {
	if err := spatial(x[0]); err != nil {
		return nil, err
	}
	kernel, pads := n.Attributes.Ints("kernel_shape"), n.Attributes.Ints("pads")
	for i := range 2 {
		if pads[i] >= kernel[i] || pads[2+i] >= kernel[i] {
			return nil, fmt.Errorf("pads %v reach beyond the kernel %v: a window would hold padding alone", pads, kernel)
		}
	}
	dilations := n.Attributes.Ints("dilations")
	if dilations == nil {
		dilations = []int{1, 1}
	}
	out := []int{x[0][0], x[0][1], 0, 0}
	return out, slide(n, x[0], out, dilations, n.Attributes.Int("ceil_mode") == 1)
}

func globalPoolShape(_ *Node, x, _ [][]int) ([]int, error) {
	if err := spatial(x[0]); err != nil {
		return nil, err
	}
	return []int{x[0][0], x[0][1], 1, 1}, nil
}

func batchNormShape(_ *Node, x, p [][]int) ([]int, error) {
	if err := spatial(x[0]); err != nil {
		return nil, err
	}
	for i, name := range []string{"scale", "bias", "mean", "variance"} {
		if len(p[i]) != 1 || p[i][0] != x[0][1] {
			return nil, fmt.Errorf("%s has shape %v, expected [%d]", name, p[i], x[0][1])
		}
	}
	return x[0], nil
}

// broadcastShape is ONNX's multidirectional broadcasting of equal ranks.
func broadcastShape(_ *Node, x, _ [][]int) ([]int, error) {
	a, b := x[0], x[1]
	disagree := fmt.Errorf("inputs disagree on shape: %v and %v", a[1:], b[1:])
	if len(a) != len(b) || a[0] != b[0] {
		return nil, disagree
	}
	out := make([]int, len(a))
	for i := range a {
		switch {
		case a[i] == b[i], b[i] == 1:
			out[i] = a[i]
		case a[i] == 1:
			out[i] = b[i]
		default:
			return nil, disagree
		}
	}
	return out, nil
}

func concatShape(_ *Node, x, _ [][]int) ([]int, error) {
	out := append([]int(nil), x[0]...)
	for _, other := range x[1:] {
		if len(other) != len(out) {
			return nil, fmt.Errorf("inputs disagree on rank: %v and %v", x[0], other)
		}
		for axis := range out {
			if axis != 1 && other[axis] != out[axis] {
				return nil, fmt.Errorf("inputs disagree on shape: %v and %v", x[0][1:], other[1:])
			}
		}
		out[1] += other[1]
	}
	return out, nil
}

func flattenShape(_ *Node, x, _ [][]int) ([]int, error) {
	return []int{x[0][0], elements(x[0][1:])}, nil
}

func gemmShape(_ *Node, x, p [][]int) ([]int, error) {
	if len(x[0]) != 2 {
		return nil, fmt.Errorf("input has shape %v, expected [N features]: flatten it first", x[0])
	}
	w := p[0]
	if len(w) != 2 || w[1] != x[0][1] {
		return nil, fmt.Errorf("weight has shape %v, expected [out %d]", w, x[0][1])
	}
	if err := bias(p, w[0]); err != nil {
		return nil, err
	}
	return []int{x[0][0], w[0]}, nil
}

func resizeShape(n *Node, x, _ [][]int) ([]int, error) {
	if err := spatial(x[0]); err != nil {
		return nil, err
	}
	return []int{x[0][0], x[0][1], x[0][2] * n.Attributes.Int("scales_h"), x[0][3] * n.Attributes.Int("scales_w")}, nil
}

func softmaxShape(n *Node, x, _ [][]int) ([]int, error) {
	if axis := n.Attributes.Int("axis"); axis < 1 || axis >= len(x[0]) {
		return nil, fmt.Errorf("attribute \"axis\" is %d, expected 1 to %d", axis, len(x[0])-1)
	}
	return x[0], nil
}

func elements(shape []int) int {
	product := 1
	for _, extent := range shape {
		product *= extent
	}
	return product
}
