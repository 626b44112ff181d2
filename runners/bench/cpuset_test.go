package bench

import (
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/metrics/sample"
	"github.com/dlbench/dlbench/runners/engine"
)

// given runs a test on a thread that may use only these CPUs, as Slurm, a control
// group or taskset gives them.
func given(t *testing.T, cpus []int, run func()) {
	t.Helper()
	ended := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with its CPUs
		var set unix.CPUSet
		for _, cpu := range cpus {
			set.Set(cpu)
		}
		err := unix.SchedSetaffinity(0, &set)
		if err == nil {
			run()
		}
		ended <- err
	}()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

// What this process was given is what runners get, and what the record tells.
func TestCPUsThatAreGivenAreKeptTo(t *testing.T) {
	all, err := engine.AllowedCPUs()
	if err != nil || len(all) < 2 {
		t.Skip("this machine has one CPU", err)
	}
	one := all[len(all)-1:]
	given(t, one, func() {
		terms, err := Setup{}.termsOn([]device.Device{device.CPU}, sample.Limits{})
		if err != nil || terms.CPUs != engine.FormatCPUs(one) || terms.Threads != 1 {
			t.Errorf("%+v, %v, expected CPU %v", terms, err, one)
		}
		if set := cpuSet(len(all), sample.Limits{}); set != engine.FormatCPUs(one) {
			t.Errorf("the record would tell of CPUs %q", set)
		}
		if _, err := (Setup{CPUs: engine.FormatCPUs(all)}).termsOn([]device.Device{device.CPU}, sample.Limits{}); KindOf(err) != Usage {
			t.Errorf("more than was given: %v", err)
		}
	})
	if set := cpuSet(len(all), sample.Limits{}); set != "" {
		t.Errorf("all CPUs are told as %q", set)
	}
}

// The group that an engine puts containers below may have other CPUs: what both
// have is used.
func TestCPUsOfContainers(t *testing.T) {
	all, err := engine.AllowedCPUs()
	if err != nil || len(all) < 2 {
		t.Skip("this machine has one CPU", err)
	}
	last := engine.FormatCPUs(all[len(all)-1:])
	terms, err := Setup{}.termsOn([]device.Device{device.CPU}, sample.Limits{CPUSet: last + ",60000"})
	if err != nil || terms.CPUs != last || terms.Threads != 1 || cpuSet(len(all), sample.Limits{CPUSet: last}) != last {
		t.Errorf("%+v, %v, expected CPU %s", terms, err, last)
	}
	_, err = Setup{}.termsOn([]device.Device{device.CPU}, sample.Limits{CPUSet: "60000"})
	if KindOf(err) != Environment || !strings.Contains(err.Error(), "and containers only 60000") {
		t.Errorf("no CPU of both: %v", err)
	}
	if _, err = (Setup{}).termsOn([]device.Device{device.CPU}, sample.Limits{CPUSet: "all"}); err == nil {
		t.Error("a list that is none is understood")
	}
}
