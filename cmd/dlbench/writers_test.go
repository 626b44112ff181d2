package main

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports"
	"github.com/dlbench/dlbench/workloads/atomicfile"
	"github.com/dlbench/dlbench/workloads/tensors"
)

// writers are the ways that a file of ours comes to be, in rooms that do not
// import one another. They have to do the same.
var writers = map[string]func(path string) error{
	"atomicfile": func(path string) error {
		return atomicfile.Write(path, func(w io.Writer) error { return json.NewEncoder(w).Encode("new") })
	},
	"tensors": func(path string) error {
		_, err := tensors.Write(path, []tensors.Tensor{{Name: "x", Ints: func() ([]int64, error) { return []int64{1}, nil }}})
		return err
	},
	"record": func(path string) error { return record.Write(path, &record.Record{}) },
	"reports": func(path string) error {
		return reports.WriteFile(path, func(w io.Writer) error { return json.NewEncoder(w).Encode("new") })
	},
}

// eachWriter makes a directory with a file "old" for every writer. Only this
// test's process has the umask.
func eachWriter(t *testing.T, umask int, check func(t *testing.T, write func(string) error, dir string)) {
	for name, write := range writers {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			before := syscall.Umask(umask)
			defer syscall.Umask(before)
			check(t, write, dir)
			if entries, err := filepath.Glob(filepath.Join(dir, ".*")); err != nil || len(entries) > 0 {
				t.Errorf("left behind: %v, %v", entries, err)
			}
		})
	}
}

func mode(t *testing.T, path string) os.FileMode {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode()
}

func TestWhatIsWrittenMayBeReadByAllWhomTheUmaskAllows(t *testing.T) {
	for umask, want := range map[int]os.FileMode{0o022: 0o644, 0o027: 0o640, 0o077: 0o600, 0: 0o644} {
		eachWriter(t, umask, func(t *testing.T, write func(string) error, dir string) {
			path := filepath.Join(dir, "file")
			if err := write(path); err != nil {
				t.Fatal(err)
			}
			if got := mode(t, path); got != want {
				t.Errorf("umask %03o: mode %v, want %v", umask, got, want)
			}
		})
	}
}

func TestAFileThatOnlyItsOwnerCouldReadIsWrittenLikeANewOne(t *testing.T) {
	eachWriter(t, 0o022, func(t *testing.T, write func(string) error, dir string) {
		path := filepath.Join(dir, "file")
		if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := write(path); err != nil {
			t.Fatal(err)
		}
		if got := mode(t, path); got != 0o644 {
			t.Errorf("mode %v, want 0644", got)
		}
	})
}

func TestASymbolicLinkIsReplacedAndNotFollowed(t *testing.T) {
	eachWriter(t, 0o022, func(t *testing.T, write func(string) error, dir string) {
		target, path := filepath.Join(dir, "target"), filepath.Join(dir, "file")
		if err := os.WriteFile(target, []byte("somebody's"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, path); err != nil {
			t.Fatal(err)
		}
		if err := write(path); err != nil {
			t.Fatal(err)
		}
		if got := mode(t, path); !got.IsRegular() {
			t.Errorf("the link became %v, want a regular file", got)
		}
		if data, err := os.ReadFile(target); err != nil || string(data) != "somebody's" {
			t.Errorf("the link's target has %q, %v; want it as it was", data, err)
		}
	})
}
