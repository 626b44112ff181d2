// Package cluster tries runs on a cluster with a real Slurm: two nodes on this one
// machine, which cluster.sh starts out of Debian's packages, real jobs, and the
// faults that clusters have. `make cluster` runs it and writes the table of
// docs/cluster.md.
package cluster
