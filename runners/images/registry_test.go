package images

import (
	"archive/tar"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/manifest"
)

// runningRegistry starts Debian's docker-registry and returns its address.
func runningRegistry(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("docker-registry")
	if err != nil || os.Getenv("DLBENCH_TEST_CONTAINERS") == "" {
		t.Skip("needs DLBENCH_TEST_CONTAINERS=1 and the package docker-registry")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "config.yml")
	text := fmt.Sprintf("version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: %s/files\nhttp:\n  addr: %s\n", dir, address)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program, "serve", config)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	for range 600 {
		if answer, err := http.Get("http://" + address + "/v2/"); err == nil {
			_ = answer.Body.Close()
			return address
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("the registry does not answer")
	return ""
}

// emptyStore is podman with a store of its own: nobody's images are touched.
func emptyStore(t *testing.T) *Store {
	t.Helper()
	dir := t.TempDir()
	config := filepath.Join(dir, "storage.conf")
	text := fmt.Sprintf("[storage]\ndriver = \"overlay\"\ngraphroot = \"%s/store\"\nrunroot = \"%s/run\"\n", dir, dir)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	podman, err := engine.NewPodman(append(os.Environ(), "CONTAINERS_STORAGE_CONF="+config), dir)
	if err != nil {
		t.Fatal(err)
	}
	if h := podman.Probe(t.Context()); h.State != engine.Healthy {
		t.Skipf("podman is %s: %s", h.State, h.Reason)
	}
	t.Cleanup(func() { // its own mount would keep the directory
		_ = exec.Command("umount", "-l", filepath.Join(dir, "store", "overlay")).Run()
	})
	return &Store{CLI: podman, Dir: filepath.Join(dir, "contexts"), Logs: filepath.Join(dir, "logs"), Getenv: os.Getenv}
}

// imported makes a small image that says that it is a runner's.
func imported(t *testing.T, s *Store, m manifest.Manifest, content string) Shared {
	t.Helper()
	name, err := Reference(m)
	if err != nil {
		t.Fatal(err)
	}
	var data bytes.Buffer
	w := tar.NewWriter(&data)
	if err := w.WriteHeader(&tar.Header{Name: "content", Mode: 0o644, Size: int64(len(content))}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "image.tar")
	if err := os.WriteFile(file, data.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CLI.Output(t.Context(), "import", "--change", "LABEL "+imageLabel+"="+name, file, name); err != nil {
		t.Fatal(err)
	}
	return Shared{name, s.ID(t.Context(), name)}
}

// A real registry and a real engine: what comes back is what was sent.
func TestARealRegistry(t *testing.T) {
	place := "http://" + runningRegistry(t) + "/bench"
	here, there := emptyStore(t), emptyStore(t)
	ms := runnersNamed(t, "reference", "mxnet")
	want := []Shared{imported(t, here, ms[0], "one"), imported(t, here, ms[1], "two")}
	pushed, err := here.Push(t.Context(), ms, place)
	if err != nil || !slices.Equal(pushed, want) {
		t.Fatalf("%+v, %v", pushed, err)
	}
	pulled, err := there.Pull(t.Context(), ms, place, pushed)
	if err != nil || !slices.Equal(pulled, want) {
		t.Fatalf("%+v, %v, want %+v", pulled, err, want)
	}
	third := emptyStore(t)
	third.Registry = place
	if _, id, err := third.Ensure(t.Context(), ms[1]); err != nil || id != want[1].ID {
		t.Errorf("before anything is built: %s, %v", id, err)
	}
	other := imported(t, here, ms[1], "three") // somebody replaces it
	if _, err := here.Push(t.Context(), ms[1:], place); err != nil {
		t.Fatal(err)
	}
	_, err = emptyStore(t).Pull(t.Context(), ms[1:], place, pushed)
	refused(t, err, "its digest is "+other.ID+", expected "+want[1].ID)
}

func TestARealDirectoryOfImages(t *testing.T) {
	if os.Getenv("DLBENCH_TEST_CONTAINERS") == "" {
		t.Skip("needs DLBENCH_TEST_CONTAINERS=1")
	}
	here, there := emptyStore(t), emptyStore(t)
	ms := runnersNamed(t, "reference", "mxnet")
	want := []Shared{imported(t, here, ms[0], "one"), imported(t, here, ms[1], "two")}
	dir := t.TempDir()
	if _, err := here.Save(t.Context(), ms, dir); err != nil {
		t.Fatal(err)
	}
	loaded, err := there.Load(t.Context(), dir)
	if err != nil || !slices.Equal(loaded, want) {
		t.Fatalf("%+v, %v, want %+v", loaded, err, want)
	}
	for i, m := range ms {
		if _, id, err := there.Ensure(t.Context(), m); err != nil || id != want[i].ID {
			t.Errorf("%s: %s, %v", m.Name, id, err)
		}
	}
}
