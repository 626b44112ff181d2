package enginetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// registry is where the double pushes to and pulls from: beside its own images.
func (d *double) registry() string { return filepath.Join(d.dir, "registry") }

// Publish puts an image into the registry that the double pulls from.
func (c *CommandLine) Publish(reference string, i Image) {
	c.t.Helper()
	if err := newDouble(newDouble(c.dir).registry()).keep(reference, i); err != nil {
		c.t.Fatal(err)
	}
}

// Published is an image of the registry; false if there is none of that name.
func (c *CommandLine) Published(reference string) (Image, bool) {
	c.t.Helper()
	i, err := newDouble(newDouble(c.dir).registry()).image(reference)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.t.Fatal(err)
	}
	return i, err == nil
}

// copyImage gives an image, or its copy elsewhere, a name.
func (d *double) copyImage(from, fromDir, to, toDir string) error {
	i, err := newDouble(fromDir).named(from)
	if err != nil {
		return err
	}
	return newDouble(toDir).keep(to, i)
}

func (d *double) pull(reference string) int {
	if err := d.copyImage(reference, d.registry(), reference, d.dir); err != nil {
		return d.fault(fmt.Errorf("reading manifest of %s: manifest unknown", reference))
	}
	return 0
}

// save writes images into the file that --output names.
func (d *double) save(args []string) error {
	at := slices.Index(args, "--output") + 1
	saved := map[string]Image{}
	for _, name := range args {
		if i, err := d.image(name); err == nil {
			saved[name] = i
		}
	}
	data, err := json.Marshal(saved)
	if err != nil {
		return err
	}
	return os.WriteFile(args[at], data, 0o644)
}

// load keeps the images of a file under names that podman gives them.
func (d *double) load(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var saved map[string]Image
	if err := json.Unmarshal(data, &saved); err != nil {
		return err
	}
	for name, i := range saved {
		if err := d.keep("localhost/"+name, i); err != nil {
			return err
		}
	}
	return nil
}
