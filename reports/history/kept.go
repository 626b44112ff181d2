package history

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/dlbench/dlbench/metrics/record"
)

// readKept reads a small file that a history keeps beside its records into a
// struct, strictly; nothing changes if there is no file. What is in it by
// mistake is refused with what was expected.
func readKept(path, expected string, into any) error {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return refusal("%s: %v: expected %s", path, err, expected)
	}
	return nil
}

// writeKept replaces such a file: one object, under the name of what it holds.
func writeKept(path, name string, content any) error {
	data, err := json.MarshalIndent(map[string]any{name: content}, "", "  ")
	if err != nil {
		return err
	}
	if err := record.Replace(path, append(data, '\n')); err != nil {
		return fmt.Errorf("keep the %s: %w", name, err)
	}
	return nil
}
