package sample_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/sample"
)

// zone is a power zone of a made-up /sys.
func zone(files map[string]string, dir, name, energy, most string) {
	at := filepath.Join("sys/class/powercap", dir)
	files[filepath.Join(at, "name")] = name + "\n"
	files[filepath.Join(at, "energy_uj")] = energy + "\n"
	files[filepath.Join(at, "max_energy_range_uj")] = most + "\n"
}

func joules(t *testing.T, r *sample.RAPL) float64 {
	t.Helper()
	reading := reading(r)[record.SeriesCPUEnergy]
	if reading.Err != nil {
		t.Fatal(reading.Err)
	}
	return reading.Value * r.Channels()[0].Scale
}

// Two packages are summed; parts of them, what holds them, and the same package
// by another way are not.
func TestEnergyOfPackages(t *testing.T) {
	files := map[string]string{}
	zone(files, "intel-rapl:0", "package-0", "1000000", "262143328850")
	zone(files, "intel-rapl:1", "package-1-die-0", "5000000", "262143328850")
	zone(files, "intel-rapl:0:0", "core", "900000", "262143328850")
	zone(files, "intel-rapl:0:1", "dram", "900000", "65532610987")
	zone(files, "intel-rapl:2", "psys", "9000000", "262143328850")
	zone(files, "intel-rapl-mmio:0", "package-0", "1000000", "262143328850")
	root := tree(t, files)
	at := func(dir, energy string) {
		write(t, filepath.Join(root, "sys/class/powercap", dir, "energy_uj"), energy+"\n")
	}
	r := sample.OpenRAPL(root)
	if r.Reason() != nil || r.Packages() != 2 {
		t.Fatalf("%d packages, %v", r.Packages(), r.Reason())
	}
	near(t, "the first reading", joules(t, r), 0)
	at("intel-rapl:0", "3000000")
	at("intel-rapl:1", "8000000")
	at("intel-rapl:0:0", "99000000")
	at("intel-rapl:2", "99000000")
	at("intel-rapl-mmio:0", "99000000")
	near(t, "both packages", joules(t, r), 5)
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// A counter that falls went on from 0 where it wraps around; the other one has
// another range.
func TestEnergyCountersWrapAround(t *testing.T) {
	files := map[string]string{}
	zone(files, "intel-rapl:0", "package-0", "99000000", "100000000")
	zone(files, "intel-rapl:1", "package-1", "64000000", "65000000")
	root := tree(t, files)
	r := sample.OpenRAPL(root)
	joules(t, r)
	for _, step := range []struct {
		first, second string
		want          float64
	}{{"2000000", "65000000", 4}, {"3000000", "1000000", 6}, {"1000000", "1000000", 104}} {
		write(t, filepath.Join(root, "sys/class/powercap/intel-rapl:0/energy_uj"), step.first)
		write(t, filepath.Join(root, "sys/class/powercap/intel-rapl:1/energy_uj"), step.second)
		near(t, "after "+step.first+" and "+step.second, joules(t, r), step.want)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

func TestEnergyThatCannotBeRead(t *testing.T) {
	counters := func(change func(map[string]string)) string {
		files := map[string]string{}
		zone(files, "intel-rapl:0", "package-0", "1", "100")
		zone(files, "intel-rapl:1", "package-1", "1", "100")
		change(files)
		return tree(t, files)
	}
	second := "sys/class/powercap/intel-rapl:1/"
	for name, tt := range map[string]struct {
		root, reason string
	}{
		"no counters":               {t.TempDir(), "virtual machines seldom have it; on hardware of your own: sudo modprobe intel_rapl_msr"},
		"no counter in a package":   {counters(func(f map[string]string) { delete(f, second+"energy_uj") }), "intel-rapl:1/energy_uj: no such file"},
		"no range":                  {counters(func(f map[string]string) { delete(f, second+"max_energy_range_uj") }), "max_energy_range_uj: no such file"},
		"a range of 0":              {counters(func(f map[string]string) { f[second+"max_energy_range_uj"] = "0" }), "expected a number above 0"},
		"a counter without figures": {counters(func(f map[string]string) { f[second+"energy_uj"] = "off" }), "is not a number"},
	} {
		t.Run(name, func(t *testing.T) {
			r := sample.OpenRAPL(tt.root)
			says(t, r, nil, map[string]string{record.SeriesCPUEnergy: tt.reason})
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// The thread that opens the counter has no rights to others' files, even if the
// tests run as root.
func TestEnergyThatOnlyRootMayRead(t *testing.T) {
	files := map[string]string{}
	zone(files, "intel-rapl:0", "package-0", "1", "100")
	root := tree(t, files)
	if err := os.Chmod(filepath.Join(root, "sys/class/powercap/intel-rapl:0/energy_uj"), 0); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Dir(root), 0o755); err != nil { // the test's directory is only its user's
		t.Fatal(err)
	}
	opened := make(chan *sample.RAPL)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with its rights
		const nobody = 65534
		_ = unix.Setfsuid(nobody)
		opened <- sample.OpenRAPL(root)
	}()
	r := <-opened
	if !errors.Is(r.Reason(), sample.ErrRAPLClosed) {
		t.Errorf("the reason is %v", r.Reason())
	}
	says(t, r, nil, map[string]string{record.SeriesCPUEnergy: "CVE-2020-8694); until the next start: sudo chmod a+r /sys/class/powercap/intel-rapl:*/energy_uj"})
}
