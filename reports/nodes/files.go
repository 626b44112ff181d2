package nodes

import (
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/dlbench/dlbench/metrics/summary"
)

const resultName = "result.json"

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

// Reasons are why shards had no whole record when a directory's nodes.json was
// written: what Slurm said to whoever asked it last. There need not be one.
func Reasons(dir string) map[int]string {
	var before Fleet
	reasons := map[int]string{}
	data, err := os.ReadFile(filepath.Join(dir, JSONName))
	if err == nil && json.Unmarshal(data, &before) == nil {
		for _, g := range before.Missing {
			reasons[g.Shard] = g.Why
		}
	}
	return reasons
}
