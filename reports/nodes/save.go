package nodes

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/dlbench/dlbench/metrics/record"
)

// The files that Save writes.
const (
	PageName = "report.html"
	JSONName = "nodes.json"
)

// Save writes report.html and nodes.json into a directory, each whole or not at
// all. If one cannot be written, the other is all the same.
func (f *Fleet) Save(dir string) error {
	var page bytes.Buffer
	err := f.HTML(&page)
	if err == nil {
		err = record.Replace(filepath.Join(dir, PageName), page.Bytes())
	}
	if err != nil {
		err = fmt.Errorf("write the report of the nodes: %w", err)
	}
	data, late := json.MarshalIndent(f, "", "  ")
	if late == nil {
		late = record.Replace(filepath.Join(dir, JSONName), append(data, '\n'))
	}
	if late != nil {
		late = fmt.Errorf("write the figures of the nodes: %w", late)
	}
	return errors.Join(err, late)
}
