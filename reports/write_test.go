package reports_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/dlbench/dlbench/reports"
)

func hello(w io.Writer) error {
	_, err := io.WriteString(w, "hello")
	return err
}

func TestFilesAppearWholeOrNotAtAll(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	if err := reports.WriteFile(path, hello); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("disk full")
	err := reports.WriteFile(path, func(w io.Writer) error { return errors.Join(hello(w), hello(w), broken) })
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "hello" {
		t.Errorf("the file holds %q, %v", text, err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("files were left behind: %v", left)
	}
}

// Renaming a file over /dev/null would end many a machine.
func TestDevicesStayDevices(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	path := fmt.Sprintf("/proc/self/fd/%d", w.Fd())
	if err := reports.WriteFile(path, hello); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(r); err != nil || string(text) != "hello" {
		t.Errorf("the pipe brought %q, %v", text, err)
	}
	if err := reports.WriteFile(t.TempDir(), hello); err == nil {
		t.Error("a directory was written to")
	}
}
