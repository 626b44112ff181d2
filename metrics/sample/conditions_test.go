package sample_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/sample"
)

func TestConditions(t *testing.T) {
	root := tree(t, map[string]string{
		"proc/stat":    "cpu  100 20 30 4000 500 6 7 800 0 0\ncpu0 50 10 15 2000 250 3 3 400 0 0\ncpu1 50 10 15 2000 250 3 4 400 0 0\n",
		"proc/cpuinfo": "processor\t: 0\nprocessor\t: 1\n",
		"proc/vmstat":  "pgfault 99999\npgmajfault 17\n",
		"sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count": "3\n",
		"sys/devices/system/cpu/cpu1/thermal_throttle/core_throttle_count": "4\n",
		"sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq":             "3000000\n",
		"sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq":             "2000000\n",
	})
	c := sample.NewConditions(root)
	says(t, c, map[string]float64{"steal_percent": 8, "disk_faults": 17, "cpu_thermal_events": 7, "clock_mhz": 2.5e6}, nil)
	// Both CPUs stolen for a whole second are 2 s in 1e9 ns: 100 %.
	near(t, "scale of stolen time", c.Channels()[0].Scale*2/1e9, 100)
	near(t, "scale of clocks", c.Channels()[3].Scale*2.5e6, 2500)
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestConditionsThatAreNotShown(t *testing.T) {
	c := sample.NewConditions(t.TempDir())
	says(t, c, nil, map[string]string{"steal_percent": "", "disk_faults": "vmstat", "cpu_thermal_events": "heat", "clock_mhz": "cpufreq"})
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestThreadsThatShareTheWorkAreCounted(t *testing.T) {
	root := tree(t, map[string]string{
		"sys/fs/cgroup/cgroup.controllers":     "cpu\n",
		"sys/fs/cgroup/box.scope/cgroup.procs": "40\n41\n",
		"proc/40/task/40/stat":                 statLine(40, "python3", 100, 10, 0, 0, 1),
		"proc/40/task/42/stat":                 statLine(42, "pool", 100, 10, 0, 0, 1),
		"proc/41/task/41/stat":                 statLine(41, "worker", 5, 5, 0, 0, 1),
		"proc/99/task/99/stat":                 statLine(99, "stranger", 5, 5, 0, 0, 1),
	})
	threads := sample.NewThreads(root, sample.Target{PID: 40, Cgroup: "/box.scope"})
	says(t, threads, map[string]float64{"threads_busy": 0}, nil)

	// A second later: two threads of the two processes shared the work, one fed
	// them for a tenth of it, a stranger always computed, and one is new.
	write(t, filepath.Join(root, "proc/40/task/40/stat"), statLine(40, "python3", 105, 15, 0, 0, 1))
	write(t, filepath.Join(root, "proc/40/task/42/stat"), statLine(42, "pool", 150, 60, 0, 0, 1))
	write(t, filepath.Join(root, "proc/41/task/41/stat"), statLine(41, "worker", 5, 105, 0, 0, 1))
	write(t, filepath.Join(root, "proc/99/task/99/stat"), statLine(99, "stranger", 500, 5, 0, 0, 1))
	if err := os.MkdirAll(filepath.Join(root, "proc/41/task/43"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(root, "proc/41/task/43/stat"), statLine(43, "new", 500, 5, 0, 0, 1))
	says(t, threads, map[string]float64{"threads_busy": 210 * 210.0 / (10*10 + 100*100 + 100*100)}, nil)
	says(t, threads, map[string]float64{"threads_busy": 0}, nil) // nobody computed since
}

// A thread that takes turns with another one is asleep while that one computes:
// at one moment only one of them counts, and one that waits for a CPU does too.
func TestThreadsAtOnce(t *testing.T) {
	in := func(state, line string) string { return strings.Replace(line, " S ", " "+state+" ", 1) }
	root := tree(t, map[string]string{
		"sys/fs/cgroup/cgroup.controllers":     "cpu\n",
		"sys/fs/cgroup/box.scope/cgroup.procs": "40\n41\n",
		"proc/40/task/40/stat":                 in("R", statLine(40, "python3", 100, 10, 0, 0, 1)),
		"proc/40/task/42/stat":                 in("R", statLine(42, "a pool) S", 100, 10, 0, 0, 1)),
		"proc/40/task/43/stat":                 statLine(43, "pool", 100, 10, 0, 0, 1),
		"proc/41/task/41/stat":                 in("D", statLine(41, "reader", 5, 5, 0, 0, 1)),
		"proc/99/task/99/stat":                 in("R", statLine(99, "stranger", 5, 5, 0, 0, 1)),
	})
	threads := sample.NewAtOnce(root, sample.Target{PID: 40, Cgroup: "/box.scope"})
	says(t, threads, map[string]float64{"threads_at_once": 2}, nil)
	write(t, filepath.Join(root, "proc/40/task/42/stat"), statLine(42, "a pool) S", 105, 10, 0, 0, 1))
	says(t, threads, map[string]float64{"threads_at_once": 1}, nil)

	// Of a pool of hundreds only those that computed lately are looked at.
	for range 4 {
		says(t, threads, map[string]float64{"threads_at_once": 1}, nil)
	}
	write(t, filepath.Join(root, "proc/40/task/42/stat"), in("R", statLine(42, "a pool) S", 105, 10, 0, 0, 1)))
	write(t, filepath.Join(root, "proc/40/task/43/stat"), in("R", statLine(43, "pool", 100, 10, 0, 0, 1)))
	says(t, threads, map[string]float64{"threads_at_once": 2}, nil)
}

func TestThreadsOfNobody(t *testing.T) {
	says(t, sample.NewAtOnce(t.TempDir(), sample.Target{}), nil, map[string]string{"threads_at_once": "neither a control group nor a process"})
	says(t, sample.NewThreads(t.TempDir(), sample.Target{}), nil, map[string]string{"threads_busy": "neither a control group nor a process"})
}
