package images

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/dlbench/dlbench/docker"
	"github.com/dlbench/dlbench/runners/engine"
)

const (
	debianImage   = "debian:bookworm-slim"
	debianRelease = "bookworm"
	registryTime  = 20 * time.Second
)

// ensureBase finds the base image or makes it: from the container registry's
// Debian where one answers, else from Debian's archive.
func (s *Store) ensureBase(ctx context.Context) (string, error) {
	tag, err := baseTag()
	if err != nil || s.ID(ctx, tag) != "" {
		return tag, err
	}
	if s.registryAnswers(ctx) {
		return tag, s.baseFromRegistry(ctx, tag)
	}
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	return tag, s.baseFromArchive(ctx, tag)
}

func (s *Store) registryAnswers(ctx context.Context) bool {
	if s.ID(ctx, debianImage) != "" {
		return true
	}
	s.tell("base image", "ask the container registry for "+debianImage)
	ctx, cancel := context.WithTimeout(ctx, registryTime)
	defer cancel()
	_, err := s.CLI.Output(ctx, "pull", "--quiet", debianImage)
	return err == nil
}

func (s *Store) baseFromRegistry(ctx context.Context, tag string) error {
	return s.inContext(func(dir string) error {
		if err := copyTree(docker.Files, "base", dir); err != nil {
			return err
		}
		return s.build(ctx, "base image from "+debianImage, dir, tag, "DEBIAN="+debianImage)
	})
}

// baseFromArchive makes the same root file system from the archive that this
// machine's own apt uses.
func (s *Store) baseFromArchive(ctx context.Context, tag string) error {
	if _, err := exec.LookPath("mmdebstrap"); err != nil {
		return &engine.EnvironmentError{Text: "base image: no container registry answers, and mmdebstrap, which would make one from Debian's archive, is not installed",
			Hint: "apt-get install -y --no-install-recommends mmdebstrap"}
	}
	list, err := fs.ReadFile(docker.Files, "base/packages.txt")
	if err != nil {
		return err
	}
	packages := strings.Join(strings.Fields(string(list)), ",")
	return s.inContext(func(dir string) error {
		root := filepath.Join(dir, "base.tar")
		args := []string{"--variant=minbase", "--include=" + packages,
			"--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
			debianRelease, root}
		args = append(args, aptSources()...)
		command := exec.CommandContext(ctx, "mmdebstrap", args...)
		command.SysProcAttr = engine.OwnGroup()
		if err := s.run(ctx, "base image from Debian's archive", command); err != nil {
			return err
		}
		if _, err := s.CLI.Output(ctx, "import", "--change", "CMD [\"/bin/bash\"]", root, tag); err != nil {
			return &engine.EnvironmentError{Text: fmt.Sprintf("import the base image: %v", err)}
		}
		return nil
	})
}

// aptSources are the machine's own sources of that release, if it has any:
// they are known to be reachable.
func aptSources() []string {
	var found []string
	for _, pattern := range []string{"/etc/apt/sources.list", "/etc/apt/sources.list.d/*.list", "/etc/apt/sources.list.d/*.sources"} {
		paths, _ := filepath.Glob(pattern)
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err == nil && strings.Contains(string(data), debianRelease) {
				found = append(found, path)
			}
		}
	}
	return found
}
