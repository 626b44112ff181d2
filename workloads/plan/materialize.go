package plan

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dlbench/dlbench/workloads/atomicfile"
)

// File is one of a workload's files.
type File struct {
	Path   string `json:"-"`
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
}

// Files are what a runner gets.
type Files struct {
	Plan    File
	Weights File
	Batch   File
}

// part is one of a plan's files before it is made.
type part struct {
	name  string // below the directory of all workloads
	bytes int64  // of its tensors
	make  func(path string) (string, error)
}

// parts are the plan, the batch and the weights.
func (p *Plan) parts() (plan, batch, weights part, err error) {
	digest, err := p.Digest()
	if err != nil {
		return plan, batch, weights, err
	}
	var belonging any = p.Network.Parameters
	if p.Weights != nil {
		belonging = []any{p.Network.Parameters, p.Weights}
	}
	if q := p.Quantization; q != nil && len(q.Folded) > 0 {
		belonging = []any{p.Network.Parameters, p.Weights, q.Folded}
	}
	ofWeights, err := p.key(belonging)
	if err != nil {
		return plan, batch, weights, err
	}
	batches := []any{p.Network.Input.Shape, p.Classes, p.Slots}
	if p.Inputs != nil {
		batches = append(batches, p.Inputs)
	}
	if labels := p.labelShape(); len(labels) > 1 {
		batches = append(batches, labels)
	}
	ofBatch, err := p.key(batches)
	if err != nil {
		return plan, batch, weights, err
	}
	plan = part{filepath.Join("plans", digest, "plan.json"), 0, p.write}
	batch = part{filepath.Join("batches", ofBatch, "batch.safetensors"), p.Size().Inputs + p.labelBytes(), p.writeBatch}
	weights = part{filepath.Join("weights", ofWeights, "weights.safetensors"), p.parameterBytes(), p.writeWeights}
	return plan, batch, weights, nil
}

// Materialize writes a plan's files under dir, or finds them there. A plan that
// this machine cannot hold, in memory or on the disk, is refused before anything
// is written. Weights belong to a network and a seed and are shared by its
// workloads. A file that is not whole is made again; concurrent callers do no
// harm, because every file appears by a rename and always has the same bytes.
func Materialize(ctx context.Context, dir string, p *Plan) (Files, error) {
	if err := p.FitsHere(); err != nil {
		return Files{}, err
	}
	if err := Room(dir, p); err != nil {
		return Files{}, err
	}
	plan, batch, weights, err := p.parts()
	if err != nil {
		return Files{}, err
	}
	var files Files
	for _, one := range []struct {
		part
		file *File
	}{{plan, &files.Plan}, {batch, &files.Batch}, {weights, &files.Weights}} {
		if err := ctx.Err(); err != nil {
			return Files{}, err
		}
		if *one.file, err = keep(filepath.Join(dir, one.name), one.make); err != nil {
			return Files{}, fmt.Errorf("workload %s: %w", p.Workload, err)
		}
	}
	return files, nil
}

// key names what depends on the network, the seed and the contents given. A
// network's name may have slashes, a file's not.
func (p *Plan) key(contents any) (string, error) {
	data, err := json.Marshal(contents)
	if err != nil {
		return "", fmt.Errorf("workload %s: %w", p.Workload, err)
	}
	sum := sha256.Sum256(data)
	name := strings.ReplaceAll(p.Network.Name, "/", ".")
	return fmt.Sprintf("%s-%d-%s", name, p.Seed, hex.EncodeToString(sum[:6])), nil
}

// note stands beside a kept file and says what it was when it was made.
type note struct {
	File
	Modified time.Time `json:"modified"`
}

// keep finds a file as its note has it, or makes both. A file of the right size
// and time is believed; one of the right size that was touched is read again.
func keep(path string, create func(string) (string, error)) (File, error) {
	if kept, ok := find(path); ok {
		return kept, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return File{}, err
	}
	sweep(filepath.Dir(path))
	digest, err := create(path)
	if err != nil {
		return File{}, err
	}
	return record(path, digest)
}

func find(path string) (File, bool) {
	var n note
	data, err := os.ReadFile(notePath(path))
	if err != nil || json.Unmarshal(data, &n) != nil {
		return File{}, false
	}
	n.Path = path
	stat, err := os.Stat(path)
	if err != nil || stat.Size() != n.Bytes {
		return File{}, false
	}
	if stat.ModTime().Equal(n.Modified) {
		return n.File, true
	}
	if digest, err := digestOf(path); err != nil || digest != n.SHA256 {
		return File{}, false
	}
	// A copied cache: the bytes are right. A note that cannot be written only
	// means that they are read again next time.
	_, _ = record(path, n.SHA256)
	return n.File, true
}

func notePath(path string) string { return path + ".note" }

func record(path, digest string) (File, error) {
	stat, err := os.Stat(path)
	if err != nil {
		return File{}, err
	}
	n := note{File: File{Path: path, SHA256: digest, Bytes: stat.Size()}, Modified: stat.ModTime()}
	data, err := json.Marshal(n)
	if err != nil {
		return File{}, err
	}
	return n.File, writeWhole(notePath(path), data)
}

func digestOf(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// sweep removes what writers that were killed left behind, a day ago or more:
// a younger one may still be at work. A file has its name only when it is
// whole; until then its name begins with a dot.
func sweep(dir string) {
	left, _ := filepath.Glob(filepath.Join(dir, ".*"))
	for _, path := range left {
		if stat, err := os.Stat(path); err == nil && time.Since(stat.ModTime()) > 24*time.Hour {
			_ = os.Remove(path)
		}
	}
}

func (p *Plan) write(path string) (string, error) {
	data, err := p.Encode()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), writeWhole(path, data)
}

func writeWhole(path string, data []byte) error {
	return atomicfile.Write(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// Initial is a parameter's first values in float64.
func (p *Plan) Initial(parameter string) ([]float64, error) {
	values, err := p.Values(parameter)
	if err != nil {
		return nil, err
	}
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = float64(v)
	}
	return out, nil
}
