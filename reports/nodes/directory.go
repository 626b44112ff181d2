package nodes

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dlbench/dlbench/metrics/summary"
)

// The files of a cluster's directory that are read here; docs/cluster.md has all.
const (
	planName   = "cluster.json"
	resultName = "result.json"
	nodeName   = "node.json"
)

// plan is what is needed of cluster.json.
type plan struct {
	Spread string  `json:"spread"`
	Suite  string  `json:"suite"`
	Shards []shard `json:"shards"`
}

type shard struct {
	Index int    `json:"index"`
	Node  string `json:"node"`
}

// began is what is needed of node.json, which a shard's job writes.
type began struct {
	Node    string `json:"node"`
	Trouble string `json:"trouble"`
}

// IsCluster says whether a directory is a cluster's.
func IsCluster(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, planName))
	return err == nil
}

// ReadCluster sets the shards of a cluster's directory side by side, reading one
// record at a time. What Slurm said of a shard without a record is in the
// nodes.json of whoever asked it last.
func ReadCluster(dir string) (*Fleet, error) {
	var p plan
	if err := readJSON(filepath.Join(dir, planName), &p); err != nil {
		return nil, err
	}
	c, err := New(p.Spread)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, planName), err)
	}
	reasons := reasonsBefore(dir)
	for _, s := range p.Shards {
		m, err := readShard(dir, s)
		if err != nil {
			return nil, err
		}
		if m.Record == nil && m.Missing == "" {
			m.Missing = cmp.Or(reasons[s.Index], "it has no record: it waits, runs, or ended without one")
		}
		c.Add(m)
	}
	f := c.Fleet()
	f.Suite = cmp.Or(f.Suite, p.Suite)
	return f, nil
}

// reasonsBefore are those of an earlier report.
func reasonsBefore(dir string) map[int]string {
	var before Fleet
	reasons := map[int]string{}
	if readJSON(filepath.Join(dir, JSONName), &before) == nil { // there need not be one
		for _, g := range before.Missing {
			reasons[g.Shard] = g.Why
		}
	}
	return reasons
}

func readShard(dir string, s shard) (Member, error) {
	place := filepath.Join(dir, "shards", fmt.Sprintf("%04d", s.Index))
	var b began
	if err := readJSON(filepath.Join(place, nodeName), &b); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Member{}, err
	}
	m := Member{Shard: s.Index, Node: cmp.Or(b.Node, s.Node)}
	r, err := summary.Read(filepath.Join(place, resultName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		m.Missing = b.Trouble
	case err != nil: // the other nodes are worth a report
		m.Missing = err.Error()
	default:
		m.Record = r
	}
	return m, nil
}

// ReadFiles sets records side by side, each of a node of its own, reading one at a
// time. A path is that of a result.json or of a run's directory.
func ReadFiles(spread string, paths []string) (*Fleet, error) {
	c, err := New(spread)
	if err != nil {
		return nil, err
	}
	for i, path := range paths {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			path = filepath.Join(path, resultName)
		}
		r, err := summary.Read(path)
		if err != nil {
			return nil, err
		}
		c.Add(Member{Shard: i, Record: r})
	}
	return c.Fleet(), nil
}

func readJSON(path string, into any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s: broken JSON: %w", path, err)
	}
	return nil
}
