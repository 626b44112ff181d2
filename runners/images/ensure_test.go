package images

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/engine/enginetest"
	"github.com/dlbench/dlbench/runners/manifest"
)

func TestMain(m *testing.M) {
	enginetest.Play()
	os.Exit(m.Run())
}

// playedStore builds with an engine that only keeps what it is asked.
func playedStore(t *testing.T, name string, environment map[string]string) (*Store, *enginetest.CommandLine, *told) {
	t.Helper()
	double := enginetest.NewCommandLine(t, name)
	command := engine.NewDocker(os.Environ())
	if name == "podman" {
		var err error
		if command, err = engine.NewPodman(os.Environ(), t.TempDir()); err != nil {
			t.Fatal(err)
		}
	}
	said := &told{}
	dir := t.TempDir()
	return &Store{CLI: command, Dir: filepath.Join(dir, "contexts"), Logs: filepath.Join(dir, "logs"), Progress: said,
		Getenv: func(name string) string { return environment[name] }}, double, said
}

func named(t *testing.T, name string) (manifest.Manifest, recipe) {
	t.Helper()
	all := builtin(t)
	i := slices.IndexFunc(all, func(m manifest.Manifest) bool { return m.Name == name })
	if i < 0 {
		t.Fatalf("there is no runner %s", name)
	}
	r, err := recipeOf(all[i])
	if err != nil {
		t.Fatal(err)
	}
	return all[i], r
}

// built are the tags in the order in which they were built.
func built(double *enginetest.CommandLine) (tags []string) {
	for _, call := range double.Calls("build") {
		tags = append(tags, call[slices.Index(call, "--tag")+1])
	}
	return tags
}

func argument(image enginetest.Image, name string) string {
	for _, arg := range image.Arguments {
		if value, ok := strings.CutPrefix(arg, name+"="); ok {
			return value
		}
	}
	return ""
}

func TestEveryBuiltinImageIsBuiltFromBelow(t *testing.T) {
	// One of each kind: packages on a base, on others' packages, by a Dockerfile,
	// compiled in an image of its own. A long run has them all.
	kinds := []string{"reference", "keras-jax", "cntk", "dl4j"}
	for _, m := range builds(t) {
		if testing.Short() && !slices.Contains(kinds, m.Name) {
			continue
		}
		t.Run(m.Name, func(t *testing.T) {
			s, double, said := playedStore(t, "podman", nil)
			double.Answer("pull", "")
			r, err := recipeOf(m)
			if err != nil {
				t.Fatal(err)
			}
			reference, id, err := s.Ensure(t.Context(), m)
			if err != nil || reference != r.adapter.tag || id != "id-of-"+reference {
				t.Fatalf("it is %q, %q, %v", reference, id, err)
			}
			var want []string
			if r.build != nil {
				want = append(want, r.build.tag)
			}
			if !slices.Contains(want, r.base.tag) {
				want = append(want, r.base.tag)
			}
			below := r.base.tag
			for _, l := range r.packages {
				want = append(want, l.tag)
				layer, _ := double.Image(l.tag)
				if got := argument(layer, "BASE"); got != below {
					t.Errorf("%s stands on %q, want %q", l.tag, got, below)
				}
				if !slices.Contains(layer.Files, "Dockerfile") {
					t.Errorf("%s has no Dockerfile: %v", l.tag, layer.Files)
				}
				below = l.tag
			}
			want = append(want, r.adapter.tag)
			if got := built(double); !slices.Equal(got, want) {
				t.Errorf("built %v, want %v", got, want)
			}
			adapter, _ := double.Image(r.adapter.tag)
			if got := argument(adapter, "PACKAGES"); got != below || len(adapter.Files) < 2 {
				t.Errorf("the adapter stands on %q with %v, want %q", got, adapter.Files, below)
			}
			if left, err := os.ReadDir(s.Dir); err != nil || len(left) > 0 {
				t.Errorf("contexts are left: %v, %v", left, err)
			}
			if len(said.steps) < len(want) || len(said.details) < len(want) {
				t.Errorf("%d images were built with %q and %q", len(want), said.steps, said.details)
			}
			before := len(double.Calls("build"))
			if _, _, err := s.Ensure(t.Context(), m); err != nil || len(double.Calls("build")) != before {
				t.Errorf("it was built again, %v", err)
			}
		})
	}
}

func TestOnlyWhatIsMissingIsBuilt(t *testing.T) {
	m, r := named(t, "keras-jax")
	for name, tt := range map[string]struct{ have, want []string }{
		"the adapter changed": {[]string{r.packages[len(r.packages)-1].tag}, []string{r.adapter.tag}},
		"what it stands on is there": {[]string{r.base.tag, r.packages[0].tag},
			[]string{r.packages[1].tag, r.adapter.tag}},
		"all of it is there": {[]string{r.adapter.tag}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s, double, _ := playedStore(t, "docker", nil)
			for _, tag := range tt.have {
				double.Have(tag)
			}
			if _, _, err := s.Ensure(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			if got := built(double); !slices.Equal(got, tt.want) {
				t.Errorf("built %v, want %v", got, tt.want)
			}
			top := r.packages[len(r.packages)-1].tag
			if adapter, made := double.Image(r.adapter.tag); made && len(tt.want) > 0 && argument(adapter, "PACKAGES") != top {
				t.Errorf("the adapter stands on %q, want %q", argument(adapter, "PACKAGES"), top)
			}
		})
	}
}

func TestABuildKnowsTheProxyAndKeepsNoLayers(t *testing.T) {
	m, r := named(t, "onnxruntime")
	for name, layers := range map[string]bool{"podman": true, "docker": false} {
		t.Run(name, func(t *testing.T) {
			s, double, _ := playedStore(t, name, map[string]string{"HTTPS_PROXY": "http://proxy:3128"})
			double.Have(r.base.tag)
			if _, _, err := s.Ensure(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			image, _ := double.Image(r.packages[0].tag)
			if got := argument(image, "HTTPS_PROXY"); got != "http://proxy:3128" {
				t.Errorf("the proxy is %q", got)
			}
			if !slices.Contains(image.Files, "settings/environment") {
				t.Errorf("this machine's settings are not with the context: %v", image.Files)
			}
			if got := slices.Contains(image.Arguments, "--layers=false"); got != layers {
				t.Errorf("cached layers are dropped: %v, want %v", got, layers)
			}
			if !slices.Contains(image.Arguments, "dlbench.image="+r.packages[0].tag) {
				t.Errorf("it has no label of ours: %q", image.Arguments)
			}
		})
	}
}

func TestABaseComesFromTheArchiveWhereNoRegistryAnswers(t *testing.T) {
	m, r := named(t, "reference")
	s, double, _ := playedStore(t, "podman", map[string]string{MirrorVariable: "http://mirror/debian"})
	double.Fail("pull", "Error: dial tcp: no route to host\n")
	bin := t.TempDir()
	log := filepath.Join(bin, "log")
	if err := os.WriteFile(filepath.Join(bin, "mmdebstrap"), []byte("#!/bin/sh\nfor a; do echo \"$a\"; done > "+log+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	if _, _, err := s.Ensure(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"--variant=minbase", "--include=" + strings.Join(r.base.packages, ","), "deb http://mirror/debian " + r.base.release + " main", "--dpkgopt=path-exclude=/usr/share/doc/*"} {
		if !slices.Contains(strings.Split(string(data), "\n"), want) {
			t.Errorf("mmdebstrap was not given %q:\n%s", want, data)
		}
	}
	if _, imported := double.Image(r.base.tag); !imported {
		t.Errorf("%s was not imported", r.base.tag)
	}
	double.Fail("image inspect", "") // as if all were gone
	if _, _, err := s.Ensure(t.Context(), m); err == nil || !strings.Contains(err.Error(), "was built and is not there") {
		t.Errorf("an image that vanishes: %v", err)
	}
	if asked := len(double.Calls("pull")); asked != 1 {
		t.Errorf("a registry that did not answer was asked %d times", asked)
	}
}

// A base's builder is killed in the middle, with what it has mounted.
func TestAKilledBuilderLeavesNoMounts(t *testing.T) {
	if exec.Command("unshare", "--mount", "true").Run() != nil {
		t.Skip("no right to make a mount namespace")
	}
	m, _ := named(t, "reference")
	s, double, _ := playedStore(t, "podman", nil)
	double.Fail("pull", "Error: no route to host\n")
	bin, mounted := t.TempDir(), t.TempDir()
	script := "#!/bin/sh\nmount -t tmpfs none " + mounted + " && grep -c " + mounted + " /proc/self/mounts\nkill -KILL $$\n"
	if err := os.WriteFile(filepath.Join(bin, "mmdebstrap"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	_, _, err := s.Ensure(t.Context(), m)
	var failed *engine.EnvironmentError
	if !errors.As(err, &failed) || !strings.Contains(err.Error(), "killed") || failed.Log != "1" {
		t.Fatalf("it is %+v", err)
	}
	if mounts, err := os.ReadFile("/proc/self/mounts"); err != nil || strings.Contains(string(mounts), mounted) {
		t.Errorf("%s is still mounted, %v", mounted, err)
	}
}

func TestWhatKeepsABaseFromBeingMade(t *testing.T) {
	m, _ := named(t, "reference")
	missing := func(t *testing.T, s *Store, text, hint string) {
		t.Helper()
		_, _, err := s.Ensure(t.Context(), m)
		var environment *engine.EnvironmentError
		if !errors.As(err, &environment) || !strings.Contains(err.Error(), text) || !strings.Contains(environment.Hint, hint) {
			t.Errorf("got %+v, want %q and the hint %q", err, text, hint)
		}
	}
	t.Run("nothing that makes one", func(t *testing.T) {
		s, double, _ := playedStore(t, "podman", nil)
		double.Fail("pull", "Error: no route to host\n")
		engineOnly, _, _ := strings.Cut(os.Getenv("PATH"), ":")
		t.Setenv("PATH", engineOnly)
		missing(t, s, "mmdebstrap, which would make one", "apt-get install -y --no-install-recommends mmdebstrap")
	})
	t.Run("an import that fails", func(t *testing.T) {
		s, double, _ := playedStore(t, "podman", nil)
		double.Fail("pull", "Error: no route to host\n")
		double.Fail("import", "Error: no space left on device\n")
		bin := t.TempDir()
		if err := os.WriteFile(filepath.Join(bin, "mmdebstrap"), []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
		missing(t, s, "import the base image", "")
	})
	t.Run("a build that fails", func(t *testing.T) {
		s, double, _ := playedStore(t, "podman", nil)
		double.Answer("pull", "")
		double.Fail("build", "E: Unable to locate package libgomp9\n")
		missing(t, s, "E: Unable to locate package libgomp9", "")
	})
	t.Run("a cancelled run", func(t *testing.T) {
		s, double, _ := playedStore(t, "podman", nil)
		double.Fail("pull", "")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, _, err := s.Ensure(ctx, m); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

func TestAnImageThatTheUserMadeIsOnlyLookedFor(t *testing.T) {
	s, double, _ := playedStore(t, "docker", nil)
	m := manifest.Manifest{Name: "mine", Image: manifest.Image{Name: "mine:1"}}
	var missing *engine.EnvironmentError
	if _, _, err := s.Ensure(t.Context(), m); !errors.As(err, &missing) || !strings.Contains(missing.Text, "there is no image mine:1") || missing.Hint != "docker pull mine:1" {
		t.Errorf("got %+v", err)
	}
	double.Have("mine:1")
	if reference, id, err := s.Ensure(t.Context(), m); err != nil || reference != "mine:1" || id != "id-of-mine:1" {
		t.Errorf("it is %q, %q, %v", reference, id, err)
	}
	if tags := built(double); len(tags) > 0 {
		t.Errorf("it was built: %v", tags)
	}
}

// waiting is a Progress that lets a test know of each step.
type waiting struct{ steps chan string }

func (w waiting) Step(text string, _ float64, _ time.Duration) { w.steps <- text }
func (w waiting) Detail(string)                                {}

// TestTwoBuildersTakeTurns: the second waits for a layer, and finds it there.
func TestTwoBuildersTakeTurns(t *testing.T) {
	s, double, _ := playedStore(t, "podman", nil)
	w := waiting{make(chan string, 1)}
	s.Progress = w
	m, r := named(t, "reference")
	double.Have(r.packages[len(r.packages)-1].tag)
	other, err := s.alone(t.Context(), r.adapter.tag)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, _, err := s.Ensure(t.Context(), m)
		done <- err
	}()
	if step := <-w.steps; step != "another dlbench builds "+r.adapter.tag+": waiting for it" {
		t.Errorf("it says %q", step)
	}
	double.Have(r.adapter.tag)
	if err := other(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil || len(built(double)) != 0 {
		t.Errorf("it built %v, %v; the other one had built it", built(double), err)
	}
}

// An engine that starts nothing is found before anything is built.
func TestNothingIsBuiltForAnEngineThatStartsNothing(t *testing.T) {
	s, double, _ := playedStore(t, "podman", nil)
	double.Fail("start", "Error: mkdir /run/user/1001: permission denied\n")
	m, _ := named(t, "reference")
	err := s.EnsureAll(t.Context(), []manifest.Manifest{m}, func(int, Built) { t.Error("an image was made, or was not") })
	var missing *engine.EnvironmentError
	if !errors.As(err, &missing) || !strings.Contains(missing.Text, "podman starts no container") || len(built(double)) != 0 {
		t.Errorf("got %v after building %v", err, built(double))
	}
}
