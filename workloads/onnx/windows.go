package onnx

import (
	"fmt"
	"slices"

	"github.com/dlbench/dlbench/workloads/network"
)

// sliding are the attributes that windows share, all written: the kernel, the
// strides, and the pads of each side at this size of the input.
func (n *node) sliding(x value, kernel []int) (network.Attributes, error) {
	kernel = n.pair("kernel_shape", kernel)
	strides, dilations := n.pair("strides", []int{1, 1}), n.pair("dilations", []int{1, 1})
	if n.err != nil {
		return nil, n.err
	}
	if len(kernel) != 2 {
		return nil, fmt.Errorf("kernel_shape is missing")
	}
	for k := range 2 {
		if kernel[k] < 1 || strides[k] < 1 || dilations[k] < 1 {
			return nil, fmt.Errorf("kernel_shape %v, strides %v and dilations %v have to be positive", kernel, strides, dilations)
		}
	}
	pads, err := n.pads(func(k int) int {
		out := (x.shape[2+k]-1)/strides[k] + 1
		return max((out-1)*strides[k]+dilations[k]*(kernel[k]-1)+1-x.shape[2+k], 0)
	})
	return network.Attributes{"kernel_shape": kernel, "strides": strides, "dilations": dilations, "pads": pads}, err
}

// pads are what a node says, or what auto_pad comes to: total is the padding
// of an axis, which SAME_UPPER gives the end the odd one of.
func (n *node) pads(total func(axis int) int) ([]int, error) {
	pads, auto := n.ints("pads"), n.text("auto_pad", "NOTSET")
	if n.err != nil {
		return nil, n.err
	}
	if auto != "NOTSET" && auto != "" {
		for _, p := range pads {
			if p != 0 {
				return nil, fmt.Errorf("pads %v and auto_pad %s do not go together", pads, auto)
			}
		}
		pads = nil
	}
	out := []int{0, 0, 0, 0}
	switch auto {
	case "NOTSET", "":
		if pads != nil && len(pads) != 4 {
			return nil, fmt.Errorf("pads %v, wants four: top, left, bottom, right", pads)
		}
		if pads != nil {
			copy(out, pads)
		}
	case "VALID":
	case "SAME_UPPER", "SAME_LOWER":
		for k := range 2 {
			all := total(k)
			out[k], out[2+k] = all/2, all-all/2
			if auto == "SAME_LOWER" {
				out[k], out[2+k] = out[2+k], out[k]
			}
		}
	default:
		return nil, fmt.Errorf("auto_pad %q, wants NOTSET, SAME_UPPER, SAME_LOWER or VALID", auto)
	}
	return out, nil
}

func (i *importer) noteAutoPad(n *node, a network.Attributes) {
	if auto := n.text("auto_pad", "NOTSET"); auto != "NOTSET" && auto != "" {
		i.foldNode(n, "auto_pad %s is pads %v at this size", auto, a.Ints("pads"))
	}
}

// imageAndWindow is an image and the weight that slides over it, whose axes are
// those of form.
func (i *importer) imageAndWindow(n *node, form string) (x value, w *tensor, err error) {
	if x, err = i.image(n); err != nil {
		return x, nil, err
	}
	if w, err = i.weight(n, 1); err != nil {
		return x, nil, err
	}
	if len(w.dims) != 4 {
		return x, nil, fmt.Errorf("weight %q is %v, wants %s", n.inputs[1], w.dims, form)
	}
	return x, w, nil
}

func conv(i *importer, n *node) ([]value, error) {
	x, w, err := i.imageAndWindow(n, "[out in/group kh kw]")
	if err != nil {
		return nil, err
	}
	a, err := n.sliding(x, w.dims[2:])
	if err != nil {
		return nil, err
	}
	i.noteAutoPad(n, a)
	if err := i.takeZeros(n, x, a); err != nil {
		return nil, err
	}
	a["group"] = n.int("group", 1)
	params, err := i.weightAndBias(n, w)
	if err != nil {
		return nil, err
	}
	return one(i.add(n, "Conv", a, []value{x}, params...))
}

// weightAndBias declares a weight, and a bias if there is one.
func (i *importer) weightAndBias(n *node, w *tensor) ([]string, error) {
	weight, err := i.declare(w, n.output()+".weight", network.Trainable)
	if err != nil || !n.has(2) {
		return []string{weight}, err
	}
	b, err := i.weight(n, 2)
	if err != nil {
		return nil, err
	}
	bias, err := i.declare(b, n.output()+".bias", network.Trainable)
	return []string{weight, bias}, err
}

func convTranspose(i *importer, n *node) ([]value, error) {
	x, w, err := i.imageAndWindow(n, "[in out/group kh kw]")
	if err != nil {
		return nil, err
	}
	a, err := n.transposed(x, w.dims[2:])
	if err != nil {
		return nil, err
	}
	i.noteAutoPad(n, a)
	params, err := i.weightAndBias(n, w)
	if err != nil {
		return nil, err
	}
	return one(i.add(n, "ConvTranspose", a, []value{x}, params...))
}

// transposed are ConvTranspose's attributes. A given output_shape, or SAME, says
// how large the output is, and the pads follow from it.
func (n *node) transposed(x value, kernel []int) (network.Attributes, error) {
	a, err := n.sliding(x, kernel)
	if err != nil {
		return nil, err
	}
	strides, dilations := a.Ints("strides"), a.Ints("dilations")
	kernel = a.Ints("kernel_shape")
	extra := n.pair("output_padding", []int{0, 0})
	a["group"], a["output_padding"] = n.int("group", 1), extra
	auto, wanted := n.text("auto_pad", "NOTSET"), n.ints("output_shape")
	if len(wanted) > 2 {
		wanted = wanted[len(wanted)-2:]
	}
	same := auto == "SAME_UPPER" || auto == "SAME_LOWER"
	if n.err != nil || len(wanted) != 2 && !same {
		return a, n.err
	}
	pads := make([]int, 4)
	for k := range 2 {
		size := x.shape[2+k] * strides[k]
		if len(wanted) == 2 {
			size = wanted[k]
		}
		total := strides[k]*(x.shape[2+k]-1) + extra[k] + dilations[k]*(kernel[k]-1) + 1 - size
		if total < 0 {
			return nil, fmt.Errorf("output_shape %v is larger than what kernel %v and strides %v make", wanted, kernel, strides)
		}
		pads[k], pads[2+k] = total-total/2, total/2
		if auto == "SAME_UPPER" {
			pads[k], pads[2+k] = pads[2+k], pads[k]
		}
	}
	a["pads"] = pads
	return a, nil
}

func maxPool(i *importer, n *node) ([]value, error) {
	x, err := i.image(n)
	if err != nil {
		return nil, err
	}
	a, err := n.sliding(x, nil)
	if err != nil {
		return nil, err
	}
	i.noteAutoPad(n, a)
	if x.zeros != nil && !i.positive(x) {
		return nil, fmt.Errorf("the zeros of the Pad before it would win over what is below 0")
	}
	if err := i.takeZeros(n, x, a); err != nil {
		return nil, err
	}
	a["ceil_mode"] = n.int("ceil_mode", 0)
	return one(i.add(n, "MaxPool", a, []value{x}))
}

func averagePool(i *importer, n *node) ([]value, error) {
	x, err := i.image(n)
	if err != nil {
		return nil, err
	}
	a, err := n.sliding(x, nil)
	if err != nil {
		return nil, err
	}
	if d := a.Ints("dilations"); d[0] != 1 || d[1] != 1 {
		return nil, fmt.Errorf("dilations %v, dlbench has average pools without", d)
	}
	i.noteAutoPad(n, a)
	delete(a, "dilations")
	a["ceil_mode"], a["count_include_pad"] = n.int("ceil_mode", 0), n.int("count_include_pad", 0)
	if x.zeros != nil { // they are a part of the image, and counted
		if slices.Max(a.Ints("pads")) > 0 || a.Int("ceil_mode") != 0 {
			return nil, fmt.Errorf("pads %v or ceil_mode on top of the Pad before it", a.Ints("pads"))
		}
		a["count_include_pad"] = 1
	}
	if err := i.takeZeros(n, x, a); err != nil {
		return nil, err
	}
	return one(i.add(n, "AveragePool", a, []value{x}))
}

// globalMaxPool is a pool whose window is the image.
func globalMaxPool(i *importer, n *node) ([]value, error) {
	x, err := i.image(n)
	if err != nil {
		return nil, err
	}
	i.foldNode(n, "is MaxPool with a window of the image's size")
	return one(i.add(n, "MaxPool", network.Attributes{
		"kernel_shape": []int{x.shape[2], x.shape[3]}, "strides": []int{1, 1}, "dilations": []int{1, 1}, "pads": []int{0, 0, 0, 0}, "ceil_mode": 0,
	}, []value{x}))
}

func resize(i *importer, n *node) ([]value, error) {
	x, err := i.image(n)
	if err != nil {
		return nil, err
	}
	scalesAt, sizesAt := 2, 3
	if i.opset < 11 {
		scalesAt, sizesAt = 1, 9
	}
	scales := []float64{}
	switch {
	case n.has(scalesAt):
		t, err := i.weight(n, scalesAt)
		if err != nil {
			return nil, err
		}
		if t.count() == 4 {
			if scales, err = t.small(); err != nil {
				return nil, err
			}
		}
	case n.has(sizesAt):
		sizes, err := i.list(n, sizesAt)
		if err != nil {
			return nil, err
		}
		for k := range min(len(sizes), 4) {
			scales = append(scales, float64(sizes[k])/float64(x.shape[k]))
		}
	}
	if n.attributes["axes"] != nil || n.text("keep_aspect_ratio_policy", "stretch") != "stretch" || n.int("antialias", 0) != 0 {
		return nil, fmt.Errorf("axes, keep_aspect_ratio_policy and antialias are not read")
	}
	where := "half_pixel"
	if i.opset < 11 {
		where = "asymmetric"
	}
	return i.scaled(n, x, scales, n.text("mode", "nearest"), n.text("coordinate_transformation_mode", where), n.text("nearest_mode", "round_prefer_floor"))
}

// upsample is Resize before opset 10.
func upsample(i *importer, n *node) ([]value, error) {
	x, err := i.image(n)
	if err != nil {
		return nil, err
	}
	var scales []float64
	if n.has(1) {
		t, err := i.weight(n, 1)
		if err != nil {
			return nil, err
		}
		if scales, err = t.small(); err != nil {
			return nil, err
		}
	} else if a := n.attributes["scales"]; a != nil {
		for _, s := range a.Floats {
			scales = append(scales, shortest(s))
		}
	}
	i.foldNode(n, "is Resize")
	return i.scaled(n, x, scales, n.text("mode", "nearest"), "asymmetric", "floor")
}

// scaled is Resize by whole numbers. By those, nearest is each element repeated
// in every way of rounding that is named here.
func (i *importer) scaled(n *node, x value, scales []float64, mode, where, rounding string) ([]value, error) {
	if n.err != nil {
		return nil, n.err
	}
	if len(scales) != 4 || scales[0] != 1 || scales[1] != 1 {
		return nil, fmt.Errorf("scales %v, wants [1 1 rows columns]", scales)
	}
	by := [2]int{int(scales[2]), int(scales[3])}
	if float64(by[0]) != scales[2] || float64(by[1]) != scales[3] || by[0] < 1 || by[1] < 1 {
		return nil, fmt.Errorf("scales %v, dlbench resizes by whole numbers", scales)
	}
	if mode == "bilinear" {
		mode = "linear"
	}
	if where == "pytorch_half_pixel" && by[0]*x.shape[2] > 1 && by[1]*x.shape[3] > 1 {
		where = "half_pixel"
	}
	if mode == "nearest" {
		repeats := where == "asymmetric" && rounding == "floor" ||
			where == "asymmetric" && rounding == "round_prefer_floor" && by[0] <= 2 && by[1] <= 2 ||
			where == "half_pixel" && (rounding == "round_prefer_floor" || rounding == "round_prefer_ceil")
		if !repeats {
			return nil, fmt.Errorf("nearest with %s coordinates and %s, which does not repeat each element", where, rounding)
		}
		where = "asymmetric"
	}
	return one(i.add(n, "Resize", network.Attributes{
		"mode": mode, "scales": by[:], "coordinate_transformation_mode": where, "nearest_mode": "floor",
	}, []value{x}))
}
