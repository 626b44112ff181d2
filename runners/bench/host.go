package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dlbench/dlbench/metrics/environment"
	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/sample"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/images"
	"github.com/dlbench/dlbench/runners/peak"
)

// Host is what a benchmark may touch of the process and of the machine that it
// runs on. Tests build one of their own.
type Host struct {
	Getenv  func(string) string
	Environ func() []string
	Now     func() time.Time
	OpenGPU func() (sample.GPU, error)
	Engines func(cache string) ([]engine.Engine, error) // in the order of preference; nil is podman, docker, local
	Version string                                      // of the program; the record has it
	// Triad measures the bandwidth of memory, before the first round. If it is
	// nil, nobody measures what the machine reaches at most.
	Triad func(cpus []int, threads int, arrayBytes int64) (float64, error)
	// Turn is images.Store's: when one more image may be pulled.
	Turn func(context.Context) (release func() error, err error)
	// Haste divides the times that a profile measures for, in tests that are not about
	// figures; 0 is as the profile says. No command has a flag for it.
	Haste int
}

// ThisHost is the world of the running process.
func ThisHost() Host {
	return Host{Getenv: os.Getenv, Environ: os.Environ, Now: time.Now, OpenGPU: sample.OpenGPU, Triad: peak.Triad}
}

const cacheHint = "set XDG_CACHE_HOME to a directory that can be written"

// CacheDir is where workloads, verdicts and adapters are kept between runs.
func (h Host) CacheDir() (string, error) {
	base := h.Getenv("XDG_CACHE_HOME")
	if base == "" {
		home := h.Getenv("HOME")
		if home == "" { // one in /tmp would be whoever's was first
			return "", EnvironmentError(errors.New("neither XDG_CACHE_HOME nor HOME says where the cache is"), cacheHint)
		}
		base = filepath.Join(home, ".cache")
	}
	dir := filepath.Join(base, "dlbench")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", EnvironmentError(fmt.Errorf("make the cache directory: %w", err), cacheHint)
	}
	if err := unix.Access(dir, unix.W_OK|unix.X_OK); err != nil {
		return "", EnvironmentError(fmt.Errorf("write to the cache directory %s: %w", dir, err), cacheHint)
	}
	return dir, nil
}

// Machine describes this machine, with its GPUs or the reason why none is to be
// seen.
func (h Host) Machine(ctx context.Context) record.Environment {
	gpu, err := h.OpenGPU()
	found := environment.Read(ctx, environment.Options{Root: "/", Cards: environment.Cards(gpu, err)})
	if err == nil {
		_ = gpu.Close() // nothing was changed that a failure could lose
	}
	return found
}

// Store is the images of a container engine. What builders print goes into files
// in logs; if that is empty, in the cache.
func (h Host) Store(command *engine.CLI, cache, logs string, g Progress) *images.Store {
	dir := filepath.Join(cache, "images")
	if logs == "" {
		logs = filepath.Join(dir, "logs")
	}
	return &images.Store{CLI: command, Dir: dir, Logs: logs, Getenv: h.Getenv, Progress: g, Jobs: DefaultJobs(), Registry: h.Getenv(images.RegistryVariable), Turn: h.Turn}
}

// DefaultJobs is how many layers of images are built at once: downloads wait for
// the network, unpacking waits for the disk, and more than three wait for one
// another.
func DefaultJobs() int { return min(3, max(2, runtime.NumCPU())) }
