package images

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dlbench/dlbench/docker"
	"github.com/dlbench/dlbench/runners"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/manifest"
)

func builtin(t *testing.T) []manifest.Manifest {
	t.Helper()
	all, err := manifest.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// builds are the built-in runners, again each that has an image of its own for
// GPUs, and the variants that have some.
func builds(t *testing.T) (all []manifest.Manifest) {
	t.Helper()
	for _, m := range builtin(t) {
		for _, b := range m.Builds() {
			b.Name = strings.ReplaceAll(b.Name, "+", "-")
			if slices.Equal(b.Devices, []string{"gpu"}) {
				b.Name += "-gpu"
			}
			all = append(all, b.Manifest)
		}
	}
	return all
}

func TestEveryBuiltinRunnerHasAnImage(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range builds(t) {
		name, err := Reference(m)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(name, "dlbench/"+m.Name+":") || seen[name] {
			t.Errorf("image of %s is %s", m.Name, name)
		}
		seen[name] = true
		if m.Image.Adapter == "" {
			file := m.At("", m.Command)[len(m.Command)-1]
			if _, err := fs.Stat(runners.Sources, file); err != nil {
				t.Errorf("%s: its image would hold no adapter: %v", m.Name, err)
			}
		}
	}
	if _, err := Reference(manifest.Manifest{Name: "x", Source: "x.json", Image: manifest.Image{Name: "x", Context: "nothing"}}); err == nil {
		t.Error("a context that is not there is accepted")
	}
	if name, err := Reference(manifest.Manifest{Image: manifest.Image{Name: "mine:1"}}); err != nil || name != "mine:1" {
		t.Errorf("a user's own image is %q, %v", name, err)
	}
}

// What a variant's image has more lies on the runner's own layers: they are
// neither built nor stored twice, and a change of the compiler leaves them.
func TestAVariantsImageIsALayerOnItsRunners(t *testing.T) {
	found := 0
	for _, m := range builtin(t) {
		for name, v := range m.Variants {
			if v.Image == nil {
				continue
			}
			found++
			variant, _ := m.As(name)
			below, err := recipeOf(m)
			if err != nil {
				t.Fatal(err)
			}
			above, err := recipeOf(variant)
			if err != nil {
				t.Fatal(err)
			}
			last := len(above.packages) - 1
			if above.base.tag != below.base.tag || last != len(below.packages) || above.build == nil {
				t.Fatalf("%s: %+v does not stand on %+v", variant.Name, above, below)
			}
			for i, l := range below.packages {
				if above.packages[i].tag != l.tag {
					t.Errorf("%s stands on %s, the runner on %s", variant.Name, above.packages[i].tag, l.tag)
				}
			}
			if got := buildsOf([]manifest.Manifest{m, variant}); len(got) != len(m.Builds()) {
				t.Errorf("%s and %s have %d images together, want %d", m.Name, variant.Name, len(got), len(m.Builds()))
			}
			if reference, _ := Reference(m); above.adapter.tag == reference || !strings.HasPrefix(above.adapter.tag, v.Image.Name+":") {
				t.Errorf("%s is %s", variant.Name, above.adapter.tag)
			}
		}
	}
	if found == 0 {
		t.Error("no runner has a variant with an image of its own")
	}
}

func TestDigestFollowsEveryFile(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	digest := func(below string) string {
		d, err := digestOf(below, part{os.DirFS(dir), ".", nil})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	write("a", "1")
	seen := []string{digest("")}
	if again := digest(""); again != seen[0] {
		t.Errorf("the same files gave %s and %s", seen[0], again)
	}
	seen = append(seen, digest("other base"))
	write("a", "2")
	seen = append(seen, digest(""))
	write("b", "")
	seen = append(seen, digest(""))
	slices.Sort(seen)
	if len(slices.Compact(seen)) != 4 {
		t.Errorf("digests are %v, want four", seen)
	}
}

// Requirements pin every package by hash; pip is told to want it.
func TestPackagesArePinnedByHash(t *testing.T) {
	for _, m := range builds(t) {
		data, err := docker.Files.ReadFile(m.Image.Context + "/requirements.txt")
		if errors.Is(err, fs.ErrNotExist) {
			continue // Debian's packages are pinned by the release, Maven's by pom.xml
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
			if !strings.HasPrefix(line, "#") && (!strings.Contains(line, "==") || !strings.Contains(line, "--hash=sha256:")) {
				t.Errorf("%s: %q is not pinned", m.Name, line)
			}
		}
		if !strings.Contains(string(data), m.Version) {
			t.Errorf("%s: the manifest says version %s, the requirements do not", m.Name, m.Version)
		}
	}
}

func TestSettingsOfTheMachine(t *testing.T) {
	dir := t.TempDir()
	bundle := filepath.Join(dir, "bundle.crt")
	if err := os.WriteFile(bundle, []byte("certificates"), 0o644); err != nil {
		t.Fatal(err)
	}
	s := &Store{Getenv: func(name string) string {
		return map[string]string{"HTTPS_PROXY": "http://user:it's@proxy", "SSL_CERT_FILE": bundle, "HOME": dir, "SECRET": "x"}[name]
	}}
	if err := s.writeSettings(filepath.Join(dir, "settings")); err != nil {
		t.Fatal(err)
	}
	script := `. "$1"/environment && printf '%s|%s|%s' "$HTTPS_PROXY" "$PIP_CERT" "$SECRET"`
	out, err := exec.Command("sh", "-c", script, "sh", filepath.Join(dir, "settings")).Output()
	if err != nil || string(out) != "http://user:it's@proxy|/run/dlbench/ca.crt|" {
		t.Errorf("the shell reads %q, %v", out, err)
	}
	if data, err := os.ReadFile(filepath.Join(dir, "settings", "ca.crt")); err != nil || string(data) != "certificates" {
		t.Errorf("the bundle is %q, %v", data, err)
	}
}

// told is what a store says, of several builders at once.
type told struct {
	mu             sync.Mutex
	steps, details []string
}

func (t *told) Step(text string, _ float64, _ time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.steps = append(t.steps, text)
}

func (t *told) Detail(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.details = append(t.details, text)
}

func TestABuildThatFailsShowsItsLastLines(t *testing.T) {
	var said told
	s := &Store{Logs: filepath.Join(t.TempDir(), "logs"), Progress: &said}
	err := s.run(t.Context(), "install X", exec.CommandContext(t.Context(), "sh", "-c", "for i in 1 2 3 4 5 6 7 8 9 10; do echo line $i; done; echo no network >&2; exit 7"))
	var missing *engine.EnvironmentError
	if !errors.As(err, &missing) {
		t.Fatalf("error is %v", err)
	}
	if !strings.Contains(err.Error(), "install X") || !strings.Contains(err.Error(), "no network") || strings.Contains(err.Error(), "line 1\n") {
		t.Errorf("error is %q", err)
	}
	path := filepath.Join(s.Logs, "install-x.log")
	if log, err := os.ReadFile(path); err != nil || !strings.Contains(string(log), "line 1\n") {
		t.Errorf("the log has %q, %v", log, err)
	}
	if len(said.steps) != 1 || !strings.HasSuffix(said.steps[0], path) || len(said.details) != 11 {
		t.Errorf("steps %q with %d details, want one that names %s, with 11", said.steps, len(said.details), path)
	}
}

func TestCancelEndsABuild(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	command := exec.CommandContext(ctx, "sh", "-c", "sleep 60")
	command.SysProcAttr = engine.OwnGroup()
	s := &Store{Logs: t.TempDir()}
	cancel()
	if err := s.run(ctx, "x", command); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}

func TestOursAreFound(t *testing.T) {
	got := ours("localhost/dlbench/base-python:1 other/x:2 dlbench/pytorch-packages:3 localhost/dlbench/pytorch:4")
	want := []string{"localhost/dlbench/base-python:1", "dlbench/pytorch-packages:3", "localhost/dlbench/pytorch:4"}
	if !slices.Equal(got, want) {
		t.Errorf("ours are %v", got)
	}
}

// A change of one adapter leaves the images of the others as they are.
func TestAnImageHoldsItsOwnAdapterAlone(t *testing.T) {
	var held []string
	for _, p := range adapterParts(manifest.Manifest{Room: "frameworks/pytorch"}) {
		err := p.each(func(name string, _ []byte) error {
			held = append(held, path.Join(p.dir, name))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"sdk/python/dlbench_sdk/server.py", "sdk/python/dlbench_bare/__main__.py", "frameworks/pytorch/adapter.py", "frameworks/pytorch/bare.py"} {
		if !slices.Contains(held, name) {
			t.Errorf("%s is missing: %v", name, held)
		}
	}
	for _, unwanted := range []string{"tensorflow", "test", ".json", ".md"} {
		if slices.ContainsFunc(held, func(name string) bool { return strings.Contains(name, unwanted) }) {
			t.Errorf("pytorch's image holds %v", held)
		}
	}
}

// CNTK's Python 2.7 runs the timed loops of all others, and nothing else of
// their library.
func TestCNTKHasTheTimedLoops(t *testing.T) {
	var held []string
	m := manifest.Manifest{Room: "frameworks/cntk", Image: manifest.Image{Adapter: "cntk"}}
	for _, p := range adapterParts(m) {
		err := p.each(func(name string, _ []byte) error {
			if p.dir == manifest.PythonLibrary {
				held = append(held, name)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"dlbench_sdk/__init__.py", "dlbench_sdk/alternation.py", "dlbench_sdk/counters.py", "dlbench_sdk/loops.py"}; !slices.Equal(held, want) {
		t.Errorf("its image holds %v of the library, want %v", held, want)
	}
}

// Images stand on one another: a base, packages on packages, an adapter; a
// change below changes the names of all above.
func TestRecipe(t *testing.T) {
	m := manifest.Manifest{Name: "x", Command: []string{"x"},
		Image: manifest.Image{Name: "dlbench/x", Context: "tensorflow", On: "reference"}}
	r, err := recipeOf(m)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.packages) != 2 || !strings.HasPrefix(r.packages[0].tag, "dlbench/reference-packages:") || !strings.HasPrefix(r.packages[1].tag, "dlbench/tensorflow-packages:") {
		t.Errorf("packages are %v", r.packages)
	}
	m.Image.On = "onnxruntime reference"
	if more, err := recipeOf(m); err != nil || len(more.packages) != 3 || !strings.HasPrefix(more.packages[1].tag, "dlbench/reference-packages:") {
		t.Errorf("packages are %v, %v", more.packages, err)
	}
	m.Image.On = ""
	alone, err := recipeOf(m)
	if err != nil || alone.packages[0].tag == r.packages[1].tag || alone.adapter.tag == r.adapter.tag {
		t.Errorf("%v: what lies below does not count: %v and %v", err, alone, r)
	}
	m.Image.Base = "nothing"
	if _, err := recipeOf(m); err == nil || !strings.Contains(err.Error(), `no base "nothing"`) {
		t.Errorf("error is %v", err)
	}
}

// Nothing of the building machine is in a built image: neither its settings,
// nor pip's caches, nor variables.
func TestBuiltImagesHoldNothingOfThisMachine(t *testing.T) {
	if testing.Short() {
		t.Skip("short: no containers")
	}
	podman, err := engine.NewPodman(os.Environ(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if h := podman.Probe(t.Context()); h.State != engine.Healthy {
		t.Skipf("podman is %s: %s", h.State, h.Reason)
	}
	s := &Store{CLI: podman, Dir: t.TempDir(), Getenv: os.Getenv}
	list, err := s.List(t.Context(), builds(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, status := range list {
		if !status.Built {
			t.Logf("%s is not built", status.Image)
			continue
		}
		history, err := podman.Output(t.Context(), "history", "--no-trunc", "--format", "{{.CreatedBy}}", status.Image)
		if err != nil {
			t.Fatal(err)
		}
		env, err := podman.Output(t.Context(), "image", "inspect", "--format", "{{.Config.Env}}", status.Image)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{"PIP_", "SSL_CERT", "proxy", "PROXY"} {
			if strings.Contains(env, word) {
				t.Errorf("%s: its environment has %s: %s", status.Image, word, env)
			}
		}
		if strings.Contains(history, "settings") {
			t.Errorf("%s: its history tells of the settings: %s", status.Image, history)
		}
		files, err := podman.Output(t.Context(), "run", "--rm", "--network=none", status.Image, "sh", "-c",
			"find /run/dlbench /root/.cache /root/.config /tmp /opt/packages/bin -type f 2>/dev/null; command -v pip gcc || true")
		if err != nil {
			t.Fatal(err)
		}
		if files != "" {
			t.Errorf("%s holds %s", status.Image, files)
		}
	}
}
