package atomicfile_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/workloads/atomicfile"
)

// dieWriting makes this test program write half of the file that it names and
// then wait to be killed.
const dieWriting = "DLBENCH_TEST_DIE_WRITING"

func TestMain(m *testing.M) {
	if path := os.Getenv(dieWriting); path != "" {
		err := atomicfile.Write(path, func(w io.Writer) error {
			_, err := io.WriteString(w, "half of the ne")
			fmt.Println("half")
			_, _ = io.Copy(io.Discard, os.Stdin)
			return err
		})
		fmt.Println("not killed:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestAWriterThatIsKilledLeavesTheOldFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plan.json")
	if err := atomicfile.Write(path, text("old")); err != nil {
		t.Fatal(err)
	}
	writer := exec.Command(os.Args[0])
	writer.Env = append(os.Environ(), dieWriting+"="+path)
	if _, err := writer.StdinPipe(); err != nil { // held open until it is dead
		t.Fatal(err)
	}
	out, err := writer.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := writer.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "half\n" {
		t.Fatalf("the writer said %q, %v", line, err)
	}
	if err := writer.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = writer.Wait()
	if got := read(t, path); got != "old" {
		t.Errorf("the file has %q, want the old contents", got)
	}
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*"))
	if len(left) != 1 || !strings.HasPrefix(filepath.Base(left[0]), ".plan.json") {
		t.Fatalf("left behind: %v, want one hidden file named after plan.json", left)
	}
	if err := atomicfile.Write(path, text("new")); err != nil || read(t, path) != "new" {
		t.Errorf("after the crash: %v, %q", err, read(t, path))
	}
}

func TestAFailingWriteLeavesTheOldFileAndNothingElse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plan.json")
	if err := atomicfile.Write(path, text("old")); err != nil {
		t.Fatal(err)
	}
	full := errors.New("no space left")
	err := atomicfile.Write(path, func(w io.Writer) error { return errors.Join(text("half")(w), full) })
	if !errors.Is(err, full) {
		t.Errorf("got %v, want what the writer said", err)
	}
	if got := read(t, path); got != "old" {
		t.Errorf("the file has %q, want the old contents", got)
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestADirectoryInTheWayIsAnErrorAndLeavesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plan.json")
	if err := os.MkdirAll(filepath.Join(path, "full"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := atomicfile.Write(path, text("new")); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v, want an error that names %s", err, path)
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}
