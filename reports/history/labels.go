package history

import (
	"context"
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
	var file struct {
		Labels labels `json:"labels"`
	}
	if err := readKept(h.labelsPath(), "{\"labels\": {ID: {\"machine\": NAME, \"branch\": NAME}, …}}; correct it or remove it", &file); err != nil {
		return nil, err
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
		return writeKept(h.labelsPath(), "labels", all)
	})
}
