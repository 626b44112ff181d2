package plan

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/dlbench/dlbench/workloads/network"
	"github.com/dlbench/dlbench/workloads/tensors"
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

// Materialize writes a plan's files under dir, or finds them there. Weights
// belong to a network and a seed and are shared by its workloads. A file that
// is not whole is made again; concurrent callers do no harm, because every file
// appears by a rename and always has the same bytes.
func Materialize(ctx context.Context, dir string, p *Plan) (Files, error) {
	digest, err := p.Digest()
	if err != nil {
		return Files{}, err
	}
	var files Files
	for _, part := range []struct {
		file *File
		name string
		make func(path string) (string, error)
	}{
		{&files.Plan, filepath.Join("plans", digest, "plan.json"), p.write},
		{&files.Batch, filepath.Join("batches", p.batchKey(), "batch.safetensors"), p.writeBatch},
		{&files.Weights, filepath.Join("weights", p.weightsKey(), "weights.safetensors"), p.writeWeights},
	} {
		if err := ctx.Err(); err != nil {
			return Files{}, err
		}
		if *part.file, err = keep(filepath.Join(dir, part.name), part.make); err != nil {
			return Files{}, fmt.Errorf("workload %s: %w", p.Workload, err)
		}
	}
	return files, nil
}

// keep finds a file with the size that its note says, or makes both.
func keep(path string, create func(string) (string, error)) (File, error) {
	f := File{Path: path}
	note := path + ".note"
	if data, err := os.ReadFile(note); err == nil && json.Unmarshal(data, &f) == nil {
		if stat, err := os.Stat(path); err == nil && stat.Size() == f.Bytes {
			return f, nil
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return f, err
	}
	var err error
	if f.SHA256, err = create(path); err != nil {
		return f, err
	}
	stat, err := os.Stat(path)
	if err != nil {
		return f, err
	}
	f.Bytes = stat.Size()
	data, err := json.Marshal(f)
	if err != nil {
		return f, err
	}
	return f, writeWhole(note, data)
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
	temp, err := os.CreateTemp(filepath.Dir(path), ".tmp-*")
	if err != nil {
		return err
	}
	_, err = temp.Write(data)
	if err == nil {
		err = temp.Chmod(0o644)
	}
	if err == nil {
		err = temp.Sync()
	}
	if closing := temp.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		_ = os.Remove(temp.Name())
	}
	return err
}

// stream separates the generators of networks from one another.
func (p *Plan) stream(name string) tensors.Stream {
	return tensors.NewStream(p.Seed, p.Network.Name+"/"+name)
}

func (p *Plan) weightsKey() string {
	data, _ := json.Marshal(p.Network.Parameters)
	sum := sha256.Sum256(data)
	return fmt.Sprintf("%s-%d-%s", p.Network.Name, p.Seed, hex.EncodeToString(sum[:6]))
}

func (p *Plan) batchKey() string {
	data, _ := json.Marshal([]any{p.Network.Input.Shape, p.Classes, p.Slots})
	sum := sha256.Sum256(data)
	return fmt.Sprintf("%s-%d-%s", p.Network.Name, p.Seed, hex.EncodeToString(sum[:6]))
}

func (p *Plan) writeWeights(path string) (string, error) {
	var all []tensors.Tensor
	for _, param := range p.Network.Parameters {
		all = append(all, tensors.Tensor{Name: param.Name, Shape: param.Shape, Floats: func() []float32 {
			return draw(p.stream("parameter/"+param.Name), param)
		}})
	}
	return tensors.Write(path, all)
}

func draw(s tensors.Stream, p network.Parameter) []float32 {
	n := 1
	for _, extent := range p.Shape {
		n *= extent
	}
	if p.Init.Kind == "uniform" {
		return tensors.Fill(n, func(i uint64) float32 { return s.Uniform(i, p.Init.Low, p.Init.High) })
	}
	return tensors.Fill(n, func(i uint64) float32 { return s.Normal(i, p.Init.Mean, p.Init.Std) })
}

// writeBatch makes image i of a slot from the slot and i alone, so that a
// larger batch begins with the images of a smaller one.
func (p *Plan) writeBatch(path string) (string, error) {
	shape := p.Network.Input.Shape
	image := uint64(shape[1] * shape[2] * shape[3])
	var all []tensors.Tensor
	for slot := range p.Slots {
		input := p.stream(fmt.Sprintf("input/%d", slot))
		label := p.stream(fmt.Sprintf("labels/%d", slot))
		all = append(all, tensors.Tensor{Name: fmt.Sprintf("input.%d", slot), Shape: shape, Floats: func() []float32 {
			return tensors.Fill(shape[0]*int(image), func(i uint64) float32 { return input.Normal(i, 0, 1) })
		}}, tensors.Tensor{Name: fmt.Sprintf("labels.%d", slot), Shape: shape[:1], Ints: func() []int64 {
			labels := make([]int64, shape[0])
			for i := range labels {
				labels[i] = label.Below(uint64(i), p.Classes)
			}
			return labels
		}})
	}
	return tensors.Write(path, all)
}
