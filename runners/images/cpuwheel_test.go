package images

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dlbench/dlbench/docker"
)

// standIn is an index of wheels on this machine.
func standIn(t *testing.T, answer func(w http.ResponseWriter, r *http.Request)) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(answer))
	t.Cleanup(server.Close)
	return server.URL
}

func TestPyTorchForCPUsComesFromItsOwnIndex(t *testing.T) {
	data, err := docker.Files.ReadFile("pytorch/requirements.txt")
	if err != nil {
		t.Fatal(err)
	}
	version, _, _ := strings.Cut(string(data)[strings.Index(string(data), "\ntorch==")+len("\ntorch=="):], " ")
	hash := strings.Repeat("0123456789abcdef", 4)
	page := func(names ...string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/whl/cpu/torch/" {
				http.NotFound(w, r)
				return
			}
			for _, name := range names {
				fmt.Fprintf(w, "<a href=\"/files/%s\" data-x=\"y\">x</a><br/>\n", name)
			}
		}
	}
	wheel := "torch-" + version + "%2Bcpu-cp311-cp311-manylinux_2_28_x86_64.whl"
	others := []string{"torch-" + version + "-cp311-none-macosx_11_0_arm64.whl#sha256=" + hash, "torch-1.0%2Bcpu-cp311-cp311-linux_x86_64.whl#sha256=" + hash,
		"torch-" + version + "%2Bcpu-cp312-cp312-manylinux_2_28_x86_64.whl#sha256=" + hash}
	for name, tt := range map[string]struct {
		answer func(http.ResponseWriter, *http.Request)
		taken  bool
		says   string
	}{
		"it has the wheel":    {page(append(others, wheel+"#sha256="+hash)...), true, "PyTorch's build for CPUs: torch-" + version},
		"it states no hash":   {page(wheel), false, "states no SHA-256"},
		"of another version":  {page(others...), false, "has no torch " + version},
		"it is another place": {http.NotFound, false, "404"},
		"it does not answer":  {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, false, "deadline exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			index := standIn(t, tt.answer)
			dir, said := t.TempDir(), &told{}
			file := filepath.Join(dir, "requirements.txt")
			if err := os.WriteFile(file, data, 0o644); err != nil {
				t.Fatal(err)
			}
			s := &Store{Progress: said, Getenv: func(name string) string { return map[string]string{TorchIndexVariable: index + "/whl/cpu/"}[name] }}
			began := time.Now()
			if err := s.takeCPUWheel(t.Context(), dir); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); !tt.taken && took > 10*indexTime {
				t.Errorf("a person waited %s", took)
			}
			if len(said.steps) != 1 || !strings.Contains(said.steps[0], tt.says) {
				t.Errorf("it says %q, want %q", said.steps, tt.says)
			}
			got, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !tt.taken {
				if string(got) != string(data) {
					t.Errorf("the requirements are changed:\n%s", got)
				}
				return
			}
			want := "torch @ " + index + "/files/" + wheel + " --hash=sha256:" + hash + "\n"
			if !strings.HasPrefix(string(got), want) || strings.Contains(string(got), "nvidia-") || strings.Contains(string(got), "torch==") {
				t.Errorf("the requirements are\n%s\nwant first %s", got, want)
			}
			if !strings.Contains(string(got), "\nnumpy==") || !strings.Contains(string(got), "\nsympy==") {
				t.Errorf("other packages are lost:\n%s", got)
			}
		})
	}
}

// Only the image for CPUs asks, and only if an index is named.
func TestOnlyTheImageForCPUsAsksThatIndex(t *testing.T) {
	asked := 0
	index := standIn(t, func(w http.ResponseWriter, r *http.Request) { asked++; http.NotFound(w, r) })
	for name, want := range map[string]int{"pytorch": 1, "jax": 0} {
		asked = 0
		m, r := named(t, name)
		s, double, _ := playedStore(t, "podman", map[string]string{TorchIndexVariable: index})
		double.Have(r.base.tag)
		if _, _, err := s.Ensure(t.Context(), m); err != nil || asked != want {
			t.Errorf("%s asked %d times, want %d, %v", name, asked, want, err)
		}
		if gpu := m.OnGPU(); name == "pytorch" {
			if _, _, err := s.Ensure(t.Context(), gpu); err != nil || asked != want {
				t.Errorf("for GPUs: asked %d times, %v", asked, err)
			}
		}
	}
	m, r := named(t, "pytorch")
	s, double, _ := playedStore(t, "podman", nil)
	double.Have(r.base.tag)
	if _, _, err := s.Ensure(t.Context(), m); err != nil {
		t.Error(err)
	}
}
