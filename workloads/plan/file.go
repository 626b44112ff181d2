package plan

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // Schema
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// Schema is the JSON Schema of plan.json.
//
//go:embed plan.schema.json
var Schema []byte

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

// Read reads and type-checks a plan.json. An error names the file, the place,
// and what was expected there.
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
	// The version comes first: of a later plan it is the version that is wrong,
	// whatever else looks odd.
	var version struct {
		SchemaVersion *int `json:"schema_version"`
	}
	if err := json.Unmarshal(data, &version); err == nil && version.SchemaVersion != nil && *version.SchemaVersion != SchemaVersion {
		return nil, fmt.Errorf("schema_version is %d, this dlbench reads %d", *version.SchemaVersion, SchemaVersion)
	}
	var p Plan
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&p); err != nil {
		return nil, fmt.Errorf("%s: not a plan: %w", place(data, err, decoder.InputOffset()), err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: not a plan: something follows its end", place(data, nil, decoder.InputOffset()))
	}
	if err := p.Check(); err != nil {
		return nil, err
	}
	return &p, nil
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
	return fmt.Sprintf("line %d, column %d", line, max(1, len(before)-bytes.LastIndexByte(before, '\n')-1))
}
