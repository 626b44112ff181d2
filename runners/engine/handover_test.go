package engine

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const cardOfSpecifications = "GPU-8d3f0000-aaaa-bbbb-cccc-ddddeeeeffff"

// What the specifications of each generation of NVIDIA's toolkit say is enough
// to refuse some of them.
func TestWhatCDISpecificationsLack(t *testing.T) {
	for name, tt := range map[string]struct {
		file, version string
		noUVM         bool
		says, hint    string
	}{
		"names by number":         {"toolkit-1.12.yaml", "4.3.1", false, "hand " + cardOfSpecifications + " to a container: the CDI specification in ", "--device-name-strategy=uuid"},
		"names by UUID":           {"toolkit-1.16.yaml", "4.3.1", false, "", ""},
		"with groups":             {"toolkit-1.19.yaml", "4.3.1", false, "", ""}, // only a start tells
		"without unified memory":  {"headless.yaml", "4.3.1", false, "was made without /dev/nvidia-uvm", "nvidia-modprobe -u -c=0"},
		"none on the host either": {"toolkit-1.16.yaml", "4.3.1", true, "/dev/nvidia-uvm is not there", "nvidia-modprobe -u -c=0"},
		"Windows' Linux":          {"wsl2.yaml", "4.3.1", true, "", ""},
		"podman before CDI":       {"toolkit-1.16.yaml", "3.4.4", false, "podman 3.4.4 cannot hand a GPU to a container", "a newer podman"},
		"the first with CDI":      {"toolkit-1.16.yaml", "4.1.0", false, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := podmanWith(t, tt.file, nil)
			c.health, c.probed, c.root = Health{State: Healthy, Version: tt.version}, true, t.TempDir()
			if !tt.noUVM {
				uvm := filepath.Join(c.root, "dev/nvidia-uvm")
				if err := os.MkdirAll(filepath.Dir(uvm), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(uvm, nil, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			missing := c.MissingForGPUs(t.Context(), cardOfSpecifications)
			if (missing == nil) != (tt.says == "") || missing != nil && (!strings.Contains(missing.Text, tt.says) || !strings.Contains(missing.Hint, tt.hint)) {
				t.Errorf("missing is %+v, want %q, %q", missing, tt.says, tt.hint)
			}
		})
	}
	c := podmanWith(t, "wsl2.yaml", nil)
	if args := strings.Join(podmanGPUs(c, []string{cardOfSpecifications}), " "); args != "--device=nvidia.com/gpu=all --env=CUDA_VISIBLE_DEVICES="+cardOfSpecifications {
		t.Errorf("a specification of all cards gives %s", args)
	}
	broken := filepath.Join(t.TempDir(), "broken.yaml")
	if err := os.WriteFile(broken, []byte("kind: [nvidia.com/gpu\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	c = &CLI{dialect: podman, cdi: []string{filepath.Dir(broken)}, probed: true, root: "/"}
	if missing := c.MissingForGPUs(t.Context()); missing == nil || !strings.Contains(missing.Text, "CDI specification "+broken) {
		t.Errorf("a broken specification: %+v", missing)
	}
}

// podmanWith is podman with one of the specifications in a directory of its own.
func podmanWith(t *testing.T, file string, change func(text string) string) *CLI {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata/cdi", file))
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		text = []byte(change(string(text)))
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, file), text, 0o644); err != nil {
		t.Fatal(err)
	}
	return &CLI{dialect: podman, cdi: []string{dir}, root: "/"}
}

// Each generation is started for real: its device files are nodes like
// /dev/null. podman looks in fixed directories, so that the test needs root and
// a machine without a specification of its own.
func TestPodmanStartsWithEachCDISpecification(t *testing.T) {
	if os.Getenv("DLBENCH_TEST_CONTAINERS") != "1" || os.Geteuid() != 0 {
		t.Skip("it needs podman and root: DLBENCH_TEST_CONTAINERS=1")
	}
	if own, _ := readCDI(cdiDirectories); len(own.files) > 0 {
		t.Skipf("this machine has specifications of its own: %v", own.files)
	}
	c, err := NewPodman(os.Environ(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	health := c.Probe(t.Context())
	if health.State != Healthy {
		t.Fatal(health.Reason)
	}
	nodes := t.TempDir()
	for file, tt := range map[string]struct {
		works bool
		hint  string
	}{
		"toolkit-1.12.yaml": {false, "--device-name-strategy=uuid"},
		"toolkit-1.16.yaml": {true, ""},
		"toolkit-1.19.yaml": {!older(health.Version, 5, 0), "--feature-flag=no-additional-gids-for-device-nodes"},
		"headless.yaml":     {false, "nvidia-modprobe -u -c=0"},
		"wsl2.yaml":         {true, ""},
	} {
		t.Run(file, func(t *testing.T) {
			node := regexp.MustCompile(`(?m)^( *)- path: /dev/(.*)$`)
			text, err := os.ReadFile(filepath.Join("testdata/cdi", file))
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range node.FindAllStringSubmatch(string(text), -1) {
				if err := unix.Mknod(filepath.Join(nodes, name[2]), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))); err != nil && !os.IsExist(err) {
					t.Fatal(err)
				}
			}
			text = node.ReplaceAll(text, []byte("${1}- path: /dev/${2}\n${1}  hostPath: "+nodes+"/${2}"))
			path := filepath.Join(cdiDirectories[1], "dlbench-test.yaml")
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, text, 0o644); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = os.Remove(path) }()
			c.root = t.TempDir() // where the host's unified memory is
			if err := os.MkdirAll(filepath.Join(c.root, "dev/nvidia-uvm"), 0o755); err != nil {
				t.Fatal(err)
			}
			missing := c.HandOver(t.Context(), cardOfSpecifications)
			if (missing == nil) != tt.works || missing != nil && !strings.Contains(missing.Hint, tt.hint) {
				t.Errorf("podman %s: %+v, want %v, %q", health.Version, missing, tt.works, tt.hint)
			}
		})
	}
	// A card that nobody hands over does not start, or the test would say nothing.
	if missing := c.HandOver(t.Context(), cardOfSpecifications); missing == nil {
		t.Error("without a specification, a container gets a card")
	}
}

// The tiny image's program ends with 0, and by itself.
func TestTheTinyProgramEnds(t *testing.T) {
	program, err := exitProgram("amd64")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "exit")
	if err := os.WriteFile(path, program, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("uname", "-m").Output(); err != nil || strings.TrimSpace(string(out)) != "x86_64" {
		t.Skip("this machine runs another architecture's programs")
	}
	if out, err := exec.Command(path).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("it ends with %v, %s", err, out)
	}
	if _, err := exitProgram("riscv64"); err == nil {
		t.Error("a program for an architecture that nobody knows")
	}
}
