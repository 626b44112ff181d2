package images

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dlbench/dlbench/metrics/timeline"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/manifest"
	"github.com/dlbench/dlbench/workloads/atomicfile"
)

// The files of a directory of saved images.
const (
	archiveFile = "images.tar"
	indexFile   = "images.json"
)

// Index says what a directory of saved images holds.
type Index struct {
	SchemaVersion int      `json:"schema_version"`
	Engine        string   `json:"engine"` // that wrote the archive
	Bytes         int64    `json:"bytes"`
	SHA256        string   `json:"sha256"` // of the archive
	Images        []Shared `json:"images"`
}

// Save writes the images of runners into a directory: one archive, in which
// shared layers are once, and an index with digests.
func (s *Store) Save(ctx context.Context, ms []manifest.Manifest, dir string) (Index, error) {
	all, err := s.shared(ctx, ms)
	if err != nil {
		return Index{}, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Index{}, err
	}
	unfinished := filepath.Join(dir, archiveFile+".part")
	defer func() { _ = os.Remove(unfinished) }() // it has its name by then, or is of no use
	if err := os.Remove(unfinished); err != nil && !errors.Is(err, os.ErrNotExist) {
		return Index{}, err // podman adds to no archive
	}
	args := []string{"save", "--output", unfinished}
	if s.CLI.Name() == "podman" {
		args = append(args, "--quiet", "--format", "docker-archive", "--multi-image-archive")
	}
	for _, image := range all {
		args = append(args, image.Image)
	}
	s.step(fmt.Sprintf("save %d images to %s", len(all), dir))
	if _, err := s.CLI.Output(ctx, args...); err != nil {
		return Index{}, &engine.EnvironmentError{Text: fmt.Sprintf("save images to %s: %v", dir, err)}
	}
	index := Index{SchemaVersion: 1, Engine: s.CLI.Name(), Images: all}
	if index.SHA256, index.Bytes, err = digestOfFile(ctx, unfinished); err != nil {
		return Index{}, err
	}
	if err := os.Rename(unfinished, filepath.Join(dir, archiveFile)); err != nil {
		return Index{}, err
	}
	return index, atomicfile.Write(filepath.Join(dir, indexFile), func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(index)
	})
}

// Load brings the images of a directory into the engine, after the archive's
// digest was checked, and checks theirs.
func (s *Store) Load(ctx context.Context, dir string) (loaded []Shared, failed error) {
	index, err := readIndex(dir)
	if err != nil {
		return nil, err
	}
	ended := s.Timeline.Begin(timeline.Fetch, "load "+dir)
	defer func() { ended(failed) }()
	archive := filepath.Join(dir, archiveFile)
	s.step("check " + archive)
	digest, size, err := digestOfFile(ctx, archive)
	if err != nil {
		return nil, err
	}
	if digest != index.SHA256 || size != index.Bytes {
		return nil, &engine.EnvironmentError{Text: fmt.Sprintf("%s was changed, or not copied whole: it has %d bytes with SHA-256 %s, expected %d with %s", archive, size, digest, index.Bytes, index.SHA256)}
	}
	s.step(fmt.Sprintf("load %d images from %s", len(index.Images), dir))
	if _, err := s.CLI.Output(ctx, "load", "--quiet", "--input", archive); err != nil {
		return nil, &engine.EnvironmentError{Text: fmt.Sprintf("load images from %s: %v", archive, err)}
	}
	for _, image := range index.Images {
		if _, err := s.take(ctx, image.ID, image.Image, image.ID); err != nil {
			return loaded, err
		}
		loaded = append(loaded, image)
	}
	return loaded, nil
}

// Lacks says whether the engine lacks an image of a directory, or has another one
// under its name.
func (s *Store) Lacks(ctx context.Context, dir string) (bool, error) {
	index, err := readIndex(dir)
	if err != nil {
		return false, err
	}
	for _, image := range index.Images {
		if s.ID(ctx, image.Image) != image.ID {
			return true, ctx.Err()
		}
	}
	return false, ctx.Err()
}

// Holds refuses a directory that images save did not write, and one that lacks
// images of these runners: those of another dlbench have other names.
func Holds(dir string, ms []manifest.Manifest) error {
	index, err := readIndex(dir)
	if err != nil {
		return err
	}
	names, err := builtNames(ms)
	if err != nil {
		return err
	}
	var lacking []string
	for _, name := range names {
		if !slices.ContainsFunc(index.Images, func(image Shared) bool { return image.Image == name }) {
			lacking = append(lacking, name)
		}
	}
	if len(lacking) > 0 {
		return &InputError{fmt.Sprintf("%s lacks %d of %d images, which every node would build: %s; write it again with this dlbench: images save %s", dir, len(lacking), len(names), strings.Join(lacking, ", "), dir)}
	}
	return nil
}

func readIndex(dir string) (Index, error) {
	path := filepath.Join(dir, indexFile)
	data, err := os.ReadFile(path)
	if err != nil {
		return Index{}, &InputError{fmt.Sprintf("%s: expected a directory that images save wrote: %v", dir, err)}
	}
	var index Index
	if err := json.Unmarshal(data, &index); err != nil {
		return index, &InputError{fmt.Sprintf("%s: %v", path, err)}
	}
	if index.SchemaVersion != 1 || index.SHA256 == "" || len(index.Images) == 0 {
		return index, &InputError{path + ": expected schema_version 1, a digest and images"}
	}
	return index, nil
}

// digestOfFile reads a file of many gigabytes, and stops when that is asked for.
func digestOfFile(ctx context.Context, path string) (digest string, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	hash := sha256.New()
	for err == nil && ctx.Err() == nil {
		var n int64
		n, err = io.CopyN(hash, f, 64<<20)
		size += n
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return hex.EncodeToString(hash.Sum(nil)), size, errors.Join(err, ctx.Err(), f.Close())
}
