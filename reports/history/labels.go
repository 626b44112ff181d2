package history

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dlbench/dlbench/metrics/record"
)

// Label is what is said of a record when it is added: the record itself stays
// byte for byte what it was.
type Label struct {
	Machine string `json:"machine,omitempty"`
	Branch  string `json:"branch,omitempty"`
}

// labels are those of records: ID → label.
type labels map[string]Label

func (h *History) labelsPath() string { return filepath.Join(h.dir, "labels.json") }

// readLabels reads the labels; none when there is no file.
func (h *History) readLabels() (labels, error) {
	data, err := os.ReadFile(h.labelsPath())
	if errors.Is(err, fs.ErrNotExist) {
		return labels{}, nil
	}
	if err != nil {
		return nil, err
	}
	var file struct {
		Labels labels `json:"labels"`
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&file); err != nil {
		return nil, refusal("%s: %v: expected {\"labels\": {ID: {\"machine\": NAME, \"branch\": NAME}, …}}; correct it or remove it", h.labelsPath(), err)
	}
	if file.Labels == nil {
		return labels{}, nil
	}
	return file.Labels, nil
}

// Valid refuses names of machines and branches that could not be typed or shown.
func (l Label) Valid() error {
	for _, one := range []struct{ kind, name string }{{"machine", l.Machine}, {"branch", l.Branch}} {
		if !record.ValidLabel(one.name) {
			return refusal("%s %q: expected %s", one.kind, one.name, record.LabelForm)
		}
	}
	return nil
}

// Label says of records which machine and branch they are of.
func (h *History) Label(ctx context.Context, label Label, ids ...string) error {
	if err := label.Valid(); err != nil {
		return err
	}
	if label == (Label{}) {
		return nil
	}
	return h.locked(ctx, exclusive, func() error {
		all, err := h.readLabels()
		if err != nil {
			return err
		}
		for _, id := range ids {
			l := all[id]
			if label.Machine != "" {
				l.Machine = label.Machine
			}
			if label.Branch != "" {
				l.Branch = label.Branch
			}
			all[id] = l
		}
		data, err := json.MarshalIndent(map[string]labels{"labels": all}, "", "  ")
		if err != nil {
			return err
		}
		if err := record.Replace(h.labelsPath(), append(data, '\n')); err != nil {
			return fmt.Errorf("keep the labels: %w", err)
		}
		return nil
	})
}
