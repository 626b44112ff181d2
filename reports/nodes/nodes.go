// Package nodes tells of many machines in one report: the ranking of each
// workload from the machine that measured it, or machines side by side with those
// that are slow marked. A record a machine goes in; what is kept of it is a few
// numbers, so that a thousand records fit.
package nodes

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
)

// A Member is a shard's outcome: its record, or why there is none.
type Member struct {
	Shard   int
	Node    string         // as Slurm names it; "" if no node ever had it
	Record  *record.Record // nil if none
	Missing string         // why there is no record, or why it is partial: "the node went down (NODE_FAIL)"
	Report  string         // its own page, below the campaign's directory; empty if there is none
	Ahead   time.Duration  // of its clock, if that is so far off that it matters; negative if it is behind
}

// SchemaVersion is the version of nodes.json that this program writes.
const SchemaVersion = 1

// Fleet is all that every view of the nodes shows; docs/nodes.md documents its
// JSON.
type Fleet struct {
	SchemaVersion int              `json:"schema_version"`
	Spread        string           `json:"spread"`
	Suite         string           `json:"suite"`
	Created       time.Time        `json:"created"` // of the first record
	Updated       time.Time        `json:"updated"` // of the last one
	Headline      string           `json:"headline"`
	Counts        Counts           `json:"counts"`
	Rule          summary.NodeRule `json:"rule"`
	Kinds         []Kind           `json:"kinds"`
	Nodes         []Node           `json:"nodes"`     // slow ones first, then as they differ from the others
	Cells         []Cell           `json:"cells"`     // of several nodes
	Workloads     []Workload       `json:"workloads"` // rankings; only if workloads are spread
	Overall       []record.Overall `json:"overall"`   // what each mode comes to over the workloads of all shards; only if workloads are spread
	Warnings      []Warning        `json:"warnings"`  // of the records; only if workloads are spread
	Missing       []Gap            `json:"missing"`   // what there is no whole record of
	Notes         []string         `json:"notes"`     // what to mind in reading

	Base string `json:"-"` // how one comes from the page to the campaign's directory; empty if it lies there
}

// Counts are how many nodes there are of each verdict.
type Counts struct {
	Shards  int `json:"shards"`
	Records int `json:"records"`
	Judged  int `json:"judged"`
	Slow    int `json:"slow"`
	Fast    int `json:"fast"`
	Unknown int `json:"unknown"`
}

// Kind are the nodes of one kind: one processor, and one make of cards if they
// computed.
type Kind struct {
	Name    string  `json:"name"`
	Nodes   int     `json:"nodes"`
	Judged  int     `json:"judged"`
	Between float64 `json:"between"` // how much its nodes differ, a standard deviation as a share; 0 if none was judged
	Within  float64 `json:"within"`  // how well the middle one's level is known, by its processes
	Sees    float64 `json:"sees"`    // the loss that would be called slow nine times of ten, of the middle one
}

// Node is a machine, or a shard that has none.
type Node struct {
	Node      string             `json:"node"`
	Shard     int                `json:"shard"`
	Host      string             `json:"host"`
	Kind      string             `json:"kind"`
	Status    string             `json:"status"` // of its record; empty if there is none
	Verdict   string             `json:"verdict,omitempty"`
	Why       string             `json:"why,omitempty"` // it is unknown
	Ratio     float64            `json:"ratio,omitempty"`
	CILow     float64            `json:"ci_low,omitempty"`
	CIHigh    float64            `json:"ci_high,omitempty"`
	Level     float64            `json:"level,omitempty"`
	P         float64            `json:"p,omitempty"`    // one-sided, adjusted for the number of nodes
	Sees      float64            `json:"sees,omitempty"` // the loss that would have been called slow nine times of ten
	Cells     int                `json:"cells"`          // in common with others
	Rounds    int                `json:"rounds"`
	Processes int                `json:"processes"`
	Worst     *summary.CellShift `json:"worst,omitempty"` // the cell in which it is furthest below the others
	Differs   []Difference       `json:"differs"`         // from most others
	Warnings  []Told             `json:"warnings"`        // of its record, that most others lack
	Report    string             `json:"report,omitempty"`
	Ahead     float64            `json:"clock_ahead_s,omitempty"` // negative if it is behind
}

// Cell is a workload and a runner on several nodes, in images per second.
type Cell struct {
	Workload string  `json:"workload"`
	Runner   string  `json:"runner"`
	Nodes    int     `json:"nodes"`
	Median   float64 `json:"median"`
	Low      float64 `json:"low"`
	LowNode  string  `json:"low_node"`
	High     float64 `json:"high"`
	HighNode string  `json:"high_node"`
}

// Warning is one of a shard's record.
type Warning struct {
	Node string `json:"node"`
	record.Warning
}

// Gap is what is missing, and why.
type Gap struct {
	Shard  int    `json:"shard"`
	Node   string `json:"node"`
	Why    string `json:"why"`
	Report string `json:"report,omitempty"`
}

// Of sets the members side by side. spread is one of record.Spreads.
// Members may be taken one by one, which needs less memory: see New.
func Of(spread string, members []Member) (*Fleet, error) {
	c, err := New(spread)
	if err != nil {
		return nil, err
	}
	for _, m := range members {
		c.Add(m)
	}
	return c.Fleet(), nil
}

// New has no member yet.
func New(spread string) (*Collection, error) {
	if !slices.Contains(record.Spreads(), spread) {
		return nil, fmt.Errorf("set nodes side by side: spread is %q, expected %s", spread, strings.Join(record.Spreads(), " or "))
	}
	return &Collection{spread: spread, rule: summary.UsualNodeRule}, nil
}
