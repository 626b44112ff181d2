package manifest_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/runners/manifest"
)

// The rules are PyTorch's adapter's too: both read this table.
func TestRunsOn(t *testing.T) {
	data, err := os.ReadFile("../sdk/python/tests/architectures.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Built     []string
		Card, Fit string
	}
	if err := json.Unmarshal(data, &cases); err != nil || len(cases) < 20 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, c := range cases {
		g := manifest.GPU{Architectures: c.Built}
		got := "none"
		if runs, anew := g.RunsOn(c.Card); anew {
			got = "anew"
		} else if runs {
			got = "binary"
		}
		if got != c.Fit {
			t.Errorf("%v on %s is %s, want %s", c.Built, c.Card, got, c.Fit)
		}
	}
	if runs, _ := (&manifest.GPU{Architectures: []string{"sm_90"}}).RunsOn("nine"); runs {
		t.Error("it runs on a card of no known compute capability")
	}
}

func TestUnfitFor(t *testing.T) {
	both := []string{"cpu", "gpu"}
	built := func(names ...string) manifest.Manifest {
		return manifest.Manifest{Devices: both, GPU: &manifest.GPU{Architectures: names}}
	}
	for name, tt := range map[string]struct {
		m    manifest.Manifest
		want string
	}{
		"it fits":            {built("sm_80", "sm_90"), ""},
		"too old a build":    {built("sm_80", "sm_35", "sm_70", "sm_35"), "built for sm_35–sm_80, this GPU is sm_90"},
		"one architecture":   {built("sm_80"), "built for sm_80, this GPU is sm_90"},
		"a gap":              {built("sm_80", "sm_100", "sm_75"), "built for sm_75, sm_80, sm_100, this GPU is sm_90"},
		"intermediate code":  {built("sm_35", "sm_80", "compute_80"), "built for sm_35–sm_80, this GPU is sm_90; only by recompiling its kernels"},
		"nothing else":       {built("compute_80"), "built for compute_80, this GPU is sm_90; only by recompiling its kernels"},
		"nobody knows":       {manifest.Manifest{Devices: both}, ""},
		"no code is listed":  {built(), ""},
		"CPUs only":          {manifest.Manifest{Devices: []string{"cpu"}}, "this build computes on CPUs only"},
		"CPUs only, and why": {manifest.Manifest{Devices: []string{"cpu"}, NoGPU: "its last CUDA is 8"}, "its last CUDA is 8"},
	} {
		if got := tt.m.UnfitFor(manifest.Card{ComputeCapability: "9.0"}); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

// NVIDIA's table of minor-version compatibility: what the driver says that it
// runs decides, or its own version if it does not tell.
func TestDriverNeeded(t *testing.T) {
	for name, tt := range map[string]struct {
		built, driver, cuda string
		want                int
	}{
		"the same version":                {"13.0", "580.159.04", "13.0", 0},
		"a later minor version":           {"13.5", "580.65.06", "13.0", 0},
		"an older major version":          {"12.9", "580.65.06", "13.0", 0},
		"an old driver":                   {"13.2", "575.57.08", "12.9", 580},
		"an older driver":                 {"12.9", "470.256.02", "11.4", 525},
		"a very old one":                  {"11.6", "440.33", "10.2", 450},
		"a package that extends a driver": {"13.0", "535.1", "13.0", 0},
		"it does not tell, and is old":    {"13.0", "535.183.01", "", 580},
		"it does not tell, and is new":    {"13.0", "580.65.06", "", 0},
		"nothing is known":                {"13.0", "", "", 0},
		"nothing is known of the build":   {"", "440.33", "10.2", 0},
		"built for CUDA 10":               {"10.0", "418.40", "10.1", 0},
	} {
		g := manifest.GPU{CUDA: tt.built}
		card := manifest.Card{ComputeCapability: "9.0", Driver: tt.driver, CUDA: tt.cuda}
		if got := g.DriverNeeded(card); got != tt.want {
			t.Errorf("%s: it needs driver %d, want %d", name, got, tt.want)
		}
		m := manifest.Manifest{Devices: []string{"gpu"}, GPU: &g}
		if reason := m.UnfitFor(card); (reason != "") != (tt.want > 0) {
			t.Errorf("%s: the reason is %q", name, reason)
		}
	}
	m := manifest.Manifest{Devices: []string{"gpu"}, GPU: &manifest.GPU{CUDA: "13.2", Architectures: []string{"sm_90"}}}
	want := "built for CUDA 13.2, which needs NVIDIA's driver 580 or later; this is 575.57.08, for CUDA 12.9 at most"
	if got := m.UnfitFor(manifest.Card{ComputeCapability: "9.0", Driver: "575.57.08", CUDA: "12.9"}); got != want {
		t.Errorf("the reason is %q", got)
	}
}

func TestOnGPU(t *testing.T) {
	m := manifest.Manifest{Name: "mine", Version: "1", Image: manifest.Image{Name: "mine"}, Devices: []string{"cpu", "gpu"}}
	if got := m.OnGPU(); got.Image.Name != "mine" || got.Version != "1" || len(m.Builds()) != 1 {
		t.Errorf("without a build of its own: %+v", got)
	}
	m.GPU = &manifest.GPU{Architectures: []string{"sm_90"}}
	if got := m.OnGPU(); got.Image.Name != "mine" || len(m.Builds()) != 1 || !slices.Equal(m.Builds()[0].Devices, m.Devices) {
		t.Errorf("one image for both: %+v", got)
	}
	m.GPU.Image, m.GPU.Version = manifest.Image{Name: "mine-gpu", Context: "mine-gpu"}, "1+cu13"
	if got := m.OnGPU(); got.Image.Context != "mine-gpu" || got.Version != "1+cu13" || m.Image.Name != "mine" {
		t.Errorf("an image of its own: %+v", got)
	}
	builds := m.Builds()
	if len(builds) != 2 || builds[0].Image.Name != "mine" || builds[1].Image.Name != "mine-gpu" || builds[1].Devices[0] != "gpu" {
		t.Errorf("builds are %+v", builds)
	}
}

func TestDecodeOfGPU(t *testing.T) {
	both := strings.Replace(good, `["cpu"]`, `["cpu", "gpu"]`, 1)
	with := func(text, more string) string { return strings.TrimSuffix(text, "}") + "," + more + "}" }
	for name, tt := range map[string]struct{ text, says string }{
		"a build":             {with(both, `"gpu": {"image": {"name": ""}, "cuda": "13.0", "architectures": ["sm_90a", "compute_120"]}`), ""},
		"no build, and why":   {with(good, `"no_gpu": "no CUDA"`), ""},
		"broken architecture": {with(both, `"gpu": {"image": {"name": ""}, "cuda": "13.0", "architectures": ["9.0"]}`), `architecture "9.0": expected one like sm_90`},
		"both":                {with(both, `"gpu": {"image": {"name": ""}, "cuda": "13.0", "architectures": []}, "no_gpu": "no"`), "expected one of them"},
		"not a device":        {with(good, `"gpu": {"image": {"name": ""}, "cuda": "13.0", "architectures": []}`), "devices has no gpu"},
	} {
		_, err := manifest.Decode([]byte(tt.text))
		if (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: error is %v, want %q", name, err, tt.says)
		}
	}
}
