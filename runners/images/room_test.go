package images

import (
	"errors"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/runners/engine"
)

func TestWhatBuildingTakesAtATime(t *testing.T) {
	layer := func(tag string, download, disk int64) step {
		return step{tag, cost{Seconds: 1, DownloadMB: download, DiskMB: disk}}
	}
	layers := []step{layer("dlbench/base-python:1", 10, 100), layer("a", 50, 300), layer("b", 5, 200)}
	for jobs, want := range map[int][4]int64{
		// The base alone, then a beside it, then b beside both.
		1: {100 + 300 + 400 + 5, 600, 100, 100},
		// a and b at once.
		2: {100 + 600 + 50 + 400 + 5, 1000, 100, 100},
	} {
		got := peaks(layers, jobs)
		for i := range got {
			got[i] /= 1e6
		}
		if got != want {
			t.Errorf("%d at once: %v MB, want %v", jobs, got, want)
		}
	}
	if got := peaks([]step{layer("a", 0, 1), layer("b", 0, 1), layer("c", 0, 0)}, 1); got[0] != 3e6 {
		t.Errorf("all together: %v", got)
	}
}

func TestDirectoriesOnOneDiskShareWhatIsFree(t *testing.T) {
	look := func(dir string) (string, int64, bool) {
		if strings.HasPrefix(dir, "/small") {
			return "2", 5, true
		}
		return "1", 100, dir != "/gone"
	}
	places := foresee([]Place{
		{What: "image store", Dir: "/large/store", Variable: "STORE", Bytes: 60}, {What: "commits", Dir: "/large/tmp", Variable: "TMPDIR", Bytes: 50},
		{What: "contexts", Dir: "/small/cache", Variable: "CACHE", Bytes: 5}, {What: "bases", Dir: "/gone", Variable: "TMPDIR", Bytes: 1},
	}, look)
	for i, want := range []int64{10, 10, 0, 0} {
		if places[i].Short != want {
			t.Errorf("%s lacks %d, want %d", places[i].Dir, places[i].Short, want)
		}
	}
	err := Enough(places)
	var missing *engine.EnvironmentError
	if !errors.As(err, &missing) {
		t.Fatalf("the error is %v", err)
	}
	if want := "building the images needs 60 B for image store in /large/store, 50 B for commits in /large/tmp, and 10 B of that is missing: 100 B is free on the disk of /large/store"; err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
	if !strings.HasSuffix(missing.Hint, "to another disk: STORE, TMPDIR") {
		t.Errorf("the hint is %q", missing.Hint)
	}
	if err := Enough(foresee([]Place{{Dir: "/large/store", Bytes: 100}}, look)); err != nil {
		t.Errorf("just enough: %v", err)
	}
}

// Nothing is downloaded for images that a disk has no room for.
func TestRoomIsLookedForBeforeAnythingIsBuilt(t *testing.T) {
	s, double, _ := playedStore(t, "podman", map[string]string{"TMPDIR": t.TempDir()})
	s.Jobs = 2
	double.Answer("info", t.TempDir()+"\n")
	ms := runnersNamed(t, "reference", "pytorch")
	places, err := s.Room(t.Context(), ms)
	if err != nil || len(places) != 4 {
		t.Fatalf("%+v, %v", places, err)
	}
	known, err := costs()
	if err != nil {
		t.Fatal(err)
	}
	if least := 2 * known["pytorch"].DiskMB * 1e6; places[0].Bytes <= least || places[1].Bytes < least || places[0].Free == 0 {
		t.Errorf("%+v for a layer of half of %d", places, least)
	}
	double.Answer("pull --quiet debian:bookworm-slim", "")
	if err := s.EnsureAll(t.Context(), ms, func(int, Built) {}); err != nil {
		t.Fatal(err)
	}
	if places, err = s.Room(t.Context(), ms); err != nil || len(places) != 0 {
		t.Errorf("with all of it there: %+v, %v", places, err)
	}
}
