package summary

import (
	"math"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
)

// NodeFigures are what is needed of a machine's record to set it beside others:
// a few numbers for each process, so that a thousand machines fit into memory.
type NodeFigures struct {
	Kind  string // machines of another kind are not what it is held against
	Cells []NodeCell
}

// NodeCell is a cell of a machine.
type NodeCell struct {
	Workload string
	Runner   string
	Digest   string  // of what was computed: a cell of another digest is another cell
	Rounds   []int32 // ascending
	Logs     []float64
}

// NodeFiguresOf reduces a record. Cells that are not ranked have none: who
// computes something else may be as slow as that is.
func NodeFiguresOf(r *record.Record) NodeFigures {
	n := NodeFigures{Kind: KindOf(r)}
	for i := range r.Cells {
		c := &r.Cells[i]
		w := r.Workload(c.Workload)
		if !c.Ranked() || w == nil {
			continue
		}
		cell := NodeCell{Workload: c.Workload, Runner: c.Runner, Digest: w.Digest + w.InputsDigest() + kindOfDevice(c.Device)}
		for round, v := range throughputsByRound(c, w.Batch) {
			if v > 0 && !math.IsInf(v, 0) {
				cell.Rounds, cell.Logs = append(cell.Rounds, int32(round)), append(cell.Logs, math.Log(v))
			}
		}
		if len(cell.Logs) > 0 {
			n.Cells = append(n.Cells, cell)
		}
	}
	return n
}

// KindOf says what kind of machine a record is of: its processor, and the cards
// if they computed. How many of them there are, and how much memory, is not in
// it, because a machine that lacks some is one of its kind with a fault.
func KindOf(r *record.Record) string {
	kind := r.Environment.CPU
	if !record.OnGPU(r.Terms.Device) {
		return kind
	}
	named := map[string]bool{}
	for _, card := range r.Environment.GPUs {
		if !named[card.Name] {
			kind += " · " + card.Name
		}
		named[card.Name] = true
	}
	return strings.TrimPrefix(kind, " · ")
}

// kindOfDevice leaves the number of the card out: another node's is another card
// anyhow.
func kindOfDevice(device string) string {
	name, _, _ := strings.Cut(device, ":")
	return name
}
