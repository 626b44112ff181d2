package images

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/dlbench/dlbench/docker"
	"github.com/dlbench/dlbench/runners"
	"github.com/dlbench/dlbench/runners/manifest"
)

// pythonAdapter is the last layer of runners that stand on the Python library.
const pythonAdapter = "python"

// cntkAdapter is CNTK's: its Python 2.7 has a library of its own, except for
// what times and counts.
const cntkAdapter = "cntk"

func forAllPythons(name string) bool {
	dir, file := path.Split(name)
	return path.Base(dir) == "dlbench_sdk" && slices.Contains([]string{"__init__.py", "alternation.py", "counters.py", "loops.py"}, file)
}

// recipe is how a runner's image is made: tags from below to the top. A tag is
// a name with a digest of all that went into it.
type recipe struct {
	base     base
	packages []layer // one context on another
	build    *base   // for the stages that compile
	adapter  layer
}

// layer is one build of an engine.
type layer struct {
	context string // under docker/
	on      string // the context below, if there is one
	tag     string
	parts   []part // what the context is made of
}

// title tells layers of one context apart.
func (l layer) title() string {
	if l.on != "" {
		return l.context + " on " + l.on
	}
	return l.context
}

// tags are all that the recipe needs.
func (r recipe) tags() []string {
	tags := []string{r.base.tag, r.adapter.tag}
	for _, l := range r.packages {
		tags = append(tags, l.tag)
	}
	if r.build != nil {
		tags = append(tags, r.build.tag)
	}
	return tags
}

// Reference is the full name of a runner's image, built or not. A manifest
// without a context names an image that the user provides.
func Reference(m manifest.Manifest) (string, error) {
	if m.Image.Context == "" {
		return m.Image.Name, nil
	}
	r, err := recipeOf(m)
	return r.adapter.tag, err
}

func recipeOf(m manifest.Manifest) (r recipe, err error) {
	if r.base, err = baseNamed(cmp.Or(m.Image.Base, "python")); err != nil {
		return r, fmt.Errorf("runner %q (%s): %w", m.Name, m.Source, err)
	}
	below, compiler := r.base.tag, ""
	if m.Image.Build != "" {
		b, err := baseNamed(m.Image.Build)
		if err != nil {
			return r, fmt.Errorf("runner %q (%s): %w", m.Name, m.Source, err)
		}
		r.build, compiler = &b, " "+b.tag
	}
	on := ""
	for _, context := range append(strings.Fields(m.Image.On), m.Image.Context) {
		if _, err := fs.Stat(docker.Files, context); err != nil {
			return r, fmt.Errorf("runner %q (%s): no image context %q in this dlbench", m.Name, m.Source, context)
		}
		l := layer{context: context, on: on, parts: []part{{docker.Files, pipContext, nil}, {docker.Files, context, nil}, pins(m)}}
		if compiler != "" && compiles(context) {
			below, compiler = below+compiler, "" // it counts for what lies above, and not for what others stand on, too
		}
		digest, err := digestOf(below, l.parts...)
		if err != nil {
			return r, err
		}
		below = "dlbench/" + context + "-packages:" + digest
		l.tag = below
		r.packages = append(r.packages, l)
		on = context
	}
	r.adapter.context = "adapter/" + cmp.Or(m.Image.Adapter, pythonAdapter)
	r.adapter.parts = append([]part{{docker.Files, r.adapter.context, nil}}, adapterParts(m)...)
	digest, err := digestOf(below+compiler, r.adapter.parts...)
	r.adapter.tag = m.Image.Name + ":" + digest
	return r, err
}

// compiles says whether a context's Dockerfile has a stage that compiles.
func compiles(context string) bool {
	dockerfile, err := fs.ReadFile(docker.Files, context+"/Dockerfile")
	return err == nil && strings.Contains(string(dockerfile), "${BUILD}")
}

// pins are the pinned dependencies of an adapter that is a Maven project.
func pins(m manifest.Manifest) part {
	if m.Room == "" {
		return part{}
	}
	return part{runners.Sources, m.Room, func(name string) bool { return name == m.Room+"/pom.xml" }}
}

// adapterParts are the sources of a runner's adapter: its own room, so that a
// change of one leaves the images of the others as they are, and the library
// if it stands on that.
func adapterParts(m manifest.Manifest) (parts []part) {
	switch cmp.Or(m.Image.Adapter, pythonAdapter) {
	case pythonAdapter:
		parts = append(parts, part{runners.Sources, manifest.PythonLibrary, nil})
	case cntkAdapter:
		parts = append(parts, part{runners.Sources, manifest.PythonLibrary, forAllPythons})
	}
	if m.Room != "" {
		parts = append(parts, part{runners.Sources, m.Room, nil})
	}
	return parts
}

// part is a directory whose files count: all of them, or the wanted ones.
type part struct {
	files  fs.FS
	dir    string
	wanted func(name string) bool
}

// each calls a function with every file's path below the part's directory.
func (p part) each(use func(relative string, data []byte) error) error {
	if p.files == nil {
		return nil
	}
	return fs.WalkDir(p.files, p.dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || p.wanted != nil && !p.wanted(name) {
			return err
		}
		data, err := fs.ReadFile(p.files, name)
		if err != nil {
			return err
		}
		return use(strings.TrimPrefix(strings.TrimPrefix(name, p.dir), "/"), data)
	})
}

// digestOf is short, over what lies below and every file's path and bytes.
func digestOf(below string, parts ...part) (string, error) {
	hash := sha256.New()
	fmt.Fprintln(hash, below)
	for _, p := range parts {
		err := p.each(func(relative string, data []byte) error {
			fmt.Fprintf(hash, "%s/%s %d\n", path.Base(p.dir), relative, len(data))
			_, err := hash.Write(data)
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(hash.Sum(nil))[:12], nil
}
