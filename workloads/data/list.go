package data

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// mostFiles is more than a benchmark's batches ever take. All of them are looked
// at before anything is measured.
const mostFiles = 100_000

// format is what a file is taken for by its name's end.
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

func formatOf(name string) format {
	if strings.HasPrefix(name, ".") {
		return other
	}
	_, format := split(name)
	return format
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
	var folders, files []string
	medical := false
	for _, e := range entries { // sorted
		info, err := os.Stat(filepath.Join(s.Dir, e.Name()))
		if err != nil {
			return err
		}
		format := formatOf(e.Name())
		switch {
		case info.IsDir():
			if !strings.HasPrefix(e.Name(), ".") {
				folders = append(folders, e.Name())
			}
		case format != other:
			files = append(files, e.Name())
			medical = medical || format != picture
		}
	}
	switch {
	case medical && len(folders) > 0:
		return fmt.Errorf("%s: DICOM or NIfTI files lie beside folders: expected a folder for each class, or files and no folder", s.Dir)
	case medical:
		s.Classes = []string{""}
		for _, name := range files {
			if err := s.add(name, 0); err != nil {
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

// add adds a file by its path below the directory.
func (s *Set) add(path string, class int) error {
	s.files = append(s.files, file{path: path, class: class, format: formatOf(filepath.Base(path))})
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
		if err != nil || e.IsDir() || formatOf(e.Name()) == other {
			return err
		}
		below, err := filepath.Rel(resolved, path)
		if err != nil {
			return err
		}
		return s.add(filepath.Join(name, below), len(s.Classes))
	})
	if err != nil {
		return err
	}
	if len(s.files) == before {
		var texts []string
		for _, e := range endings {
			texts = append(texts, e.text)
		}
		return fmt.Errorf("%s: there is no image in this folder: expected files that end in %s", root, strings.Join(texts, ", "))
	}
	s.Classes = append(s.Classes, name)
	return nil
}
