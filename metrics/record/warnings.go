package record

import (
	"fmt"
	"slices"
	"strings"
)

// Warning is something that a reader has to know about figures. It travels with
// them, and stands in every view of them.
type Warning struct {
	Code  string `json:"code"`
	Text  string `json:"text"`
	Scope Scope  `json:"scope"`
}

// Scope is what a warning is about: "run", "runner:<name>", "workload:<id>" or
// "cell:<workload>/<runner>".
type Scope string

// AboutRun is the scope of what concerns every figure of a record.
const AboutRun Scope = "run"

// AboutRunner is the scope of a runner on every workload.
func AboutRunner(name string) Scope { return Scope("runner:" + name) }

// AboutWorkload is the scope of a workload on every runner.
func AboutWorkload(id string) Scope { return Scope("workload:" + id) }

// AboutCell is the scope of one runner on one workload.
func AboutCell(workload, runner string) Scope { return Scope("cell:" + workload + "/" + runner) }

// OneCell says whether a warning is about a single cell.
func (s Scope) OneCell() bool { return strings.HasPrefix(string(s), "cell:") }

// Words are the scope as people read it.
func (s Scope) Words() string {
	if s == AboutRun {
		return "the whole run"
	}
	_, what, found := strings.Cut(string(s), ":")
	if !found {
		return string(s)
	}
	return what
}

// Warnings are those of a record, each there once.
type Warnings []Warning

// Add adds a warning unless the very same is there.
func (w *Warnings) Add(scope Scope, code, format string, args ...any) {
	added := Warning{Code: code, Text: fmt.Sprintf(format, args...), Scope: scope}
	if !slices.Contains(*w, added) {
		*w = append(*w, added)
	}
}

// The codes of warnings.
const (
	// Of the machine, seen before anything is measured.
	Governor       = "governor"
	TurboOn        = "turbo_on"
	SMTOn          = "smt_on"
	VirtualMachine = "virtual_machine"
	CPUQuota       = "cpu_quota"
	BusyMachine    = "busy_machine"
	GPUShared      = "gpu_shared"
	OtherDlbench   = "other_dlbench"

	// Seen while a cell was measured.
	StealTime          = "steal_time"
	ForeignLoad        = "foreign_load"
	DiskFaults         = "disk_faults"
	CPUThermal         = "cpu_thermal_limit"
	CPUThrottled       = "cpu_throttled"
	GPUThermal         = "gpu_thermal_limit"
	GPUPowerLimit      = "gpu_power_limit"
	GPUHardware        = "gpu_hardware_slowdown"
	GPULink            = "gpu_pcie_link"
	GPUECC             = "gpu_ecc_errors"
	GPUForeign         = "gpu_foreign_processes"
	ThreadsExceeded    = "threads_exceeded"
	ThreadsMismatch    = "threads_mismatch"
	ThreadsUnconfirmed = "threads_unconfirmed"
	CPUsMismatch       = "cpus_mismatch"
	DeviceUnconfirmed  = "device_unconfirmed"
	MemoryMismatch     = "memory_limit_mismatch"
	NoSteadyState      = "no_steady_state"
	ScheduleLag        = "schedule_lag"
	ScenarioSkipped    = "scenario_skipped"
	LargeRatio         = "large_ratio"

	// Of a device's own clock.
	DeviceTimeDiffers = "device_time_differs"

	// Of a network that is a file.
	OwnNetwork      = "own_network"
	WeightsConstant = "weights_constant"
	WeightsDenormal = "weights_denormal"

	// Of the campaign.
	LocalEngine    = "local_engine"
	ParityNotAsked = "parity_skipped"
	FewProcesses   = "few_processes"
	NotConverged   = "not_converged"
	BudgetEnded    = "budget"
)

// Explanation says what a code means.
type Explanation struct {
	Code    string
	Meaning string
	Remedy  string // what to do
}

// Explanations has every code that a warning may have, sorted.
var Explanations = []Explanation{
	{BudgetEnded, "the budget ended before every cell had its processes", "a longer --budget, fewer workloads"},
	{BusyMachine, "other processes computed before the run began", "stop them; wait"},
	{CPUQuota, "a control group allows dlbench less CPU time than the CPUs that it may run on", "lift the quota, or give as many whole CPUs (--cpus)"},
	{CPUThermal, "heat held a core's clock down while a cell was measured", "cooling; fewer threads; a fixed, lower clock"},
	{CPUThrottled, "the runner's control group was throttled", "lift the CPU quota"},
	{CPUsMismatch, "the process may run on other CPUs than asked", "compare with care"},
	{DeviceTimeDiffers, "the device's events and the host's clock differ by more than 1 % over the timed blocks", "look for work that is still under way when a block ends"},
	{DeviceUnconfirmed, "the framework cannot tell which GPU it computed on", "it was given only one; compare with the GPU's own utilisation"},
	{DiskFaults, "pages were read from a disk while a cell was measured", "more memory; a smaller batch"},
	{FewProcesses, "too few processes for a confidence interval", "--profile report"},
	{ForeignLoad, "other processes computed while a cell was measured", "stop them, or give the runners CPUs of their own (--cpus)"},
	{Governor, "the kernel changes the CPUs' clocks with the load", "cpupower frequency-set -g performance"},
	{GPUECC, "the GPU's memory had errors that could not be corrected while a cell was measured", "distrust its figures; have the card checked"},
	{GPUForeign, "other processes were on the GPU while a cell was measured", "stop them, or take another card"},
	{GPUHardware, "the GPU's hardware held its clocks down and named neither heat nor the power supply", "nvidia-smi -q -d PERFORMANCE; look at power supply and cooling"},
	{GPULink, "the GPU's PCIe link was narrower or slower than card and slot can do", "seat the card anew; look at the slot and the firmware's settings"},
	{GPUPowerLimit, "a power cap or the power supply's brake held a GPU's clocks down", "a higher limit (nvidia-smi -pl), or fixed, lower clocks (nvidia-smi -lgc)"},
	{GPUShared, "other processes used the GPU before the run began", "stop them; --exclusive refuses such a GPU"},
	{GPUThermal, "heat held a GPU's clocks down", "cooling; a longer pause"},
	{LargeRatio, "maintained frameworks differ by more than two on a CPU, or by 1.3 on a GPU at a large batch", "look for a mistake first: compare their terms"},
	{LocalEngine, "plain processes: limits were not enforced", "use containers"},
	{MemoryMismatch, "the kernel holds the runner to another memory limit than asked", "look at the engine's settings"},
	{NoSteadyState, "iterations were still changing when the warm-up ended", "look at the warm-up times in the record"},
	{NotConverged, "the interval is wider than the profile asks for", "a quieter machine; a longer --budget"},
	{OtherDlbench, "another dlbench was at work on the machine", "wait for it; --strict other_dlbench refuses to run beside it"},
	{OwnNetwork, "the network is a file of yours: parity is about what the file says", "hold the file against the framework that it came from"},
	{ParityNotAsked, "nothing says that the runners computed the same", "drop --no-verify"},
	{ScenarioSkipped, "a scenario that was asked for was not measured", "see the reason"},
	{ScheduleLag, "queries of the server scenario were issued late, and their latency holds that", "a quieter machine; a spare CPU"},
	{SMTOn, "two hardware threads share each core", "one thread of each core by --cpus, or echo off > /sys/devices/system/cpu/smt/control"},
	{StealTime, "the hypervisor gave CPU time to other machines while a cell was measured", "a machine of one's own; more rounds"},
	{ThreadsExceeded, "more threads computed at a time than were asked for", "look at the terms; compare with care"},
	{ThreadsMismatch, "the framework says it uses another number of threads than asked", "compare with care"},
	{ThreadsUnconfirmed, "nobody tells how many threads the framework uses", "see how many were busy; compare with care"},
	{TurboOn, "clocks depend on heat and on how many cores are busy", "echo 0 > /sys/devices/system/cpu/cpufreq/boost, or 1 > /sys/devices/system/cpu/intel_pstate/no_turbo"},
	{VirtualMachine, "other machines share the processor, and the hypervisor hides its clocks", "hardware of one's own"},
	{WeightsConstant, "weights of the file are one number, repeated: parity tells little of channels that are all alike", "--weights generated"},
	{WeightsDenormal, "weights of the file are denormal: frameworks that flush them and those that do not may differ 40-fold", "--weights generated; clean the file"},
}

// Explain is the explanation of a code, false when there is none.
func Explain(code string) (Explanation, bool) {
	for _, e := range Explanations {
		if e.Code == code {
			return e, true
		}
	}
	return Explanation{}, false
}
