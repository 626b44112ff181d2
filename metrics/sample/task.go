package sample

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
)

// tasksOf are the paths of stat of all threads of a control group, or of a
// process when it has none of its own.
func tasksOf(root string, target Target) ([]string, error) {
	pids, err := pidsOf(root, target)
	if err != nil {
		return nil, err
	}
	var tasks []string
	for _, pid := range pids {
		found, _ := filepath.Glob(filepath.Join(root, "proc", pid, "task", "*", "stat"))
		tasks = append(tasks, found...)
	}
	return tasks, nil
}

// pidsOf are the processes of the control group, else the one that is known.
func pidsOf(root string, target Target) ([]string, error) {
	if target.Cgroup != "" {
		for _, hierarchy := range []string{"", "cpuacct", "cpu,cpuacct", "cpuacct,cpu"} {
			text, err := os.ReadFile(filepath.Join(root, "sys/fs/cgroup", hierarchy, clean(target.Cgroup), "cgroup.procs"))
			if err != nil {
				continue
			}
			var pids []string
			for _, word := range bytes.Fields(text) {
				pids = append(pids, string(word))
			}
			return pids, nil
		}
	}
	if target.PID > 0 {
		return []string{strconv.Itoa(target.PID)}, nil
	}
	return nil, errors.New(nothingToRead)
}

// task is a thread at one moment.
type task struct {
	ticks    float64 // of CPU time since its start
	runnable bool    // it computes, or waits for a CPU to compute on
}

// readTask reads a thread's stat.
func readTask(path string) (task, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return task{}, err
	}
	words, err := statWords(path, text, statCSTime)
	if err != nil {
		return task{}, err
	}
	ticks, err := statTicks(path, words[statUTime:statUTime+2]) // in user mode, and in the kernel
	return task{ticks: ticks, runnable: string(words[statState]) == "R"}, err
}
