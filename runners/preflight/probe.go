package preflight

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/runners/engine"
)

//go:embed probe.py
var probeSource string

// Facts are what the probe tells of its process.
type Facts struct {
	Python      string       `json:"python"`
	Privileges  Privileges   `json:"privileges"`
	Limits      Limits       `json:"limits"`
	DeviceFiles []DeviceFile `json:"device_files,omitempty"`
	Cache       *Cache       `json:"cache,omitempty"`
	CUDA        *CUDA        `json:"cuda,omitempty"`
}

// Privileges are what the process may do beside computing.
type Privileges struct {
	UID             int    `json:"uid"`
	GID             int    `json:"gid"`
	Groups          []int  `json:"groups"`
	Capabilities    string `json:"capabilities"` // hexadecimal, as in /proc
	NoNewPrivileges bool   `json:"no_new_privileges"`
	ReadOnlyRoot    bool   `json:"read_only_root"`
}

// Limits are a process's, soft and hard; -1 is none, or not known.
type Limits struct {
	Files          [2]int64 `json:"files"`
	Processes      [2]int64 `json:"processes"`
	LockedBytes    [2]int64 `json:"locked_bytes"`
	StackBytes     [2]int64 `json:"stack_bytes"`
	CPUs           int      `json:"cpus"`
	ThreadsAsked   int      `json:"threads_asked"` // 16 for each CPU
	ThreadsStarted int      `json:"threads_started"`
	ThreadsError   string   `json:"threads_error,omitempty"`
	SharedBytes    int64    `json:"shm_bytes"` // free in /dev/shm
	TmpBytes       int64    `json:"tmp_bytes"` // free in /tmp
}

// DeviceFile is one of the driver's.
type DeviceFile struct {
	Path  string `json:"path"`
	Mode  string `json:"mode"`
	UID   int    `json:"uid"`
	GID   int    `json:"gid"`
	Error string `json:"error,omitempty"` // of opening it
}

// Cache is where the driver keeps what it compiled.
type Cache struct {
	Path      string `json:"path"`
	Writable  bool   `json:"writable"`
	Bytes     int64  `json:"bytes"`
	Disabled  bool   `json:"disabled"`
	Temporary bool   `json:"temporary"`
}

// CUDA is how far a kernel came.
type CUDA struct {
	Steps             []Step  `json:"steps"` // the last one failed, or all went well
	DriverCUDA        string  `json:"driver_cuda,omitempty"`
	Count             int     `json:"count,omitempty"` // of the cards that the process sees
	Name              string  `json:"name,omitempty"`
	UUID              string  `json:"uuid,omitempty"`
	ComputeCapability string  `json:"compute_capability,omitempty"`
	MemoryBytes       int64   `json:"memory_bytes,omitempty"`
	MemoryFreeBytes   int64   `json:"memory_free_bytes,omitempty"`
	LaunchSeconds     float64 `json:"launch_s,omitempty"` // of a kernel, with waiting for it
}

// Step is one call of the driver.
type Step struct {
	Name    string  `json:"step"`
	Code    int     `json:"code"` // the driver's; 0 is success
	Text    string  `json:"text,omitempty"`
	Seconds float64 `json:"seconds"`
}

// probe starts the program of probe.py and reads what it tells. What the
// engine or Python say instead is the error.
func probe(ctx context.Context, e engine.Engine, spec engine.Spec, on device.Device) (*Facts, error) {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	spec.Command = append(append([]string(nil), spec.Command...), "-c", probeSource)
	if on.GPU() {
		spec.Command = append(spec.Command, "gpu")
	}
	p, err := e.Start(ctx, spec)
	if err != nil {
		return nil, err
	}
	told, complaint, err := listen(ctx, p)
	if err := errors.Join(err, p.Stop(context.WithoutCancel(ctx), 0)); err != nil {
		return nil, err
	}
	var facts Facts
	if err := json.Unmarshal(told, &facts); err != nil {
		return nil, fmt.Errorf("the probe told nothing: %s", last(complaint))
	}
	return &facts, nil
}

// listen reads both streams to their ends, or until the time is over.
func listen(ctx context.Context, p engine.Process) (out, errs []byte, err error) {
	_ = p.Stdin().Close()
	type read struct {
		text []byte
		err  error
	}
	streams := [2]chan read{make(chan read, 1), make(chan read, 1)}
	for i, stream := range []io.Reader{p.Stdout(), p.Stderr()} {
		go func() {
			var b bytes.Buffer
			_, err := b.ReadFrom(io.LimitReader(stream, 1<<20))
			streams[i] <- read{b.Bytes(), err}
		}()
	}
	var texts [2][]byte
	for i, stream := range streams {
		select {
		case r := <-stream:
			texts[i], err = r.text, errors.Join(err, r.err)
		case <-ctx.Done():
			return texts[0], texts[1], fmt.Errorf("the probe did not end within %s", probeLimit)
		}
	}
	return texts[0], texts[1], err
}

// last is the last line of a complaint.
func last(complaint []byte) string {
	text := strings.TrimSpace(string(complaint))
	if text == "" {
		return "and complained of nothing"
	}
	return text[strings.LastIndexByte(text, '\n')+1:]
}
