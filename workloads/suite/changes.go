package suite

import (
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/dlbench/dlbench/workloads/names"
)

// named is a name that min_change has, and where.
type named struct {
	text string
	node *yaml.Node
}

// changes reads min_change: one share for all, or shares by network or workload,
// with "*" for all others. They are told by hand, because names depend on the
// workloads, which may come later in the file.
func (r *reader) changes(n *yaml.Node) error {
	r.suite.MinChange = map[string]float64{}
	if n.Kind != yaml.MappingNode {
		return r.change(Others, n)
	}
	if len(n.Content) == 0 {
		return at(n, "min_change is empty: expected a share like 1%%, or shares by network or workload")
	}
	for k := 0; k < len(n.Content); k += 2 {
		key, err := scalar(n.Content[k])
		if err != nil {
			return err
		}
		if _, twice := r.suite.MinChange[key]; twice {
			return at(n.Content[k], "%s is there twice", key)
		}
		if err := r.change(key, n.Content[k+1]); err != nil {
			return err
		}
		if key != Others {
			r.changed = append(r.changed, named{key, n.Content[k]})
		}
	}
	return nil
}

func (r *reader) change(name string, n *yaml.Node) error {
	text, err := scalar(n)
	if err != nil {
		return err
	}
	digits, percent := strings.CutSuffix(strings.TrimSpace(text), "%")
	share, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	if percent {
		share /= 100
	}
	if err != nil || !(share >= 0 && share < 1) {
		return at(n, "min_change %q, expected a share below 1 like 0.005 or 0.5%%", text)
	}
	r.suite.MinChange[name] = share
	return nil
}

// changesAreOfWorkloads refuses names that no workload of the suite has: their
// thresholds would be those of nothing. A network's file may be named as in the
// groups; records have its network's name.
func (r *reader) changesAreOfWorkloads() error {
	var known []string
	for _, id := range r.suite.Workloads {
		text := id.String()
		network, _, _ := strings.Cut(text, "/")
		for _, name := range []string{network, text} {
			if !slices.Contains(known, name) {
				known = append(known, name)
			}
		}
	}
	for _, name := range r.changed {
		for _, f := range r.catalog.Files() {
			if path := name.text; f.Path == path || samePath(f.Path, r.beside(path)) {
				r.suite.MinChange[f.Name] = r.suite.MinChange[path]
				delete(r.suite.MinChange, path)
				name.text = f.Name
			}
		}
		if !slices.Contains(known, name.text) {
			return at(name.node, "min_change: %w", names.Unknown("network or workload of this suite", name.text, known))
		}
	}
	return nil
}
