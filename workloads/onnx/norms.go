package onnx

import (
	"fmt"

	"github.com/dlbench/dlbench/workloads/network"
)

// batchNormalization with the running statistics, whichever opset it is of.
func batchNormalization(i *importer, n *node) ([]value, error) {
	x, err := i.activation(n, 0)
	if err != nil {
		return nil, err
	}
	if len(x.shape) == 2 {
		return i.normalisedRows(n, x)
	}
	if x, err = i.image(n); err != nil {
		return nil, err
	}
	return one(i.normalised(n, x))
}

// normalisedRows are an image of one place for a while.
func (i *importer) normalisedRows(n *node, x value) ([]value, error) {
	i.foldNode(n, "of rows is that of images of 1x1")
	tall, err := i.add(n, "Reshape", network.Attributes{"shape": []int{0, x.shape[1], 1, 1}}, []value{x})
	if err != nil {
		return nil, err
	}
	if tall, err = i.normalised(n, tall); err != nil {
		return nil, err
	}
	return one(i.add(n, "Flatten", network.Attributes{"axis": 1}, []value{tall}))
}

func (i *importer) normalised(n *node, x value) (value, error) {
	if n.int("training_mode", 0) != 0 {
		return value{}, fmt.Errorf("it is in training mode; export the network for inference (eval mode)")
	}
	if n.int("spatial", 1) != 1 {
		return value{}, fmt.Errorf("spatial 0, dlbench normalises each channel as a whole")
	}
	names, err := i.declareInputs(n, network.Trainable, network.Trainable, network.RunningMean, network.RunningVariance)
	if err != nil {
		return value{}, err
	}
	return i.add(n, "BatchNormalization", network.Attributes{"epsilon": n.float("epsilon", 1e-5), "momentum": n.float("momentum", 0.9)}, []value{x}, names...)
}

// declareInputs makes parameters of a norm's inputs behind the first.
func (i *importer) declareInputs(n *node, roles ...network.Role) ([]string, error) {
	names := make([]string, len(roles))
	for k, role := range roles {
		t, err := i.weight(n, k+1)
		if err != nil {
			return nil, err
		}
		what := []string{"weight", "bias", "running_mean", "running_var"}[k]
		if names[k], err = i.declare(t, n.output()+"."+what, role); err != nil {
			return nil, err
		}
	}
	return names, nil
}

// instanceNormalization is of images and volumes, or of what a Reshape made of
// one: PyTorch writes group norms so, [N groups rest]. With as many groups as
// channels they are instance norms.
func instanceNormalization(i *importer, n *node) ([]value, error) {
	x, err := i.activation(n, 0)
	if err != nil {
		return nil, err
	}
	if len(x.shape) != 3 {
		return i.instances(n)
	}
	at, made := i.makers[x.name]
	if !made || i.net.Nodes[at].Op != "Reshape" {
		return nil, fmt.Errorf("input %q is %v, wants [N C H W] or [N C D H W]", n.inputs[0], x.shape)
	}
	inner := i.inner(at)
	if inner.shape[1] != x.shape[1] {
		return nil, fmt.Errorf("it is of %d groups of %d channels, dlbench normalises each channel by itself", x.shape[1], inner.shape[1])
	}
	i.foldNode(n, "of as many groups as channels is that of the image before its Reshape")
	y, err := i.normalisedInstances(n, inner)
	if err != nil {
		return nil, err
	}
	return one(i.inShape(n, y, x.shape))
}

// groupNormalization is an instance norm if every channel is a group.
func groupNormalization(i *importer, n *node) ([]value, error) {
	x, err := i.image(n)
	if err != nil {
		return nil, err
	}
	if groups := n.int("num_groups", 0); groups != x.shape[1] {
		return nil, fmt.Errorf("num_groups %d of %d channels, dlbench normalises each channel by itself", groups, x.shape[1])
	}
	i.foldNode(n, "of as many groups as channels is InstanceNormalization")
	return i.instances(n)
}

func (i *importer) instances(n *node) ([]value, error) {
	x, err := i.image(n)
	if err != nil {
		return nil, err
	}
	return one(i.normalisedInstances(n, x))
}

func (i *importer) normalisedInstances(n *node, x value) (value, error) {
	names, err := i.declareInputs(n, network.Trainable, network.Trainable)
	if err != nil {
		return value{}, err
	}
	return i.add(n, "InstanceNormalization", network.Attributes{"epsilon": n.float("epsilon", 1e-5)}, []value{x}, names...)
}
