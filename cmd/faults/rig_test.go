package faults

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/runners/images"
)

var engineNames = []string{"podman", "docker", "local"}

// campaign is what all trials share: the programs and the caches.
type campaign struct {
	dir     string // of everything that the campaign makes
	dlbench string
	runner  string // the scripted runner, which is its own image
	python  string // with numpy, for the reference on the local engine
}

func newCampaign(t *testing.T) *campaign {
	t.Helper()
	dir, err := os.MkdirTemp("", "dlbench-faults-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { remove(t, dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	c := &campaign{dir: dir, dlbench: fromRoot(t, os.Getenv("DLBENCH_FAULTS_PROGRAM")), runner: filepath.Join(dir, "runner"), python: os.Getenv("DLBENCH_TEST_PYTHON")}
	build := exec.Command("go", "build", "-ldflags", "-s -w", "-o", c.runner, "./runner")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the runner: %v\n%s", err, out)
	}
	return c
}

// fromRoot is a path as the Makefile gives it: from the repository's root.
func fromRoot(t *testing.T, path string) string {
	t.Helper()
	if path == "" {
		t.Fatal("a path is not given: make faults gives them")
	}
	if filepath.IsAbs(path) {
		return path
	}
	path, err := filepath.Abs(filepath.Join("..", "..", path))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// remove removes a directory of the campaign; storage of podman holds mounts.
func remove(t *testing.T, dir string) {
	mounts, _ := os.ReadFile("/proc/self/mounts")
	lines := strings.Split(string(mounts), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		if fields := strings.Fields(lines[i]); len(fields) > 1 && strings.HasPrefix(fields[1], dir+"/") {
			_ = exec.Command("umount", fields[1]).Run()
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Errorf("remove %s: %v", dir, err)
	}
}

// rig is an engine with the images that trials start.
type rig struct {
	name    string
	cache   string
	version string
	absent  string   // why nothing runs on it
	env     []string // that the engine needs
	store   string   // of podman's images and containers, the campaign's own
}

const image = "dlbench-faults/runner:1"

func (c *campaign) rig(t *testing.T, name string) *rig {
	t.Helper()
	r := &rig{name: name, cache: filepath.Join(c.dir, name, "cache")}
	if err := os.MkdirAll(r.cache, 0o755); err != nil {
		t.Fatal(err)
	}
	switch name {
	case "local":
		if c.python == "" {
			r.absent = "DLBENCH_TEST_PYTHON names no Python with numpy"
		}
		r.version = "plain processes"
		return r
	case "podman":
		c.ownStore(t, r)
	}
	version, err := r.call("version", "--format", map[string]string{"podman": "{{.Client.Version}}", "docker": "{{.Server.Version}}"}[name])
	if err != nil {
		r.absent = err.Error()
		return r
	}
	r.version = strings.TrimSpace(version)
	c.importRunner(t, r)
	if name == "docker" {
		c.lendReference(t, r)
	}
	return r
}

// ownStore gives podman a store of the campaign's own, above the machine's images:
// what others run on this machine is neither seen nor touched.
func (c *campaign) ownStore(t *testing.T, r *rig) {
	t.Helper()
	root, err := exec.Command("podman", "info", "--format", "{{.Store.GraphRoot}}").Output()
	if err != nil {
		r.absent = fmt.Sprintf("podman info: %v", err)
		return
	}
	r.store = filepath.Join(c.dir, "podman", "store")
	config := filepath.Join(c.dir, "podman", "storage.conf")
	text := fmt.Sprintf("[storage]\ndriver = \"overlay\"\ngraphroot = %q\nrunroot = %q\n[storage.options]\nadditionalimagestores = [%q]\n",
		r.store, filepath.Join(c.dir, "podman", "run"), strings.TrimSpace(string(root)))
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	r.env = append(r.env, "CONTAINERS_STORAGE_CONF="+config)
	t.Cleanup(func() { _, _ = r.call("rm", "--force", "--all") })
}

// call calls the engine as the campaign, not as dlbench.
func (r *rig) call(args ...string) (string, error) {
	command := exec.Command(r.name, args...)
	command.Env = append(os.Environ(), r.env...)
	var errs bytes.Buffer
	command.Stderr = &errs
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", r.name, args[0], err, strings.TrimSpace(errs.String()))
	}
	return string(out), nil
}

// importRunner makes an image of the runner's file.
func (c *campaign) importRunner(t *testing.T, r *rig) {
	t.Helper()
	program, err := os.ReadFile(c.runner)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(c.dir, r.name, "runner.tar")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(file)
	for name, mode := range map[string]int64{"dev/": 0o755, "etc/": 0o755, "proc/": 0o755, "sys/": 0o755, "tmp/": 0o1777} { // podman gives its tmpfs the mode of /tmp below
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: mode}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "runner", Mode: 0o755, Size: int64(len(program))}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(program); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	for _, tag := range []string{image, second} {
		if _, err := r.call("import", "--change", "ENV NAME="+tag, path, tag); err != nil { // so that they are two images
			t.Fatal(err)
		}
	}
}

// second is the same image under another name: one that a fault may remove.
const second = "dlbench-faults/second:1"

// lendReference gives docker the reference's image, which podman has built.
func (c *campaign) lendReference(t *testing.T, r *rig) {
	t.Helper()
	text, err := exec.Command(c.dlbench, "images", "list", "--engine", "podman", "--json", "reference").Output()
	var list []images.Status
	if err == nil {
		err = json.Unmarshal(text, &list)
	}
	if err != nil || len(list) == 0 {
		t.Fatalf("which image is the reference's: %v: %s", err, text)
	}
	tag := list[0].Image
	if _, err := r.call("image", "inspect", tag); err == nil {
		return
	}
	lend := exec.Command("sh", "-c", `podman save --format docker-archive "localhost/$0" | docker load && docker tag "localhost/$0" "$0"`, tag)
	if out, err := lend.CombinedOutput(); err != nil {
		t.Fatalf("give docker %s: %v: %s", tag, err, out)
	}
}

// containers are those that dlbench processes of the campaign left.
func (r *rig) containers() ([]string, error) {
	if r.name == "local" {
		return nil, nil
	}
	list, err := r.call("ps", "--all", "--quiet", "--no-trunc", "--filter", "label=dlbench.owner")
	if err != nil {
		return nil, err
	}
	var left []string
	for _, id := range strings.Fields(list) {
		lock, err := r.call("inspect", "--format", `{{index .Config.Labels "dlbench.lock"}}`, id)
		if err == nil && strings.HasPrefix(strings.TrimSpace(lock), filepath.Dir(filepath.Dir(r.cache))) {
			left = append(left, id)
		}
	}
	return left, nil
}
