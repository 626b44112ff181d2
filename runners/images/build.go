package images

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"unicode"

	"github.com/dlbench/dlbench/metrics/timeline"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/manifest"
)

// pipContext is for contexts that are a list of Python packages; others have a
// Dockerfile of their own.
const pipContext = "pip"

// buildPackages installs a framework. The settings of this machine come with
// the context, into a stage that the image is not made of.
func (s *Store) buildPackages(ctx context.Context, l layer, below, build string) error {
	return s.inContext(func(dir string) error {
		for _, p := range l.parts { // later ones replace what earlier ones have
			if err := copyPart(p, dir); err != nil {
				return err
			}
		}
		if err := s.writeSettings(filepath.Join(dir, "settings")); err != nil {
			return err
		}
		if l.context == torchContext {
			if err := s.takeCPUWheel(ctx, dir); err != nil {
				return err
			}
		}
		var flags []string
		if s.CLI.Name() == "podman" {
			var err error
			if flags, err = singleStage(dir); err != nil {
				return err
			}
		}
		return s.build(ctx, "install "+l.title(), dir, l.tag, map[string]string{"BASE": below, "BUILD": build}, flags...)
	})
}

func (s *Store) buildAdapter(ctx context.Context, m manifest.Manifest, l layer, below, build string) error {
	return s.inContext(func(dir string) error {
		dockerfile, sources := l.parts[0], l.parts[1:]
		if err := copyPart(dockerfile, dir); err != nil {
			return err
		}
		for _, p := range sources {
			if err := copyPart(p, filepath.Join(dir, p.dir)); err != nil {
				return err
			}
		}
		return s.build(ctx, "add the adapter of "+m.Name, dir, l.tag, map[string]string{"PACKAGES": below, "BUILD": build})
	})
}

func (s *Store) inContext(use func(dir string) error) error {
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(s.Dir, "context-")
	if err != nil {
		return err
	}
	return errors.Join(use(dir), os.RemoveAll(dir))
}

// build runs the engine's builder on a context.
func (s *Store) build(ctx context.Context, step, dir, tag string, arguments map[string]string, flags ...string) error {
	args := append([]string{"build", "--network", "host", "--tag", tag, "--label", imageLabel + "=" + tag}, flags...)
	for _, name := range slices.Sorted(maps.Keys(arguments)) {
		if value := arguments[name]; value != "" {
			args = append(args, "--build-arg", name+"="+value)
		}
	}
	for _, name := range proxyVariables { // known to every builder, and kept out of images by it
		if value := s.Getenv(name); value != "" {
			args = append(args, "--build-arg", name+"="+value)
		}
	}
	if s.CLI.Name() == "podman" {
		// Without cached layers what is built in steps is committed once, and a
		// first stage goes when the build ends.
		args = append(args, "--layers=false", "--format", "docker")
	}
	ctx, cancel := context.WithTimeout(ctx, buildTimeout)
	defer cancel()
	return s.run(ctx, step, s.CLI.Command(ctx, append(args, dir)...))
}

// run runs a command, keeps its output in a file that the step names, and puts
// the end of it into an error.
func (s *Store) run(ctx context.Context, step string, command *exec.Cmd) (failed error) {
	log, err := s.log(step)
	if err != nil {
		return err
	}
	ended := s.Timeline.Begin(timeline.Image, step)
	defer func() { ended(failed) }()
	defer func() { _ = log.Close() }()
	s.step(step + ", output in " + log.Name())
	fmt.Fprintf(log, "== %s: %s\n", step, strings.Join(command.Args, " "))
	reader, writer := io.Pipe()
	command.Stdout, command.Stderr = writer, writer
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGTERM) }
	last := make(chan []string, 1)
	go func() { last <- s.follow(step, io.TeeReader(reader, log)) }()
	err = command.Run()
	_ = writer.Close()
	lines := <-last
	switch {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return &engine.EnvironmentError{Text: fmt.Sprintf("%s: not done within %s (whole log: %s)", step, buildTimeout, log.Name()), Log: strings.Join(lines, "\n")}
	default:
		return &engine.EnvironmentError{Text: fmt.Sprintf("%s: %v (whole log: %s)", step, err, log.Name()), Log: strings.Join(lines, "\n")}
	}
}

// log is the file for what a step's builder prints.
func (s *Store) log(step string) (*os.File, error) {
	if err := os.MkdirAll(s.Logs, 0o755); err != nil {
		return nil, err
	}
	words := strings.FieldsFunc(strings.ToLower(step), func(r rune) bool { return r != '.' && !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return os.Create(filepath.Join(s.Logs, strings.Join(words, "-")+".log"))
}

const keptLines = 8

// follow shows each line and returns the last ones.
func (s *Store) follow(step string, r io.Reader) []string {
	var kept []string
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, 1<<20)
	scanner.Split(scanLines)
	for scanner.Scan() {
		line := strings.TrimSpace(scanner.Text())
		if line == "" {
			continue
		}
		s.detail(step + ": " + line)
		kept = append(kept, line)
		kept = kept[max(0, len(kept)-keptLines):]
	}
	_, _ = io.Copy(io.Discard, r)
	return kept
}

// scanLines ends lines at carriage returns too: progress bars draw with them.
func scanLines(data []byte, atEOF bool) (int, []byte, error) {
	if i := bytes.IndexAny(data, "\r\n"); i >= 0 {
		return i + 1, data[:i], nil
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}

// copyPart copies a part's files into a directory.
func copyPart(p part, dir string) error {
	return p.each(func(relative string, data []byte) error {
		target := filepath.Join(dir, relative)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		return os.WriteFile(target, data, 0o644)
	})
}
