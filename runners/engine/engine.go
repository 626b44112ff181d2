// Package engine starts runners: in containers by podman or docker, as plain
// local processes, or scripted for tests.
package engine

import (
	"context"
	"io"
	"time"
)

// Label is carried by everything that an engine starts, so that a sweep can
// find what a killed harness left behind.
const Label = "dlbench.session"

// Engine starts specified processes.
type Engine interface {
	// Name is "podman", "docker", "local" or "fake".
	Name() string
	// Probe says whether the engine can work here and, if not, why.
	Probe(ctx context.Context) Health
	// Start starts a process; it returns once the process runs.
	Start(ctx context.Context, spec Spec) (Process, error)
	// Sweep stops and removes what earlier, dead sessions left behind and
	// says how many it removed.
	Sweep(ctx context.Context) (int, error)
}

// Process is one started runner.
type Process interface {
	Stdin() io.WriteCloser
	Stdout() io.Reader
	Stderr() io.Reader
	// Identity tells the samplers what to meter.
	Identity() Identity
	// Wait blocks until the process has ended.
	Wait(ctx context.Context) (Exit, error)
	// Stop asks it to end, kills it after grace, and removes it. It is
	// idempotent and safe after the process ended by itself.
	Stop(ctx context.Context, grace time.Duration) error
}

// State says how an engine is.
type State string

// The states of an engine.
const (
	Healthy    State = "healthy"    // it answers
	Unhealthy  State = "unhealthy"  // installed, but it cannot start anything
	Undetected State = "undetected" // not installed
)

// Health is an engine's fingerprint of itself.
type Health struct {
	State   State  `json:"state"`
	Version string `json:"version,omitempty"`
	Reason  string `json:"reason,omitempty"` // one line, when not healthy
	Hint    string `json:"hint,omitempty"`   // the command that would remedy it
}

// Spec is what to start and under which terms.
type Spec struct {
	Session     string            // value of Label
	Name        string            // for people: runner and workload
	Image       string            // container engines
	Command     []string          //
	Environment map[string]string //
	Mounts      []Mount           //
	CPUs        string            // cpuset list like "0-1"; empty is all
	MemoryBytes int64             // limit; 0 is none
	PIDs        int               // limit; 0 is the engine's default for runners
	TmpfsBytes  int64             // size of /tmp; 0 is the default
	FileBytes   int64             // largest file the process may write; 0 is the default
	GPUs        []string          // UUIDs of those that the process gets; it sees no other
}

// Mount is a bind mount. The local engine starts the process with the host's
// paths instead: see Path.
type Mount struct {
	Host     string
	Inside   string
	ReadOnly bool
}

// Identity is what a sampler needs to find the process.
type Identity struct {
	PID         int    `json:"pid"`                    // on the host; 0 when unknown
	Cgroup      string `json:"cgroup,omitempty"`       // path inside the hierarchy, v2 or v1's; empty when it has none of its own
	ContainerID string `json:"container_id,omitempty"` //
}

// Exit is how a process ended.
type Exit struct {
	Code      int    `json:"code"`             // 128+n when killed by signal n
	OOMKilled bool   `json:"oom_killed"`       // by the memory limit
	Signal    string `json:"signal,omitempty"` // like "SIGSEGV"
}
