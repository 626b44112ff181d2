package sample_test

import (
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/sample"
)

// meminfo has 1,000 kB, of which 400 are available.
const meminfo = "MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 400 kB\nBuffers: 1 kB\nCached: 2 kB\n"

func TestHost(t *testing.T) {
	root := tree(t, map[string]string{
		// user nice system idle iowait irq softirq steal guest, in hundredths of a second
		"proc/stat":    "cpu  100 20 30 4000 500 6 7 800 0 0\ncpu0 50 10 15 2000 250 3 3 400 0 0\ncpu1 50 10 15 2000 250 3 4 400 0 0\n",
		"proc/cpuinfo": "processor\t: 0\nprocessor\t: 1\n",
		"proc/meminfo": meminfo})
	host, err := sample.NewHost(root)
	if err != nil {
		t.Fatal(err)
	}
	says(t, host, map[string]float64{"host_cpu_percent": 1.63, "host_memory_bytes": 600 * 1024}, nil)
	// Both CPUs busy for a whole second are 2 s of CPU time in 1e9 ns: 100 %.
	near(t, "scale", host.Channels()[0].Scale*2/1e9, 100)
}

func TestHostWithoutFiles(t *testing.T) {
	if _, err := sample.NewHost(t.TempDir()); err == nil {
		t.Error("a machine without /proc has a meter")
	}
	root := tree(t, map[string]string{"proc/cpuinfo": "processor\t: 0\n", "proc/stat": "cpu0 1 1 1 1\n"})
	host, err := sample.NewHost(root)
	if err != nil {
		t.Fatal(err)
	}
	says(t, host, nil, map[string]string{"host_cpu_percent": "", "host_memory_bytes": "meminfo"})
}

func TestThisHost(t *testing.T) {
	host, err := sample.NewHost("/")
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range reading(host) {
		if r.Err != nil || r.Value <= 0 {
			t.Errorf("%s: %+v", name, r)
		}
		if strings.HasPrefix(name, "gpu") {
			t.Errorf("the host speaks of %s", name)
		}
	}
}
