package plan

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

// Encode is the bytes of plan.json.
func (p *Plan) Encode() ([]byte, error) {
	data, err := json.MarshalIndent(p, "", " ")
	if err != nil {
		return nil, fmt.Errorf("encode plan %s: %w", p.Workload, err)
	}
	return append(data, '\n'), nil
}

// Digest is the SHA-256 of plan.json in hexadecimal.
func (p *Plan) Digest() (string, error) {
	data, err := p.Encode()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}

// Read reads and type-checks a plan.json.
func Read(path string) (*Plan, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	p, err := Decode(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// Decode type-checks the bytes of a plan.json.
func Decode(data []byte) (*Plan, error) {
	var p Plan
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&p); err != nil {
		return nil, fmt.Errorf("%s: %w", place(data, err, decoder.InputOffset()), err)
	}
	if p.SchemaVersion != SchemaVersion {
		return nil, fmt.Errorf("schema_version is %d, this dlbench reads %d", p.SchemaVersion, SchemaVersion)
	}
	if err := p.Network.Check(); err != nil {
		return nil, err
	}
	return &p, p.check()
}

func (p *Plan) check() error {
	switch {
	case p.Mode != Infer && p.Mode != Train:
		return fmt.Errorf("mode is %q, expected infer or train", p.Mode)
	case (p.Mode == Train) != (p.Training != nil):
		return fmt.Errorf("mode %s and the field training do not go together", p.Mode)
	case p.Batch != p.Network.Input.Shape[0]:
		return fmt.Errorf("batch is %d, the network's input has %d", p.Batch, p.Network.Input.Shape[0])
	case p.Slots < 1:
		return fmt.Errorf("slots is %d, expected at least 1", p.Slots)
	}
	return nil
}

// place turns a decoder's error into line and column.
func place(data []byte, err error, offset int64) string {
	var syntax *json.SyntaxError
	var mismatch *json.UnmarshalTypeError
	if errors.As(err, &syntax) {
		offset = syntax.Offset
	} else if errors.As(err, &mismatch) {
		offset = mismatch.Offset
	}
	before := data[:min(max(int(offset), 0), len(data))]
	line := bytes.Count(before, []byte{'\n'}) + 1
	return fmt.Sprintf("line %d, column %d", line, len(before)-bytes.LastIndexByte(before, '\n'))
}
