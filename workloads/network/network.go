// Package network describes a CNN as a framework-neutral graph.
//
// Operators carry the names, attributes and meaning of ONNX (opset 17), all of
// them explicit, so that a reader can look any field up in the operator
// specification and an export to ONNX is a translation of syntax.
package network

// Opset is the version of the ONNX operator set whose meaning the graphs carry.
const Opset = 17

// Network is a graph in topological order. Shapes include the batch axis and
// are NCHW for activations, OIHW for convolution weights, [out, in] for Gemm; in
// networks for volumes NCDHW and OIDHW.
type Network struct {
	Name       string      `json:"name"`
	Opset      int         `json:"opset"`
	Input      Value       `json:"input"`
	Outputs    []string    `json:"outputs"` // the first is what a timed iteration computes; the others are observed only by verify
	Nodes      []Node      `json:"nodes"`
	Parameters []Parameter `json:"parameters"`
}

// Value is a named activation and its shape.
type Value struct {
	Name  string `json:"name"`
	Shape []int  `json:"shape"`
}

// Node applies one operator. Inputs name activations first and parameters
// after them, in ONNX's order; Output is the single activation it makes.
type Node struct {
	Name       string     `json:"name"`
	Op         string     `json:"op"`
	Inputs     []string   `json:"inputs"`
	Output     string     `json:"output"`
	Attributes Attributes `json:"attributes"`
	Shape      []int      `json:"shape"` // of Output; filled by Check
}

// Attributes hold ONNX attributes: int, float64, string or []int.
type Attributes map[string]any

// Parameter is a tensor that belongs to the network.
type Parameter struct {
	Name  string `json:"name"`
	Shape []int  `json:"shape"`
	Role  Role   `json:"role"`
	Init  Init   `json:"init"`
}

// Role says how training treats a parameter.
type Role string

// The roles of a parameter.
const (
	Trainable       Role = "trainable"
	RunningMean     Role = "running_mean"
	RunningVariance Role = "running_variance"
)

// Init says how a parameter's first values are drawn from the seed.
type Init struct {
	Kind string  `json:"kind"`           // "normal", "uniform"
	Mean float64 `json:"mean,omitempty"` // normal
	Std  float64 `json:"std,omitempty"`  // normal
	Low  float64 `json:"low,omitempty"`  // uniform
	High float64 `json:"high,omitempty"` // uniform
}
