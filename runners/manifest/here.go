package manifest

import (
	"path"
	"path/filepath"
	"strings"
)

// ImageRoot is where images have what manifest.Extract writes elsewhere: the
// Python library, and the runner's own room of runners/frameworks.
const ImageRoot = "/opt/dlbench"

// hereWord stands in a command for the directory of the manifest.
const hereWord = "{here}"

// At is a command of the manifest for a process that finds the sources that
// come with dlbench under a root. "{here}" is the directory of runner.json;
// for somebody else's runner that is the one on this machine.
func (m Manifest) At(root string, command []string) []string {
	here := path.Join(root, m.Room)
	if m.Room == "" {
		here = filepath.Dir(m.Source)
	}
	out := make([]string, len(command))
	for i, word := range command {
		out[i] = strings.ReplaceAll(word, hereWord, here)
	}
	return out
}
