package record

// The ways to spread a campaign over nodes of a cluster.
const (
	ByWorkloads = "workloads" // each workload on one node with all its runners: the campaign takes a share of the time
	ByNodes     = "nodes"     // all of it on every node: which machine is slow?
)

// Spreads are the names of the ways.
func Spreads() []string { return []string{ByWorkloads, ByNodes} }
