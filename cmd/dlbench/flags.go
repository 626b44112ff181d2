package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/campaign"
	"github.com/dlbench/dlbench/workloads/window"
)

// The flags that several commands share; options.go reads them.

func jsonFlag() cli.Flag {
	return &cli.BoolFlag{Name: "json", Usage: "print JSON instead of a table"}
}

func deviceFlag() cli.Flag {
	return &cli.StringFlag{Name: "device", Value: device.CPU.Name, Usage: "`DEVICE` to compute on: " + device.Forms}
}

func jobsFlag() cli.Flag {
	return &cli.IntFlag{Name: "jobs", Usage: fmt.Sprintf("build `N` layers of images at once (default: %d on this machine)", bench.DefaultJobs())}
}

func runnerDirFlag() cli.Flag {
	return &cli.StringFlag{Name: "runner-dir", Usage: "`DIR` with more runners (runner.json files)"}
}

// setupFlags say what is measured, and under which conditions.
func setupFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "suite", Usage: "suite to take the workloads from (see dlbench list suites), or a YAML `FILE`"},
		&cli.StringSliceFlag{Name: "workload", Usage: "only this `ID`, like resnet50/infer/b8/fp32; may be repeated or a list"},
		&cli.StringSliceFlag{Name: "network", Usage: "your own network, an ONNX `FILE`; may be repeated or a list"},
		&cli.StringFlag{Name: "input", Usage: "`CxHxW` of the networks' images if the files leave it open, like 3x224x224, or CxDxHxW of volumes"},
		&cli.StringFlag{Name: "weights", Usage: "of the networks: file or generated (default: the file's in inference, drawn ones to train)"},
		&cli.StringSliceFlag{Name: "mode", Usage: "measure the networks in this `MODE`, infer or train; may be repeated or a list (default: infer)"},
		&cli.StringSliceFlag{Name: "batch", Usage: "measure the networks with `N` images at a time; may be repeated or a list (default: what the file fixes, or 8)"},
		&cli.StringFlag{Name: "data", Usage: "`DIR` of images or scans (PNG, JPEG, DICOM, NIfTI) for all batches, a folder for each class (default: inputs are generated)"},
		&cli.StringSliceFlag{Name: "runner", Usage: "only this `NAME`, or best: every framework as it is and as its documentation recommends; may be repeated or a list"},
		runnerDirFlag(),
		&cli.StringFlag{Name: "engine", Value: "auto", Usage: "what starts the runners: auto, podman, docker or local"},
		jobsFlag(),
		&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "seed of weights, batches and the order of measuring"},
		deviceFlag(),
		&cli.BoolFlag{Name: "exclusive", Usage: "exit with 5 when other processes use the GPU, instead of a warning"},
		&cli.IntFlag{Name: "threads", Usage: "threads each runner may use (default: one for each CPU of the set, at most the CPU quota)"},
		&cli.StringFlag{Name: "cpus", Usage: "`LIST` of CPUs the runners may use, like 0-3,8 (default: all)"},
	}
}

// measureFlags say how much is measured.
func measureFlags() []cli.Flag {
	return append(lineFlags(), []cli.Flag{
		&cli.StringFlag{Name: "profile", Usage: "how much is measured: " + strings.Join(campaign.ProfileNames(), ", ") + " (default: the suite's)"},
		&cli.IntFlag{Name: "rounds", Usage: "measure exactly `N` processes of each cell"},
		&cli.DurationFlag{Name: "budget", Usage: "verify and measure no longer than this, like 20m, and the process that runs then"},
		&cli.StringSliceFlag{Name: "scenario", Usage: "measure inference in this `SCENARIO` too: multi-stream, server, sliding-window; may be repeated or a list"},
		&cli.DurationFlag{Name: "latency-bound", Value: bench.DefaultLatencyBound, Usage: "what the p99 of the server scenario may take"},
		&cli.StringFlag{Name: "volume", Usage: "`SIZE` of the images or volumes that the sliding-window scenario infers by patches of the network's input, like 512x512 or 48x64x64"},
		&cli.Float64Flag{Name: "overlap", Value: window.DefaultOverlap, Usage: "`SHARE` by which those patches overlap at least along each axis"},
		&cli.StringSliceFlag{Name: "strict", Usage: "exit with 5 on a warning of these `CODES`, or of all; before measuring if it is known by then"},
	}...)
}

// lineFlags say which records belong together.
func lineFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "machine", Usage: "`NAME` of this machine, whose records are compared with one another whatever its host is called"},
		&cli.StringFlag{Name: "branch", Usage: "`NAME` of the branch that was measured: its records are kept apart (check: compared with those of this branch)"},
	}
}

// checkFlags say what a result is compared with.
func checkFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "baseline", Usage: "`NAME` of a baseline of the history, or a result.json (default: the history's records of this machine)"},
		&cli.BoolFlag{Name: "rerun", Usage: "measure both sides again, interleaved, the baseline from the image in its record"},
		&cli.StringFlag{Name: "min-change", Usage: "a smaller `SHARE` is not a change, like 0.5%, or of some workloads, like resnet50=0.5%,lenet=5% (default: 0.5%; against a baseline without --rerun 2%)"},
		&cli.DurationFlag{Name: "check-budget", Usage: "measure again no longer than this"},
		&cli.StringFlag{Name: "history", Usage: "`DIR` of the history (default: $XDG_DATA_HOME/dlbench/history or ~/.local/share/dlbench/history)"},
	}
}
