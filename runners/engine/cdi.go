package engine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// cdi is what this machine's CDI specifications say of NVIDIA's cards.
type cdi struct {
	names  []string // of devices: UUIDs, numbers, "all"
	nodes  []string // that a container gets, of all devices
	groups bool     // it adds groups, which podman before 5 cannot read
	files  []string // that were read
}

// cdiFile is what matters of a specification (Container Device Interface,
// SPEC.md); JSON is YAML.
type cdiFile struct {
	Kind    string   `yaml:"kind"`
	Edits   cdiEdits `yaml:"containerEdits"`
	Devices []struct {
		Name  string   `yaml:"name"`
		Edits cdiEdits `yaml:"containerEdits"`
	} `yaml:"devices"`
}

type cdiEdits struct {
	Nodes []struct {
		Path string `yaml:"path"`
	} `yaml:"deviceNodes"`
	Groups []int `yaml:"additionalGids"`
}

// readCDI reads the specifications of NVIDIA's cards; the error names those that
// are none.
func readCDI(dirs []string) (cdi, error) {
	var all cdi
	var faults []error
	for _, dir := range dirs {
		for _, kind := range []string{"*.yaml", "*.json"} {
			paths, _ := filepath.Glob(filepath.Join(dir, kind)) // the pattern is well formed
			for _, path := range paths {
				if err := all.add(path); err != nil {
					faults = append(faults, fmt.Errorf("CDI specification %s: %w", path, err))
				}
			}
		}
	}
	return all, errors.Join(faults...)
}

func (c *cdi) add(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var file cdiFile
	if err := yaml.Unmarshal(data, &file); err != nil {
		return err
	}
	if file.Kind != gpuClass {
		return nil
	}
	c.files = append(c.files, path)
	c.edit(file.Edits)
	for _, d := range file.Devices {
		c.names = append(c.names, d.Name)
		c.edit(d.Edits)
	}
	return nil
}

func (c *cdi) edit(e cdiEdits) {
	c.groups = c.groups || len(e.Groups) > 0
	for _, node := range e.Nodes {
		c.nodes = append(c.nodes, node.Path)
	}
}

// onlyAll says that the specification names no single card, as under WSL2.
func (c *cdi) onlyAll() bool {
	return len(c.names) > 0 && !slices.ContainsFunc(c.names, func(name string) bool { return name != "all" })
}

// windows says that the cards are Windows', reached through one file.
func (c *cdi) windows() bool { return slices.Contains(c.nodes, "/dev/dxg") }

// lacks is why a container would not get a card, as far as the specification
// tells; nil if it would.
func (c *cdi) lacks(uuids []string, exists func(path string) bool) *EnvironmentError {
	for _, uuid := range uuids {
		if !c.onlyAll() && !slices.Contains(c.names, uuid) {
			return &EnvironmentError{Text: fmt.Sprintf("podman cannot hand %s to a container: the CDI specification in %s names %s", uuid, strings.Join(c.files, " and "), strings.Join(c.names, ", ")),
				Hint: makeCDI + " --device-name-strategy=uuid"}
		}
	}
	if c.windows() {
		return nil
	}
	const uvm = "/dev/nvidia-uvm"
	switch {
	case !exists(uvm):
		return &EnvironmentError{Text: uvm + " is not there, and CUDA does not start without it (a host without a display loads its module at the first use)", Hint: uvmRemedy + ", then " + makeCDI}
	case !slices.Contains(c.nodes, uvm):
		return &EnvironmentError{Text: fmt.Sprintf("the CDI specification in %s was made without %s, and CUDA does not start without it", strings.Join(c.files, " and "), uvm), Hint: uvmRemedy + ", then " + makeCDI}
	}
	return nil
}
