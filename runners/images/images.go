// Package images builds, lists and prunes the images of the runners.
//
// A runner's image has three layers of work: the base (Debian with a list of
// packages), the framework's packages, and the adapter. Each is tagged with a
// digest of all that goes into it, so that nothing is built twice and nothing
// stale is used.
package images

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dlbench/dlbench/metrics/timeline"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/manifest"
	"github.com/dlbench/dlbench/runners/presence"
)

// Progress is told what is being done: a step, and the lines that its builder
// prints. Its methods are called from several goroutines.
type Progress interface {
	Step(text string, fraction float64, left time.Duration)
	Detail(text string)
}

// Store is the images of one engine.
type Store struct {
	CLI      *engine.CLI
	Dir      string              // for contexts
	Logs     string              // for what builders print, a file a step
	Getenv   func(string) string // settings of package index, proxy, certificates
	Progress Progress            // nil is silent
	Timeline *timeline.Log       // of what is built; nil keeps none
	Jobs     int                 // layers that are built at once; 0 is one
	Registry string              // REGISTRY/PREFIX from which missing images are pulled first; empty is none
	// Turn waits until one more image may be pulled from there, and what it returns
	// gives the turn back. If it is nil, all may at once.
	Turn func(context.Context) (release func() error, err error)

	once  once  // for layers that several runners stand on
	slots slots // of the builders
	tally tally // of what EnsureAll has to do

	asking         sync.Mutex  // the container registry
	registryFailed bool        // asked once: without an answer it takes its time
	pulledFailed   atomic.Bool // the registry of prebuilt images does not answer
}

// ID is the identity of a built image, or "" when there is none.
func (s *Store) ID(ctx context.Context, reference string) string {
	id, err := s.CLI.Output(ctx, "image", "inspect", "--format", "{{.Id}}", reference)
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(id, "sha256:")
}

// Ensure builds what is missing of a runner's image and returns its name and
// identity. An image that is there already costs one look. The image for GPUs
// is that of the manifest's OnGPU.
func (s *Store) Ensure(ctx context.Context, m manifest.Manifest) (reference, id string, err error) {
	return s.ensure(ctx, m, 0)
}

// ensure is Ensure, with the runner's rank among those that wait for a builder.
func (s *Store) ensure(ctx context.Context, m manifest.Manifest, rank int) (reference, id string, err error) {
	if m.Image.Context == "" {
		return s.provided(ctx, m)
	}
	r, err := recipeOf(m)
	if err != nil {
		return "", "", err
	}
	if id = s.ID(ctx, r.adapter.tag); id != "" {
		return r.adapter.tag, id, nil
	}
	t := &turn{slots: &s.slots, most: max(1, s.Jobs), rank: rank}
	defer t.give()
	if id, err := s.prebuilt(ctx, r.adapter.tag, t); id != "" || err != nil {
		return r.adapter.tag, id, err
	}
	if err := s.make(ctx, m, r, t); err != nil {
		return "", "", err
	}
	if id = s.ID(ctx, r.adapter.tag); id == "" {
		if ctx.Err() != nil {
			return "", "", ctx.Err()
		}
		return "", "", fmt.Errorf("image %s was built and is not there", r.adapter.tag)
	}
	return r.adapter.tag, id, nil
}

// provided is an image that the user has made.
func (s *Store) provided(ctx context.Context, m manifest.Manifest) (reference, id string, err error) {
	if id = s.ID(ctx, m.Image.Name); id == "" {
		return "", "", &engine.EnvironmentError{Text: fmt.Sprintf("runner %q: there is no image %s", m.Name, m.Image.Name),
			Hint: s.CLI.Name() + " pull " + m.Image.Name}
	}
	return m.Image.Name, id, nil
}

// make builds from below what is not there.
func (s *Store) make(ctx context.Context, m manifest.Manifest, r recipe, t *turn) error {
	layer := func(tag string, build func() error) error { return s.layer(ctx, tag, t, build) }
	build := ""
	if r.build != nil {
		build = r.build.tag
		if err := layer(build, func() error { return s.makeBase(ctx, *r.build) }); err != nil {
			return err
		}
	}
	below := r.base.tag
	if top := r.packages[len(r.packages)-1].tag; s.ID(ctx, top) != "" {
		below = top // whatever lies below is inside
	} else {
		if err := layer(below, func() error { return s.makeBase(ctx, r.base) }); err != nil {
			return err
		}
		for _, l := range r.packages {
			if err := layer(l.tag, func() error { return s.buildPackages(ctx, l, below, build) }); err != nil {
				return err
			}
			below = l.tag
		}
	}
	return layer(r.adapter.tag, func() error { return s.buildAdapter(ctx, m, r.adapter, below, build) })
}

// layer makes an image if it is not there. Whoever else needs it meanwhile waits
// for it, and does not keep a builder from other work.
func (s *Store) layer(ctx context.Context, tag string, t *turn, build func() error) error {
	return s.once.do(ctx, tag, func() (failed error) {
		if s.ID(ctx, tag) != "" {
			return nil
		}
		release, err := s.alone(ctx, tag)
		if err != nil {
			return err
		}
		defer func() { failed = errors.Join(failed, release()) }()
		if s.ID(ctx, tag) != "" {
			return nil // another dlbench has made it
		}
		if err := t.take(ctx); err != nil {
			return err
		}
		defer s.tally.end(tag)
		return build()
	}, t.give)
}

// alone waits until no other dlbench makes a layer: two that build the same one
// would take its name from each other.
func (s *Store) alone(ctx context.Context, tag string) (release func() error, err error) {
	return presence.Turn(ctx, filepath.Join(s.Dir+".locks", url.PathEscape(tag)), func() { s.step("another dlbench builds " + tag + ": waiting for it") })
}

// buildTimeout is for one image; the largest takes a few minutes.
const buildTimeout = 45 * time.Minute
