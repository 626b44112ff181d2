package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/dlbench/dlbench/runners/engine"
)

// Node is a shard's node.json: what Slurm gave the job that measures it. It is
// written when the job begins, and again when it ends.
type Node struct {
	Node    string     `json:"node"`
	Job     string     `json:"job"`               // the array and its element, like 12_7
	Restart int        `json:"restart,omitempty"` // how often Slurm had requeued it
	Began   time.Time  `json:"began"`             // by the node's clock
	ClockNS int64      `json:"clock_ns"`          // the same, to compare clocks
	CPUs    string     `json:"cpus"`              // that the job may use
	GPUs    string     `json:"gpus,omitempty"`    // that Slurm gave, as CUDA_VISIBLE_DEVICES
	Ended   *time.Time `json:"ended,omitempty"`   // nil as long as it runs, and if it was killed
	Exit    int        `json:"exit,omitempty"`    // dlbench's code
	Trouble string     `json:"trouble,omitempty"` // what it ended with
}

// thisNode is the node that this process runs on, by Slurm's variables.
func thisNode(getenv func(string) string, now time.Time) Node {
	n := Node{Node: getenv("SLURMD_NODENAME"), Job: getenv("SLURM_ARRAY_JOB_ID") + "_" + getenv("SLURM_ARRAY_TASK_ID"),
		Began: now.UTC(), ClockNS: now.UnixNano(), GPUs: getenv("CUDA_VISIBLE_DEVICES")}
	n.Restart, _ = strconv.Atoi(getenv("SLURM_RESTART_COUNT"))
	if cpus, err := engine.AllowedCPUs(); err == nil {
		n.CPUs = engine.FormatCPUs(cpus)
	}
	return n
}

// readNode is what a shard's job said of its node; the zero Node if none began.
func readNode(dir string, shard int) (n Node) {
	data, err := os.ReadFile(filepath.Join(ShardDir(dir, shard), nodeFile))
	if err != nil || json.Unmarshal(data, &n) != nil {
		return Node{}
	}
	return n
}

// claim makes the shard the only one of its node, and tells which nodes are taken
// so far. The file of a node says whose it is. A shard that comes to another node
// than before gives that one back.
func claim(dir, node, before string, shard int) (taken []string, err error) {
	claims := filepath.Join(dir, claimsDir)
	if err := os.MkdirAll(claims, 0o755); err != nil {
		return nil, err
	}
	mine := strconv.Itoa(shard)
	if before != "" && before != node {
		path := filepath.Join(claims, before)
		if whose, err := os.ReadFile(path); err == nil && string(whose) == mine {
			_ = os.Remove(path) // else that node stays taken, which measures nothing wrong
		}
	}
	path := filepath.Join(claims, node)
	if err := exclusive(path, mine); errors.Is(err, fs.ErrExist) {
		whose, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		if string(whose) != mine {
			return nil, fmt.Errorf("node %s is that of shard %s, and each node is measured once", node, whose)
		}
	} else if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(claims) // and none of the files: of a thousand nodes each looks here
	for _, entry := range entries {
		taken = append(taken, entry.Name())
	}
	return taken, err
}

// exclusive makes a file that nobody else has made.
func exclusive(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// GivenDevice is a request for devices in terms of the GPUs that Slurm gave:
// number 0 of the request is the first of them. A job that may touch all cards of
// the node is told by CUDA_VISIBLE_DEVICES only which are its own.
func GivenDevice(device, visible string) (string, error) {
	kind, list, _ := strings.Cut(device, ":")
	if kind != "gpu" {
		return device, nil
	}
	given := strings.FieldsFunc(visible, func(r rune) bool { return r == ',' })
	if len(given) == 0 || given[0] == "NoDevFiles" || given[0] == "-1" {
		return "", fmt.Errorf("--device %s: Slurm gave this job no GPU (CUDA_VISIBLE_DEVICES=%q)", device, visible)
	}
	if list == "" {
		return "gpu:" + given[0], nil
	}
	var mapped []string
	for part := range strings.SplitSeq(list, ",") {
		number, err := strconv.Atoi(part)
		if err != nil { // a UUID, or a card's instance, names the very one
			mapped = append(mapped, part)
			continue
		}
		if number >= len(given) {
			return "", fmt.Errorf("--device %s: Slurm gave this job %d GPUs (CUDA_VISIBLE_DEVICES=%s), there is no number %d among them", device, len(given), visible, number)
		}
		mapped = append(mapped, given[number])
	}
	return "gpu:" + strings.Join(mapped, ","), nil
}
