package bench

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dlbench/dlbench/runners/manifest"
)

// KnownRunners are the built-in ones and those of a directory.
func KnownRunners(dir string) ([]manifest.Manifest, error) {
	all, err := manifest.Builtin()
	if err != nil || dir == "" {
		return all, err
	}
	more, err := manifest.Dir(dir)
	if err != nil {
		return nil, UsageError(err)
	}
	for _, m := range more {
		if slices.ContainsFunc(all, func(o manifest.Manifest) bool { return o.Name == m.Name }) {
			return nil, UsageError(fmt.Errorf("%s: there is a runner named %q already", m.Source, m.Name))
		}
		all = append(all, m)
	}
	return all, nil
}

// SelectRunners splits the reference, which judges, from those that are
// measured. If nobody is named, all of these are, without their variants,
// which are asked for as NAME+VARIANT; "best" stands for every framework as it is
// and as its documentation recommends.
func SelectRunners(all []manifest.Manifest, wanted []string) (chosen []manifest.Manifest, reference manifest.Manifest, err error) {
	known := []string{manifest.BestName}
	best := map[string]bool{}
	for _, m := range all {
		known = append(known, m.Names()...)
		for _, way := range m.Best() {
			best[way.Name] = slices.Contains(wanted, manifest.BestName) && !m.Reference
		}
		if m.Reference {
			reference = m
		}
	}
	for _, name := range wanted {
		if !slices.Contains(known, name) {
			return nil, reference, unknown("runner", name, known)
		}
	}
	for _, m := range all {
		if len(wanted) == 0 && !m.Reference || slices.Contains(wanted, m.Name) || best[m.Name] {
			chosen = append(chosen, m)
		}
		for _, name := range m.Names()[1:] {
			if slices.Contains(wanted, name) || best[name] {
				variant, _ := m.As(strings.TrimPrefix(name, m.Name+"+"))
				chosen = append(chosen, variant)
			}
		}
	}
	return chosen, reference, nil
}
