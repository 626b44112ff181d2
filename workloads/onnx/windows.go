package onnx

import (
	"fmt"
	"slices"

	"github.com/dlbench/dlbench/workloads/network"
)

// sliding are the attributes that windows share, all written: the kernel, the
// strides, and the pads of each side at this size of the input.
func (n *node) sliding(x value, kernel []int) (network.Attributes, error) {
	axes := spatialAxes(x)
	if n.attributes["kernel_shape"] != nil {
		kernel = n.perAxis("kernel_shape", axes, 0)
	}
	strides, dilations := n.perAxis("strides", axes, 1), n.perAxis("dilations", axes, 1)
	if n.err != nil {
		return nil, n.err
	}
	if kernel == nil {
		return nil, fmt.Errorf("kernel_shape is missing")
	}
	for k := range axes {
		if kernel[k] < 1 || strides[k] < 1 || dilations[k] < 1 {
			return nil, fmt.Errorf("kernel_shape %v, strides %v and dilations %v have to be positive", kernel, strides, dilations)
		}
	}
	pads, err := n.pads(axes, func(k int) int {
		out := (x.shape[2+k]-1)/strides[k] + 1
		return max((out-1)*strides[k]+dilations[k]*(kernel[k]-1)+1-x.shape[2+k], 0)
	})
	return network.Attributes{"kernel_shape": kernel, "strides": strides, "dilations": dilations, "pads": pads}, err
}

// pads are what a node says, or what auto_pad comes to: total is the padding
// of an axis, which SAME_UPPER gives the end the odd one of.
func (n *node) pads(axes int, total func(axis int) int) ([]int, error) {
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
	out := make([]int, 2*axes)
	switch auto {
	case "NOTSET", "":
		if pads != nil && len(pads) != 2*axes {
			return nil, fmt.Errorf("pads %v, wants %d: those at the beginning of each axis, then those at the end", pads, 2*axes)
		}
		if pads != nil {
			copy(out, pads)
		}
	case "VALID":
	case "SAME_UPPER", "SAME_LOWER":
		for k := range axes {
			all := total(k)
			out[k], out[axes+k] = all/2, all-all/2
			if auto == "SAME_LOWER" {
				out[k], out[axes+k] = out[axes+k], out[k]
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

// spatialAxes counts the axes of an image or a volume behind its channels.
func spatialAxes(x value) int { return len(x.shape) - 2 }

// imageAndWindow is an image and the weight that slides over it, whose axes are
// those of form and then the image's.
func (i *importer) imageAndWindow(n *node, form string) (x value, w *tensor, err error) {
	if x, err = i.image(n); err != nil {
		return x, nil, err
	}
	if w, err = i.weight(n, 1); err != nil {
		return x, nil, err
	}
	if len(w.dims) != len(x.shape) {
		return x, nil, fmt.Errorf("weight %q is %v, wants [%s] and a kernel of %d axes, as input %v has", n.inputs[1], w.dims, form, spatialAxes(x), x.shape)
	}
	return x, w, nil
}

func conv(i *importer, n *node) ([]value, error) {
	x, w, err := i.imageAndWindow(n, "out in/group")
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
	x, w, err := i.imageAndWindow(n, "in out/group")
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
	axes := spatialAxes(x)
	extra := n.perAxis("output_padding", axes, 0)
	a["group"], a["output_padding"] = n.int("group", 1), extra
	auto, wanted := n.text("auto_pad", "NOTSET"), n.ints("output_shape")
	if len(wanted) > axes {
		wanted = wanted[len(wanted)-axes:]
	}
	same := auto == "SAME_UPPER" || auto == "SAME_LOWER"
	if n.err != nil || len(wanted) != axes && !same {
		return a, n.err
	}
	pads := make([]int, 2*axes)
	for k := range axes {
		size := x.shape[2+k] * strides[k]
		if len(wanted) == axes {
			size = wanted[k]
		}
		total := strides[k]*(x.shape[2+k]-1) + extra[k] + dilations[k]*(kernel[k]-1) + 1 - size
		if total < 0 {
			return nil, fmt.Errorf("output_shape %v is larger than what kernel %v and strides %v make", wanted, kernel, strides)
		}
		pads[k], pads[axes+k] = total-total/2, total/2
		if auto == "SAME_UPPER" {
			pads[k], pads[axes+k] = pads[axes+k], pads[k]
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
	if d := a.Ints("dilations"); slices.Max(d) != 1 {
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
	a := steadily(x.shape[2:])
	a["ceil_mode"] = 0
	return one(i.add(n, "MaxPool", a, []value{x}))
}

// steadily is a window that moves by one, over an image without padding.
func steadily(kernel []int) network.Attributes {
	ones := slices.Repeat([]int{1}, len(kernel))
	return network.Attributes{"kernel_shape": slices.Clone(kernel), "strides": ones, "dilations": ones, "pads": make([]int, 2*len(kernel))}
}
