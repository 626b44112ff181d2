package sample

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/shirou/gopsutil/v3/cpu"

	"github.com/dlbench/dlbench/metrics/record"
)

// Conditions is what a machine does to a measurement without being asked:
// hypervisors that take CPU time, pages that come from a disk, heat, clocks.
type Conditions struct {
	ctx    context.Context
	cpus   int
	faults meter
	heat   []*kernelFile // of every CPU: how often heat held its clock down
	clocks []*kernelFile // of every CPU, in kHz
	vmstat *kernelFile
}

// conditionsPace is the time between two readings: counters of a machine with
// a hundred CPUs take a millisecond to read.
const conditionsPace = time.Second

// NewConditions watches the machine whose /proc and /sys lie under root.
func NewConditions(root string) *Conditions {
	c := &Conditions{ctx: InRoot(context.Background(), root)}
	c.cpus, _ = cpu.CountsWithContext(c.ctx, true) // of none, stolen time is an error when it is read
	vmstat, err := openKernelFile(filepath.Join(root, "proc/vmstat"))
	if err != nil {
		c.faults = failing(err)
	} else {
		c.vmstat = vmstat
		c.faults = func() (float64, error) { return vmstat.field("pgmajfault") }
	}
	c.heat = openAll(root, "thermal_throttle/core_throttle_count")
	c.clocks = openAll(root, "cpufreq/scaling_cur_freq")
	return c
}

// openAll opens a file of every CPU that has it.
func openAll(root, file string) []*kernelFile {
	paths, err := filepath.Glob(filepath.Join(root, "sys/devices/system/cpu/cpu[0-9]*", file))
	if err != nil {
		return nil
	}
	var files []*kernelFile
	for _, path := range paths {
		if k, err := openKernelFile(path); err == nil {
			files = append(files, k)
		}
	}
	return files
}

// Channels are the share of CPU time that the hypervisor gave to others (100
// is every CPU), page faults that waited for a disk, how often heat held a
// core's clock down, and the mean clock.
func (c *Conditions) Channels() []Channel {
	return []Channel{
		{Name: record.SeriesSteal, Unit: "%", Kind: Rate, Scale: 100 * 1e9 / float64(max(1, c.cpus))},
		{Name: record.SeriesDiskFaults, Unit: "faults", Kind: Total, Scale: 1},
		{Name: record.SeriesHeat, Unit: "events", Kind: Total, Scale: 1},
		{Name: record.SeriesClock, Unit: "MHz", Scale: 1e-3},
	}
}

// Pace keeps the cost of many CPUs small.
func (c *Conditions) Pace() time.Duration { return conditionsPace }

// Read reads the counters; virtual machines often have neither clocks nor heat
// to show.
func (c *Conditions) Read(into []Reading) {
	into[0].Value, into[0].Err = c.stolenSeconds()
	into[1].Value, into[1].Err = c.faults()
	into[2].Value, into[2].Err = sum(c.heat, errors.New("the kernel does not count how often heat held the clocks down here (no thermal_throttle)"))
	into[3].Value, into[3].Err = sum(c.clocks, errors.New("the kernel does not show the CPUs' clocks here (no cpufreq)"))
	into[3].Value /= float64(max(1, len(c.clocks)))
}

func (c *Conditions) stolenSeconds() (float64, error) {
	times, err := cpu.TimesWithContext(c.ctx, false)
	if err != nil {
		return 0, err
	}
	if len(times) == 0 || c.cpus == 0 {
		return 0, errors.New("/proc/stat has no line for all CPUs")
	}
	return times[0].Steal, nil
}

// sum adds the numbers of files; of none there is the reason.
func sum(files []*kernelFile, none error) (float64, error) {
	if len(files) == 0 {
		return 0, none
	}
	total := 0.0
	for _, k := range files {
		v, err := k.number()
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return 0, err
		}
		total += v
	}
	return total, nil
}

// Close closes the files.
func (c *Conditions) Close() error {
	var err error
	for _, k := range append(append(c.heat, c.clocks...), c.vmstat) {
		err = errors.Join(err, k.close())
	}
	c.heat, c.clocks, c.vmstat = nil, nil, nil
	return err
}
