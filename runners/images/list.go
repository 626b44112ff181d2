package images

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/dlbench/dlbench/runners/manifest"
)

// Status is a runner's image as it stands.
type Status struct {
	Runner  string   `json:"runner"`
	Devices []string `json:"devices"` // that it serves
	Image   string   `json:"image"`
	Built   bool     `json:"built"`
	ID      string   `json:"id,omitempty"`
	Bytes   int64    `json:"bytes,omitempty"`
}

// List tells of each runner whether its images are there and how large they
// are: one for all devices, or one for CPUs and one for GPUs.
func (s *Store) List(ctx context.Context, all []manifest.Manifest) ([]Status, error) {
	var out []Status
	for _, b := range buildsOf(all) {
		reference, err := Reference(b.Manifest)
		if err != nil {
			return nil, err
		}
		status := Status{Runner: b.Name, Devices: b.Devices, Image: reference}
		text, err := s.CLI.Output(ctx, "image", "inspect", "--format", "{{.Id}} {{.Size}}", reference)
		if id, size, ok := strings.Cut(text, " "); err == nil && ok {
			status.Built, status.ID = true, strings.TrimPrefix(id, "sha256:")
			status.Bytes, _ = strconv.ParseInt(size, 10, 64)
		}
		out = append(out, status)
	}
	return out, ctx.Err()
}

// buildsOf are the images that runners need for all of their devices, each once: a
// runner brings those of its variants, which may be named beside it.
func buildsOf(all []manifest.Manifest) []manifest.Build {
	var builds []manifest.Build
	seen := map[string]bool{}
	for _, m := range all {
		for _, b := range m.Builds() {
			if key := b.Name + " " + strings.Join(b.Devices, " "); !seen[key] {
				seen[key] = true
				builds = append(builds, b)
			}
		}
	}
	return builds
}

// Prune removes images of dlbench that no given runner needs any more and
// returns their names; those whose identity is kept stay, with what they stand
// on. With all, every one goes.
func (s *Store) Prune(ctx context.Context, runners []manifest.Manifest, keep []string, all bool) ([]string, error) {
	needed := map[string]bool{}
	var kept [][]string // layers of images that stay
	if !all {
		for _, id := range keep {
			if layers := s.layers(ctx, id); len(layers) > 0 {
				kept = append(kept, layers)
			}
		}
		for _, b := range buildsOf(runners) {
			if b.Image.Context == "" {
				continue
			}
			r, err := recipeOf(b.Manifest)
			if err != nil {
				return nil, err
			}
			for _, tag := range r.tags() {
				needed[tag] = true
			}
		}
	}
	there, err := s.there(ctx)
	if err != nil {
		return nil, err
	}
	var left []string
	for _, name := range there {
		if !needed[short(name)] && !below(s.layers(ctx, name), kept) {
			left = append(left, name)
		}
	}
	return s.remove(ctx, left)
}

// layers are the digests of an image's layers from below; none of an image that
// is not there.
func (s *Store) layers(ctx context.Context, image string) []string {
	text, err := s.CLI.Output(ctx, "image", "inspect", "--format", "{{json .RootFS.Layers}}", image)
	var layers []string
	if err != nil || json.Unmarshal([]byte(text), &layers) != nil {
		return nil
	}
	return layers
}

// below says whether an image is one of others or what one of them stands on.
func below(layers []string, others [][]string) bool {
	return len(layers) > 0 && slices.ContainsFunc(others, func(o []string) bool {
		return len(layers) <= len(o) && slices.Equal(layers, o[:len(layers)])
	})
}

// remove removes images. An image that another one is based on goes after that
// one: what is refused is tried again as long as any removal succeeds.
func (s *Store) remove(ctx context.Context, names []string) (removed []string, err error) {
	for len(names) > 0 {
		var refused []string
		var faults []error
		for _, name := range names {
			if _, err := s.CLI.Output(ctx, "rmi", name); err != nil {
				refused, faults = append(refused, name), append(faults, err)
				continue
			}
			removed = append(removed, short(name))
		}
		if len(refused) == len(names) {
			return removed, errors.Join(faults...)
		}
		names = refused
	}
	return removed, nil
}

// there are the names of all images of dlbench that the engine has.
func (s *Store) there(ctx context.Context) ([]string, error) {
	listing, err := s.CLI.Output(ctx, "images", "--format", "{{.Repository}}:{{.Tag}}")
	return ours(listing), err
}

// ours are dlbench's images.
func ours(listing string) []string {
	return slices.DeleteFunc(strings.Fields(listing), func(name string) bool {
		return !strings.HasPrefix(short(name), "dlbench/")
	})
}

// short is a name without podman's registry of what was built here.
func short(name string) string { return strings.TrimPrefix(name, "localhost/") }
