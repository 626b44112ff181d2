package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dlbench/dlbench/runners"
	"github.com/dlbench/dlbench/workloads/names"
	"github.com/dlbench/dlbench/workloads/network"
)

// Builtin reads the manifests that come with dlbench, the reference first.
func Builtin() ([]Manifest, error) {
	all, err := readAll(runners.Manifests, "frameworks/*", "")
	for i := range all {
		all[i].Room = path.Dir(filepath.ToSlash(all[i].Source))
	}
	return all, err
}

// Dir reads the manifests under a directory: <dir>/runner.json or
// <dir>/<name>/runner.json. A framework with several runners names their files
// runner-<name>.json.
func Dir(dir string) ([]Manifest, error) {
	files := os.DirFS(dir)
	all, err := readAll(files, ".", dir)
	if err == nil && len(all) == 0 {
		all, err = readAll(files, "*", dir)
	}
	if err == nil && len(all) == 0 {
		return nil, fmt.Errorf("%s: no runner.json in it or in a directory of it", dir)
	}
	return all, err
}

// readAll reads the manifests in the directories of a pattern.
func readAll(files fs.FS, directories, root string) ([]Manifest, error) {
	one, err := fs.Glob(files, path.Join(directories, "runner.json"))
	several, errToo := fs.Glob(files, path.Join(directories, "runner-*.json"))
	if err := errors.Join(err, errToo); err != nil {
		return nil, err
	}
	paths := slices.Concat(one, several)
	var all []Manifest
	for _, name := range paths {
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		source := filepath.Join(root, name)
		m, err := Decode(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", source, err)
		}
		m.Source = source
		all = append(all, m)
	}
	slices.SortStableFunc(all, func(a, b Manifest) int {
		if a.Reference != b.Reference {
			return map[bool]int{true: -1, false: 1}[a.Reference]
		}
		return strings.Compare(a.Name, b.Name)
	})
	return all, nil
}

// Decode reads and checks one manifest.
func Decode(data []byte) (Manifest, error) {
	var m Manifest
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&m); err != nil {
		return m, fmt.Errorf("line %d: %w", lineOf(data, err, decoder.InputOffset()), err)
	}
	return m, m.check()
}

// lineOf is the line of a decoder's error.
func lineOf(data []byte, err error, offset int64) int {
	var syntax *json.SyntaxError
	var mismatch *json.UnmarshalTypeError
	if errors.As(err, &syntax) {
		offset = syntax.Offset
	} else if errors.As(err, &mismatch) {
		offset = mismatch.Offset
	}
	return bytes.Count(data[:min(int64(len(data)), offset)], []byte{'\n'}) + 1
}

var variantForm = regexp.MustCompile(`^[a-z][a-z0-9]{0,19}$`)

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9+_-]{0,39}$`)

func (m Manifest) check() error {
	var faults []error
	want := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	want(m.SchemaVersion == SchemaVersion, "schema_version is %d, this dlbench reads %d", m.SchemaVersion, SchemaVersion)
	want(nameForm.MatchString(m.Name), "name %q has to be of a-z, 0-9, +, _ and -, a letter first", m.Name)
	want(m.Framework != "", "framework is empty")
	want(len(m.Command) > 0 || m.Local != nil, "neither command nor local says how to start it")
	want(len(m.Command) == 0 || m.Image.Name != "", "command needs an image with a name")
	want(m.Local == nil || len(m.Local.Command) > 0, "local has no command")
	want(len(m.Devices) > 0, "devices is empty, expected cpu, gpu or both")
	for _, op := range m.Operators {
		if known := network.Forms(); !slices.Contains(known, op) { // what is like it takes its time to find
			want(false, "operators: %w", names.Unknown("operator", op, known))
		}
	}
	for _, mode := range m.Modes {
		want(mode == "infer" || mode == "train", "modes: %q is neither infer nor train", mode)
	}
	for _, d := range m.Devices {
		want(d == "cpu" || d == "gpu", "device %q is neither cpu nor gpu", d)
	}
	want(m.GPU == nil || m.NoGPU == "", "gpu says what computes on GPUs, and no_gpu why nothing does: expected one of them")
	if m.GPU != nil {
		want(slices.Contains(m.Devices, "gpu"), "gpu describes a build for GPUs, and devices has no gpu")
		for _, name := range m.GPU.Architectures {
			_, ok := parseArchitecture(name)
			want(ok, "gpu: architecture %q: expected one like sm_90, sm_90a or compute_90", name)
		}
	}
	m.checkVariants(want)
	if len(faults) > 0 {
		return faults[0] // one line; the next shows when this is fixed
	}
	return nil
}

// BestName asks for every framework at its best, so no runner may have it.
const BestName = "best"

func (m Manifest) checkVariants(want func(ok bool, format string, args ...any)) {
	want(m.Name != BestName, "name %q means every framework at its best (--runner best): expected another", m.Name)
	for name, v := range m.Variants {
		want(variantForm.MatchString(name), "variant %q has to be of a-z and 0-9, a letter first", name)
		want(v.Description != "", "variant %q has no description", name)
		for _, d := range v.Devices {
			want(slices.Contains(m.Devices, d), "variant %q: device %q is none of the runner's %q", name, d, m.Devices)
		}
		want(v.Image == nil || v.Image.Name != "", "variant %q: its image has no name", name)
		want(v.GPUImage == nil || v.GPUImage.Name != "", "variant %q: its image for GPUs has no name", name)
		want(v.GPUImage == nil || m.GPU != nil, "variant %q has an image for GPUs, and gpu says nothing of a build for them", name)
	}
	r := m.Recommended
	if r == nil {
		return
	}
	_, known := m.Variants[r.Variant]
	want(r.Variant == "" || known, "recommended: variant %q is none of %q", r.Variant, slices.Sorted(maps.Keys(m.Variants)))
	want(r.Reason != "" && r.Source != "", "recommended: reason and source say why, and where the framework's documentation does: one is empty")
}

// EnvironmentFor is what the runner is started with for a budget of threads, and
// a directory that its next process finds again, if it caches. The variables are
// those that OpenMP, OpenBLAS and MKL read.
func (m Manifest) EnvironmentFor(threads int, cache string) map[string]string {
	budget := strconv.Itoa(threads)
	env := map[string]string{}
	for _, name := range []string{"DLBENCH_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"} {
		env[name] = budget
	}
	words := strings.NewReplacer("{threads}", budget, cacheWord, cache)
	for name, value := range m.Environment {
		env[name] = words.Replace(value)
	}
	return env
}
