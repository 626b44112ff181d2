package network

// Counts are what a network weighs.
//
// MACs follow the usual convention for CNNs: the multiply-accumulates of Conv,
// ConvTranspose and Gemm in the forward pass of one image, biases and all other
// operators not counted, padding counted as if it were multiplied. ResNet-50
// v1.5 at 224×224 is 4.09 GMAC. One multiply-accumulate is two floating-point
// operations; a training step is about three times the forward pass.
type Counts struct {
	Parameters      int64 // elements of trainable parameters; running statistics are none
	MACs            int64 // of one image's forward pass
	ActivationBytes int64 // outputs of all nodes for one image, float32
}

// Counts checks the network and counts it.
func (n *Network) Counts() (Counts, error) {
	if err := n.Check(); err != nil {
		return Counts{}, err
	}
	var c Counts
	shapes := map[string][]int{n.Input.Name: n.Input.Shape}
	parameters := map[string][]int{}
	for _, p := range n.Parameters {
		parameters[p.Name] = p.Shape
		if p.Role == Trainable {
			c.Parameters += Elements(p.Shape)
		}
	}
	for _, node := range n.Nodes {
		applied := application{attributes: node.Attributes}
		for _, name := range node.Inputs {
			if shape, ok := shapes[name]; ok {
				applied.activations = append(applied.activations, shape)
			} else {
				applied.parameters = append(applied.parameters, parameters[name])
			}
		}
		if macs := operators[node.Op].macs; macs != nil {
			c.MACs += macs(applied, node.Shape)
		}
		c.ActivationBytes += 4 * Elements(node.Shape[1:])
		shapes[node.Output] = node.Shape
	}
	return c, nil
}
