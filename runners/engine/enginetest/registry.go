package enginetest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// registry is what the double pushes to and pulls from: another one, which has
// only images.
func (d *double) registry() *double { return newDouble(filepath.Join(d.dir, "registry")) }

// Publish puts an image into the registry that the double pulls from.
func (c *CommandLine) Publish(reference string, i Image) {
	c.t.Helper()
	c.keep(newDouble(c.dir).registry(), reference, i)
}

// Published is an image of the registry; false if there is none of that name.
func (c *CommandLine) Published(reference string) (Image, bool) {
	c.t.Helper()
	return c.imageOf(newDouble(c.dir).registry(), reference)
}

// give gives an image a name in another double, or another name in this one.
func (d *double) give(reference string, to *double, name string) error {
	i, err := d.named(reference)
	if err != nil {
		return err
	}
	return to.keep(name, i)
}

func (d *double) pull(reference string) int {
	if err := d.registry().give(reference, d, reference); err != nil {
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
