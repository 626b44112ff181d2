package sample

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
)

// powercap is where the kernel shows the energy counters of processors (RAPL).
// AMD's are called intel-rapl, too.
const powercap = "sys/class/powercap"

// packageName begins the name of a processor's whole domain, like package-0 or
// package-1-die-0. Others are parts of one (core, uncore, dram) or hold it (psys).
const packageName = "package-"

// Why the energy of processors is not known, and what to do.
var (
	ErrNoRAPL = errors.New("the kernel counts no energy of the processors here (no intel-rapl in /" + powercap + "): " +
		"virtual machines seldom have it; on hardware of your own: sudo modprobe intel_rapl_msr")
	ErrRAPLClosed = errors.New("only root may read the processors' energy counters (since CVE-2020-8694); " +
		"until the next start: sudo chmod a+r /" + powercap + "/intel-rapl:*/energy_uj")
)

// RAPL is the energy of the machine's processors by their own counters, summed
// over all packages: cores, caches and memory controllers, whoever used them.
type RAPL struct {
	packages []*energyCounter
	reason   error // why there is none
}

// energyCounter is the counter of one package. It wraps around, every few
// minutes under load on some processors.
type energyCounter struct {
	file        *kernelFile
	most        float64 // µJ: where it wraps around
	last, total float64 // µJ: as read, and since the first reading
	began       bool
}

// OpenRAPL opens the counters of the machine whose /sys lies under root. If one
// cannot be opened, all are missing: a sum without it would be too low.
func OpenRAPL(root string) *RAPL {
	r := &RAPL{}
	if r.packages, r.reason = openPackages(filepath.Join(root, powercap)); r.reason != nil {
		r.reason = errors.Join(r.reason, r.Close())
	}
	return r
}

func openPackages(dir string) (packages []*energyCounter, err error) {
	zones, err := filepath.Glob(filepath.Join(dir, "intel-rapl:*"))
	if err != nil {
		return nil, err
	}
	slices.Sort(zones)
	for _, zone := range zones {
		if !strings.HasPrefix(content(zone, "name"), packageName) {
			continue
		}
		counter, err := openCounter(zone)
		if err != nil {
			return packages, err
		}
		packages = append(packages, counter)
	}
	if len(packages) == 0 {
		return nil, ErrNoRAPL
	}
	return packages, nil
}

func openCounter(zone string) (*energyCounter, error) {
	file, err := openKernelFile(filepath.Join(zone, "energy_uj"))
	switch {
	case errors.Is(err, os.ErrPermission):
		return nil, ErrRAPLClosed
	case err != nil:
		return nil, fmt.Errorf("open a processor's energy counter: %w", err)
	}
	c := &energyCounter{file: file}
	limit, err := openKernelFile(filepath.Join(zone, "max_energy_range_uj"))
	if err == nil {
		c.most, err = limit.number()
		err = errors.Join(err, limit.close())
	}
	if err == nil && !(c.most > 0) {
		err = fmt.Errorf("%s is %v, expected a number above 0", limit.path, c.most)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("ask where a processor's energy counter wraps around: %w", err), file.close())
	}
	return c, nil
}

// Reason is why nothing can be read; nil if the counters are open.
func (r *RAPL) Reason() error { return r.reason }

// Packages are how many processors are counted.
func (r *RAPL) Packages() int { return len(r.packages) }

// Channels is one: the joules of all packages since the first reading.
func (r *RAPL) Channels() []Channel {
	return []Channel{{Name: record.SeriesCPUEnergy, Unit: "J", Kind: Total, Scale: 1e-6}} // from µJ
}

// Read sums the packages.
func (r *RAPL) Read(into []Reading) {
	if r.reason != nil {
		into[0].Err = r.reason
		return
	}
	sum := 0.0
	for _, c := range r.packages {
		total, err := c.read()
		if err != nil {
			into[0].Err = err
			return
		}
		sum += total
	}
	into[0].Value = sum
}

// read is what the package used since the first reading. A counter that is
// lower than before has wrapped around, once: at 5 Hz a package would have to
// use a hundred kilowatts to do so twice.
func (c *energyCounter) read() (float64, error) {
	now, err := c.file.number()
	if errors.Is(err, os.ErrPermission) { // of a kernel that checks when it is read
		return 0, ErrRAPLClosed
	}
	if err != nil {
		return 0, err
	}
	if c.began {
		grown := now - c.last
		if grown < 0 {
			grown += c.most
		}
		c.total += grown
	}
	c.last, c.began = now, true
	return c.total, nil
}

// Close closes the files.
func (r *RAPL) Close() error {
	var err error
	for _, c := range r.packages {
		err = errors.Join(err, c.file.close())
	}
	r.packages = nil
	return err
}
