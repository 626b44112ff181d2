package manifest

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// OnGPU is the manifest of what computes on GPUs: its image is the one for
// them, if that is another.
func (m Manifest) OnGPU() Manifest {
	if m.GPU == nil {
		return m
	}
	if m.GPU.Image.Name != "" {
		m.Image = m.GPU.Image
	}
	m.Version = cmp.Or(m.GPU.Version, m.Version)
	return m
}

// Build is one image of a runner, and the devices that it serves.
type Build struct {
	Manifest
	Devices []string
}

// Builds are the images that a runner needs for all of its devices, and those of
// its variants that have images of their own.
func (m Manifest) Builds() []Build {
	builds := m.builds()
	for _, name := range slices.Sorted(maps.Keys(m.Variants)) {
		if v, _ := m.As(name); m.Variants[name].Image != nil || m.Variants[name].GPUImage != nil {
			builds = append(builds, v.builds()...)
		}
	}
	return builds
}

func (m Manifest) builds() []Build {
	if !slices.Contains(m.Devices, "gpu") || m.GPU == nil || m.GPU.Image.Name == "" || m.GPU.Image == m.Image {
		return []Build{{m, m.Devices}}
	}
	builds := []Build{{m.OnGPU(), []string{"gpu"}}}
	if slices.Contains(m.Devices, "cpu") {
		builds = append([]Build{{m, []string{"cpu"}}}, builds...)
	}
	return builds
}

// WithoutGPUs is why a runner computes on no GPU; empty if it does.
func (m Manifest) WithoutGPUs() string {
	if slices.Contains(m.Devices, "gpu") {
		return ""
	}
	return cmp.Or(m.NoGPU, "this build computes on CPUs only")
}

// UnfitFor is why the build in a runner's image cannot compute on a card; empty
// if it can, as far as its manifest tells.
func (m Manifest) UnfitFor(card Card) string {
	if reason := m.WithoutGPUs(); reason != "" || m.GPU == nil {
		return reason
	}
	if reason := m.GPU.tooOldADriver(card); reason != "" || len(m.GPU.Architectures) == 0 {
		return reason
	}
	runs, recompiled := m.GPU.RunsOn(card.ComputeCapability)
	if runs && !recompiled {
		return ""
	}
	text := fmt.Sprintf("built for %s, this GPU is sm_%s", m.GPU.builtFor(card.ComputeCapability), strings.Replace(card.ComputeCapability, ".", "", 1))
	if recompiled {
		text += "; only by recompiling its kernels"
	}
	return text
}

// RunsOn says whether the build has code for GPUs of a compute capability, and
// whether the driver would have to recompile that, which takes up to 20
// minutes while a workload is loaded. The rules are CUDA's (CUDA C++
// Programming Guide, "Binary Compatibility" and "PTX Compatibility"): binaries
// run on cards of their major version that are not older, intermediate code on
// all that are not older; code for one card's own features (sm_90a) runs there
// only, and code for a family's (sm_100f) within the major version.
func (g *GPU) RunsOn(computeCapability string) (runs, recompiled bool) {
	card, ok := parseCapability(computeCapability)
	if !ok {
		return false, false
	}
	for _, name := range g.Architectures {
		a, ok := parseArchitecture(name)
		if !ok || !a.runsOn(card) {
			continue
		}
		if !a.intermediate {
			return true, false
		}
		runs, recompiled = true, true
	}
	return runs, recompiled
}

// capability is a compute capability, or what code was built for.
type capability struct{ major, minor int }

func (c capability) compare(o capability) int {
	return cmp.Or(cmp.Compare(c.major, o.major), cmp.Compare(c.minor, o.minor))
}

func parseCapability(text string) (c capability, ok bool) {
	major, minor, dotted := strings.Cut(text, ".")
	var wrong, wrongToo error
	c.major, wrong = strconv.Atoi(major)
	c.minor, wrongToo = strconv.Atoi(minor)
	return c, dotted && wrong == nil && wrongToo == nil
}

// architecture is one kind of code in a build.
type architecture struct {
	capability
	intermediate bool   // "compute_90"
	only         string // "a": this card; "f": this family
}

var architectureForm = regexp.MustCompile(`^(sm|compute)_([0-9]{1,2})([0-9])([af]?)$`)

func parseArchitecture(name string) (architecture, bool) {
	parts := architectureForm.FindStringSubmatch(name)
	if parts == nil {
		return architecture{}, false
	}
	major, _ := strconv.Atoi(parts[2]) // digits, by the expression
	minor, _ := strconv.Atoi(parts[3])
	return architecture{capability{major, minor}, parts[1] == "compute", parts[4]}, true
}

func (a architecture) runsOn(card capability) bool {
	switch {
	case a.only == "a":
		return a.capability == card
	case a.only == "f", !a.intermediate:
		return a.major == card.major && a.minor <= card.minor
	default:
		return a.compare(card) <= 0
	}
}

// builtFor names what the build has code for: the oldest and the newest, or
// all if the card lies between those. Binaries say enough, where it has any.
func (g *GPU) builtFor(computeCapability string) string {
	kinds := map[string][]capability{}
	for _, name := range g.Architectures {
		if a, ok := parseArchitecture(name); ok {
			kind, _, _ := strings.Cut(name, "_")
			kinds[kind] = append(kinds[kind], a.capability)
		}
	}
	kind := "sm"
	if len(kinds[kind]) == 0 {
		kind = "compute"
	}
	all := kinds[kind]
	slices.SortFunc(all, capability.compare)
	var names []string
	for _, c := range slices.Compact(all) {
		names = append(names, fmt.Sprintf("%s_%d%d", kind, c.major, c.minor))
	}
	card, _ := parseCapability(computeCapability)
	if between := card.compare(all[0]) > 0 && card.compare(all[len(all)-1]) < 0; between || len(names) == 1 {
		return strings.Join(names, ", ")
	}
	return names[0] + "–" + names[len(names)-1]
}
