package manifest

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/dlbench/dlbench/runners"
)

// PythonLibrary is what adapters in Python stand on, among runners.Sources. Its
// packages lie beside the frameworks' rooms wherever a runner is started.
const PythonLibrary = "sdk/python"

// ExtractPython writes the embedded Python library and the frameworks' rooms
// under dir, in a directory named by their digest, and returns that one: the
// root of At, and what PYTHONPATH needs.
func ExtractPython(dir string) (string, error) {
	hash := sha256.New()
	contents := map[string][]byte{}
	err := fs.WalkDir(runners.Sources, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(name) != ".py" {
			return err
		}
		data, err := fs.ReadFile(runners.Sources, name)
		contents[strings.TrimPrefix(name, PythonLibrary+"/")] = data
		_, _ = hash.Write([]byte(name + "\x00" + string(data)))
		return err
	})
	if err != nil {
		return "", err
	}
	final := filepath.Join(dir, "adapters", hex.EncodeToString(hash.Sum(nil))[:16])
	if _, err := os.Stat(final); err == nil {
		return final, nil
	}
	if err := os.MkdirAll(filepath.Dir(final), 0o755); err != nil {
		return "", err
	}
	temp, err := os.MkdirTemp(filepath.Dir(final), ".tmp-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(temp) }() // gone already when all went well
	for name, data := range contents {
		path := filepath.Join(temp, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return "", err
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return "", err
		}
	}
	if err := os.Chmod(temp, 0o755); err != nil {
		return "", err
	}
	if err := os.Rename(temp, final); err != nil {
		if _, there := os.Stat(final); there != nil {
			return "", err
		}
	}
	return final, nil
}
