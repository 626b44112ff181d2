package network

// Counts are a network's sizes for one image.
//
// MACs follows the usual convention of the literature (e.g. He et al. 2016, who
// give 3.8e9 for ResNet-50 v1): multiply-accumulates of convolutions, transposed
// convolutions and dense layers alone; one multiply-accumulate is two
// floating-point operations. Padding counts as if it were data.
type Counts struct {
	Parameters      int64 // trainable elements
	MACs            int64 // of the forward pass of one image
	ActivationBytes int64 // of every node's output for one image, in float32
}

// Count computes the sizes of a network that Check has accepted.
func (net *Network) Count() Counts {
	var c Counts
	shapes := map[string][]int{net.Input.Name: net.Input.Shape}
	for _, p := range net.Parameters {
		shapes[p.Name] = p.Shape
		if p.Role == Trainable {
			c.Parameters += int64(elements(p.Shape))
		}
	}
	batch := int64(net.Input.Shape[0])
	for i := range net.Nodes {
		n := &net.Nodes[i]
		shapes[n.Output] = n.Shape
		c.ActivationBytes += 4 * int64(elements(n.Shape)) / batch
		if macs := operators[n.Op].macs; macs != nil {
			x, w := shapes[n.Inputs[0]], shapes[n.Inputs[1]]
			c.MACs += macs(n, [][]int{x}, [][]int{w}) / batch
		}
	}
	return c
}

func convMACs(n *Node, _, p [][]int) int64 {
	return int64(elements(n.Shape)) * int64(elements(p[0][1:]))
}

func convTransposeMACs(_ *Node, x, p [][]int) int64 {
	return int64(elements(x[0])) * int64(elements(p[0][1:]))
}

func gemmMACs(n *Node, x, _ [][]int) int64 {
	return int64(elements(n.Shape)) * int64(x[0][1])
}
