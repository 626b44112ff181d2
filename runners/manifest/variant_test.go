package manifest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/runners/manifest"
)

const withVariants = `{"schema_version": 1, "name": "mine", "framework": "Mine", "version": "1", "description": "plain", "homepage": "",
 "maintained": true, "image": {"name": "mine:1"}, "command": ["run"], "environment": {"N": "1", "M": "1"}, "devices": ["cpu", "gpu"],
 "variants": {"fast": {"description": "faster", "environment": {"N": "2"}}, "captured": {"description": "in a graph", "devices": ["gpu"]}}}`

func TestAVariantIsARunnerOfItsOwn(t *testing.T) {
	m, err := manifest.Decode([]byte(withVariants))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"mine", "mine+captured", "mine+fast"}; !slices.Equal(m.Names(), want) {
		t.Errorf("names are %q, want %q", m.Names(), want)
	}
	fast, ok := m.As("fast")
	env := fast.EnvironmentFor(2)
	if !ok || fast.Name != "mine+fast" || fast.Description != "faster" || env["N"] != "2" || env["M"] != "1" || env[manifest.VariantVariable] != "fast" {
		t.Errorf("%t, %+v", ok, fast)
	}
	if !slices.Equal(fast.Devices, m.Devices) || fast.Image != m.Image {
		t.Errorf("it changed more than it says: %+v", fast)
	}
	if captured, _ := m.As("captured"); !slices.Equal(captured.Devices, []string{"gpu"}) {
		t.Errorf("devices are %q", captured.Devices)
	}
	if m.Environment["N"] != "1" || m.EnvironmentFor(2)[manifest.VariantVariable] != "" {
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
		`"fast"`:   {`"Fast+"`, `variant "Fast+"`},
		`"faster"`: {`""`, `variant "fast" has no description`},
		`["gpu"]`:  {`["tpu"]`, `variant "captured": device "tpu" is none of the runner's`},
	} {
		if _, err := manifest.Decode([]byte(strings.Replace(withVariants, from, test.to, 1))); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("error is %v, want %q", err, test.says)
		}
	}
}
