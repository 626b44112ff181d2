package html

import "slices"

// filters are what a reader can choose.
type filters struct {
	Modes     []string
	Workloads []filterWorkload
	Runners   []filterRunner
}

type filterWorkload struct{ ID, Mode, Classes string }

type filterRunner struct {
	Name, Mark string
	Number     int
}

func newFilters(views []*view, m *marks) filters {
	var f filters
	for _, v := range views {
		for _, w := range v.Workloads {
			if !slices.Contains(f.Modes, w.Mode) {
				f.Modes = append(f.Modes, w.Mode)
			}
			known := slices.ContainsFunc(f.Workloads, func(o filterWorkload) bool { return o.ID == w.ID })
			if !known {
				f.Workloads = append(f.Workloads, filterWorkload{w.ID, w.Mode, classesOf(w.ID, views)})
			}
		}
	}
	for i, name := range m.names {
		f.Runners = append(f.Runners, filterRunner{name, markClass(i), i})
	}
	return f
}
