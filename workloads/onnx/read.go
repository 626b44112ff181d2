// Package onnx brings ONNX files into dlbench's vocabulary, and writes networks
// as ONNX files.
//
// What comes in is the file's network and no other: what older operator sets
// leave out is written, and what only shapes tensors, or is the same algebra in
// other words, is folded and listed. All else is refused.
package onnx

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/dlbench/dlbench/workloads/network"
	"github.com/dlbench/dlbench/workloads/onnx/schema"
)

// The versions of files that are read. Version 11 of the IR came with opset 23.
const (
	leastIR, mostIR       = 3, 11
	leastOpset, mostOpset = 7, 23
)

// mostBytes is the size that protobuf allows a message; weights of larger
// models lie in a file of their own.
const mostBytes = 2 << 30

// Options say what a file leaves open.
type Options struct {
	Name     string // of the network; from the file's name and digest when empty
	Batch    int    // images per iteration; 0 for what the file fixes, or 1
	Input    []int  // [C H W] of an image, [C D H W] of a volume; what the file says when nil
	Training bool   // a Softmax or a Sigmoid at the end is then part of the loss
}

// Model is a network that came from a file.
type Model struct {
	Network  *network.Network
	SHA256   string    // of the file and of the weights beside it, in hexadecimal
	Batch    int       // that the file fixes; 0 if it is open
	Folded   []string  // what the network has in other words than the file, in the file's order
	Warnings []Warning // about the file's weights
	Origin   *Origin   // what dlbench wrote into the file; nil for files of others
	Loss     string    // of training, if the file says or asks for another than all have

	weights map[string]*tensor
}

// Warning is a caveat about a file, with a stable code.
type Warning struct{ Code, Text string }

// Read reads a file and brings it into the vocabulary. An error is one line that
// names the file, the place, and what was expected there.
func Read(path string, o Options) (*Model, error) {
	data, err := load(path)
	if err != nil {
		return nil, err
	}
	m, err := decode(data, path, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

func load(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	stat, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !stat.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not an ONNX file: not a regular file", path)
	}
	if stat.Size() > mostBytes {
		return nil, fmt.Errorf("%s: the file has %d bytes, an ONNX file has at most %d; save its weights beside it as external data", path, stat.Size(), mostBytes)
	}
	var b bytes.Buffer
	b.Grow(int(stat.Size()) + bytes.MinRead)
	if _, err := io.Copy(&b, io.LimitReader(file, mostBytes)); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return b.Bytes(), nil
}

func decode(data []byte, path string, o Options) (*Model, error) {
	if o.Batch < 0 {
		return nil, fmt.Errorf("batch %d, wants a positive number", o.Batch)
	}
	if err := checkMessages(data); err != nil {
		return nil, err
	}
	var file schema.ModelProto
	if err := (proto.UnmarshalOptions{DiscardUnknown: true, RecursionLimit: maxDepth}).Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("not an ONNX file: it is no whole protobuf message: %w", err)
	}
	opset, err := versions(&file)
	if err != nil {
		return nil, err
	}
	folder, err := openFolder(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	defer folder.close()
	i := newImporter(&file, opset, o, folder)
	net, err := i.run()
	if err != nil {
		return nil, err
	}
	digest := sha256.New()
	_, _ = digest.Write(data)
	warnings, err := i.examine(digest)
	if err != nil {
		return nil, err
	}
	m := &Model{Network: net, SHA256: hex.EncodeToString(digest.Sum(nil)), Batch: i.fixed, Folded: i.folded, Warnings: warnings, Loss: i.loss, weights: i.weights}
	if m.Origin, err = readOrigin(&file, net); err != nil {
		return nil, err
	}
	if m.Origin != nil && m.Loss == "" {
		m.Loss = m.Origin.Loss
	}
	if net.Name = o.Name; net.Name == "" {
		net.Name = Name(path, m.SHA256)
	}
	return m, net.Check()
}

// Name names a network by its file's name and the digest of what it holds:
// model-3f2a.
func Name(path, digest string) string {
	base := filepath.Base(path)
	base = strings.TrimSuffix(base, filepath.Ext(base))
	return safeName(base) + "-" + digest[:4]
}

func versions(file *schema.ModelProto) (int, error) {
	if file.Graph == nil {
		return 0, fmt.Errorf("not an ONNX file: it has no graph")
	}
	if ir := file.GetIrVersion(); ir < leastIR || ir > mostIR {
		return 0, fmt.Errorf("IR version %d, dlbench reads %d to %d", ir, leastIR, mostIR)
	}
	for _, set := range file.OpsetImport {
		if set.GetDomain() != "" && set.GetDomain() != "ai.onnx" {
			continue
		}
		if v := set.GetVersion(); v < leastOpset || v > mostOpset {
			return 0, fmt.Errorf("opset %d, dlbench reads %d to %d", v, leastOpset, mostOpset)
		}
		return int(set.GetVersion()), nil
	}
	return 0, fmt.Errorf("it does not say which opset its operators are of; dlbench reads %d to %d", leastOpset, mostOpset)
}

// Values are a parameter's values in the file, in the shape that the network
// gives it.
func (m *Model) Values(parameter string) ([]float32, error) {
	t, ok := m.weights[parameter]
	if !ok {
		return nil, fmt.Errorf("network %q: no parameter %q", m.Network.Name, parameter)
	}
	values, err := t.floats()
	for _, v := range values {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) { // two finite numbers of the file may make one that is not
			return nil, fmt.Errorf("network %q: parameter %q holds %v", m.Network.Name, parameter, v)
		}
	}
	return values, err
}
