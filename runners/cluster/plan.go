// Package cluster measures on many machines that Slurm has: it deals a campaign
// out to shards, submits them as an array of jobs, watches what Slurm tells of
// them, and collects the record that each left. Slurm places, starts, accounts
// and kills; what is kept of a campaign are the files of its directory and
// Slurm's own memory, so that any machine that sees the directory can go on.
package cluster

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/workloads/atomicfile"
	"github.com/dlbench/dlbench/workloads/names"
)

// The files of a campaign's directory.
const (
	planFile    = "cluster.json"
	scriptFile  = "job.sh"
	programFile = "dlbench"
	shardsDir   = "shards"
	filesDir    = "files"
	claimsDir   = "claims"
	logFile     = "slurm.log"
	nodeFile    = "node.json"
	resultFile  = "result.json"
	reportFile  = "report.html"
)

// Slurm is the only cluster that is known.
const Slurm = "slurm"

// Plan is what a directory's cluster.json says: what is measured, how it is dealt
// out, and which jobs were submitted for it.
type Plan struct {
	SchemaVersion int       `json:"schema_version"`
	Created       time.Time `json:"created"`
	Spread        string    `json:"spread"`
	Suite         string    `json:"suite"`
	Arguments     []string  `json:"arguments"`            // of the dlbench run of every shard, beside its workloads and its directory
	Sbatch        []string  `json:"sbatch"`               // what sbatch was given, beside the array and the script
	Images        string    `json:"images,omitempty"`     // directory that images save wrote
	Loading       int       `json:"loading,omitempty"`    // how many nodes load images at once, if not defaultLoading
	NameNodes     bool      `json:"name_nodes,omitempty"` // the records have Slurm's name for the node as that of the machine
	Shards        []Shard   `json:"shards"`
	Jobs          []Job     `json:"jobs"` // in the order of submission
}

// Shard is what one element of the array measures.
type Shard struct {
	Index     int      `json:"index"`
	Workloads []string `json:"workloads"`
	Node      string   `json:"node"` // that measured it; empty as long as that is not known
}

// Job is an array that was submitted.
type Job struct {
	ID        string    `json:"id"`
	Shards    []int     `json:"shards"`
	Submitted time.Time `json:"submitted"`
}

const schemaVersion = 1

// IsPlanned says whether a directory is that of a campaign on a cluster.
func IsPlanned(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, planFile))
	return dir != "" && err == nil
}

// ReadPlan reads the plan of a directory.
func ReadPlan(dir string) (*Plan, error) {
	path := filepath.Join(dir, planFile)
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, bench.UsageError(fmt.Errorf("read the plan of a run on a cluster: %w", err))
	}
	p := &Plan{}
	if err := json.Unmarshal(data, p); err != nil {
		return nil, bench.UsageError(fmt.Errorf("%s: %w", path, err))
	}
	if p.SchemaVersion != schemaVersion {
		return nil, bench.UsageError(fmt.Errorf("%s: schema_version is %d, expected %d", path, p.SchemaVersion, schemaVersion))
	}
	for i, s := range p.Shards {
		if s.Index != i || len(s.Workloads) == 0 {
			return nil, bench.UsageError(fmt.Errorf("%s: shard %d has index %d and %d workloads, expected its place in the list and at least one", path, i, s.Index, len(s.Workloads)))
		}
	}
	if len(p.Shards) == 0 {
		return nil, bench.UsageError(fmt.Errorf("%s: it has no shards", path))
	}
	if !slices.Contains(record.Spreads(), p.Spread) {
		return nil, bench.UsageError(fmt.Errorf("%s: %w", path, names.Unknown("spread", p.Spread, record.Spreads())))
	}
	return p, nil
}

// save writes the plan whole or not at all.
func (p *Plan) save(dir string) error {
	return writeJSON(filepath.Join(dir, planFile), p)
}

func writeJSON(path string, v any) error {
	return atomicfile.Write(path, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(v)
	})
}

// jobOf is the newest job of a shard; empty if it was never submitted.
func (p *Plan) jobOf(shard int) string {
	for _, job := range slices.Backward(p.Jobs) {
		if slices.Contains(job.Shards, shard) {
			return job.ID
		}
	}
	return ""
}

// ShardDir is where a shard's files lie, an ordinary run's directory.
func ShardDir(dir string, index int) string {
	return filepath.Join(dir, shardsDir, shardName(index))
}

func shardName(index int) string { return fmt.Sprintf("%0*d", indexDigits, index) }

// indexDigits are those of a shard's directory; Slurm is told the same number.
const indexDigits = 4
