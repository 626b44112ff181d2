package images

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/manifest"
)

// answering is a docker that a shell script answers for.
func answering(t *testing.T, script string) *Store {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return &Store{CLI: engine.NewDocker(os.Environ()), Dir: dir, Getenv: os.Getenv}
}

// twofold is a runner with an image for each kind of device.
func twofold() manifest.Manifest {
	return manifest.Manifest{Name: "x", Command: []string{"x"}, Devices: []string{"cpu", "gpu"},
		Image: manifest.Image{Name: "dlbench/x", Context: "reference"},
		GPU:   &manifest.GPU{Image: manifest.Image{Name: "dlbench/x-gpu", Context: "pytorch"}}}
}

func TestListShowsTheImagesOfAllDevices(t *testing.T) {
	s := answering(t, `case "$*" in *dlbench/x-gpu:*) echo "sha256:abc 7";; *) exit 1;; esac`)
	one := manifest.Manifest{Name: "y", Image: manifest.Image{Name: "y:1"}, Devices: []string{"cpu", "gpu"}}
	list, err := s.List(t.Context(), []manifest.Manifest{twofold(), one})
	if err != nil || len(list) != 3 {
		t.Fatalf("%+v, %v", list, err)
	}
	for i, want := range []struct {
		devices, image string
		built          bool
	}{{"cpu", "dlbench/x:", false}, {"gpu", "dlbench/x-gpu:", true}, {"cpu gpu", "y:1", false}} {
		if got := list[i]; strings.Join(got.Devices, " ") != want.devices || !strings.HasPrefix(got.Image, want.image) || got.Built != want.built {
			t.Errorf("row %d is %+v, want %+v", i, got, want)
		}
	}
}

func TestEnsureTakesTheImageForGPUs(t *testing.T) {
	s := answering(t, `case "$*" in *dlbench/x-gpu:*) echo "sha256:abc";; *) echo "sha256:def";; esac`)
	image, id, err := s.Ensure(t.Context(), twofold().OnGPU())
	if err != nil || !strings.HasPrefix(image, "dlbench/x-gpu:") || id != "abc" {
		t.Errorf("%s, %s, %v", image, id, err)
	}
	if image, id, err = s.Ensure(t.Context(), twofold()); err != nil || !strings.HasPrefix(image, "dlbench/x:") || id != "def" {
		t.Errorf("%s, %s, %v", image, id, err)
	}
}

func TestPruneKeepsTheImagesForGPUs(t *testing.T) {
	m := twofold()
	var needed []string
	for _, b := range m.Builds() {
		r, err := recipeOf(b.Manifest)
		if err != nil {
			t.Fatal(err)
		}
		needed = append(needed, r.tags()...)
	}
	s := answering(t, `case "$1" in images) echo `+strings.Join(needed, " ")+` dlbench/x-gpu:old;; esac`)
	removed, err := s.Prune(t.Context(), []manifest.Manifest{m}, nil, false)
	if err != nil || !slices.Equal(removed, []string{"dlbench/x-gpu:old"}) {
		t.Errorf("removed %v, %v", removed, err)
	}
}

func TestPruneKeepsWhatBaselinesStandOn(t *testing.T) {
	s := answering(t, `case "$*" in
*Layers*base) echo '["a","b"]';; *Layers*dlbench/x-packages:below) echo '["a"]';; *Layers*dlbench/x:base) echo '["a","b"]';; *Layers*) echo '["a","x"]';;
images*) echo dlbench/x:base dlbench/x-packages:below dlbench/x:old;; esac`)
	removed, err := s.Prune(t.Context(), nil, []string{"base"}, false)
	if err != nil || !slices.Equal(removed, []string{"dlbench/x:old"}) {
		t.Errorf("removed %v, %v", removed, err)
	}
	if removed, err = s.Prune(t.Context(), nil, []string{"base"}, true); err != nil || len(removed) != 3 {
		t.Errorf("with all: removed %v, %v", removed, err)
	}
}
