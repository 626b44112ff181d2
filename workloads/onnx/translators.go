package onnx

import (
	"fmt"
	"math"
	"slices"

	"github.com/dlbench/dlbench/workloads/network"
)

// translator brings one node of the file into the network and returns what its
// outputs stand for.
type translator func(*importer, *node) ([]value, error)

// translators are the operators that are read.
var translators map[string]translator

func init() {
	translators = map[string]translator{
		"Conv": conv, "ConvTranspose": convTranspose, "LRN": lrn,
		"BatchNormalization": batchNormalization, "InstanceNormalization": instanceNormalization, "GroupNormalization": groupNormalization,
		"Relu": curve("Relu", nil), "Sigmoid": curve("Sigmoid", nil), "HardSwish": curve("HardSwish", nil),
		"LeakyRelu": curve("LeakyRelu", leakyAttributes), "HardSigmoid": curve("HardSigmoid", hardSigmoidAttributes),
		"Gelu": curve("Gelu", geluAttributes), "PRelu": pRelu, "Erf": erf, "LayerNormalization": layerNormalization,
		"Clip": clip, "Dropout": dropout, "Softmax": softmax, "LogSoftmax": logSoftmax,
		"MaxPool": maxPool, "AveragePool": averagePool, "GlobalAveragePool": simple("GlobalAveragePool"),
		"GlobalMaxPool": globalMaxPool, "ReduceMean": reduceMean, "Pad": pad,
		"Add": arithmetic("Add"), "Sub": arithmetic("Sub"), "Mul": arithmetic("Mul"), "Div": arithmetic("Div"), "Sum": sum, "Concat": concat, "Gemm": gemm, "MatMul": matMul,
		"Expand": expand, "Tile": tile, "Flatten": flatten, "Reshape": reshape, "Squeeze": squeeze, "Unsqueeze": unsqueeze, "Identity": identity, "Cast": cast,
		"Constant": constant, "ConstantOfShape": constantOfShape, "Shape": shapeOf, "Gather": gather, "Slice": slice,
		"Floor": rounded(math.Floor), "Ceil": rounded(math.Ceil),
		"Transpose": transpose, "Split": split,
		"Resize": resize, "Upsample": upsample,
	}
}

func one(v value, err error) ([]value, error) { return []value{v}, err }

// simple is an operator without attributes and with one activation.
func simple(op string) translator {
	return func(i *importer, n *node) ([]value, error) {
		x, err := i.activation(n, 0)
		if err != nil {
			return nil, err
		}
		return one(i.add(n, op, nil, []value{x}))
	}
}

// image is a node's first input, an activation of an image or a volume.
func (i *importer) image(n *node) (value, error) {
	x, err := i.activation(n, 0)
	if err == nil && len(x.shape) != 4 && len(x.shape) != 5 {
		err = fmt.Errorf("input %q is %v, wants [N C H W] or [N C D H W]", n.inputs[0], x.shape)
	}
	return x, err
}

// clip has its bounds as attributes until opset 10, and as inputs since.
func clip(i *importer, n *node) ([]value, error) {
	x, err := i.activation(n, 0)
	if err != nil {
		return nil, err
	}
	bounds := [2]float64{}
	var there [2]bool
	for k, name := range []string{"min", "max"} {
		if i.opset < 11 {
			bounds[k], there[k] = n.float(name, 0), n.attributes[name] != nil
			continue
		}
		if !n.has(k + 1) {
			continue
		}
		t, err := i.weight(n, k+1)
		if err != nil {
			return nil, err
		}
		if bounds[k], there[k] = t.scalar(); !there[k] {
			return nil, fmt.Errorf("input %q is %v, wants one number", n.inputs[k+1], t.dims)
		}
	}
	if there[0] && !there[1] && bounds[0] == 0 {
		i.foldNode(n, "from 0 up is Relu")
		return i.each(n, "Relu", nil, x)
	}
	if !there[0] || !there[1] {
		return nil, fmt.Errorf("it has one bound or none, dlbench reads both, or 0 below and none above")
	}
	return i.each(n, "Clip", network.Attributes{"min": bounds[0], "max": bounds[1]}, x)
}

// dropout has its ratio as an input since opset 12.
func dropout(i *importer, n *node) ([]value, error) {
	x, err := i.activation(n, 0)
	if err != nil {
		return nil, err
	}
	ratio := n.float("ratio", 0.5)
	if i.opset >= 12 && n.has(1) {
		t, err := i.weight(n, 1)
		if err != nil {
			return nil, err
		}
		var ok bool
		if ratio, ok = t.scalar(); !ok {
			return nil, fmt.Errorf("input %q is %v, wants one number", n.inputs[1], t.dims)
		}
	}
	if i.opset >= 12 && n.has(2) {
		t, err := i.constant(n, 2)
		if err != nil {
			return nil, err
		}
		if on, ok := t.scalar(); !ok || on != 0 {
			return nil, fmt.Errorf("it is in training mode; export the network for inference")
		}
	}
	return i.each(n, "Dropout", network.Attributes{"ratio": ratio}, x)
}

func softmax(i *importer, n *node) ([]value, error) {
	x, err := i.activation(n, 0)
	if err != nil {
		return nil, err
	}
	axis, err := i.softmaxAxis(n, x)
	if err != nil {
		return nil, err
	}
	return i.each(n, "Softmax", network.Attributes{"axis": axis}, x)
}

// softmaxAxis is the axis of a Softmax or LogSoftmax, whose default is another
// one since opset 13. Until then they work on a matrix: all axes from the given
// one on together. Of a turned image it is the axis before the turn.
func (i *importer) softmaxAxis(n *node, x value) (int, error) {
	otherwise := -1
	if i.opset < 13 {
		otherwise = 1
	}
	axis, err := axisOf(n.int("axis", otherwise), len(x.shape))
	if err == nil && i.opset < 13 && elements(x.shape[axis+1:]) != 1 {
		err = fmt.Errorf("of opset %d over axis %d of %v is over all axes from there on together, which dlbench does not have", i.opset, axis, x.shape)
	}
	if _, turned := i.first(x); turned && err == nil {
		axis = channelsLast(len(x.shape))[axis]
	}
	return axis, err
}

func axisOf(axis, rank int) (int, error) {
	if axis < -rank || axis >= rank {
		return 0, fmt.Errorf("axis %d is no axis of %d", axis, rank)
	}
	if axis < 0 {
		axis += rank
	}
	return axis, nil
}

// axesOf are the axes that a node names, or all if it names none.
func axesOf(named []int, rank int) ([]int, error) {
	if named == nil {
		for k := range rank {
			named = append(named, k)
		}
	}
	axes := make([]int, len(named))
	for k, axis := range named {
		var err error
		if axes[k], err = axisOf(axis, rank); err != nil {
			return nil, err
		}
	}
	return axes, nil
}

func lrn(i *importer, n *node) ([]value, error) {
	x, err := i.image(n)
	if err != nil {
		return nil, err
	}
	return one(i.add(n, "LRN", network.Attributes{
		"alpha": n.float("alpha", 1e-4), "beta": n.float("beta", 0.75), "bias": n.float("bias", 1), "size": n.int("size", 0),
	}, []value{x}))
}

func concat(i *importer, n *node) ([]value, error) {
	var parts []value
	known := true
	for k := range n.inputs {
		v, err := i.get(n, k)
		if err != nil {
			return nil, err
		}
		known = known && v.known()
		parts = append(parts, v)
	}
	if known {
		return concatKnown(parts)
	}
	for k, v := range parts {
		if v.known() {
			return nil, fmt.Errorf("input %q is a constant, wants what the network computes", n.inputs[k])
		}
	}
	axis, err := axisOf(n.int("axis", 1), len(parts[0].shape))
	if err != nil {
		return nil, err
	}
	if len(parts) == 1 {
		i.foldNode(n, "of one part is that part")
		return parts, nil
	}
	return one(i.add(n, "Concat", network.Attributes{"axis": axis}, parts))
}

func identity(i *importer, n *node) ([]value, error) {
	v, err := i.get(n, 0)
	if err == nil && !v.known() {
		i.foldNode(n, "left out")
	}
	return []value{v}, err
}

// sum of many is Add after Add.
func sum(i *importer, n *node) ([]value, error) {
	x, err := i.activation(n, 0)
	if err != nil {
		return nil, err
	}
	if len(n.inputs) == 1 {
		i.foldNode(n, "of one part is that part")
		return []value{x}, nil
	}
	i.foldNode(n, "of %d is Add", len(n.inputs))
	for k := 1; k < len(n.inputs); k++ {
		y, err := i.activation(n, k)
		if err != nil {
			return nil, err
		}
		if x, err = i.add(n, "Add", nil, []value{x, y}); err != nil {
			return nil, err
		}
	}
	return []value{x}, nil
}

// reduceMean over all axes behind the channels is GlobalAveragePool; the axes are
// an input since opset 18.
func reduceMean(i *importer, n *node) ([]value, error) {
	x, err := i.image(n)
	if err != nil {
		return nil, err
	}
	axes := n.ints("axes")
	if i.opset >= 18 && n.has(1) {
		list, err := i.list(n, 1)
		if err != nil {
			return nil, err
		}
		axes = nil
		for _, a := range list {
			axes = append(axes, n.extent("axes", a))
		}
	}
	for k := range axes {
		if axes[k], err = axisOf(axes[k], len(x.shape)); err != nil {
			return nil, err
		}
	}
	slices.Sort(axes)
	all := []int{2, 3, 4}[:spatialAxes(x)]
	if !slices.Equal(axes, all) {
		return nil, fmt.Errorf("over axes %v, dlbench has the mean over all axes behind the channels together, %v", axes, all)
	}
	i.foldNode(n, "over all axes behind the channels is GlobalAveragePool")
	y, err := i.add(n, "GlobalAveragePool", nil, []value{x})
	if err != nil || n.int("keepdims", 1) == 1 {
		return []value{y}, err
	}
	return one(i.add(n, "Flatten", network.Attributes{"axis": 1}, []value{y}))
}
