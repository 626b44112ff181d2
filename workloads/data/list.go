package data

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/dlbench/dlbench/workloads/data/dicom"
)

// mostFiles is more than a benchmark's batches ever take. All of them are looked
// at before anything is measured.
const mostFiles = 100_000

// format is what a file is taken for.
type format int

const (
	other format = iota // which is not looked at
	picture
	dicomFile
	niftiFile
)

// endings are those of the files that are read.
var endings = []struct {
	text   string
	format format
}{{".png", picture}, {".jpg", picture}, {".jpeg", picture}, {".dcm", dicomFile}, {".nii", niftiFile}, {".nii.gz", niftiFile}}

// formatOf tells a file by its name's ending; one with another ending, or none, as
// archives and scanners name DICOM files, by what it begins with.
func formatOf(path string) (format, error) {
	name := filepath.Base(path)
	if strings.HasPrefix(name, ".") || name == dicomIndex {
		return other, nil
	}
	if _, format := split(name); format != other {
		return format, nil
	}
	return sniffed(path)
}

// dicomIndex is the name of the list of files on a disk of DICOM files, which is
// DICOM itself and no image.
const dicomIndex = "DICOMDIR"

// sniffed looks for the mark that stands behind 128 bytes of a DICOM file.
func sniffed(path string) (f format, err error) {
	file, err := open(path)
	if errors.Is(err, errIrregular) {
		return other, nil
	}
	if err != nil {
		return other, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	mark := make([]byte, len(dicom.Mark))
	switch _, err := file.ReadAt(mark, dicom.MarkAt); {
	case errors.Is(err, io.EOF): // it is shorter
		return other, nil
	case err != nil:
		return other, err
	case string(mark) == dicom.Mark:
		return dicomFile, nil
	}
	return other, nil
}

// split parts a path from its ending, which says the format.
func split(path string) (stem string, format format) {
	lower := strings.ToLower(path)
	for _, e := range endings {
		if strings.HasSuffix(lower, e.text) {
			return path[:len(path)-len(e.text)], e.format
		}
	}
	return path, other
}

// list finds the classes and their files. A directory without folders that holds
// DICOM or NIfTI files is one class by itself.
func (s *Set) list() error {
	entries, err := os.ReadDir(s.Dir)
	if err != nil {
		return err
	}
	var folders []string
	var files []file
	medical := false
	for _, e := range entries { // sorted
		info, err := os.Stat(filepath.Join(s.Dir, e.Name()))
		if err != nil {
			return err
		}
		if info.IsDir() {
			if !strings.HasPrefix(e.Name(), ".") {
				folders = append(folders, e.Name())
			}
			continue
		}
		format, err := formatOf(filepath.Join(s.Dir, e.Name()))
		if err != nil {
			return err
		}
		if format != other {
			files = append(files, file{path: e.Name(), format: format})
			medical = medical || format != picture
		}
	}
	switch {
	case medical && len(folders) > 0:
		return fmt.Errorf("%s: DICOM or NIfTI files lie beside folders: expected a folder for each class, or files and no folder", s.Dir)
	case medical:
		s.Classes = []string{""}
		for _, f := range files {
			if err := s.add(f); err != nil {
				return err
			}
		}
		return nil
	case len(folders) == 0:
		return fmt.Errorf("%s: there is no folder: expected one for each class, with its images, like %s; or DICOM or NIfTI files", s.Dir, filepath.Join(s.Dir, "cat", "1.png"))
	}
	for _, name := range folders {
		if err := s.class(name); err != nil {
			return err
		}
	}
	return nil
}

func (s *Set) add(f file) error {
	s.files = append(s.files, f)
	if len(s.files) > mostFiles {
		return fmt.Errorf("%s: more than %d images, which no benchmark needs: give a directory with some of them", s.Dir, mostFiles)
	}
	return nil
}

// class adds a folder with all that is below it.
func (s *Set) class(name string) error {
	before := len(s.files)
	root := filepath.Join(s.Dir, name)
	resolved, err := filepath.EvalSymlinks(root) // WalkDir does not go into a link
	if err != nil {
		return err
	}
	err = filepath.WalkDir(resolved, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		format, err := formatOf(path)
		if err != nil || format == other {
			return err
		}
		below, err := filepath.Rel(resolved, path)
		if err != nil {
			return err
		}
		return s.add(file{path: filepath.Join(name, below), class: len(s.Classes), format: format})
	})
	if err != nil {
		return err
	}
	if len(s.files) == before {
		var texts []string
		for _, e := range endings {
			texts = append(texts, e.text)
		}
		return fmt.Errorf("%s: there is no image in this folder: expected files that end in %s, or DICOM files under any name", root, strings.Join(texts, ", "))
	}
	s.Classes = append(s.Classes, name)
	return nil
}
