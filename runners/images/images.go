// Package images builds, lists and prunes the images of the runners.
//
// A runner's image has three layers of work: the base (Debian and Python), the
// framework's packages, and the adapter. Each is tagged with a digest of all
// that goes into it, so that nothing is built twice and nothing stale is used.
package images

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/dlbench/dlbench/docker"
	"github.com/dlbench/dlbench/runners"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/manifest"
)

// Progress is told what is being done: a step and the last line of its output.
type Progress func(step, line string)

// Store is the images of one engine.
type Store struct {
	CLI      *engine.CLI
	Dir      string              // for contexts and logs
	Getenv   func(string) string // settings of package index, proxy, certificates
	Progress Progress
}

const adapterDir = "python"

// Reference is the full name of a runner's image, built or not. A manifest
// without a context names an image that the user provides.
func Reference(m manifest.Manifest) (string, error) {
	if m.Image.Context == "" {
		return m.Image.Name, nil
	}
	packages, err := packagesTag(m)
	if err != nil {
		return "", err
	}
	digest, err := digestOf(packages,
		part{docker.Files, "adapter"}, part{runners.Python, adapterDir})
	return m.Image.Name + ":" + digest, err
}

func packagesTag(m manifest.Manifest) (string, error) {
	base, err := baseTag()
	if err != nil {
		return "", err
	}
	if _, err := fs.Stat(docker.Files, m.Image.Context); err != nil {
		return "", fmt.Errorf("runner %q (%s): no image context %q in this dlbench", m.Name, m.Source, m.Image.Context)
	}
	digest, err := digestOf(base, part{docker.Files, m.Image.Context})
	return m.Image.Name + "-packages:" + digest, err
}

func baseTag() (string, error) {
	digest, err := digestOf("", part{docker.Files, "base"})
	return "dlbench/base:" + digest, err
}

// part is a directory whose files count.
type part struct {
	files fs.FS
	dir   string
}

// digestOf is short, over what lies below and every file's path and bytes.
func digestOf(below string, parts ...part) (string, error) {
	hash := sha256.New()
	fmt.Fprintln(hash, below)
	for _, p := range parts {
		err := fs.WalkDir(p.files, p.dir, func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			data, err := fs.ReadFile(p.files, name)
			if err != nil {
				return err
			}
			fmt.Fprintf(hash, "%s %d\n", strings.TrimPrefix(name, path.Dir(p.dir)), len(data))
			_, err = hash.Write(data)
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(hash.Sum(nil))[:12], nil
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
// identity. An image that is there already costs one look.
func (s *Store) Ensure(ctx context.Context, m manifest.Manifest) (reference, id string, err error) {
	reference, err = Reference(m)
	if err != nil {
		return "", "", err
	}
	if id = s.ID(ctx, reference); id != "" {
		return reference, id, nil
	}
	if m.Image.Context == "" {
		return "", "", &engine.EnvironmentError{Text: fmt.Sprintf("runner %q: there is no image %s", m.Name, reference),
			Hint: s.CLI.Name() + " pull " + reference}
	}
	base, err := s.ensureBase(ctx)
	if err != nil {
		return "", "", err
	}
	packages, err := packagesTag(m)
	if err != nil {
		return "", "", err
	}
	if s.ID(ctx, packages) == "" {
		if err := s.buildPackages(ctx, m, base, packages); err != nil {
			return "", "", err
		}
	}
	if err := s.buildAdapter(ctx, m, packages, reference); err != nil {
		return "", "", err
	}
	if id = s.ID(ctx, reference); id == "" {
		return "", "", fmt.Errorf("image %s was built and is not there", reference)
	}
	return reference, id, nil
}

func (s *Store) tell(step, line string) {
	if s.Progress != nil {
		s.Progress(step, line)
	}
}

// buildTimeout is for one image; the largest takes a few minutes.
const buildTimeout = 45 * time.Minute
