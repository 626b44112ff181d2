package history

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"slices"
)

// baselines are the names of records: name → IDs of its nights.
type baselines map[string]ids

// ids are the records of a baseline: one, or several nights of it. One is written
// as a text, as it always was.
type ids []string

func (i ids) MarshalJSON() ([]byte, error) {
	if len(i) == 1 {
		return json.Marshal(i[0])
	}
	return json.Marshal([]string(i))
}

func (i *ids) UnmarshalJSON(data []byte) error {
	var one string
	if err := json.Unmarshal(data, &one); err == nil {
		*i = ids{one}
		return nil
	}
	var several []string
	err := json.Unmarshal(data, &several)
	if *i = several; err == nil && len(several) == 0 {
		err = errors.New("a baseline without a record")
	}
	return err
}

// Baseline is a name for a record; one that several nights have stands once for
// each.
type Baseline struct {
	Name  string `json:"name"`
	ID    string `json:"id"`
	Entry *Entry `json:"record"` // null when the record is gone
}

// validName keeps names easy to type, and apart from flags.
var validName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// readBaselines reads the names; none if there is no file.
func (h *History) readBaselines() (baselines, error) {
	var file struct {
		Baselines baselines `json:"baselines"`
	}
	if err := readKept(h.baselinesPath(), "{\"baselines\": {NAME: ID or [ID, …], …}}; correct it or remove it", &file); err != nil {
		return nil, err
	}
	for name, nights := range file.Baselines {
		for _, id := range nights {
			if !validName.MatchString(name) || !isHex(id) {
				return nil, refusal("%s: %q: %q: expected a name and a record's ID; correct it or remove it", h.baselinesPath(), name, id)
			}
		}
	}
	if file.Baselines == nil {
		return baselines{}, nil
	}
	return file.Baselines, nil
}

// byID are the names of each record, sorted.
func (b baselines) byID() map[string][]string {
	names := map[string][]string{}
	for name, nights := range b {
		for _, id := range nights {
			names[id] = append(names[id], name)
		}
	}
	for id := range names {
		slices.Sort(names[id])
	}
	return names
}

// SetBaseline gives records a name, which may have been others': one record, or
// several nights of what later nights are held against.
func (h *History) SetBaseline(ctx context.Context, name string, records ...string) ([]Entry, error) {
	if !validName.MatchString(name) {
		return nil, refusal("baseline %q: expected at most 64 letters, digits, dots, dashes and underscores, a letter or digit first", name)
	}
	var entries []Entry
	for _, id := range records {
		e, err := h.Find(ctx, id)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, h.changeBaselines(ctx, func(b baselines) error {
		var nights ids
		for _, e := range entries {
			if _, err := os.Stat(e.File); err != nil {
				return refusal("baseline %q: record %s was removed meanwhile", name, e.ID)
			}
			if !slices.Contains(nights, e.ID) {
				nights = append(nights, e.ID)
			}
		}
		b[name] = nights
		return nil
	})
}

// DropBaseline takes a name away; the record stays.
func (h *History) DropBaseline(ctx context.Context, name string) error {
	if err := h.exists(); err != nil {
		return err
	}
	return h.changeBaselines(ctx, func(b baselines) error {
		if _, ok := b[name]; !ok {
			return h.noBaseline(name)
		}
		delete(b, name)
		return nil
	})
}

// changeBaselines changes the names while nobody else does.
func (h *History) changeBaselines(ctx context.Context, change func(baselines) error) error {
	return h.locked(ctx, exclusive, func() error {
		b, err := h.readBaselines()
		if err != nil {
			return err
		}
		if err := change(b); err != nil {
			return err
		}
		return writeKept(h.baselinesPath(), "baselines", b)
	})
}

// Baseline are the records of a name, the one that was named first first.
func (h *History) Baseline(ctx context.Context, name string) ([]Entry, error) {
	b, err := h.readBaselines()
	if err != nil {
		return nil, err
	}
	if len(b[name]) == 0 {
		return nil, h.noBaseline(name)
	}
	var entries []Entry
	for _, id := range b[name] {
		e, err := h.Find(ctx, id)
		var absent *Refusal
		if errors.As(err, &absent) {
			return nil, refusal("baseline %q: its record %s is no longer in %s", name, id, h.recordsDir())
		}
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, nil
}

func (h *History) noBaseline(name string) error {
	return refusal("history %s: there is no baseline %q; dlbench history baseline lists them", h.dir, name)
}

// Baselines are all names, sorted, with their records.
func (h *History) Baselines(ctx context.Context) ([]Baseline, error) {
	entries, err := h.List(ctx, Filter{})
	if err != nil {
		return nil, err
	}
	names, err := h.readBaselines()
	if err != nil {
		return nil, err
	}
	all := []Baseline{}
	for name, nights := range names {
		for _, id := range nights {
			b := Baseline{Name: name, ID: id}
			if i := slices.IndexFunc(entries, func(e Entry) bool { return e.ID == id }); i >= 0 {
				b.Entry = &entries[i]
			}
			all = append(all, b)
		}
	}
	slices.SortStableFunc(all, func(a, b Baseline) int { return bytes.Compare([]byte(a.Name), []byte(b.Name)) })
	return all, nil
}

// BaselineImages are the identities of the images that baselines were measured
// with, each once.
func (h *History) BaselineImages(ctx context.Context) ([]string, error) {
	all, err := h.Baselines(ctx)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, b := range all {
		if b.Entry == nil {
			continue
		}
		rec, _, err := h.Read(*b.Entry)
		if err != nil {
			return nil, err
		}
		for _, r := range rec.Runners {
			if r.ImageID != "" && !slices.Contains(ids, r.ImageID) {
				ids = append(ids, r.ImageID)
			}
		}
	}
	return ids, nil
}
