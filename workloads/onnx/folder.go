package onnx

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/dlbench/dlbench/workloads/onnx/schema"
)

// folder is the directory that a file lies in: weights that the file names are
// read from there and from nowhere else. An os.Root follows no link out of it.
type folder struct {
	path string
	root *os.Root
}

func openFolder(path string) (*folder, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	return &folder{path: path, root: root}, nil
}

func (f *folder) close() { _ = f.root.Close() }

// external is a tensor's bytes in a file beside the model.
type external struct {
	folder   string
	location string
	offset   int64
	length   int64
}

// external reads where a tensor of so many bytes lies, and makes sure that it
// is there.
func (f *folder) external(t *schema.TensorProto, length int64) (*external, error) {
	e := &external{folder: f.path, length: length}
	for _, entry := range t.ExternalData {
		var err error
		switch entry.GetKey() {
		case "location":
			e.location = entry.GetValue()
		case "offset":
			e.offset, err = strconv.ParseInt(entry.GetValue(), 10, 64)
		case "length":
			var stated int64
			stated, err = strconv.ParseInt(entry.GetValue(), 10, 64)
			if err == nil && stated != length {
				return nil, fmt.Errorf("external data: length is %d, its shape wants %d bytes", stated, length)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("external data: %s %q is not a number", entry.GetKey(), entry.GetValue())
		}
	}
	if e.location == "" || !filepath.IsLocal(e.location) {
		return nil, fmt.Errorf("external data: location %q, wants the name of a file beside the model", e.location)
	}
	if e.offset < 0 {
		return nil, fmt.Errorf("external data: offset %d is below 0", e.offset)
	}
	file, err := f.root.Open(e.location)
	if err != nil {
		return nil, fmt.Errorf("external data: %w", err)
	}
	defer func() { _ = file.Close() }()
	return e, e.fits(file)
}

func (e *external) fits(file *os.File) error {
	stat, err := file.Stat()
	if err != nil {
		return fmt.Errorf("external data: %w", err)
	}
	if !stat.Mode().IsRegular() {
		return fmt.Errorf("external data: %s is not a regular file", e.location)
	}
	if size := stat.Size(); e.offset > size || e.length > size-e.offset {
		return fmt.Errorf("external data: %s has %d bytes, wants %d from byte %d on: truncated", e.location, size, e.length, e.offset)
	}
	return nil
}

// open gives the tensor's bytes to read.
func (e *external) open() (io.ReadCloser, error) {
	root, err := os.OpenRoot(e.folder)
	if err != nil {
		return nil, fmt.Errorf("external data: %w", err)
	}
	defer func() { _ = root.Close() }()
	file, err := root.Open(e.location)
	if err != nil {
		return nil, fmt.Errorf("external data: %w", err)
	}
	if err := e.fits(file); err != nil {
		_ = file.Close()
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.NewSectionReader(file, e.offset, e.length), file}, nil
}
