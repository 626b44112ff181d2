package onnx

import (
	"fmt"
	"slices"

	"github.com/dlbench/dlbench/workloads/network"
)

// resizing is what a Resize or an Upsample says, whatever opset it is of.
type resizing struct {
	scales   []float64 // one for each axis of the input
	mode     string
	where    string // the coordinates
	rounding string // of nearest
}

func resize(i *importer, n *node) ([]value, error) {
	x, err := i.image(n)
	if err != nil {
		return nil, err
	}
	if n.text("keep_aspect_ratio_policy", "stretch") != "stretch" || n.int("antialias", 0) != 0 {
		return nil, fmt.Errorf("keep_aspect_ratio_policy and antialias are not read")
	}
	scales, err := i.scales(n, x)
	if err != nil {
		return nil, err
	}
	where := "half_pixel"
	if i.opset < 11 {
		where = "asymmetric"
	}
	return i.scaled(n, x, resizing{
		scales, n.text("mode", "nearest"), n.text("coordinate_transformation_mode", where), n.text("nearest_mode", "round_prefer_floor"),
	})
}

// scales are given, or follow from the size that is wanted. Since opset 18 a file
// may give those of some axes only.
func (i *importer) scales(n *node, x value) ([]float64, error) {
	scalesAt, sizesAt := 2, 3
	if i.opset < 11 {
		scalesAt, sizesAt = 1, 9
	}
	axes, err := axesOf(n.ints("axes"), len(x.shape))
	if err != nil {
		return nil, err
	}
	var given []float64
	switch {
	case n.has(scalesAt) && !i.empty(n, scalesAt):
		given, err = i.floatsOf(n, scalesAt)
	case n.has(sizesAt):
		given, err = i.sizes(n, sizesAt, x, axes)
	}
	if err != nil {
		return nil, err
	}
	if len(given) != len(axes) {
		return nil, fmt.Errorf("it gives %d scales or sizes for the axes %v", len(given), axes)
	}
	scales := slices.Repeat([]float64{1}, len(x.shape))
	for k, axis := range axes {
		scales[axis] = given[k]
	}
	return scales, nil
}

// empty says whether an input is a constant without numbers: opset 11 wants the
// scales to be there even if sizes are given.
func (i *importer) empty(n *node, k int) bool {
	t, err := i.constant(n, k)
	return err == nil && t.count() == 0
}

// floatsOf is an input of few known numbers.
func (i *importer) floatsOf(n *node, k int) ([]float64, error) {
	t, err := i.weight(n, k)
	if err != nil {
		return nil, err
	}
	return t.small()
}

func (i *importer) sizes(n *node, at int, x value, axes []int) ([]float64, error) {
	list, err := i.list(n, at)
	if err != nil || len(list) != len(axes) {
		return nil, err
	}
	scales := make([]float64, len(list))
	for k, axis := range axes {
		scales[k] = float64(list[k]) / float64(x.shape[axis])
	}
	return scales, nil
}

// upsample is Resize before opset 10.
func upsample(i *importer, n *node) ([]value, error) {
	x, err := i.image(n)
	if err != nil {
		return nil, err
	}
	var scales []float64
	if n.has(1) {
		if scales, err = i.floatsOf(n, 1); err != nil {
			return nil, err
		}
	} else if a := n.attributes["scales"]; a != nil {
		for _, s := range a.Floats {
			scales = append(scales, shortest(s))
		}
	}
	i.foldNode(n, "is Resize")
	return i.scaled(n, x, resizing{scales, n.text("mode", "nearest"), "asymmetric", "floor"})
}

// scaled is Resize by whole numbers. By those, nearest is each element repeated
// in every way of rounding that is named here.
func (i *importer) scaled(n *node, x value, r resizing) ([]value, error) {
	if n.err != nil {
		return nil, n.err
	}
	if len(r.scales) != len(x.shape) || r.scales[0] != 1 || r.scales[1] != 1 {
		return nil, fmt.Errorf("scales %v, wants 1 for images, 1 for channels, and one for each other axis of %v", r.scales, x.shape)
	}
	by := make([]int, spatialAxes(x))
	for k, scale := range r.scales[2:] {
		if by[k] = int(scale); float64(by[k]) != scale || by[k] < 1 {
			return nil, fmt.Errorf("scales %v, dlbench resizes by whole numbers", r.scales)
		}
	}
	var err error
	switch r.mode {
	case "nearest":
		err, r.where = r.repeats(by), "asymmetric"
	case "linear", "bilinear", "trilinear":
		r.mode = "linear"
		r.where, err = r.linear(by, x)
	default:
		err = fmt.Errorf("mode %s, dlbench has nearest and linear", r.mode)
	}
	if err != nil {
		return nil, err
	}
	return one(i.add(n, "Resize", network.Attributes{
		"mode": r.mode, "scales": by, "coordinate_transformation_mode": r.where, "nearest_mode": "floor",
	}, []value{x}))
}

// repeats makes sure that nearest repeats each element.
func (r resizing) repeats(by []int) error {
	switch {
	case r.where == "asymmetric" && r.rounding == "floor",
		r.where == "asymmetric" && r.rounding == "round_prefer_floor" && slices.Max(by) <= 2,
		r.where == "half_pixel" && (r.rounding == "round_prefer_floor" || r.rounding == "round_prefer_ceil"):
		return nil
	}
	return fmt.Errorf("nearest with %s coordinates and %s, which does not repeat each element", r.where, r.rounding)
}

// linear are the coordinates of a linear one. PyTorch's are half_pixel if
// an axis has more than one element afterwards.
func (r resizing) linear(by []int, x value) (string, error) {
	if r.where == "pytorch_half_pixel" {
		for k, scale := range by {
			if scale*x.shape[2+k] == 1 {
				return "", fmt.Errorf("pytorch_half_pixel coordinates of an axis of 1, dlbench has half_pixel and asymmetric ones")
			}
		}
		return "half_pixel", nil
	}
	if r.where != "half_pixel" && r.where != "asymmetric" {
		return "", fmt.Errorf("%s coordinates, dlbench has half_pixel and asymmetric ones; export the network with align_corners=False", r.where)
	}
	return r.where, nil
}
