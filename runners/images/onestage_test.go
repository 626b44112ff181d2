package images

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/docker"
)

// What is installed is the same either way; only where the builder finds its
// files, and how the packages get to their place, differs.
func TestPodmanInstallsInOneStage(t *testing.T) {
	for _, context := range []string{"pip", "mxnet-cuda"} {
		data, err := fs.ReadFile(docker.Files, context+"/Dockerfile")
		if err != nil {
			t.Fatal(err)
		}
		single, ok := oneStage(string(data))
		if !ok {
			t.Errorf("docker/%s/Dockerfile is not of the form that podman builds in one stage", context)
			continue
		}
		for _, unwanted := range []string{"COPY", "AS install", " /tmp/"} {
			if strings.Contains(single, unwanted) {
				t.Errorf("%s still has %q:\n%s", context, unwanted, single)
			}
		}
		if n := strings.Count(single, "\nFROM "); n != 1 {
			t.Errorf("%s has %d stages", context, n)
		}
		commands := func(dockerfile string) (runs []string) {
			for _, part := range strings.Split(dockerfile, "\nRUN ")[1:] {
				run, _, _ := strings.Cut(part, "\n\n")
				run, _, _ = strings.Cut(run, "\n#")
				runs = append(runs, strings.TrimSpace(strings.ReplaceAll(run, "/run/dlbench/requirements.txt", "/tmp/requirements.txt")))
			}
			return runs
		}
		want := commands(string(data))
		for i := range want {
			want[i] = strings.ReplaceAll(want[i], "/tmp/unneeded.txt", "/run/dlbench/unneeded.txt")
		}
		if got := commands(single); len(want) != 2 || !slices.Equal(got[:len(got)-1], want) {
			t.Errorf("%s: the commands are\n%q, want\n%q and one that moves the packages", context, got, want)
		}
	}
	for _, context := range []string{"cntk", "dl4j", "debian", "adapter/python"} {
		data, err := fs.ReadFile(docker.Files, context+"/Dockerfile")
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := oneStage(string(data)); ok {
			t.Errorf("docker/%s/Dockerfile takes two bases, and is built in one stage", context)
		}
	}
}

func TestSettingsAreMountedForPodman(t *testing.T) {
	m, r := named(t, "onnxruntime")
	for name, mounted := range map[string]bool{"podman": true, "docker": false} {
		s, double, _ := playedStore(t, name, nil)
		double.Have(r.base.tag)
		if _, _, err := s.Ensure(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		image, _ := double.Image(r.packages[0].tag)
		if got := slices.ContainsFunc(image.Arguments, func(a string) bool { return strings.HasSuffix(a, "/settings:/run/dlbench:ro,z") }); got != mounted {
			t.Errorf("%s: settings are mounted: %t; the arguments are %q", name, got, image.Arguments)
		}
		if got := slices.Contains(image.Files, "settings/requirements.txt"); got != mounted || slices.Contains(image.Files, "requirements.txt") == mounted {
			t.Errorf("%s: the context has %q", name, image.Files)
		}
	}
}

// What is installed is linked into what is there, whatever that has.
func TestPackagesAreMergedIntoThoseBelow(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("packages/google/a", "below")
	write("packages/both", "below")
	write("new/google/b", "new")
	write("new/both", "new")
	data, err := fs.ReadFile(docker.Files, "pip/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	single, _ := oneStage(string(data))
	last := strings.TrimSpace(single[strings.LastIndex(single, "\nRUN ")+len("\nRUN "):])
	shell(t, strings.ReplaceAll(last, "/opt/", dir+"/"))
	for name, want := range map[string]string{"google/a": "below", "google/b": "new", "both": "new"} {
		if got, err := os.ReadFile(filepath.Join(dir, "packages", name)); err != nil || string(got) != want {
			t.Errorf("%s has %q, %v, want %q", name, got, err, want)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "new")); err == nil {
		t.Error("the first place is left")
	}
}

func shell(t *testing.T, script string) {
	t.Helper()
	if out, err := exec.Command("sh", "-c", script).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", script, err, out)
	}
}
