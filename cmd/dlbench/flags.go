package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/shirou/gopsutil/v3/mem"
	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/engine"
)

// The flags that several commands share.
func termFlags() []cli.Flag {
	return []cli.Flag{
		deviceFlag(),
		&cli.BoolFlag{Name: "exclusive", Usage: "exit with 5 when other processes use the GPU, instead of a warning"},
		&cli.IntFlag{Name: "threads", Usage: "threads each runner may use (default: one for each CPU of the set)"},
		&cli.StringFlag{Name: "cpus", Usage: "`LIST` of CPUs the runners may use, like 0-3,8 (default: all)"},
	}
}

func deviceFlag() cli.Flag {
	return &cli.StringFlag{Name: "device", Value: device.CPU.Name, Usage: "`DEVICE` to compute on: " + device.Forms}
}

func selectionFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "suite", Usage: "suite to take the workloads from (see dlbench list suites)"},
		&cli.StringSliceFlag{Name: "workload", Usage: "only this `ID`, like resnet50/infer/b8/fp32; may be repeated or a list"},
		&cli.StringSliceFlag{Name: "runner", Usage: "only this `NAME`; may be repeated or a list"},
		&cli.StringFlag{Name: "runner-dir", Usage: "`DIR` with more runners (runner.json files)"},
		&cli.StringFlag{Name: "engine", Value: "auto", Usage: "what starts the runners: auto, podman, docker or local"},
		&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "seed of weights, batches and the order of measuring"},
	}
}

func jsonFlag() cli.Flag {
	return &cli.BoolFlag{Name: "json", Usage: "print JSON instead of a table"}
}

// terms reads the conditions that every runner gets on these devices.
func terms(c *cli.Context, devices []device.Device) (record.Terms, error) {
	t := record.Terms{Device: device.Terms(devices), Threads: c.Int("threads")}
	allowed, err := allowedCPUs()
	if err != nil {
		return t, err
	}
	cpus := allowed
	if list := c.String("cpus"); list != "" {
		if cpus, err = engine.ParseCPUs(list); err != nil {
			return t, usage(fmt.Errorf("--cpus: %w", err))
		}
		for _, cpu := range cpus {
			if !slices.Contains(allowed, cpu) {
				return t, usage(fmt.Errorf("--cpus: CPU %d is not one of %s that this process may use", cpu, engine.FormatCPUs(allowed)))
			}
		}
	}
	if c.IsSet("threads") && t.Threads < 1 {
		return t, usage(fmt.Errorf("--threads is %d, expected at least 1", t.Threads))
	}
	if t.Threads == 0 {
		t.Threads = len(cpus)
	}
	t.CPUs = engine.FormatCPUs(cpus)
	t.MemoryBytes, err = memoryLimit()
	return t, err
}

func allowedCPUs() ([]int, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, fmt.Errorf("ask for the CPUs of this process: %w", err)
	}
	var cpus []int
	for cpu := range 8 * len(set) * 8 {
		if set.IsSet(cpu) {
			cpus = append(cpus, cpu)
		}
	}
	return cpus, nil
}

// memoryShare is what one runner may take of the machine's memory: the rest is
// the harness's and the system's, so that a runner that wants too much is ended
// by its own limit and not at random.
const memoryShare = 0.85

func memoryLimit() (int64, error) {
	memory, err := mem.VirtualMemory()
	if err != nil {
		return 0, fmt.Errorf("ask for the machine's memory: %w", err)
	}
	return int64(float64(memory.Total)*memoryShare) &^ (1<<20 - 1), nil
}

// listed splits repeated and comma-separated values.
func listed(values []string) []string {
	var out []string
	for _, value := range values {
		for _, part := range strings.Split(value, ",") {
			if part = strings.TrimSpace(part); part != "" {
				out = append(out, part)
			}
		}
	}
	return out
}
