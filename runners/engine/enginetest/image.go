package enginetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// Image is one that the double has "built", pulled or imported: what it was
// made from.
type Image struct {
	Arguments []string `json:"arguments"` // of the call that made it
	Files     []string `json:"files"`     // of the context, by path
	ID        string   `json:"id"`        // made from the name that it first had
}

// Have makes the double have an image.
func (c *CommandLine) Have(reference string) {
	c.t.Helper()
	c.keep(newDouble(c.dir), reference, Image{})
}

// Image is what an image was made from; false if there is none of that name.
func (c *CommandLine) Image(reference string) (Image, bool) {
	c.t.Helper()
	return c.imageOf(newDouble(c.dir), reference)
}

func (c *CommandLine) keep(d *double, reference string, i Image) {
	c.t.Helper()
	if err := d.keep(reference, i); err != nil {
		c.t.Fatal(err)
	}
}

func (c *CommandLine) imageOf(d *double, reference string) (Image, bool) {
	c.t.Helper()
	i, err := d.image(reference)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.t.Fatal(err)
	}
	return i, err == nil
}

func (d *double) imagePath(reference string) string {
	return filepath.Join(d.dir, "images", url.PathEscape(reference))
}

func (d *double) keep(reference string, i Image) error {
	if i.ID == "" {
		i.ID = "id-of-" + reference
	}
	data, err := json.Marshal(i)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(d.dir, "images"), 0o755); err != nil {
		return err
	}
	return os.WriteFile(d.imagePath(reference), data, 0o644)
}

func (d *double) image(reference string) (i Image, err error) {
	data, err := os.ReadFile(d.imagePath(reference))
	if err == nil {
		err = json.Unmarshal(data, &i)
	}
	return i, err
}

// build keeps the arguments and the names of the context's files.
func (d *double) build(args []string) int {
	made, tag := Image{Arguments: args}, ""
	for i, arg := range args {
		if arg == "--tag" {
			tag = args[i+1]
		}
	}
	context := args[len(args)-1]
	err := filepath.WalkDir(context, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			relative, _ := filepath.Rel(context, path)
			made.Files = append(made.Files, relative)
		}
		return err
	})
	fmt.Println("STEP 1/1: FROM", tag)
	return d.fault(errors.Join(err, d.keep(tag, made)))
}

// imageInspect answers `image inspect`: the identity, or a label of the build.
func (d *double) imageInspect(format, reference string) int {
	i, err := d.named(reference)
	if err != nil {
		return d.fault(fmt.Errorf("%s: image not known", reference))
	}
	if _, label, asked := strings.Cut(format, `Labels "`); asked {
		for _, argument := range i.Arguments {
			if value, found := strings.CutPrefix(argument, label[:strings.IndexByte(label, '"')]+"="); found {
				fmt.Println(value)
			}
		}
		return 0
	}
	fmt.Println("sha256:" + i.ID)
	return 0
}

// named finds an image by its name or its identity.
func (d *double) named(reference string) (Image, error) {
	if i, err := d.image(reference); err == nil {
		return i, nil
	}
	references, err := d.references()
	for _, each := range references {
		if i, err := d.image(each); err == nil && i.ID == reference {
			return i, nil
		}
	}
	return Image{}, errors.Join(err, fs.ErrNotExist)
}

// list answers `images` with the names of all.
func (d *double) list() int {
	references, err := d.references()
	for _, each := range references {
		fmt.Println(each)
	}
	return d.fault(err)
}

func (d *double) references() (all []string, err error) {
	entries, err := os.ReadDir(filepath.Join(d.dir, "images"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		reference, err := url.PathUnescape(e.Name())
		if err != nil {
			return nil, err
		}
		all = append(all, reference)
	}
	return all, err
}
