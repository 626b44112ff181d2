package manifest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/runners/manifest"
)

const withVariants = `{"schema_version": 1, "name": "mine", "framework": "Mine", "version": "1", "description": "plain", "homepage": "",
 "maintained": true, "image": {"name": "mine:1"}, "command": ["run"], "environment": {"N": "1", "M": "1"}, "devices": ["cpu", "gpu"], "variants": {"fast": {"description": "faster", "environment": {"N": "2"}}, "captured": {"description": "in a graph", "devices": ["gpu"]}}}`

func TestAVariantIsARunnerOfItsOwn(t *testing.T) {
	m, err := manifest.Decode([]byte(withVariants))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"mine", "mine+captured", "mine+fast"}; !slices.Equal(m.Names(), want) {
		t.Errorf("names are %q, want %q", m.Names(), want)
	}
	fast, ok := m.As("fast")
	env := fast.EnvironmentFor(2, "")
	if !ok || fast.Name != "mine+fast" || fast.Description != "faster" || env["N"] != "2" || env["M"] != "1" || env[manifest.VariantVariable] != "fast" {
		t.Errorf("%t, %+v", ok, fast)
	}
	if !slices.Equal(fast.Devices, m.Devices) || fast.Image != m.Image {
		t.Errorf("it changed more than it says: %+v", fast)
	}
	if captured, _ := m.As("captured"); !slices.Equal(captured.Devices, []string{"gpu"}) {
		t.Errorf("devices are %q", captured.Devices)
	}
	if m.Environment["N"] != "1" || m.EnvironmentFor(2, "")[manifest.VariantVariable] != "" {
		t.Error("the runner itself changed")
	}
	if _, ok := m.As("slow"); ok {
		t.Error("a variant that is not there was found")
	}
	bare, err := manifest.Decode([]byte(strings.Replace(withVariants, `"environment": {"N": "1", "M": "1"}, `, "", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if fast, _ := bare.As("fast"); fast.Environment["N"] != "2" {
		t.Errorf("without an environment of its own: %+v", fast)
	}
}

func TestVariantsAreChecked(t *testing.T) {
	for from, test := range map[string]struct{ to, says string }{
		`"fast"`:               {`"Fast+"`, `variant "Fast+"`},
		`"faster"`:             {`""`, `variant "fast" has no description`},
		`"devices": ["gpu"]}`:  {`"devices": ["gpu"], "image": {"context": "more"}}`, `variant "captured": its image has no name`},
		`"devices": ["gpu"]}}`: {`"devices": ["gpu"], "gpu_image": {"name": "m:2"}}}`, `variant "captured" has an image for GPUs, and gpu says nothing`},
		`"variants": `:         {`"recommended": {"variant": "slow", "reason": "r", "source": "s"}, "variants": `, `recommended: variant "slow" is none of ["captured" "fast"]`},
		`, "variants": `:       {`, "recommended": {"variant": "fast", "reason": "r"}, "variants": `, `one is empty`},
		`"name": "mine"`:       {`"name": "best"`, `name "best" means every framework at its best`},
		`["gpu"]`:              {`["tpu"]`, `variant "captured": device "tpu" is none of the runner's`},
	} {
		if _, err := manifest.Decode([]byte(strings.Replace(withVariants, from, test.to, 1))); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("error is %v, want %q", err, test.says)
		}
	}
}

// What a variant needs more than its runner is an image of its own, which the
// runner's other images do not become.
func TestAVariantMayHaveImagesOfItsOwn(t *testing.T) {
	text := strings.Replace(withVariants, `"environment": {"N": "2"}}`, `"environment": {"N": "2", "KEPT": "{cache}/more"},
		"image": {"name": "mine-fast", "context": "more", "on": "mine"}, "gpu_image": {"name": "mine-fast-gpu"}}`, 1)
	text = strings.Replace(text, `"variants"`, `"gpu": {"image": {"name": "mine-gpu"}, "cuda": "13.0", "architectures": []}, "variants"`, 1)
	m, err := manifest.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	fast, _ := m.As("fast")
	if fast.Image.Name != "mine-fast" || fast.Image.On != "mine" || fast.OnGPU().Image.Name != "mine-fast-gpu" {
		t.Errorf("its images are %+v and %+v", fast.Image, fast.OnGPU().Image)
	}
	if m.Image.Name != "mine:1" || m.OnGPU().Image.Name != "mine-gpu" {
		t.Errorf("the runner's became %+v and %+v", m.Image, m.OnGPU().Image)
	}
	if captured, _ := m.As("captured"); captured.OnGPU().Image.Name != "mine-gpu" {
		t.Errorf("the other variant's became %+v", captured.OnGPU().Image)
	}
	var built []string
	for _, b := range m.Builds() {
		built = append(built, b.Name+" "+b.Image.Name)
	}
	if want := []string{"mine mine:1", "mine mine-gpu", "mine+fast mine-fast", "mine+fast mine-fast-gpu"}; !slices.Equal(built, want) {
		t.Errorf("its images are %q, want %q", built, want)
	}
	if m.Caches() || !fast.Caches() || fast.EnvironmentFor(2, "/kept")["KEPT"] != "/kept/more" {
		t.Errorf("the directory of what is compiled: %t, %t, %q", m.Caches(), fast.Caches(), fast.EnvironmentFor(2, "/kept")["KEPT"])
	}
}

func TestARunnerAtItsBest(t *testing.T) {
	names := func(text string) (all []string) {
		m, err := manifest.Decode([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, way := range m.Best() {
			all = append(all, way.Name)
		}
		return all
	}
	if got := names(withVariants); !slices.Equal(got, []string{"mine"}) {
		t.Errorf("without a recommendation: %q", got)
	}
	recommended := func(variant string) string {
		return strings.Replace(withVariants, `"variants"`, `"recommended": {"variant": "`+variant+`", "reason": "its guide says so", "source": "https://example.org"}, "variants"`, 1)
	}
	if got := names(recommended("fast")); !slices.Equal(got, []string{"mine", "mine+fast"}) {
		t.Errorf("with one: %q", got)
	}
	if got := names(recommended("")); !slices.Equal(got, []string{"mine"}) {
		t.Errorf("if it is recommended as it is: %q", got)
	}
}

// Who asks for the best of each framework is told why that is it.
func TestBuiltinRunnersNameWhatIsRecommended(t *testing.T) {
	all, err := manifest.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		if r := m.Recommended; m.Maintained && !m.Reference && (r == nil || !strings.HasPrefix(r.Source, "https://")) {
			t.Errorf("%s: recommended is %+v, expected a reason and the page of its documentation (docs/add-a-framework.md)", m.Name, r)
		}
	}
}
