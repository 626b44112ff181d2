package images

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/dlbench/dlbench/metrics/timeline"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/manifest"
)

// RegistryVariable names a place of prebuilt images: what is missing is pulled
// from there before anything is built.
const RegistryVariable = "DLBENCH_REGISTRY"

// Shared is an image as it left this machine, or came to it. The tag of its name
// is a digest of what it was made from; the ID is one of what it is.
type Shared struct {
	Image string `json:"image"`
	ID    string `json:"id"`
}

// registry is where images lie under the names that they have here, without
// their first word.
type registry struct {
	prefix string
	plain  bool // by HTTP without TLS
}

// InputError says that a place or a file that the user named is wrong.
type InputError struct{ Text string }

func (e *InputError) Error() string { return e.Text }

// registryAt reads REGISTRY/PREFIX; http:// before it asks for no TLS.
func registryAt(place string) (registry, error) {
	prefix, plain := strings.CutPrefix(place, "http://")
	prefix = strings.Trim(strings.TrimPrefix(prefix, "https://"), "/")
	if prefix == "" || strings.ContainsAny(prefix, " \t@") || strings.Contains(prefix, "//") {
		return registry{}, &InputError{fmt.Sprintf("%q is no place of images: expected REGISTRY/PREFIX, like registry.example.org/bench", place)}
	}
	return registry{prefix, plain}, nil
}

// name is an image's name in the registry.
func (r registry) name(tag string) string {
	return r.prefix + "/" + strings.TrimPrefix(tag, "dlbench/")
}

// flags are what the engine needs to speak with the registry.
func (r registry) flags(command *engine.CLI) []string {
	if r.plain && command.Name() == "podman" { // docker is told by its daemon's settings
		return []string{"--tls-verify=false"}
	}
	return nil
}

// builtNames are those of the images that dlbench builds for runners, each once.
func builtNames(ms []manifest.Manifest) (names []string, err error) {
	seen := map[string]bool{}
	for _, m := range ms {
		name, err := Reference(m)
		if err != nil {
			return nil, err
		}
		if m.Image.Context != "" && !seen[name] {
			names = append(names, name)
		}
		seen[name] = true
	}
	return names, nil
}

// Push copies the images of runners to a registry. All of them have to be built.
func (s *Store) Push(ctx context.Context, ms []manifest.Manifest, place string) ([]Shared, error) {
	r, err := registryAt(place)
	if err != nil {
		return nil, err
	}
	all, err := s.shared(ctx, ms)
	if err != nil {
		return nil, err
	}
	var pushed []Shared
	for _, image := range all {
		remote := r.name(image.Image)
		s.step("push " + remote)
		if _, err := s.CLI.Output(ctx, "tag", image.Image, remote); err != nil {
			return pushed, err
		}
		_, err := s.CLI.Output(ctx, append(append([]string{"push", "--quiet"}, r.flags(s.CLI)...), remote)...)
		if untag := s.untag(ctx, remote); err == nil {
			err = untag
		}
		if err != nil {
			return pushed, &engine.EnvironmentError{Text: fmt.Sprintf("push %s to %s: %v", image.Image, remote, err)}
		}
		pushed = append(pushed, image)
	}
	return pushed, nil
}

// untag takes the registry's name from an image again, also when an end was asked
// for meanwhile: no prune finds an image of that name.
func (s *Store) untag(ctx context.Context, remote string) error {
	_, err := s.CLI.Output(context.WithoutCancel(ctx), "rmi", remote)
	return err
}

// shared are the images of runners as they are here.
func (s *Store) shared(ctx context.Context, ms []manifest.Manifest) ([]Shared, error) {
	names, err := builtNames(ms)
	if err != nil {
		return nil, err
	}
	var all []Shared
	var missing []string
	for _, name := range names {
		id := s.ID(ctx, name)
		if id == "" {
			missing = append(missing, name)
		}
		all = append(all, Shared{name, id})
	}
	if len(missing) > 0 && ctx.Err() == nil {
		return nil, &engine.EnvironmentError{Text: fmt.Sprintf("%d of %d images are not built: %s", len(missing), len(names), strings.Join(missing, ", ")), Hint: "dlbench images build"}
	}
	return all, ctx.Err()
}

// Pull fetches the images of runners from a registry. Each has to be what its
// name says; with digests, which push returned, it has to be the very one, too.
// One that cannot be had does not keep the others from being pulled.
func (s *Store) Pull(ctx context.Context, ms []manifest.Manifest, place string, digests []Shared) ([]Shared, error) {
	r, err := registryAt(place)
	if err != nil {
		return nil, err
	}
	names, err := builtNames(ms)
	if err != nil {
		return nil, err
	}
	expected := map[string]string{}
	for _, d := range digests {
		expected[d.Image] = d.ID
	}
	var pulled []Shared
	var faults []error
	for _, name := range names {
		if digests != nil && expected[name] == "" {
			faults = append(faults, &engine.EnvironmentError{Text: fmt.Sprintf("pull %s: the list of digests does not have it", name)})
			continue
		}
		id, err := s.pull(ctx, r, name, expected[name])
		if err != nil {
			faults = append(faults, &engine.EnvironmentError{Text: err.Error()})
			continue
		}
		pulled = append(pulled, Shared{name, id})
	}
	return pulled, errors.Join(append(faults, ctx.Err())...)
}

// pull fetches one image and gives it the name that it has here. An image that
// is another one than its name says is removed again.
func (s *Store) pull(ctx context.Context, r registry, name, expected string) (id string, failed error) {
	remote := r.name(name)
	s.step("pull " + remote)
	ended := s.Timeline.Begin(timeline.Fetch, "pull "+short(name))
	defer func() { ended(failed) }()
	if _, err := s.CLI.Output(ctx, append(append([]string{"pull", "--quiet"}, r.flags(s.CLI)...), remote)...); err != nil {
		return "", &pullError{remote, err}
	}
	id, err := s.take(ctx, remote, name, expected)
	if untag := s.untag(ctx, remote); err == nil {
		err = untag
	}
	return id, err
}

// prebuilt pulls an image that is missing from the registry that the user named.
// One that is not there is built; a registry that does not answer is asked no
// more. What is there and is another image than its name says is an error.
func (s *Store) prebuilt(ctx context.Context, name string, t *turn) (id string, err error) {
	if s.Registry == "" || s.pulledFailed.Load() {
		return "", nil
	}
	r, err := registryAt(s.Registry)
	if err != nil {
		return "", fmt.Errorf("%s: %w", RegistryVariable, err)
	}
	if err := t.take(ctx); err != nil {
		return "", err
	}
	id, err = s.pullInTurn(ctx, r, name)
	var missing *pullError
	if !errors.As(err, &missing) {
		return id, err
	}
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if !missing.unknown() {
		s.pulledFailed.Store(true)
	}
	s.step(fmt.Sprintf("%v: it is built", err))
	return "", nil
}

// pullInTurn pulls an image when it may.
func (s *Store) pullInTurn(ctx context.Context, r registry, name string) (id string, err error) {
	if s.Turn != nil {
		release, err := s.Turn(ctx)
		if err != nil {
			return "", err
		}
		defer func() { _ = release() }() // the end of the process gives it back, too
	}
	return s.pull(ctx, r, name, "")
}

// pullError says that an image could not be had.
type pullError struct {
	remote string
	err    error
}

func (e *pullError) Error() string { return fmt.Sprintf("pull %s: %v", e.remote, e.err) }
func (e *pullError) Unwrap() error { return e.err }

// unknown says that the registry answered, and does not have the image: in the
// words of registries and engines.
func (e *pullError) unknown() bool {
	text := strings.ToLower(e.err.Error())
	return strings.Contains(text, "manifest unknown") || strings.Contains(text, "name unknown") || strings.Contains(text, "not found")
}

// take names an image as it is called here, if it is the one that it should be.
func (s *Store) take(ctx context.Context, found, name, expected string) (id string, err error) {
	label, err := s.CLI.Output(ctx, "image", "inspect", "--format", `{{index .Config.Labels "`+imageLabel+`"}}`, found)
	if err != nil {
		return "", err
	}
	if label != name {
		return "", &engine.EnvironmentError{Text: fmt.Sprintf("%s is not %s: its label %s says %q", found, name, imageLabel, label)}
	}
	id = s.ID(ctx, found)
	if expected != "" && id != expected {
		return "", &engine.EnvironmentError{Text: fmt.Sprintf("%s is another image than was sent: its digest is %s, expected %s", found, id, expected)}
	}
	_, err = s.CLI.Output(ctx, "tag", found, name)
	return id, err
}

// imageLabel is what every image that dlbench builds says of itself.
const imageLabel = "dlbench.image"
