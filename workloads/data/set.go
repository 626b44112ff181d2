// Package data reads images in folders, so that workloads can have a person's own
// inputs instead of generated ones: every folder is a class, as torchvision's
// ImageFolder has it. Images are decoded and resized when a workload's files are
// written, outside of everything that is timed, and every runner gets these files.
package data

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

// mostImages is more than a benchmark's batches ever take. All of them are
// looked at before anything is measured.
const mostImages = 100_000

// Set is a directory of images that can all be decoded.
type Set struct {
	Dir     string
	Classes []string // the folders' names, sorted; an image's label is its folder's place here
	Digest  string   // SHA-256 of all names and bytes
	images  []file
}

// file is one image.
type file struct {
	path  string // below the directory
	class int
	sum   [sha256.Size]byte // of its bytes
}

// Open reads a directory. Every image is decoded once, so that a broken one is
// named before anything is built.
func Open(dir string) (*Set, error) {
	s := &Set{Dir: dir}
	if err := s.list(); err != nil {
		return nil, err
	}
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	faults := make([]error, len(s.images))
	for i := range s.images {
		image := &s.images[i]
		group.Go(func() error {
			image.sum, faults[i] = check(filepath.Join(dir, image.path))
			return nil
		})
	}
	_ = group.Wait() // faults has what matters, in the order of the images
	if err := broken(faults); err != nil {
		return nil, err
	}
	all := sha256.New()
	for _, image := range s.images {
		fmt.Fprintf(all, "%s\x00%x\n", filepath.ToSlash(image.path), image.sum)
	}
	s.Digest = hex.EncodeToString(all.Sum(nil))
	return s, nil
}

// mostNamed is how many broken images are named.
const mostNamed = 5

// broken is one line that names the images which cannot be read.
func broken(faults []error) error {
	var texts []string
	n := 0
	for _, err := range faults {
		if err == nil {
			continue
		}
		if n++; n <= mostNamed {
			texts = append(texts, err.Error())
		}
	}
	switch {
	case n == 0:
		return nil
	case n > mostNamed:
		texts = append(texts, fmt.Sprintf("and %d more", n-mostNamed))
	}
	return errors.New(strings.Join(texts, "; "))
}

// Len is the number of images.
func (s *Set) Len() int { return len(s.images) }

// Label is an image's class.
func (s *Set) Label(i int) int64 { return int64(s.images[i].class) }

// list finds the classes and their images.
func (s *Set) list() error {
	entries, err := os.ReadDir(s.Dir)
	if err != nil {
		return err
	}
	for _, e := range entries { // sorted
		info, err := os.Stat(filepath.Join(s.Dir, e.Name()))
		if err != nil {
			return err
		}
		if info.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			if err := s.class(e.Name()); err != nil {
				return err
			}
		}
	}
	if len(s.Classes) == 0 {
		return fmt.Errorf("%s: there is no folder: expected one for each class, with its images, like %s", s.Dir, filepath.Join(s.Dir, "cat", "1.png"))
	}
	return nil
}

// class adds a folder with all that is below it.
func (s *Set) class(name string) error {
	before := len(s.images)
	root := filepath.Join(s.Dir, name)
	resolved, err := filepath.EvalSymlinks(root) // WalkDir does not go into a link
	if err != nil {
		return err
	}
	err = filepath.WalkDir(resolved, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() || strings.HasPrefix(e.Name(), ".") || !slices.Contains(extensions, strings.ToLower(filepath.Ext(path))) {
			return nil
		}
		below, err := filepath.Rel(resolved, path)
		if err != nil {
			return err
		}
		s.images = append(s.images, file{path: filepath.Join(name, below), class: len(s.Classes)})
		if len(s.images) > mostImages {
			return fmt.Errorf("%s: more than %d images, which no benchmark needs: give a directory with some of them", s.Dir, mostImages)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(s.images) == before {
		return fmt.Errorf("%s: there is no image in this folder: expected files that end in %s", root, strings.Join(extensions, ", "))
	}
	s.Classes = append(s.Classes, name)
	return nil
}
