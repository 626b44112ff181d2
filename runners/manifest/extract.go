package manifest

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dlbench/dlbench/runners"
)

// ExtractPython writes the embedded adapters under dir, in a directory named by
// their digest, and returns the one that PYTHONPATH needs.
func ExtractPython(dir string) (string, error) {
	hash := sha256.New()
	contents := map[string][]byte{}
	err := fs.WalkDir(runners.Sources, "python", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(runners.Sources, name)
		contents[name] = data
		_, _ = hash.Write([]byte(name + "\x00" + string(data)))
		return err
	})
	if err != nil {
		return "", err
	}
	final := filepath.Join(dir, "adapters", hex.EncodeToString(hash.Sum(nil))[:16])
	if _, err := os.Stat(final); err == nil {
		return filepath.Join(final, "python"), nil
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
	return filepath.Join(final, "python"), nil
}
