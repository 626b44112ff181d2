package images

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/dlbench/dlbench/docker"
	"github.com/dlbench/dlbench/runners/engine"
)

const (
	registryTime = 20 * time.Second
	// MirrorVariable names another archive of Debian packages.
	MirrorVariable = "DLBENCH_DEBIAN_MIRROR"
)

// base is what docker/base/<name>.txt describes: a Debian release, packages,
// and paths that are left out of them.
type base struct {
	name, tag string
	release   string
	packages  []string
	excluded  []string
}

// basePrefix begins the names of bases.
const basePrefix = "dlbench/base-"

// leftOut is left out of every base.
var leftOut = []string{"/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*"}

func baseNamed(name string) (base, error) {
	b := base{name: name, excluded: leftOut}
	file := path.Join("base", name+".txt")
	data, err := fs.ReadFile(docker.Files, file)
	if err != nil {
		return b, fmt.Errorf("no base %q in this dlbench", name)
	}
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if release, ok := strings.CutPrefix(line, "# release: "); ok {
			b.release = release
		} else if pattern, ok := strings.CutPrefix(line, "# exclude: "); ok {
			b.excluded = append(b.excluded, pattern)
		} else if line != "" && !strings.HasPrefix(line, "#") {
			b.packages = append(b.packages, line)
		}
	}
	if b.release == "" || len(b.packages) == 0 {
		return b, fmt.Errorf("docker/%s: expected a line '# release: NAME' and packages", file)
	}
	digest, err := digestOf(strings.Join(append(append([]string{b.release}, b.packages...), b.excluded...), " "),
		part{docker.Files, "base", func(name string) bool { return path.Ext(name) != ".txt" }})
	b.tag = basePrefix + name + ":" + digest
	return b, err
}

// makeBase makes a base image: from the container registry's Debian if one
// answers, else from Debian's archive.
func (s *Store) makeBase(ctx context.Context, b base) error {
	if debian := "debian:" + b.release + "-slim"; s.registryAnswers(ctx, debian) {
		return s.baseFromRegistry(ctx, b, debian)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return s.baseFromArchive(ctx, b)
}

func (s *Store) registryAnswers(ctx context.Context, image string) bool {
	s.asking.Lock()
	defer s.asking.Unlock()
	if s.ID(ctx, image) != "" {
		return true
	}
	if s.registryFailed {
		return false
	}
	s.step("base image: ask the container registry for " + image)
	ctx, cancel := context.WithTimeout(ctx, registryTime)
	defer cancel()
	_, err := s.CLI.Output(ctx, "pull", "--quiet", image)
	s.registryFailed = err != nil
	return err == nil
}

func (s *Store) baseFromRegistry(ctx context.Context, b base, debian string) error {
	return s.inContext(func(dir string) error {
		if err := copyPart(part{docker.Files, "base", nil}, dir); err != nil {
			return err
		}
		for name, lines := range map[string][]string{"packages.txt": b.packages, "excluded.txt": b.excluded} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
				return err
			}
		}
		arguments := map[string]string{"DEBIAN": debian, "MIRROR": s.Getenv(MirrorVariable)}
		return s.build(ctx, "base image "+b.name+" from "+debian, dir, b.tag, arguments)
	})
}

// baseFromArchive makes the same root file system from the archive that this
// machine's own apt uses.
func (s *Store) baseFromArchive(ctx context.Context, b base) error {
	if _, err := exec.LookPath("mmdebstrap"); err != nil {
		return &engine.EnvironmentError{Text: "base image: no container registry answers, and mmdebstrap, which would make one from Debian's archive, is not installed",
			Hint: "apt-get install -y --no-install-recommends mmdebstrap"}
	}
	return s.inContext(func(dir string) error {
		root := filepath.Join(dir, "base.tar")
		args := []string{"--variant=minbase", "--include=" + strings.Join(b.packages, ","),
			// Java's packages link manual pages, and fail without their directory.
			`--essential-hook=mkdir -p "$1"/usr/share/man/man1`,
			// Settings that reveal this machine's network stay out of the image.
			`--customize-hook=rm -rf "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d "$1"/etc/resolv.conf "$1"/etc/hostname`}
		for _, pattern := range b.excluded {
			args = append(args, "--dpkgopt=path-exclude="+pattern)
		}
		args = append(args, b.release, root)
		args = append(args, s.aptSources(b.release)...)
		command := exec.CommandContext(ctx, "mmdebstrap", args...)
		command.SysProcAttr = ownMounts(ctx)
		// A filter in Python is started for each of a hundred packages: by the
		// system's own interpreter, and not by a wrapper that chooses a version.
		command.Env = append(os.Environ(), "PATH=/usr/sbin:/usr/bin:/sbin:/bin:"+os.Getenv("PATH"))
		if err := s.run(ctx, "base image "+b.name+" from Debian's archive", command); err != nil {
			return err
		}
		if _, err := s.CLI.Output(ctx, "import", "--change", "CMD [\"/bin/bash\"]", root, b.tag); err != nil {
			return &engine.EnvironmentError{Text: fmt.Sprintf("import the base image: %v", err)}
		}
		return nil
	})
}

// ownMounts keeps what a child mounts, which is /proc, /sys and /dev of a base,
// from everybody else, if this process may do that: mounts of one that is killed
// end with it then.
func ownMounts(ctx context.Context) *syscall.SysProcAttr {
	attributes := engine.OwnGroup()
	attributes.Unshareflags = syscall.CLONE_NEWNS
	try := exec.CommandContext(ctx, "true")
	try.SysProcAttr = attributes
	if try.Run() != nil {
		return engine.OwnGroup()
	}
	return attributes
}

// aptSources are the archive that the user names, or the machine's own sources
// of that release, if it has any: they are known to be reachable.
func (s *Store) aptSources(release string) []string {
	if mirror := s.Getenv(MirrorVariable); mirror != "" {
		return []string{"deb " + mirror + " " + release + " main"}
	}
	var found []string
	for _, pattern := range []string{"/etc/apt/sources.list", "/etc/apt/sources.list.d/*.list", "/etc/apt/sources.list.d/*.sources"} {
		paths, _ := filepath.Glob(pattern)
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err == nil && strings.Contains(string(data), release) {
				found = append(found, path)
			}
		}
	}
	return found
}
