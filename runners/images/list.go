package images

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/dlbench/dlbench/runners/manifest"
)

// Status is a runner's image as it stands.
type Status struct {
	Runner string `json:"runner"`
	Image  string `json:"image"`
	Built  bool   `json:"built"`
	ID     string `json:"id,omitempty"`
	Bytes  int64  `json:"bytes,omitempty"`
}

// List tells of each runner whether its image is there and how large it is.
func (s *Store) List(ctx context.Context, all []manifest.Manifest) ([]Status, error) {
	var out []Status
	for _, m := range all {
		reference, err := Reference(m)
		if err != nil {
			return nil, err
		}
		status := Status{Runner: m.Name, Image: reference}
		text, err := s.CLI.Output(ctx, "image", "inspect", "--format", "{{.Id}} {{.Size}}", reference)
		if id, size, ok := strings.Cut(text, " "); err == nil && ok {
			status.Built, status.ID = true, strings.TrimPrefix(id, "sha256:")
			status.Bytes, _ = strconv.ParseInt(size, 10, 64)
		}
		out = append(out, status)
	}
	return out, ctx.Err()
}

// Prune removes images of dlbench that no given runner needs any more and
// returns their names. With all, the needed ones go too.
func (s *Store) Prune(ctx context.Context, runners []manifest.Manifest, all bool) ([]string, error) {
	needed := map[string]bool{}
	if !all {
		for _, m := range runners {
			reference, err := Reference(m)
			if err != nil {
				return nil, err
			}
			needed[reference] = true
			if packages, err := packagesTag(m); err == nil {
				needed[packages] = true
			}
		}
		base, err := baseTag()
		if err != nil {
			return nil, err
		}
		needed[base] = true
	}
	text, err := s.CLI.Output(ctx, "images", "--format", "{{.Repository}}:{{.Tag}}")
	if err != nil {
		return nil, err
	}
	var removed []string
	var faults []error
	for _, name := range ours(text) {
		short := strings.TrimPrefix(name, "localhost/")
		if needed[short] {
			continue
		}
		if _, err := s.CLI.Output(ctx, "rmi", name); err != nil {
			faults = append(faults, err)
			continue
		}
		removed = append(removed, short)
	}
	return removed, errors.Join(faults...)
}

// ours are dlbench's images, upper layers first: a base cannot go before what
// stands on it.
func ours(listing string) []string {
	var names []string
	for _, name := range strings.Fields(listing) {
		if strings.HasPrefix(strings.TrimPrefix(name, "localhost/"), "dlbench/") {
			names = append(names, name)
		}
	}
	height := func(name string) int {
		switch {
		case strings.Contains(name, "dlbench/base:"):
			return 2
		case strings.Contains(name, "-packages:"):
			return 1
		}
		return 0
	}
	slices.SortStableFunc(names, func(a, b string) int { return height(a) - height(b) })
	return names
}
