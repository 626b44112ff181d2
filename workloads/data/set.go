// Package data reads images and volumes in folders, so that workloads can have a
// person's own inputs instead of generated ones: every folder is a class, as
// torchvision's ImageFolder has it. PNG and JPEG, DICOM and NIfTI are read. They are
// decoded and resized when a workload's files are written, outside of everything
// that is timed, and every runner gets these files.
package data

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"
)

// Set is a directory of files that can all be decoded.
type Set struct {
	Dir     string
	Classes []string // the folders' names, sorted; an image's label is its folder's place here
	Digest  string   // SHA-256 of all names and bytes
	files   []file
	masks   []*file // of some of them
}

// Open reads a directory. Every file is decoded once, so that a broken one is
// named before anything is built.
func Open(dir string) (*Set, error) {
	s := &Set{Dir: dir}
	if err := s.list(); err != nil {
		return nil, err
	}
	if err := s.findMasks(); err != nil {
		return nil, err
	}
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	faults := make([]error, len(s.files)+len(s.masks))
	for i := range s.files {
		group.Go(func() error {
			faults[i] = s.check(&s.files[i])
			return nil
		})
	}
	for i, mask := range s.masks {
		group.Go(func() error {
			faults[len(s.files)+i] = s.checkMask(mask)
			return nil
		})
	}
	_ = group.Wait() // faults has what matters, in the order of the files
	if err := broken(faults); err != nil {
		return nil, err
	}
	faults = nil
	whole := sha256.New()
	note := func(f *file) { fmt.Fprintf(whole, "%s\x00%x\n", filepath.ToSlash(f.path), f.sum) }
	for i := range s.files {
		note(&s.files[i])
		faults = append(faults, s.fits(&s.files[i]))
	}
	for _, mask := range s.masks {
		note(mask)
	}
	s.Digest = hex.EncodeToString(whole.Sum(nil))
	return s, broken(faults)
}

// mostNamed is how many broken files are named.
const mostNamed = 5

// broken is one line that names the files which cannot be read.
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
