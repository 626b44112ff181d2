package images

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/engine/enginetest"
	"github.com/dlbench/dlbench/runners/manifest"
)

// stored is a store in which the images of two runners are built.
func stored(t *testing.T) (*Store, *enginetest.CommandLine, []manifest.Manifest, []Shared) {
	t.Helper()
	s, double, _ := playedStore(t, "podman", nil)
	double.Answer("pull --quiet debian:bookworm-slim", "")
	ms := runnersNamed(t, "reference", "mxnet")
	var want []Shared
	for _, m := range ms {
		reference, id, err := s.Ensure(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, Shared{reference, id})
	}
	return s, double, ms, want
}

func refused(t *testing.T, err error, says string) {
	t.Helper()
	var environment *engine.EnvironmentError
	if !errors.As(err, &environment) || !strings.Contains(err.Error(), says) {
		t.Errorf("got %v, want %q", err, says)
	}
}

// A registry holds the images under their names; another machine has them from
// there, with the same digests.
func TestImagesGoThroughARegistry(t *testing.T) {
	s, double, ms, want := stored(t)
	pushed, err := s.Push(t.Context(), ms, "http://localhost:5000/bench/")
	if err != nil || !slices.Equal(pushed, want) {
		t.Fatalf("%+v, %v, want %+v", pushed, err, want)
	}
	for _, image := range want {
		remote := "localhost:5000/bench/" + strings.TrimPrefix(image.Image, "dlbench/")
		if got, ok := double.Published(remote); !ok || got.ID != image.ID {
			t.Errorf("%s is published as %+v, %t", remote, got, ok)
		}
		if _, left := double.Image(remote); left {
			t.Errorf("%s is left here", remote)
		}
		if calls := double.Calls("rmi " + remote); len(calls) != 1 {
			t.Errorf("%s: %v", remote, calls)
		}
	}
	if calls := double.Calls("push --quiet --tls-verify=false"); len(calls) != 2 {
		t.Errorf("without TLS: %v", double.Calls("push"))
	}

	there, other, _ := playedStore(t, "podman", nil)
	for _, image := range want {
		from, _ := double.Published("localhost:5000/bench/" + strings.TrimPrefix(image.Image, "dlbench/"))
		other.Publish("registry/bench/"+strings.TrimPrefix(image.Image, "dlbench/"), from)
	}
	pulled, err := there.Pull(t.Context(), ms, "registry/bench", pushed)
	if err != nil || !slices.Equal(pulled, want) {
		t.Fatalf("%+v, %v, want %+v", pulled, err, want)
	}
	if calls := other.Calls("pull --quiet --tls-verify=false"); len(calls) != 0 {
		t.Errorf("TLS was not asked for: %v", calls)
	}
	for _, m := range ms {
		if _, _, err := there.Ensure(t.Context(), m); err != nil || len(built(other)) != 0 {
			t.Errorf("%s: %v, built %v", m.Name, err, built(other))
		}
	}
}

// What is stopped while it is pushed does not keep the registry's name.
func TestAPushThatIsStoppedLeavesNoName(t *testing.T) {
	s := answering(t, `cd "$(dirname "$0")" || exit 9
case "$1" in
image) echo "sha256:$5";;
tag) touch "named.${3##*/}";;
push) touch pushing; exec sleep 60;;
rmi) rm "named.${2##*/}";;
esac`)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(filepath.Join(s.Dir, "pushing")); err == nil {
				cancel()
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	if pushed, err := s.Push(ctx, runnersNamed(t, "reference"), "registry/bench"); err == nil || len(pushed) > 0 {
		t.Errorf("%v were pushed, %v", pushed, err)
	}
	if left, err := filepath.Glob(filepath.Join(s.Dir, "named.*")); err != nil || len(left) > 0 {
		t.Errorf("%v are left, %v", left, err)
	}
	if _, err := os.Stat(filepath.Join(s.Dir, "pushing")); err != nil {
		t.Error("nothing was being pushed")
	}
}

func TestAnImageOfTheRegistryIsWhatItsNameSays(t *testing.T) {
	s, double, ms, want := stored(t)
	image := func(of Shared) enginetest.Image {
		i, _ := double.Image(of.Image)
		return i
	}
	there, other, _ := playedStore(t, "podman", nil)
	remote := func(of Shared) string { return "registry/" + strings.TrimPrefix(of.Image, "dlbench/") }
	other.Publish(remote(want[0]), image(want[1])) // another runner's
	changed := image(want[1])
	changed.ID = "changed"
	other.Publish(remote(want[1]), changed)
	pulled, err := there.Pull(t.Context(), ms, "registry", want)
	if len(pulled) != 0 {
		t.Errorf("%+v were pulled", pulled)
	}
	refused(t, err, remote(want[0])+" is not "+want[0].Image+`: its label dlbench.image says "`+want[1].Image)
	refused(t, err, "its digest is changed, expected "+want[1].ID)
	for _, of := range want {
		for _, name := range []string{of.Image, remote(of)} {
			if _, kept := other.Image(name); kept {
				t.Errorf("%s is kept", name)
			}
		}
	}
	_, err = there.Pull(t.Context(), ms, "registry", want[:1])
	refused(t, err, want[1].Image+": the list of digests does not have it")
	_, err = there.Push(t.Context(), ms, "registry")
	refused(t, err, "2 of 2 images are not built")
	for _, place := range []string{"", "http://", "a b", "x@sha256:1"} {
		if _, err := s.Push(t.Context(), ms, place); err == nil || !strings.Contains(err.Error(), "expected REGISTRY/PREFIX") {
			t.Errorf("%q: %v", place, err)
		}
	}
}

// With a registry named, what is missing is pulled before anything is built, and
// what the registry does not have is built.
func TestMissingImagesArePulledFirst(t *testing.T) {
	_, double, ms, want := stored(t)
	first, _ := double.Image(want[0].Image)
	t.Run("one is there", func(t *testing.T) {
		s, other, _ := playedStore(t, "podman", nil)
		other.Answer("pull --quiet debian:bookworm-slim", "")
		s.Registry = "registry/bench"
		other.Publish("registry/bench/"+strings.TrimPrefix(want[0].Image, "dlbench/"), first)
		got := map[int]Built{}
		if err := s.EnsureAll(t.Context(), ms, func(i int, b Built) { got[i] = b }); err != nil {
			t.Fatal(err)
		}
		if got[0].ID != want[0].ID || got[1].Err != nil || got[1].ID != want[1].ID {
			t.Errorf("%+v", got)
		}
		if tags := built(other); slices.Contains(tags, want[0].Image) || !slices.Contains(tags, want[1].Image) || len(tags) != 3 {
			t.Errorf("built %v", tags)
		}
	})
	t.Run("when it may", func(t *testing.T) {
		s, other, _ := playedStore(t, "podman", nil)
		s.Registry = "registry/bench"
		other.Publish("registry/bench/"+strings.TrimPrefix(want[0].Image, "dlbench/"), first)
		var order []string
		s.Turn = func(context.Context) (func() error, error) {
			order = append(order, fmt.Sprintf("after %d pulls", len(other.Calls("pull"))))
			return func() error {
				order = append(order, fmt.Sprintf("given back after %d", len(other.Calls("pull"))))
				return nil
			}, nil
		}
		for range 2 { // the second time it is there
			if _, id, err := s.Ensure(t.Context(), ms[0]); err != nil || id != want[0].ID {
				t.Fatal(id, err)
			}
		}
		if want := []string{"after 0 pulls", "given back after 1"}; !slices.Equal(order, want) {
			t.Errorf("turns %q, want %q", order, want)
		}
		s, other, _ = playedStore(t, "podman", nil)
		s.Registry = "registry/bench"
		s.Turn = func(context.Context) (func() error, error) { return nil, context.Canceled }
		if _, _, err := s.Ensure(t.Context(), ms[0]); !errors.Is(err, context.Canceled) || len(other.Calls("pull")) != 0 {
			t.Errorf("one that ended while it waited: %v, %v", err, other.Calls("pull"))
		}
	})
	t.Run("it does not answer", func(t *testing.T) {
		s, other, _ := playedStore(t, "podman", nil)
		other.Answer("pull --quiet debian:bookworm-slim", "")
		for _, image := range want {
			other.Fail("pull --quiet registry/bench/"+strings.TrimPrefix(image.Image, "dlbench/"), "Error: dial tcp: no route to host\n")
		}
		s.Registry = "registry/bench"
		for _, m := range ms {
			if _, _, err := s.Ensure(t.Context(), m); err != nil {
				t.Error(err)
			}
		}
		asked := 0
		for _, call := range other.Calls("pull") {
			if strings.HasPrefix(call[len(call)-1], "registry/") {
				asked++
			}
		}
		if asked != 1 {
			t.Errorf("it was asked %d times: %v", asked, other.Calls("pull"))
		}
	})
	t.Run("it has another image", func(t *testing.T) {
		s, other, _ := playedStore(t, "podman", nil)
		s.Registry = "registry/bench"
		other.Publish("registry/bench/"+strings.TrimPrefix(want[1].Image, "dlbench/"), first)
		_, _, err := s.Ensure(t.Context(), ms[1])
		refused(t, err, "is not "+want[1].Image)
		if tags := built(other); len(tags) != 0 {
			t.Errorf("built %v", tags)
		}
	})
}

func TestImagesGoThroughADirectory(t *testing.T) {
	s, double, ms, want := stored(t)
	dir := filepath.Join(t.TempDir(), "images")
	index, err := s.Save(t.Context(), ms, dir)
	if err != nil || !slices.Equal(index.Images, want) || index.Bytes == 0 {
		t.Fatalf("%+v, %v", index, err)
	}
	if calls := double.Calls("save"); len(calls) != 1 || !slices.Contains(calls[0], "--multi-image-archive") {
		t.Errorf("shared layers are written several times: %v", calls)
	}
	if _, err := s.Save(t.Context(), ms, dir); err != nil {
		t.Errorf("once more: %v", err)
	}
	there, other, _ := playedStore(t, "docker", nil)
	loaded, err := there.Load(t.Context(), dir)
	if err != nil || !slices.Equal(loaded, want) {
		t.Fatalf("%+v, %v", loaded, err)
	}
	for _, m := range ms {
		if _, id, err := there.Ensure(t.Context(), m); err != nil || id == "" || len(built(other)) != 0 {
			t.Errorf("%s: %v, built %v", m.Name, err, built(other))
		}
	}

	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(filepath.Join(dir, archiveFile))
	if err != nil {
		t.Fatal(err)
	}
	write(archiveFile, string(data[:len(data)-1]))
	third, empty, _ := playedStore(t, "docker", nil)
	_, err = third.Load(t.Context(), dir)
	refused(t, err, "was changed, or not copied whole")
	if calls := empty.Calls("load"); len(calls) != 0 {
		t.Errorf("it was loaded: %v", calls)
	}
	for text, says := range map[string]string{"{}": "expected schema_version 1", "nonsense": indexFile} {
		write(indexFile, text)
		if _, err := third.Load(t.Context(), dir); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := third.Load(t.Context(), t.TempDir()); err == nil || !strings.Contains(err.Error(), "expected a directory that images save wrote") {
		t.Errorf("an empty directory: %v", err)
	}
}
