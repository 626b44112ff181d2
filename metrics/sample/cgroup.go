package sample

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
)

// The kinds of control group hierarchies.
const (
	CgroupV1     = "v1"
	CgroupV2     = "v2"
	CgroupHybrid = "hybrid" // v1's controllers, and v2 without any beside them
)

// CgroupKind is the kind of hierarchy mounted under root, "" when there is
// none.
func CgroupKind(root string) string {
	switch {
	case exists(root, "cgroup.controllers"):
		return CgroupV2
	case exists(root, "unified", "cgroup.controllers"):
		return CgroupHybrid
	case exists(root, "memory"), exists(root, "cpuacct"), exists(root, "cpu,cpuacct"):
		return CgroupV1
	}
	return ""
}

func exists(root string, below ...string) bool {
	_, err := os.Stat(filepath.Join(append([]string{root, "sys/fs/cgroup"}, below...)...))
	return err == nil
}

// Cgroup is the CPU time, memory and throttling of one control group.
type Cgroup struct {
	cpu       meter // nanoseconds
	memory    meter
	peak      meter
	throttled meter // nanoseconds
	files     []*kernelFile
}

// meter reads one number.
type meter func() (float64, error)

// OpenCgroup opens the control group at a path inside the hierarchy, like
// /machine.slice/libpod-1.scope, under root. It fails when there is no such
// group with a CPU meter; any other file that is not there is a reading's
// error.
func OpenCgroup(root, path string) (*Cgroup, error) {
	c := new(Cgroup)
	var err error
	switch kind := CgroupKind(root); kind {
	case CgroupV2:
		err = c.openV2(filepath.Join(root, "sys/fs/cgroup", clean(path)))
	case CgroupV1, CgroupHybrid:
		err = c.openV1(filepath.Join(root, "sys/fs/cgroup"), clean(path))
	default:
		err = fmt.Errorf("no control groups are mounted under %s", filepath.Join(root, "sys/fs/cgroup"))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("control group %s: %w", path, err), c.Close())
	}
	return c, nil
}

// MemoryLimit is how many bytes a control group may use. Without a limit it is
// what the kernel calls one: more than any machine has.
func MemoryLimit(root, path string) (int64, error) {
	below := filepath.Join(root, "sys/fs/cgroup")
	file := filepath.Join(below, "memory", clean(path), "memory.limit_in_bytes")
	if CgroupKind(root) == CgroupV2 {
		file = filepath.Join(below, clean(path), "memory.max")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	word := strings.TrimSpace(string(text))
	if word == "max" {
		return math.MaxInt64, nil
	}
	return strconv.ParseInt(word, 10, 64)
}

// clean keeps a path inside the hierarchy.
func clean(path string) string { return filepath.Clean("/" + path) }

// openV2 follows Documentation/admin-guide/cgroup-v2.rst of the kernel. The
// memory controller may be off, and memory.peak came with 5.19.
func (c *Cgroup) openV2(folder string) error {
	stat, err := c.open(folder, "cpu.stat")
	if err != nil {
		return err
	}
	microseconds := func(key string) meter {
		return func() (float64, error) { v, err := stat.field(key); return v * 1000, err }
	}
	c.cpu, c.throttled = microseconds("usage_usec"), microseconds("throttled_usec")
	c.memory = c.number(folder, "memory.current")
	c.peak = c.number(folder, "memory.peak")
	return nil
}

// openV1 follows Documentation/admin-guide/cgroup-v1 of the kernel: each
// controller, or pair of them, has a hierarchy of its own.
func (c *Cgroup) openV1(root, path string) error {
	usage, err := c.openFirst(root, []string{"cpuacct", "cpu,cpuacct", "cpuacct,cpu"}, path, "cpuacct.usage")
	if err != nil {
		return err
	}
	c.cpu = usage.number
	c.memory = c.number(filepath.Join(root, "memory", path), "memory.usage_in_bytes")
	c.peak = c.number(filepath.Join(root, "memory", path), "memory.max_usage_in_bytes")
	stat, err := c.openFirst(root, []string{"cpu", "cpu,cpuacct", "cpuacct,cpu"}, path, "cpu.stat")
	if err != nil {
		c.throttled = failing(err)
		return nil
	}
	c.throttled = func() (float64, error) { return stat.field("throttled_time") }
	return nil
}

// openFirst opens the file in the first of the controllers' folders that has
// it.
func (c *Cgroup) openFirst(root string, controllers []string, path, file string) (*kernelFile, error) {
	var first error
	for _, controller := range controllers {
		k, err := c.open(filepath.Join(root, controller, path), file)
		if err == nil {
			return k, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

func (c *Cgroup) open(folder, file string) (*kernelFile, error) {
	k, err := openKernelFile(filepath.Join(folder, file))
	if err == nil {
		c.files = append(c.files, k)
	}
	return k, err
}

// number is a meter of a file with a single number.
func (c *Cgroup) number(folder, file string) meter {
	k, err := c.open(folder, file)
	if err != nil {
		return failing(err)
	}
	return k.number
}

func failing(err error) meter { return func() (float64, error) { return 0, err } }

// Channels are cpu_percent, 100 for one CPU, memory_bytes, the peak of memory
// and throttled_ns. Memory includes the pages of files that the group read
// first, as the kernel counts it.
func (c *Cgroup) Channels() []Channel { return runnerChannels() }

// runnerChannels are what every meter of a runner fills.
func runnerChannels() []Channel {
	return []Channel{
		{Name: record.SeriesCPU, Unit: "%", Kind: Rate, Scale: 100}, // from nanoseconds of CPU time
		{Name: record.SeriesMemory, Unit: "bytes", Scale: 1},
		{Name: MemoryPeak, Unit: "bytes", Kind: Peak, Scale: 1},
		{Name: record.SeriesThrottled, Unit: "ns", Kind: Total, Scale: 1},
	}
}

// Read reads the group's files. Without a peak of the kernel's own, the
// largest memory that was seen stands in, and the reason is named.
func (c *Cgroup) Read(into []Reading) {
	for i, m := range []meter{c.cpu, c.memory, c.peak, c.throttled} {
		into[i].Value, into[i].Err = m()
	}
}

// Close closes the group's files.
func (c *Cgroup) Close() error {
	var err error
	for _, k := range c.files {
		err = errors.Join(err, k.close())
	}
	c.files = nil
	return err
}
