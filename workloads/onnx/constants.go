package onnx

import (
	"fmt"

	"github.com/dlbench/dlbench/workloads/onnx/schema"
)

// What files compute of shapes is known here, because the batch and the images'
// size are.

func constant(i *importer, n *node) ([]value, error) {
	for _, name := range []string{"value_float", "value_floats", "value_int", "value_ints"} {
		a := n.attributes[name]
		if a == nil {
			continue
		}
		switch name {
		case "value_float":
			return []value{known(filled(a.GetF()))}, nil
		case "value_floats":
			return []value{known(realNumbers([]int{len(a.Floats)}, a.Floats))}, nil
		case "value_int":
			return []value{known(&tensor{dims: []int{}, ints: []int64{a.GetI()}})}, nil
		default:
			return []value{known(ints(a.Ints...))}, nil
		}
	}
	a := n.attribute("value", schema.AttributeProto_TENSOR, "a tensor")
	if a == nil || a.T == nil {
		return nil, fmt.Errorf("it has no value that dlbench reads")
	}
	t, err := fromProto(a.T, i.folder)
	if err != nil {
		return nil, err
	}
	if t.name == "" {
		t.name = n.output()
	}
	return []value{known(t)}, nil
}

func constantOfShape(i *importer, n *node) ([]value, error) {
	list, err := i.list(n, 0)
	if err != nil {
		return nil, err
	}
	dims, err := toDims(list)
	if err != nil {
		return nil, err
	}
	out := filled(0, dims...)
	if a := n.attribute("value", schema.AttributeProto_TENSOR, "a tensor"); a != nil && a.T != nil {
		t, err := fromProto(a.T, i.folder)
		if err != nil {
			return nil, err
		}
		if t.count() != 1 {
			return nil, fmt.Errorf("value is %v, wants one number", t.dims)
		}
		if t.isInts() {
			if out.count() > mostShape {
				return nil, fmt.Errorf("of %d whole numbers, wants at most %d", out.count(), mostShape)
			}
			whole := make([]int64, out.count())
			for k := range whole {
				whole[k] = t.ints[0]
			}
			return []value{known(&tensor{dims: dims, ints: whole})}, nil
		}
		v, err := t.floats()
		if err != nil {
			return nil, err
		}
		out = filled(v[0], dims...)
	}
	out.name = n.output()
	i.repeated++
	return []value{known(out)}, nil
}

func shapeOf(i *importer, n *node) ([]value, error) {
	v, err := i.get(n, 0)
	if err != nil {
		return nil, err
	}
	start, end := n.int("start", 0), n.int("end", len(v.shape))
	start, end = bounded(start, len(v.shape)), bounded(end, len(v.shape))
	out := []int64{}
	for k := start; k < end; k++ {
		out = append(out, int64(v.shape[k]))
	}
	i.foldNode(n, "of %v is known", v.shape)
	return []value{known(ints(out...))}, nil
}

// bounded counts from the end below 0, and keeps within the length.
func bounded(k, length int) int {
	if k < 0 {
		k += length
	}
	return min(max(k, 0), length)
}

func gather(i *importer, n *node) ([]value, error) {
	data, err := i.list(n, 0)
	if err != nil {
		return nil, fmt.Errorf("dlbench gathers from shapes only: %w", err)
	}
	if v := i.values[n.inputs[0]]; len(v.shape) != 1 {
		return nil, fmt.Errorf("dlbench gathers from shapes only, input %q is %v", n.inputs[0], v.shape)
	}
	at, err := i.constant(n, 1)
	if err != nil {
		return nil, err
	}
	if !at.isInts() || len(at.ints) > mostShape || n.int("axis", 0) != 0 {
		return nil, fmt.Errorf("dlbench gathers numbers of a shape")
	}
	out := make([]int64, len(at.ints))
	for k, index := range at.ints {
		if index < 0 {
			index += int64(len(data))
		}
		if index < 0 || index >= int64(len(data)) {
			return nil, fmt.Errorf("index %d of %d numbers", at.ints[k], len(data))
		}
		out[k] = data[index]
	}
	return []value{known(&tensor{dims: at.dims, ints: out})}, nil
}

// slice takes a part of a shape, or of some axes of an activation.
func slice(i *importer, n *node) ([]value, error) {
	v, err := i.get(n, 0)
	if err != nil {
		return nil, err
	}
	cuts, err := i.cuts(n, len(v.shape))
	if err != nil {
		return nil, err
	}
	for _, c := range cuts {
		if v.known() {
			t, err := v.constant.part(c)
			if err != nil {
				return nil, err
			}
			v = known(t)
			continue
		}
		if c.step != 1 {
			return nil, fmt.Errorf("in steps of %d, dlbench has 1", c.step)
		}
		low, high := bounded(c.start, v.shape[c.axis]), bounded(c.end, v.shape[c.axis])
		if low == 0 && high == v.shape[c.axis] {
			i.foldNode(n, "of all of axis %d is left out", c.axis)
			continue
		}
		if v, err = i.part(n, v, c.axis, low, high); err != nil {
			return nil, err
		}
	}
	return []value{v}, nil
}

type cut struct{ axis, start, end, step int }

// cuts are attributes until opset 9 and inputs since.
func (i *importer) cuts(n *node, rank int) ([]cut, error) {
	lists := [4][]int{n.ints("starts"), n.ints("ends"), n.ints("axes")}
	for k := 1; i.opset >= 10 && k <= 4; k++ {
		lists[k-1] = nil
		if n.has(k) {
			list, err := i.list(n, k)
			if err != nil {
				return nil, err
			}
			lists[k-1] = clamp(list)
		}
	}
	starts, ends, axes, steps := lists[0], lists[1], lists[2], lists[3]
	if axes == nil {
		for k := range starts {
			axes = append(axes, k)
		}
	}
	if len(starts) != len(ends) || len(starts) != len(axes) || len(starts) > rank || steps != nil && len(steps) != len(starts) {
		return nil, fmt.Errorf("starts %v, ends %v, axes %v and steps %v do not go together", starts, ends, axes, steps)
	}
	out := make([]cut, len(starts))
	for k := range starts {
		axis, err := axisOf(axes[k], rank)
		if err != nil {
			return nil, err
		}
		out[k] = cut{axis, starts[k], ends[k], 1}
		if steps != nil {
			out[k].step = steps[k]
		}
	}
	return out, n.err
}

// clamp keeps "to the end", which files write as the largest integer.
func clamp(list []int64) []int {
	out := make([]int, len(list))
	for k, v := range list {
		out[k] = int(min(max(v, -1<<31), 1<<31))
	}
	return out
}
