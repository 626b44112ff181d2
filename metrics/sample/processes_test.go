package sample_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/dlbench/dlbench/metrics/sample"
)

func procPath(pid int) string { return filepath.Join("proc", fmt.Sprint(pid)) }

// statLine is /proc/<pid>/stat with the fields that are read.
func statLine(pid int, command string, utime, stime, cutime, cstime, rss int) string {
	return fmt.Sprintf("%d (%s) S 1 1 1 0 -1 4194304 1 2 3 4 %d %d %d %d 20 0 1 0 12345 99999 %d 18446744073709551615 1 1 0\n",
		pid, command, utime, stime, cutime, cstime, rss)
}

func TestProcessesSumTheTree(t *testing.T) {
	root := tree(t, map[string]string{
		"proc/40/stat":              statLine(40, "python3 (x) y", 100, 10, 5, 1, 7),
		"proc/40/status":            "Name:\tpython3\nVmHWM:\t    100 kB\nVmRSS:\t 90 kB\n",
		"proc/40/task/40/children":  "41 \n",
		"proc/40/task/400/children": "42\n",
		"proc/41/stat":              statLine(41, "worker", 1000, 0, 0, 0, 3),
		"proc/41/status":            "VmHWM:\t 50 kB\n",
		"proc/41/task/41/children":  "43 44\n",
		"proc/42/stat":              statLine(42, "worker", 0, 2000, 0, 0, 0),
		"proc/42/status":            "State:\tZ (zombie)\n",
		"proc/43/stat":              statLine(43, "grandchild", 0, 0, 0, 1, 1),
		"proc/43/status":            "VmHWM:\t 1 kB\n",
		"proc/99/stat":              statLine(99, "stranger", 9999, 0, 0, 0, 9),
		"proc/99/status":            "VmHWM:\t 9 kB\n"})
	processes, err := sample.OpenProcesses(root, 40)
	if err != nil {
		t.Fatal(err)
	}
	page := float64(os.Getpagesize())
	says(t, processes, map[string]float64{cpuName: (116 + 1000 + 2000 + 1) * 1e7, memoryName: 11 * page, sample.MemoryPeak: 151 * 1024},
		map[string]string{throttledName: "no control group of its own"})

	// A child that ends is in its parent's times.
	write(t, filepath.Join(root, "proc/41/stat"), "")
	write(t, filepath.Join(root, "proc/40/stat"), statLine(40, "python3", 100, 10, 1005, 1, 7))
	says(t, processes, map[string]float64{cpuName: (1116 + 2000 + 1) * 1e7, memoryName: 8 * page, sample.MemoryPeak: 101 * 1024},
		map[string]string{throttledName: "no control group of its own"})

	// The end of the first one is the end.
	write(t, filepath.Join(root, "proc/40/stat"), "40 (python3) S 1")
	gone := "process 40: " + filepath.Join(root, "proc/40/stat") + " is cut short"
	says(t, processes, nil, map[string]string{cpuName: gone, memoryName: gone, sample.MemoryPeak: gone, throttledName: gone})
	if err := processes.Close(); err != nil {
		t.Error(err)
	}
}

func TestProcessesOfThisMachine(t *testing.T) {
	command := exec.Command("sh", "-c", "(while :; do :; done) & wait")
	if err := command.Start(); err != nil {
		t.Skipf("no shell: %v", err)
	}
	ended := false
	end := func() {
		if ended {
			return
		}
		ended = true
		for _, child := range children(command.Process.Pid) {
			_ = child.Kill()
		}
		_ = command.Process.Kill()
		_ = command.Wait()
	}
	t.Cleanup(end)
	eventually(t, "the child", func() bool { return len(children(command.Process.Pid)) > 0 })

	processes, err := sample.OpenProcesses("/", command.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	first := reading(processes)
	if first[memoryName].Value <= 0 || first[sample.MemoryPeak].Value < first[memoryName].Value {
		t.Errorf("memory %v, at most %v", first[memoryName], first[sample.MemoryPeak])
	}
	eventually(t, "CPU time of the child", func() bool { return reading(processes)[cpuName].Value >= first[cpuName].Value+5e7 })
	end()
	if r := reading(processes)[cpuName]; r.Err == nil {
		t.Errorf("a process that ended says %v", r.Value)
	}
}

// children are the processes that the first thread of a process started.
func children(pid int) []*os.Process {
	text, _ := os.ReadFile(filepath.Join("/proc", fmt.Sprint(pid), "task", fmt.Sprint(pid), "children"))
	var found []*os.Process
	var child int
	if n, _ := fmt.Sscan(string(text), &child); n == 1 {
		if p, err := os.FindProcess(child); err == nil {
			found = append(found, p)
		}
	}
	return found
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("%s was not seen in 20 s", what)
}
